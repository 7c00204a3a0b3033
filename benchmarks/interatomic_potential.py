"""Force evaluations per second of embedded atoms: titanium, 128 atoms, against ase and, where installed, jax-md.

Four rows in one run: automatic differentiation and the analytic forces over the static list, the tabulated form that
the dynamics uses (all in 32 bits, four replicas one after the other in one call, as in a simulation), and ase's EAM
calculator on splines of the same functions, a NumPy loop with its own neighbour list. `largest_difference` is that of
the forces against the analytic ones in 64 bits, so that all rows compute the same thing.

    python benchmarks/interatomic_potential.py [--atoms 128] [--repeats 7]
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
from _report import table, write

from grokjax.systems import interatomic_potential as ip
from grokjax.systems.interatomic_potential.potentials import Titanium
from grokjax.systems.interatomic_potential.sampling import in_single


REPLICAS = 4


def timed(function, repeats: int) -> tuple[float, float]:
    """Best wall and processor time of a call."""
    function()
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def ours(system, displacement, repeats: int) -> list[dict]:
    """Rows of the three forms."""
    phase, strain = system.phases[1], jnp.zeros(3)
    exact = system.energy.energy_and_gradient(system.theta, phase, displacement[0], strain)[1]
    phase, theta, y, strain = in_single((phase, system.theta, displacement, strain))
    by_grad = jax.value_and_grad(lambda y: system.energy(theta, phase, y, strain))
    quick = in_single(system.energy.for_dynamics(system.theta))
    forms = {
        "automatic differentiation": by_grad,
        "analytic, no scatter": lambda y: system.energy.energy_and_gradient(theta, phase, y, strain),
        "table of the dynamics": lambda y: quick.energy_and_gradient(None, phase, y, strain),
    }
    rows = []
    for name, one in forms.items():
        call = jax.jit(lambda y, one=one: jax.lax.map(one, y))
        wall, cpu = timed(lambda call=call: jax.block_until_ready(call(y)), repeats)
        apart = float(jnp.max(jnp.abs(call(y)[1][0] - exact)))
        rows.append(_row(name, wall / REPLICAS, cpu / REPLICAS, apart))
    return rows


def of_ase(system, displacement, repeats: int) -> list[dict]:
    """The row of ase's calculator; none where it is not installed."""
    try:
        from ase import Atoms

        calculator = ip.ase_calculator(system)
    except ImportError as error:
        print(f"no row of ase: {error}")
        return []
    phase = system.phases[1]
    places = np.asarray(phase.positions(displacement[0], jnp.zeros(3)))
    atoms = Atoms("Ti" * phase.num_atoms, positions=places, cell=np.asarray(phase.edges), pbc=True)
    atoms.calc = calculator

    def call():
        calculator.reset()
        return atoms.get_forces()

    exact = -system.energy.energy_and_gradient(system.theta, phase, displacement[0], jnp.zeros(3))[1]
    wall, cpu = timed(call, max(1, repeats // 3))
    return [_row("ase, a NumPy loop", wall, cpu, float(np.abs(call() - exact).max()))]


def of_jax_md(system, displacement, repeats: int) -> list[dict]:
    """The row of jax-md's EAM over all pairs in the minimum image; none where it is not installed."""
    try:
        from jax_md import energy, space  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        print(f"no row of jax-md: {error}")
        return []
    functions, kind, phase = Titanium(), jnp.asarray(0), system.phases[1]
    shift = space.periodic(jnp.asarray(phase.edges, jnp.float32))[0]
    inside = lambda r: jnp.clip(r, 1.0, functions.cutoff)  # the Gaussians overflow beyond, in 32 bits
    radial = lambda r: functions.radial(system.theta, inside(r), kind, kind)
    density = lambda r: jnp.where(r > 0.1, radial(r)[0], 0.0)  # jax-md counts an atom in its own density
    total = energy.eam(shift, density, functions.embed, lambda r: radial(r)[1])
    call = jax.jit(lambda x: jax.lax.map(jax.grad(total), x))
    x = jax.vmap(lambda y: phase.positions(y, jnp.zeros(3)))(displacement).astype(jnp.float32)
    wall, cpu = timed(lambda: jax.block_until_ready(call(x)), repeats)
    exact = system.energy.energy_and_gradient(system.theta, phase, displacement[0], jnp.zeros(3))[1]
    return [_row("jax-md, all pairs", wall / REPLICAS, cpu / REPLICAS, float(jnp.abs(call(x)[0] - exact).max()))]


def _row(name: str, wall: float, cpu: float, apart: float) -> dict:
    rates = {"forces_per_s": 1 / wall, "cpu_ms_per_force": 1e3 * cpu}
    return {"forces": name, **rates, "largest_difference": apart}


def main() -> None:
    parser = argparse.ArgumentParser(description="Force evaluations of titanium per second.")
    parser.add_argument("--atoms", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    system = ip.titanium(num_atoms=args.atoms)
    displacement = 0.1 * jax.random.normal(jax.random.key(0), (REPLICAS, args.atoms, 3))
    rows = ours(system, displacement, args.repeats)
    rows += of_ase(system, displacement, args.repeats) + of_jax_md(system, displacement, args.repeats)
    slowest = max(row["cpu_ms_per_force"] for row in rows)
    rows = [{**row, "speed_up": slowest / row["cpu_ms_per_force"]} for row in rows]
    table(rows)
    print(f"wrote {write('interatomic_potential', rows, atoms=args.atoms)}")


if __name__ == "__main__":
    main()
