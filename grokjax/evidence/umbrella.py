r"""The profile of a coordinate across a high barrier, from restrained windows: umbrella sampling.

Window $j$ samples $e^{-U-\kappa(q-q_j)^2/2}$. Only $q$ knows the restraint, so MBAR over the windows of a member gives
every sample its weight without any, and with them $F(q)=-\log p(q)$ up to a constant, between the first window and the
last. A stiffness of one over the squared spacing lets neighbours overlap; it has to exceed $-F''$ at the barrier, or
windows slide off it: then neighbours have a gap, which is refused.

References:
    Torrie & Valleau, J. Comput. Phys. 23, 187 (1977); Shirts & Chodera, J. Chem. Phys. 129, 124105 (2008).
"""

import types
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree, Scalar

from .. import ensemble
from .._checks import argument_error, check_finite, check_positive, check_x64
from .._tree import leading_axes, map_members
from ..observables import Measure, Series
from ..samplers import UnderdampedLangevin, stability_limits
from ..samplers.base import AbstractSampler, Energy
from ..status import describe, succeeded
from .free_energy import SMALLEST_OVERLAP
from .ladder import statistical_inefficiency
from .profile import Profile, profile_on
from .reweighting import Reweighting, mbar


BINS_PER_WINDOW = 4


class Window(eqx.Module):
    r"""The energy $U+\kappa(q-q_j)^2/2$.

    Attributes:
        energy: $U$.
        coordinate: the measurement of $q$.
        centre: $q_j$.
        stiffness: $\kappa$.

    Examples:
        >>> from grokjax.evidence.umbrella import Window
        >>> first = lambda key, state: state.position[0]
        >>> window = Window(lambda x: x @ x / 2, first, centre=2.0, stiffness=10.0)
        >>> float(window(jnp.array([2.0])))  # at the centre of the window only the energy is left
        2.0
    """

    energy: Any
    coordinate: Any
    centre: Any
    stiffness: float = eqx.field(static=True)

    def __call__(self, position: PyTree) -> Scalar:
        q = self.coordinate(None, types.SimpleNamespace(position=position))
        return self.energy(position) + self.stiffness / 2 * (q - self.centre) ** 2


class Umbrella(eqx.Module):
    r"""What restrained windows say of a coordinate.

    Attributes:
        profile: $F(q)$, with its wells and its barrier; errors over members.
        centres: $q_j$.
        stiffness: $\kappa$.
        overlap: of the windows, averaged over members; rows sum to one.
        inefficiency: of $q$ in records, the largest over windows.
        coordinates: $q$ of every record, shape (member, window, record).

    Examples:
        >>> from grokjax.evidence.umbrella import umbrella
        >>> centres = jnp.linspace(-1.0, 1.0, 5)
        >>> start = jnp.broadcast_to(centres[:, None], (2, 5, 1))
        >>> found = umbrella(
        ...     jax.random.key(0), lambda x: x @ x / 2, start, lambda key, state: state.position[0],
        ...     centres=centres, sampler=grokjax.UnderdampedLangevin(0.2), num_steps=400,
        ... )
        >>> found.coordinates.shape, found.overlap.shape, found.stiffness
        ((2, 5, 320), (5, 5), 4.0)
    """

    profile: Profile
    centres: np.ndarray
    stiffness: float
    overlap: np.ndarray
    inefficiency: float
    coordinates: np.ndarray

    def __repr__(self) -> str:
        found = self.profile
        return f"{len(self.centres)} windows: barrier {found.from_centre} nats from the centre, {found.from_side} back"


