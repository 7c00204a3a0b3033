"""Networks against networks: what of a difference to population theory is finite width, and what is finite data."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Array, Key

from ...evidence.decomposition import Decomposition, decompose as decompose_runs
from .experiment import simulate
from .system import TeacherStudent


def decompose(
    key: Key[Array, ""],
    system: TeacherStudent,
    widths: Sequence[float] = (1, 4),
    *,
    num_members: int = 64,
    num_steps: int = 1200,
    sampler: Any = None,
    droplets: Any = None,
    progress: bool = False,
) -> Decomposition:
    r"""Ensembles at the widths $mN$ on the same data sets; see `grokjax.evidence.decomposition`.

    `found.finite_width` is what the width does, paired; `found.finite_data(ts.predict(system, perpendicular="chi2"))`
    what the data do.

    Args:
        key: random key of all ensembles.
        system: at $m=1$.
        widths: factors $m$.
        num_members: networks per width, each on a data set of its own.
        num_steps: of each ensemble; a step costs $m$ times as much.
        sampler: the dynamics, underdamped Langevin unless given; its step does not depend on $m$.
        droplets: `grokjax.DropletMoves`, where specialised neurons form slowly; none unless given.
        progress: whether to show a bar.

    Raises:
        ValueError: fewer than two widths, or a factor that leaves no whole neuron.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> found = ts.decompose(jax.random.key(0), system, widths=(1, 2), num_members=2, num_steps=24)
        >>> narrow, wide = (run.problem.target.inputs for run in found.runs)
        >>> found.widths, np.array_equal(narrow, wide)
        ((1.0, 2.0), True)
    """
    options = {"num_members": num_members, "num_steps": num_steps, "num_witnesses": 2, "progress": progress}
    run = lambda scaled: simulate(key, scaled, sampler=sampler, droplets=droplets, **options)
    return decompose_runs(run, system, widths)
