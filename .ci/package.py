"""Build wheel and sdist, and try both as a user would: in clean environments, outside of the checkout.

The wheel is installed with its dependencies and runs ten lines; the sdist must build the same wheel. Metadata and files
are read: licence, type marker, classifiers, and that every extra resolves.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path


ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
TEN_LINES = """
import jax
jax.config.update("jax_enable_x64", True)
import grokjax
from grokjax.systems import power_unit as pu

assert "site-packages" in grokjax.__file__, grokjax.__file__
system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
run = pu.simulate(jax.random.key(0), system, num_members=8, num_steps=300, progress=False)
print(grokjax.compare(pu.predict(system), run))
print("grokjax", grokjax.__version__, "from", grokjax.__file__)
"""


def run(*command: object, cwd: Path = ROOT) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def check_files(wheel: Path, sdist: Path, project: dict) -> None:
    """What a wheel and an sdist must hold."""
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
        metadata = archive.read(next(name for name in inside if name.endswith(".dist-info/METADATA"))).decode()
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "grokjax").rglob("*.py")}
    wanted = {*modules, "grokjax/py.typed"}
    assert wanted <= set(inside), wanted - set(inside)
    assert any(name.endswith("licenses/LICENSE") for name in inside), "the licence is missing"
    assert not any(name.startswith(("tests", "examples", "docs")) for name in inside), "only the library is installed"
    for line in (*project["classifiers"], f"Version: {project['version']}", "License-Expression: Apache-2.0"):
        assert line in metadata, line
    extras = set(re.findall(r"^Provides-Extra: (\S+)", metadata, flags=re.MULTILINE))
    assert extras == set(project["optional-dependencies"]), extras
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    wanted = {"LICENSE", "README.md", "pyproject.toml", "CITATION.cff", "Makefile", ".ci/pages.py", "tests/conftest.py"}
    assert wanted | modules <= names, (wanted | modules) - names


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for old in DIST.glob("grokjax-*"):
        old.unlink()
    run(sys.executable, "-m", "build", "--outdir", DIST)  # the wheel is built from the sdist
    wheel, sdist = next(DIST.glob("*.whl")), next(DIST.glob("*.tar.gz"))
    check_files(wheel, sdist, project)
    print(
        f"built {wheel.name} ({wheel.stat().st_size // 1000} kB) and {sdist.name} ({sdist.stat().st_size // 1000} kB)"
    )
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean"
        venv.create(clean, with_pip=True)
        pip = (clean / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
        run(*pip, "install", "--quiet", wheel, cwd=clean)
        run(*pip, "check", cwd=clean)
        (clean / "ten_lines.py").write_text(TEN_LINES)
        print(run(clean / "bin" / "python", "-W", "error::ImportWarning", "ten_lines.py", cwd=clean).strip())
        for extra in project["optional-dependencies"]:
            if extra in ("cuda-aot", "tpu-aot"):  # compilers, whose versions `make test-aot` fixes
                continue
            resolved = run(*pip, "install", "--quiet", "--dry-run", "--report", "-", f"{wheel}[{extra}]", cwd=clean)
            print(f"extra {extra}: resolves, {resolved.count('download_info')} packages more")


if __name__ == "__main__":
    main()
