"""Print the lower bound of every dependency in pyproject.toml as a constraint for pip: `name==version`."""

import re
import tomllib
from pathlib import Path


project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
for requirement in (*project["dependencies"], *extras["results"], *extras["data"], *extras["dev"]):
    found = re.match(r"([\w-]+)>=([\d.]+)", requirement)
    if found:
        print(f"{found[1]}=={found[2]}")
