r"""Energies of crystals: what one is, embedded atoms over a list of pairs, and the table that dynamics steps with.

The energy of embedded atoms, of which a sum over pairs is the case $F=0$, is

$$ U=\sum_i\Big[\tfrac12\sum_j\phi(r_{ij})+F(\rho_i)\Big],\qquad \rho_i=\sum_jf(r_{ij}), $$

and its forces need no scatter over a list that names every pair from both ends:

$$ -\partial U/\partial x_i=\sum_j\big[\phi'+(F'(\rho_i)+F'(\rho_j))f'\big]\,r_{ij}/|r_{ij}| . $$

Every energy is called as `energy(theta, phase, displacement, strain)`, with the trainable parameters first.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree, Scalar

from .crystal import PADDING_DISTANCE, AbstractAtoms


TABLE_INTERVALS = 2048
TABLE_START = 0.18  # in cutoffs: no two atoms are closer


class AbstractEnergy(eqx.Module):
    """An energy of displacements in a phase, with trainable parameters.

    Attributes:
        linear: whether it is linear in the parameters (beside a constant), so that frames need one gradient only.
        cutoff: the longest distance at which atoms interact; None where pairs are not listed.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> class Spring(ip.AbstractEnergy):
        ...     def __call__(self, theta, phase, displacement, strain):
        ...         return theta * jnp.sum(displacement**2) / 2
        >>> energy, gradient = Spring().energy_and_gradient(2.0, None, jnp.ones((1, 3)), jnp.zeros(3))
        >>> float(energy), gradient.tolist()
        (3.0, [[2.0, 2.0, 2.0]])
    """

    linear: ClassVar[bool] = False
    cutoff: ClassVar[float | None] = None

    @abc.abstractmethod
    def __call__(self, theta: PyTree, phase: Any, displacement: Array, strain: Array) -> Scalar:
        """The energy of the whole cell."""

    def energy_and_gradient(self, theta: PyTree, phase: Any, displacement: Array, strain: Array) -> Any:
        """The energy and its gradient in the displacement."""
        return jax.value_and_grad(lambda y: self(theta, phase, y, strain))(displacement)

    def for_dynamics(self, theta: PyTree) -> "AbstractEnergy":
        """The same energy at fixed parameters, in a form that is quick to step with."""
        del theta
        return self


class AbstractFunctions(eqx.Module):
    """Radial functions and embedding of a `Listed` energy.

    Attributes:
        embedded: whether there is a density at all.
        linear: whether they are linear in the parameters, beside a constant.
        cutoff: where they end.
    """

    embedded: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    cutoff: eqx.AbstractClassVar[float]

    @abc.abstractmethod
    def radial(self, theta: PyTree, r: Array, first: Array, second: Array) -> tuple[Array, Array]:
        r"""$f(r)$ and $\phi(r)$ for pairs of atoms of these kinds."""

    def slopes(self, radial: Callable[[Array], Any], r: Array) -> tuple[Any, Any]:
        """Both functions and their derivatives."""
        return jax.jvp(radial, (r,), (jnp.ones_like(r),))

    def embed(self, density: Array) -> Array:
        """$F$."""
        return jnp.zeros_like(density)

    def alike(self, theta: PyTree) -> bool:
        """Whether all atoms are of one kind."""
        del theta
        return True


class Listed(AbstractEnergy):
    """The energy of embedded atoms over a crystal's list of pairs.

    Attributes:
        functions: radial functions and embedding.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> titanium = ip.titanium(num_atoms=16)
        >>> titanium.energy.cutoff, titanium.energy.linear  # linear in its corrections: one gradient serves all of them
        (6.5, True)
    """

    functions: AbstractFunctions

    @property
    def linear(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the pair function is."""
        return self.functions.linear

    @property
    def cutoff(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the functions."""
        return self.functions.cutoff

    def __call__(self, theta: PyTree, phase: AbstractAtoms, displacement: Array, strain: Array) -> Scalar:
        r = jnp.sqrt(jnp.sum(phase.vectors(displacement, strain) ** 2, axis=0))
        density, pair = self._radial(theta, phase)(r)
        energies = jnp.sum(pair, axis=0) / 2
        if self.functions.embedded:
            energies = energies + self.functions.embed(jnp.sum(density, axis=0))
        return jnp.sum(energies)

    def energy_and_gradient(self, theta: PyTree, phase: AbstractAtoms, displacement: Array, strain: Array) -> Any:
        """Both at once, by the analytic forces: a gather of $F'$ and no scatter."""
        vectors = phase.vectors(displacement, strain)
        r = jnp.sqrt(jnp.sum(vectors**2, axis=0))
        (density, pair), (density_slope, pair_slope) = self.functions.slopes(self._radial(theta, phase), r)
        energies, tension = jnp.sum(pair, axis=0) / 2, pair_slope
        if self.functions.embedded:
            rho = jnp.sum(density, axis=0)
            embedded, slope = jax.jvp(self.functions.embed, (rho,), (jnp.ones_like(rho),))
            energies = energies + embedded
            tension = tension + (slope[None] + slope[phase.neighbours]) * density_slope
        gradient = -jnp.sum((tension / r)[None] * vectors, axis=1)
        return jnp.sum(energies), gradient.T * jnp.exp(strain)[None]

    def _radial(self, theta: PyTree, phase: AbstractAtoms) -> Callable[[Array], Any]:
        first, second = phase.species[None], phase.species[phase.neighbours]
        return lambda r: self.functions.radial(theta, r, first, second)

    def for_dynamics(self, theta: PyTree) -> AbstractEnergy:
        """Radial functions from a table, where all atoms are alike."""
        if not self.functions.alike(theta):
            return self
        return Listed(Tabulated.of(self.functions, theta))


class Tabulated(AbstractFunctions):
    """Radial functions at fixed parameters as cubics between knots: a third of the time, to 1e-8 of an eV in titanium.

    Attributes:
        functions: those that were tabulated; the embedding stays theirs.
        coefficients: of both cubics on every interval, shape (interval, 8).
        start: first knot.
        spacing: of the knots.
    """

    functions: AbstractFunctions
    coefficients: Float[Array, "intervals 8"]
    start: float = eqx.field(static=True)
    spacing: float = eqx.field(static=True)

    @staticmethod
    def of(functions: AbstractFunctions, theta: PyTree) -> "Tabulated":
        """A table of functions at parameters.

        Args:
            functions: of atoms that are all alike.
            theta: their parameters.
        """
        start, end = TABLE_START * functions.cutoff, functions.cutoff + 2 * PADDING_DISTANCE
        spacing = (end - start) / TABLE_INTERVALS
        knots = start + spacing * jnp.arange(TABLE_INTERVALS + 1)
        kind = jnp.zeros((), int)
        radial = lambda r: functions.radial(theta, r, kind, kind)
        (density, pair), (density_slope, pair_slope) = functions.slopes(radial, knots)
        columns = _cubics(density, density_slope, spacing), _cubics(pair, pair_slope, spacing)
        return Tabulated(  # pyright: ignore[reportCallIssue]
            functions=functions, coefficients=jnp.concatenate(columns, axis=1), start=start, spacing=spacing
        )

    @property
    def embedded(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As they are."""
        return self.functions.embedded

    @property
    def cutoff(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As it was."""
        return self.functions.cutoff

    def embed(self, density: Array) -> Array:
        """As it was."""
        return self.functions.embed(density)

    def radial(self, theta: PyTree, r: Array, first: Array, second: Array) -> tuple[Array, Array]:
        """From the table; the parameters are in it."""
        del theta, first, second
        return self._both(r)[0]

    def slopes(self, radial: Callable[[Array], Any], r: Array) -> tuple[Any, Any]:
        """From the table."""
        del radial
        return self._both(r)

    def _both(self, r: Array) -> tuple[Any, Any]:
        x = (r - self.start) * (1 / self.spacing)
        interval = jnp.clip(x.astype(jnp.int32), 0, len(self.coefficients) - 1)
        t = x - interval.astype(x.dtype)
        c = self.coefficients[interval]
        value = lambda a: c[..., a] + t * (c[..., a + 1] + t * (c[..., a + 2] + t * c[..., a + 3]))
        slope = lambda a: (c[..., a + 1] + t * (2 * c[..., a + 2] + 3 * t * c[..., a + 3])) * (1 / self.spacing)
        return (value(0), value(4)), (slope(0), slope(4))


def _cubics(value: Array, slope: Array, spacing: float) -> Array:
    """Coefficients of the cubics that meet values and slopes at both knots, in parts of an interval."""
    rise, first, last = value[1:] - value[:-1], spacing * slope[:-1], spacing * slope[1:]
    return jnp.stack([value[:-1], first, 3 * rise - 2 * first - last, first + last - 2 * rise], axis=1)


def curvatures(energy: AbstractEnergy, theta: PyTree, phase: Any) -> Float[Array, "coordinates coordinates"]:
    """Second derivatives of the energy at the ideal sites, by forward derivatives of the forces, a few at a time.

    Args:
        energy: the energy.
        theta: its parameters.
        phase: at its box.
    """
    zero, strain = phase.zero, jnp.zeros(3)
    gradient = lambda y: energy.energy_and_gradient(theta, phase, y, strain)[1]
    column = lambda row: jnp.ravel(jax.jvp(gradient, (zero,), (row.reshape(zero.shape),))[1])
    found = jax.lax.map(column, jnp.eye(zero.size), batch_size=8)
    return (found + found.T) / 2