def umbrella(
    key: Key[Array, ""],
    target: Energy,
    positions: PyTree,
    coordinate: Measure,
    *,
    centres: Any,
    stiffness: float | None = None,
    sampler: AbstractSampler | None = None,
    num_steps: int = 4000,
    target_axes: Any = 0,
) -> Umbrella:
    r"""Sample a coordinate in restrained windows, every member in all of them.

    Args:
        key: random key.
        target: the energy, as in `grokjax.run`.
        positions: first positions, leading axes (member, window), best at the windows' centres.
        coordinate: `measure(key, state) -> number`, differentiable, of `state.position` alone; arrays in it lead with
            the member.
        centres: $q_j$, three or more, ascending at equal distances.
        stiffness: $\kappa$; one over the squared distance unless given.
        sampler: underdamped Langevin, its step from the curvature at the start, unless given.
        num_steps: of every window; a fifth of them is warm-up.
        target_axes: 0, or None where all members share the target.

    Raises:
        ValueError: 64-bit floats are off, centres are not as wanted, positions do not fit, a window diverged, or
            neighbours do not overlap.

    Examples:
        >>> from grokjax.evidence.umbrella import umbrella
        >>> centres = jnp.linspace(-1.0, 1.0, 5)
        >>> start = jnp.broadcast_to(centres[:, None], (2, 5, 1))
        >>> found = umbrella(
        ...     jax.random.key(0), lambda x: x @ x / 2, start, lambda key, state: state.position[0],
        ...     centres=centres, sampler=grokjax.UnderdampedLangevin(0.2), num_steps=400,
        ... )
        >>> found.profile.has_two_wells, bool((found.overlap.diagonal() < 1).all())
        (False, True)
    """
    check_x64("free energies")
    centres, spacing = _check_centres(centres)
    stiffness = 1 / spacing**2 if stiffness is None else stiffness
    check_positive("stiffness", stiffness)
    first = jax.tree.leaves(positions)[0]
    if first.ndim < 2 or first.shape[1] != len(centres):
        shape = f"({len(centres)} windows on the second axis)"
        raise argument_error("positions", f"of leading axes (member, window) {shape}", first.shape, "Repeat them.")
    members, count = first.shape[:2]
    entry = np.repeat(np.arange(members), count)
    start = jax.tree.map(lambda leaf: leaf.reshape(members * count, *leaf.shape[2:]), positions)
    pick = lambda leaf: leaf[entry] if eqx.is_array(leaf) else leaf
    measure = map_members(lambda leaf: leaf[entry], coordinate)
    energy = target if target_axes is None else jax.tree.map(pick, target)
    window = Window(energy, measure, jnp.asarray(np.tile(centres, members), first.dtype), float(stiffness))
    axes = Window(target_axes, leading_axes(measure), 0, window.stiffness)
    if sampler is None:
        limits = stability_limits(jax.random.fold_in(key, 1), UnderdampedLangevin(0.1), window, start, target_axes=axes)
        sampler = UnderdampedLangevin(UnderdampedLangevin.safe_fraction * float(limits.min()))
    found = ensemble.run(
        key, sampler, window, start, target_axes=axes, observables={"q": Series(measure)}, num_steps=num_steps,
        warmup=num_steps // 5, record_every=max(1, num_steps // 1000), progress=False,
    )  # fmt: skip
    q = np.asarray(found.results["q"], np.float64).reshape(members, count, -1)
    if np.asarray(found.diverged).any() or not np.isfinite(q).all():
        raise argument_error("sampler", "stable in every window", "windows that diverged", "Use a smaller step.")
    noise = np.ravel(getattr(target, "noise_variance", np.nan))[0]
    return _combine(q, centres, float(stiffness), float(noise))


def _combine(q: np.ndarray, centres: np.ndarray, stiffness: float, noise: float) -> Umbrella:
    """MBAR over the windows of each member, and a histogram of its samples without restraints."""
    inefficiency = statistical_inefficiency(np.moveaxis(q, 1, 0)[:, :, None])
    pooled = q.reshape(len(q), -1)
    solved = _solve(jnp.asarray(pooled), jnp.asarray(centres), stiffness)
    overlap = np.asarray(solved.overlap)
    _check_overlap(overlap, centres)
    if not succeeded(np.asarray(solved.status)).all():
        raise argument_error("positions", "near the centres of windows", describe(solved.status), "Run longer.")
    half = (centres[1] - centres[0]) / 2
    edges = np.linspace(centres[0] - half, centres[-1] + half, BINS_PER_WINDOW * len(centres) + 1)
    histogram = lambda values, weights: np.histogram(values, edges, weights=weights)[0]
    log_weights = -np.asarray(solved.log_mixture)
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    mass = np.stack([histogram(*pair) for pair in zip(pooled, weights, strict=True)])
    seen = np.stack([histogram(one, None) for one in pooled])
    middle, share = (edges[1:] + edges[:-1]) / 2, mass / mass.sum(axis=1, keepdims=True)
    profile = profile_on(middle, share, noise, samples=seen / inefficiency)
    return Umbrella(profile, centres, stiffness, overlap.mean(axis=0), inefficiency, q)


@eqx.filter_jit
def _solve(pooled: Array, centres: Array, stiffness: float) -> Reweighting:
    """MBAR of every member's windows; all have as many records."""
    origin = jnp.repeat(jnp.arange(len(centres)), pooled.shape[1] // len(centres))
    potentials = lambda one: stiffness / 2 * (one[None] - centres[:, None]) ** 2
    return jax.lax.map(lambda one: mbar(potentials(one), origin), pooled)


def _check_centres(centres: Any) -> tuple[np.ndarray, float]:
    """Centres and their distance."""
    check_finite("centres", centres)
    centres = np.asarray(centres, float)
    distances = np.diff(centres)
    if centres.ndim != 1 or centres.size < 3 or not (distances > 0).all() or np.ptp(distances) > 1e-6 * distances[0]:
        expected = "three or more, ascending at equal distances"
        raise argument_error("centres", expected, centres.tolist(), "Try np.linspace(-0.2, 1.2, 29).")
    return centres, float(distances.mean())


def _check_overlap(overlap: np.ndarray, centres: np.ndarray) -> None:
    """Raise if neighbours have nothing in common in some member."""
    one = np.arange(len(centres) - 1)
    smallest = np.minimum(overlap[:, one, one + 1], overlap[:, one + 1, one]).min(axis=0)
    worst = int(np.argmin(smallest))
    if not smallest[worst] >= SMALLEST_OVERLAP:
        got = f"an overlap of {smallest[worst]:.2g} between {centres[worst]:.3g} and {centres[worst + 1]:.3g}"
        remedy = "Put windows between them, which are stiffer, too, or run longer."
        raise argument_error("centres", f"windows whose neighbours overlap by {SMALLEST_OVERLAP:g}", got, remedy)
