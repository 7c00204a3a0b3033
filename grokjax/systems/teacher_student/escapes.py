"""How long neurons of sampled networks stay in the centre: first passages, going on from a ladder of replicas."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..._checks import argument_error, check_whole
from ...evidence.escape import EscapeTimes, first_passages
from ...results import Run
from ...samplers import Langevin, stability_limits
from .experiment import NeuronOverlap


class Specialisation(eqx.Module):
    """Measurement: $|q_i|$ of every neuron."""

    overlap: NeuronOverlap

    def __call__(self, key: Any, state: Any) -> Float[Array, " width"]:
        return jnp.abs(self.overlap(key, state))


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
    """
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
    target, truth = pick(run.problem.target), pick(run.problem.truth)
    first, second = jax.random.split(key)
    limit = stability_limits(first, Langevin(0.1), target, positions).min()
    sampler = Langevin(Langevin.safe_fraction * float(limit))
    measure = Specialisation(NeuronOverlap(target.prior_scales.read_in, truth.direction))
    return first_passages(
        second, target, positions, sampler, measure, beyond=beyond, inside=inside, num_steps=num_steps, record_every=2
    )
