"""The evidence of theory on the data sets of a run, to be compared with that of its networks data set by data set."""

import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import argument_error
from ...results import Run
from .theory import DataEvidence, data_evidence


def evidence_of_run(run: Run, *, num_draws: int = 128) -> DataEvidence:
    """`data_evidence` at the hottest and the coldest rung, on every data set of a ladder.

    Args:
        run: on a ladder of replicas, with its problems.
        num_draws: as in `data_evidence`.

    Returns:
        Arrays of shape (dataset, 2): hottest, coldest.

    Raises:
        ValueError: the run has no ladder or no problems, or 64-bit floats are off.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> ladder = ts.simulate(
        ...     jax.random.key(0), system, exchange=grokjax.ReplicaExchange([0.3, 0.4]), num_members=2, num_steps=24,
        ...     num_witnesses=0, progress=False,
        ... )
        >>> ts.evidence_of_run(ladder, num_draws=8).total.shape
        (2, 2)
    """
    if run.exchange is None or run.problem is None:
        raise argument_error("run", "on a ladder, with its problems", "another", "Use the whole run.")
    noise = np.ravel(np.asarray(run.system.noise_variance))
    entries = np.arange(run.layout.num_datasets) * len(noise)
    target, teacher = run.problem.target, run.problem.truth
    return data_evidence(
        jax.tree.map(lambda leaf: jnp.ravel(leaf)[0], run.system), target.inputs[entries], target.targets[entries, 0],
        [noise.max(), noise.min()], directions=teacher.direction[entries], num_draws=num_draws,
    )  # fmt: skip
