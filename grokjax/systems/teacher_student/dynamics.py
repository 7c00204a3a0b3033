"""What goes on from the last networks of a ladder: waiting times of neurons, restrained windows, loops of the noise."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Scalar

from ..._checks import argument_error, check_whole
from ...evidence.escape import EscapeTimes, first_passages
from ...evidence.ramp import Ramp, ramp
from ...evidence.umbrella import Umbrella, umbrella as windows
from ...networks import TwoLayer
from ...results import Run
from ...samplers import Langevin, stability_limits
from .experiment import NeuronOverlap


class Specialisation(eqx.Module):
    """Measurement: $|q_i|$ of every neuron."""

    overlap: NeuronOverlap

    def __call__(self, key: Any, state: Any) -> Float[Array, " width"]:
        return jnp.abs(self.overlap(key, state))


class FirstNeuron(eqx.Module):
    """Measurement: $q$ of the first neuron."""

    overlap: NeuronOverlap

    def __call__(self, key: Any, state: Any) -> Scalar:
        return self.overlap(key, state)[0]


def escapes(
    key: Key[Array, ""], run: Run, rung: int, *, inside: float, beyond: float, num_steps: int = 4000
) -> EscapeTimes:
    """Waiting times of all central neurons of a run's last networks until they are specialised, in overdamped dynamics.

    Time is that of Langevin dynamics in whitened coordinates, as `neuron_escape` has it; the step is an eighth of the
    largest stable one.

    Args:
        key: random key.
        run: on a ladder of replicas, with its states.
        rung: which noise.
        inside: largest |q| of a neuron that counts as central at the start, such as the saddle.
        beyond: |q| of the side well.
        num_steps: of the dynamics.

    Raises:
        ValueError: the run has no ladder or no states, there is no such rung, or no neuron escaped.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> ladder = ts.simulate(
        ...     jax.random.key(0), system, exchange=grokjax.ReplicaExchange([0.3, 0.4]), num_members=2, num_steps=24,
        ...     num_witnesses=0, progress=False,
        ... )
        >>> times = ts.escapes(jax.random.key(1), ladder, 0, inside=0.3, beyond=0.4, num_steps=200)
        >>> round(float(times.mean_time.error / times.mean_time.mean * times.events**0.5), 6)
        1.0
    """
    target, truth, positions = _last_networks(run, rung)
    first, second = jax.random.split(key)
    sampler = Langevin(Langevin.safe_fraction * float(stability_limits(first, Langevin(0.1), target, positions).min()))
    measure = Specialisation(NeuronOverlap(target.prior_scales.read_in, truth.direction))
    return first_passages(
        second, target, positions, sampler, measure, beyond=beyond, inside=inside, num_steps=num_steps
    )


def umbrella(
    key: Key[Array, ""], run: Run, rung: int, *, centres: Any, stiffness: float | None = None, num_steps: int = 2000
) -> Umbrella:
    r"""$F(q)$ of one neuron on a rung of a ladder, from windows that restrain it while all other weights are free.

    All neurons have one law, so this is the profile of each. A window starts from the run's last network of its data
    set, with the neuron restrained that is nearest to its centre: the others stay as they are in equilibrium.

    Args:
        key: random key.
        run: on a ladder of replicas, with its states.
        rung: which noise.
        centres: of the windows, such as `np.linspace(-0.1, 1.2, 27)`.
        stiffness: of the restraints; one over the squared spacing unless given.
        num_steps: of every window.

    Raises:
        ValueError: the run has no ladder or no states, there is no such rung, or windows do not overlap, see
            `grokjax.evidence.umbrella`.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> ladder = ts.simulate(
        ...     jax.random.key(0), system, exchange=grokjax.ReplicaExchange([0.3, 0.4]), num_members=2, num_steps=24,
        ...     num_witnesses=0, progress=False,
        ... )
        >>> found = ts.umbrella(jax.random.key(1), ladder, 0, centres=np.linspace(0.0, 0.6, 7), num_steps=60)
        >>> found.coordinates.shape[:2], round(found.stiffness)
        ((2, 7), 100)
    """
    target, truth, networks = _last_networks(run, rung)
    overlap = NeuronOverlap(target.prior_scales.read_in, truth.direction)
    even, chosen = target.penalty is None, jnp.asarray(centres, jnp.float32)
    near = jax.vmap(lambda network, scale, w: _nearest(network, scale * (network.read_in @ w), chosen, even))
    positions = near(networks, overlap.scale, overlap.direction)
    options: dict[str, Any] = {"centres": centres, "stiffness": stiffness, "num_steps": num_steps}
    return windows(key, target, positions, FirstNeuron(overlap), **options)


def loop(key: Key[Array, ""], run: Run, *, rate: float) -> Ramp:
    """A loop of 1/noise over the whole ladder of a run, of its last networks at the hot end, in overdamped dynamics.

    All members go through it on the first data set; the step is a sixteenth of the largest stable one.

    Args:
        key: random key.
        run: on a ladder of replicas, with its states.
        rate: of change of 1/noise.

    Raises:
        ValueError: the run has no ladder or no states, the rate is not positive, or a loop diverged.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> ladder = ts.simulate(
        ...     jax.random.key(0), system, exchange=grokjax.ReplicaExchange([0.3, 0.4]), num_members=2, num_steps=24,
        ...     num_witnesses=0, progress=False,
        ... )
        >>> found = ts.loop(jax.random.key(1), ladder, rate=0.1)
        >>> found.work.mean.shape, found.upwards.shape == found.downwards.shape
        ((), True)
    """
    noise = np.ravel(np.asarray(run.system.noise_variance))
    (hot, _, networks), (cold, _, _) = (_last_networks(run, int(find(noise))) for find in (np.argmax, np.argmin))
    first = lambda tree: jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, tree)
    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[:1], leaf.shape), networks)
    limit = stability_limits(key, Langevin(0.1), cold, start).min()
    ends = {"low": 1 / noise.max(), "high": 1 / noise.min()}
    return ramp(key, first(hot), start, Langevin(float(limit) / 16), **ends, rate=rate)


def _last_networks(run: Run, rung: int) -> tuple[Any, Any, Any]:
    """The posteriors, teachers and last networks of all members on one rung of a ladder."""
    states = getattr(run.ensemble, "states", None)
    if run.exchange is None or states is None or run.problem is None:
        raise argument_error("run", "on a ladder, with its problems and states", "another", "Use the whole run.")
    points, members = run.layout.num_points, run.layout.num_members
    if not 0 <= check_whole("rung", rung, 0) < points:
        raise argument_error("rung", f"below {points}", rung, "Rungs count from zero.")
    ladders = jax.vmap(lambda state: state.in_order.position)(states)
    positions = jax.tree.map(lambda leaf: leaf[:members, rung], ladders)
    entries = np.arange(members) * points + rung
    pick = lambda tree: jax.tree.map(lambda leaf: leaf[entries] if eqx.is_array(leaf) else leaf, tree)
    return pick(run.problem.target), pick(run.problem.truth), positions


def _nearest(network: TwoLayer, q: Float[Array, " width"], centres: Float[Array, " windows"], even: bool) -> TwoLayer:
    """A network for every window, its first neuron the one nearest to the centre, up to the sign where that is free."""

    def of(centre):
        sign = jnp.where(even & (q * centre < 0), -1.0, 1.0).astype(q.dtype)
        index = jnp.argmin(jnp.abs(sign * q - centre))
        order = jnp.arange(len(q)).at[0].set(index).at[index].set(0)
        flip = jnp.ones_like(q).at[0].set(sign[index])
        return TwoLayer(
            network.read_in[order] * flip[:, None], network.read_out[:, order] * flip[None], network.activation
        )

    return jax.vmap(of)(centres)
