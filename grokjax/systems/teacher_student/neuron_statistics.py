r"""What neurons of sampled students are like: their latent kernel in the teacher's modes, and how Gaussian they are.

The latent kernel $Q_{kl} = \sigma_a^2\langle g_kg_l\rangle$ over a network's neurons has an outlier along each mode
that is learned; theory's is `predict(system).kernel`. A mode without a target, such as `teacher={1: 1, 3: -0.3, 5: 0}`,
shows what specialised neurons add on their own. Weights are Gaussian before the transition, with kurtosis
$\langle x^4\rangle/\langle x^2\rangle^2 = 3$ in every direction; after it they are a mixture along the teacher, and
Gaussian across it.

References:
    arXiv:2310.03789, sections 3 and 4.1.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._checks import argument_error, check_instance
from ...evidence.statistics import Estimate
from ...results import Run
from .experiment import Students
from .quadrature import neuron_features


class NeuronStatistics(eqx.Module):
    r"""Estimates over data sets, from last states; of shape (*sweep, ...).

    Attributes:
        kernel: $Q_{kl}$ in the order of the teacher's degrees, shape (*sweep, mode, mode).
        kurtosis_along: of $w\cdot w^*$ over a network's neurons.
        kurtosis_across: of the components of $w$ in random directions orthogonal to the teacher.
        side_kurtosis: of $|w\cdot w^*|$ among specialised neurons, about their mean; nan without four of them.
        degrees: of the teacher.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> run = ts.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> statistics = ts.neuron_statistics(run)
        >>> statistics.degrees, statistics.kernel.mean.shape, statistics.kurtosis_along.mean.shape
        ((1, 3), (2, 2), ())
    """

    kernel: Estimate
    kurtosis_along: Estimate
    kurtosis_across: Estimate
    side_kurtosis: Estimate
    degrees: tuple[int, ...] = eqx.field(static=True)


def neuron_statistics(run: Run, *, num_directions: int = 8) -> NeuronStatistics:
    """Latent kernel and kurtosis of the neurons of a run.

    Args:
        run: of this system, with its last states.
        num_directions: random directions across the teacher, in each network.

    Raises:
        ValueError: the run is of another system, or has no states.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> run = ts.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> kernel = ts.neuron_statistics(run).kernel.mean
        >>> bool(kernel[0, 0] > kernel[1, 1])  # the linear mode is seen more than the cubic one
        True
    """
    check_instance("run", run, Run)
    check_instance("run.experiment", run.experiment, Students, "Take a run of teacher_student.")
    if run.problem is None or run.ensemble is None or run.ensemble.states is None:
        raise argument_error("run", "one with its last states", "a copy without them", "Take the run itself.")
    truth, target = run.problem.truth, run.problem.target
    keys = jax.random.split(jax.random.key(0), run.layout.num_entries)
    members = run.layout.repeat(run.system.readout_variance), run.layout.repeat(run.system.weight_variance)

    def one(key, target, truth, position, variances):
        readout_variance, _ = variances
        weights = target.network(position).read_in.astype(float)
        direction = truth.direction.astype(float)
        q = weights @ direction
        rest = weights - jnp.outer(q, direction)
        features = neuron_features(run.system, q, jnp.sum(rest**2, axis=-1))
        across = rest @ jax.random.normal(key, (len(direction), num_directions), float)
        side = jnp.abs(q) > truth.side_threshold
        return (
            readout_variance * features.T @ features / len(features),
            _kurtosis(q[:, None], jnp.ones_like(q))[0],
            jnp.mean(_kurtosis(across, jnp.ones_like(q))),
            _kurtosis((jnp.abs(q) - jnp.sum(jnp.abs(q) * side) / jnp.sum(side))[:, None], side.astype(float), 4)[0],
        )

    positions = _positions(run)
    found = eqx.filter_jit(eqx.filter_vmap(one))(keys, target, truth, positions, members)
    estimates = [run.estimate(np.asarray(run.layout.fold(values))) for values in found]
    return NeuronStatistics(*estimates, degrees=tuple(run.system.teacher))


def _positions(run: Run) -> Any:
    """The last networks, one an entry; on a ladder each on its own rung."""
    states = run.ensemble.states
    if run.exchange is None:
        return jax.tree.map(jnp.asarray, states.position)
    ladders = jax.vmap(lambda state: state.in_order.position)(states)
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), ladders)


def _kurtosis(values: Array, weights: Array, least: int = 1) -> Any:
    """Of every column about zero, over weighted rows; nan with fewer rows than `least`."""
    count = jnp.sum(weights)
    second = weights @ values**2 / count
    return jnp.where(count >= least, weights @ values**4 / count / second**2, jnp.nan)
