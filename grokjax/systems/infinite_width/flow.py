r"""Gradient flow to its end, as a trainer behind the protocol of samplers.

`ExponentialFlow` freezes the tangent kernel for a step of adaptive length $\tau$ and integrates the residuals exactly,

$$ \hat e = e^{-K\tau}e, \qquad E = \frac1n\int_0^\tau e^{-Ks}e\,ds, \qquad \Delta W_l = -\rho_l\,\nabla f\cdot E . $$

A linear model is solved in one step, so the kernel regime takes ten or so; a condensed network takes hundreds. A step
is accepted if no block changes by more than $2\epsilon$ of itself and the residuals end where they should up to
$\epsilon$. The error is compared with at least a fifth of the residual: near a kink of a ReLU the flow slides along it,
and a purely relative test would reject for ever.

Members end one by one: the goal is reached, or the flow is stuck at a positive loss because no unit is active on some
sample. One step of the protocol is a burst of trial steps, so that a block of members that have ended costs nothing.
"""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from ..._checks import as_scalar, check_positive, check_whole
from ...samplers.base import About, AbstractSampler
from ...status import Status, choose_status
from .network import Blocks, Features, FlowProblem


class FlowState(eqx.Module):
    r"""Where a member is.

    Attributes:
        position: displacements of all blocks.
        energy: mean squared error in units of the mean squared target.
        features: of the samples at `position`.
        residual: $e$.
        time_step: $\tau$ to try next.
        largest: largest squared norm of the displacements so far, by block.
        stuck: whether the kernel does not see the residual.
    """

    position: Blocks
    energy: Float[Array, "*members"]
    features: Features
    residual: Float[Array, "*members samples"]
    time_step: Float[Array, "*members"]
    largest: Blocks
    stuck: Bool[Array, "*members"]


class AbstractFlow(AbstractSampler):
    """A flow from displacement zero to the goal.

    Attributes:
        goal: mean squared error, in units of the mean squared target, at which a member has converged.
        burst: trial steps in one step of the protocol.
    """

    goal: eqx.AbstractVar[Any]
    burst: eqx.AbstractVar[int]

    @property
    def about(self) -> About:
        """It has no stationary law, and members end one by one."""
        return About(samples=False, steps=self.burst, ends=True)

    @abc.abstractmethod
    def trial(self, target: FlowProblem, state: FlowState) -> FlowState:
        """One trial step, which may be rejected."""

    def init(self, key: Key[Array, ""], target: FlowProblem, position: Blocks) -> FlowState:
        del key
        nowhere = jax.tree.map(lambda block: jnp.zeros((), block.dtype), position)
        state = state_at(target, position, jnp.zeros_like(target.log_kappa), nowhere, jnp.asarray(False))
        kernel = target.kernel(state.features, target.backward(position, state.features))
        return eqx.tree_at(lambda s: s.time_step, state, 1e-2 / jnp.trace(kernel))

    def step(self, key: Key[Array, ""], target: FlowProblem, state: FlowState) -> FlowState:
        del key
        running = lambda carry: (carry[0] < self.burst) & (self.finished(carry[1]) == int(Status.RUNNING))
        one = lambda carry: (carry[0] + 1, self.trial(target, carry[1]))
        return jax.lax.while_loop(running, one, (jnp.zeros((), jnp.int32), state))[1]

    def finished(self, state: FlowState) -> Array:
        """REACHED at the goal, STUCK where the flow stands still before it."""
        return choose_status(
            (state.energy <= self.goal, Status.REACHED), (state.stuck, Status.STUCK), otherwise=Status.RUNNING
        )


