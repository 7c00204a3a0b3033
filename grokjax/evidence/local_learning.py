r"""The local learning coefficient: how many directions around a trained network the data hold.

Chains sample $e^{-bS-\gamma|\theta-\theta^*|^2/2}$ around $\theta^*$, and

$$ \hat\lambda=b\,[\langle S\rangle-S(\theta^*)] . $$

Where the loss is quadratic, with curvatures $x_i=bh_i$, this is $\frac12\sum_ix_i/(x_i+\gamma)$: half the number of
directions that the data hold more firmly than the restraint. Two biases are measured beside it: of the step, by chains
at half of it, and of the restraint, by chains at half of that. $\theta^*$ has to be a minimum, or $\hat\lambda$ may be
negative.

References:
    Lau, Furman, Wang, Murfet & Wei, arXiv:2308.12108; Watanabe, arXiv:1208.6338.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree, Scalar

from .. import ensemble
from .._checks import argument_error, check_at_least, check_positive
from .._tree import Shared, tree_add, tree_dot
from ..observables import RunningMoments
from ..samplers.base import AbstractSampler
from ..samplers.underdamped import UnderdampedLangevin
from .statistics import LARGEST_Z, Estimate, over_members, z_score


class LocalLearning(eqx.Module):
    r"""The coefficient and what it depends on.

    Attributes:
        coefficient: $\hat\lambda$, error over chains.
        step_bias: $\hat\lambda$ at the step less that at half the step.
        restraint_bias: $\hat\lambda$ at the restraint less that at half of it; a direction held as firmly by both
            contributes.
        lowest: $S(\theta^*)$.

    Examples:
        >>> from grokjax.evidence.local_learning import local_learning_coefficient
        >>> found = local_learning_coefficient(
        ...     jax.random.key(0), lambda x: x[:2] @ x[:2] / 2, jnp.zeros(3), inverse_noise=10.0, restraint=0.1,
        ...     sampler=grokjax.UnderdampedLangevin(0.1), num_steps=2000,
        ... )
        >>> found.lowest, bool(abs(found.step_bias.mean) < 5 * found.step_bias.error)
        (0.0, True)
    """

    coefficient: Estimate
    step_bias: Estimate
    restraint_bias: Estimate
    lowest: float

    def __repr__(self) -> str:
        return (
            f"local learning coefficient {self.coefficient} (step {self.step_bias}, restraint {self.restraint_bias}), "
            f"S(w*) = {self.lowest:.4g}{', w* is no minimum' if z_score(self.coefficient, 0.0) < -LARGEST_Z else ''}"
        )


class Restrained(eqx.Module):
    r"""The energy $bS+\gamma|\theta-\theta^*|^2/2$.

    Attributes:
        loss: $S$.
        centre: $\theta^*$.
        inverse_noise: $b$.
        restraint: $\gamma$.

    Examples:
        >>> from grokjax.evidence.local_learning import Restrained
        >>> energy = Restrained(lambda x: jnp.sum(x**2), jnp.ones(2), jnp.asarray(3.0), jnp.asarray(4.0))
        >>> float(energy(jnp.zeros(2))), float(energy(jnp.ones(2)))
        (4.0, 6.0)
    """

    loss: Callable[[Any], Scalar]
    centre: PyTree
    inverse_noise: Array
    restraint: Array

    def __call__(self, position: PyTree) -> Scalar:
        away = tree_add(position, (-1.0, self.centre))
        return self.inverse_noise * self.loss(position) + self.restraint / 2 * tree_dot(away, away)


class _Excess(eqx.Module):
    """Measurement: $b(S-S(\\theta^*))$; all chains share loss and centre."""

    target: Shared

    def __call__(self, key: Any, state: Any) -> Scalar:
        del key
        target = self.target.value
        return target.inverse_noise * (target.loss(state.position) - target.loss(target.centre))


def local_learning_coefficient(
    key: Key[Array, ""],
    loss: Callable[[Any], Scalar],
    centre: PyTree,
    *,
    inverse_noise: float,
    restraint: float,
    sampler: AbstractSampler | None = None,
    num_chains: int = 64,
    num_steps: int = 4000,
) -> LocalLearning:
    r"""Sample around a minimum of a loss.

    Args:
        key: random key.
        loss: $S$, a module or function of a position.
        centre: $\theta^*$.
        inverse_noise: $b$; for a loss that is a sum over $n$ samples Watanabe's choice is $1/\log n$ of the full one.
        restraint: $\gamma$, zero for none.
        sampler: underdamped Langevin unless given; it must have a step.
        num_chains: independent chains for each of three settings.
        num_steps: a fifth of them is warm-up.

    Raises:
        ValueError: a number is out of its range, or chains diverged.

    Examples:
        >>> from grokjax.evidence.local_learning import local_learning_coefficient
        >>> found = local_learning_coefficient(
        ...     jax.random.key(0), lambda x: x[:2] @ x[:2] / 2, jnp.zeros(3), inverse_noise=10.0, restraint=0.1,
        ...     sampler=grokjax.UnderdampedLangevin(0.1), num_steps=2000,
        ... )
        >>> round(float(found.coefficient.mean), 1)  # half the number of directions that the loss holds
        1.0
    """
    check_positive("inverse_noise", inverse_noise)
    check_at_least("restraint", restraint, 0.0)
    sampler = UnderdampedLangevin() if sampler is None else sampler
    step = getattr(sampler, "step_size", None)
    if step is None:
        raise argument_error("sampler", "one with a step size", sampler, "Try UnderdampedLangevin(0.1).")
    kinds, width = 3, num_chains
    chain = np.repeat(np.arange(kinds), width)
    steps = jnp.asarray(np.array([1.0, 0.5, 1.0])[chain]) * step
    restraints = jnp.asarray(np.array([1.0, 1.0, 0.5])[chain] * restraint)
    target = Restrained(loss, centre, jnp.asarray(float(inverse_noise)), restraints)
    axes = eqx.tree_at(lambda t: t.restraint, jax.tree.map(lambda _: None, target), 0, is_leaf=lambda x: x is None)
    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (kinds * width, *jnp.shape(leaf))), centre)
    found = ensemble.run(
        key,
        eqx.tree_at(lambda s: s.step_size, sampler, steps),
        target,
        start,
        target_axes=axes,
        observables={"excess": RunningMoments(_Excess(Shared(target)))},
        num_steps=num_steps,
        warmup=num_steps // 5,
        record_every=max(1, num_steps // 1000),
        progress=False,
    )
    excess = np.asarray(found.results["excess"].mean, np.float64).reshape(kinds, width)
    lowest = float(loss(centre))
    if np.asarray(found.diverged).any() or not np.isfinite(excess).all():
        raise argument_error("sampler", "stable around the minimum", "chains that diverged", "Use a smaller step.")
    one, half, loose = (over_members(row) for row in excess)
    less = lambda a, b: Estimate(a.mean - b.mean, np.hypot(a.error, b.error))
    return LocalLearning(one, less(one, half), less(one, loose), lowest)