class ExponentialFlow(AbstractFlow):
    r"""Adaptive exponential Euler steps.

    Attributes:
        tolerance: $\epsilon$; displacements come out 0.3 to 4 % too large at 0.1, and within 0.5 % at 0.02.
        goal: see `AbstractFlow`.
        burst: see `AbstractFlow`.

    Raises:
        ValueError: a number is not positive.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> flow = iw.ExponentialFlow(tolerance=0.02)
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.75]), width=10)
        >>> run = iw.train(jax.random.key(0), network, sampler=flow, num_members=2, progress=False)
        >>> grokjax.status.describe(run.status)
        '4 goal reached'
    """

    tolerance: Any = eqx.field(converter=as_scalar, default=0.1)
    goal: Any = eqx.field(converter=as_scalar, default=3e-6)
    burst: int = eqx.field(static=True, default=64)

    def __check_init__(self):
        _check(self, "tolerance")

    def trial(self, target: FlowProblem, state: FlowState) -> FlowState:
        e, tau, position = state.residual, state.time_step, state.position
        back = target.backward(position, state.features)
        rates, modes = jnp.linalg.eigh(target.kernel(state.features, back))
        x = jnp.maximum(rates, 0) * tau
        mean_decay = jnp.where(x < 1e-3, 1 - x / 2, -jnp.expm1(-x) / jnp.where(x < 1e-3, 1.0, x))
        amplitude = e @ modes
        expected = modes @ (jnp.exp(-x) * amplitude)
        impulse = modes @ (tau * mean_decay * amplitude) / len(e)
        steps = target.update(state.features, back, impulse)

        new = state_at(target, jax.tree.map(jnp.add, position, steps), tau, state.largest, state.stuck)
        floor = jnp.maximum(_norm(expected - e), 0.2 * _norm(e))
        change = target.relative_change(position, state.features, steps)
        excess = jnp.maximum(change / 2, _norm(new.residual - expected) / floor) / jnp.asarray(self.tolerance, e.dtype)
        excess = jnp.where(jnp.isfinite(excess), excess, jnp.inf)
        # 0.8 aims below the limit; beyond a factor 3 the next step would mostly be rejected.
        longer = tau * jnp.clip(0.8 / excess, 0.2, 3.0)
        smallest = 4 * jnp.finfo(e.dtype).eps * rates[-1]  # rounding of the kernel's eigenvalues
        kept = jax.tree.map(lambda a, b: jnp.where(excess <= 1, a, b), new, state)
        stuck = _norm(rates * amplitude) <= smallest * _norm(e)
        return eqx.tree_at(lambda s: (s.time_step, s.stuck), kept, (jnp.minimum(longer, 1 / smallest), stuck))


class DescentFlow(AbstractFlow):
    r"""Full-batch gradient descent with the rate $c/\lambda_{\max}(K)$ of the present kernel: a referee for the flow.

    Attributes:
        rate: $c$, below 2.
        goal: see `AbstractFlow`.
        burst: see `AbstractFlow`.

    Raises:
        ValueError: a number is not positive.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> descent = iw.DescentFlow(goal=1e-2)
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.75]), width=10)
        >>> run = iw.train(jax.random.key(0), network, sampler=descent, num_members=2, progress=False)
        >>> grokjax.status.describe(run.status)
        '4 goal reached'
    """

    rate: Any = eqx.field(converter=as_scalar, default=1.0)
    goal: Any = eqx.field(converter=as_scalar, default=3e-6)
    burst: int = eqx.field(static=True, default=64)

    def __check_init__(self):
        _check(self, "rate")

    def trial(self, target: FlowProblem, state: FlowState) -> FlowState:
        back = target.backward(state.position, state.features)
        kernel = target.kernel(state.features, back)
        largest = jnp.linalg.eigvalsh(kernel)[-1]
        tau = jnp.asarray(self.rate, largest.dtype) / largest
        steps = target.update(state.features, back, tau * state.residual / len(state.residual))
        new = state_at(target, jax.tree.map(jnp.add, state.position, steps), tau, state.largest, state.stuck)
        floor = 4 * jnp.finfo(new.residual.dtype).eps * largest
        return eqx.tree_at(lambda s: s.stuck, new, _norm(kernel @ new.residual) <= floor * _norm(new.residual))


def state_at(target: FlowProblem, position: Blocks, time_step: Array, largest: Blocks, stuck: Array) -> FlowState:
    """The state at a position.

    Args:
        target: what the member trains.
        position: displacements of all blocks.
        time_step: to try next.
        largest: squared norms of the displacements so far.
        stuck: whether the flow stands still.
    """
    features = target.features(position)
    residual = target.residual(features.output)
    furthest = jax.tree.map(lambda block, old: jnp.maximum(jnp.sum(block**2), old), position, largest)
    return FlowState(position, relative_error(residual, target), features, residual, time_step, furthest, stuck)


def relative_error(residual: Float[Array, " samples"], target: FlowProblem) -> Float[Array, ""]:
    """Mean squared error in units of the mean squared target."""
    return jnp.mean(residual**2) / jnp.mean(target.targets**2)


def _norm(vector: Array) -> Array:
    return jnp.sqrt(jnp.sum(vector**2))


def _check(flow: Any, name: str) -> None:
    check_positive(name, getattr(flow, name))
    check_positive("goal", flow.goal)
    check_whole("burst", flow.burst)
