"""Potentials that are built in: titanium, Gaussian cores, a network's correction, and any function from outside.

References:
    Zhou, Johnson & Wadley, Phys. Rev. B 69, 144113 (2004), for titanium.
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree, Scalar

from .crystal import AbstractAtoms
from .energies import AbstractEnergy, AbstractFunctions, Listed


class Titanium(AbstractFunctions):
    r"""Titanium of 2004, with a correction $\sum_k\theta_ke^{-(r-r_k)^2/2w^2}$ of the pair function, all switched off.

    The switch $1-x^3(10-15x+6x^2)$, $x=r-5.5$ Å in $[0,1]$, is part of the model: other cutoffs have other ground
    states. Energies in eV, distances in Å.
    """

    embedded: ClassVar[bool] = True
    linear: ClassVar[bool] = True
    cutoff: ClassVar[float] = 6.5
    switch_from: ClassVar[float] = 5.5
    centres: ClassVar[tuple[float, ...]] = (2.6, 3.0, 3.4, 3.8, 4.2, 4.6, 5.0, 5.4, 5.8)
    width: ClassVar[float] = 0.30

    def radial(self, theta: Float[Array, " 9"], r: Array, first: Array, second: Array) -> tuple[Array, Array]:
        """Density and pair function; all atoms are alike."""
        del first, second
        x = r / 2.933872
        tail = jnp.exp(-4.680230 * (x - 1)) / (1 + (x - 1.0) ** 20)
        core = jnp.exp(-8.775431 * (x - 1)) / (1 + (x - 0.5) ** 20)
        t = jnp.clip((r - self.switch_from) / (self.cutoff - self.switch_from), 0, 1)
        switch = 1 - t**3 * (10 - 15 * t + 6 * t**2)
        pair = 0.373601 * core - 0.570968 * tail + self.correction(theta, r)
        return 1.863200 * tail * switch, pair * switch

    def correction(self, theta: Float[Array, " 9"], r: Array) -> Array:
        """The sum of Gaussians, by recurrence from the middle one: two transcendentals instead of nine."""
        middle, step = len(self.centres) // 2, self.centres[1] - self.centres[0]
        x = (r - self.centres[middle]) / self.width
        ratio = jnp.exp(x * step / self.width)
        inverse, centre = 1 / ratio, jnp.exp(-(x**2) / 2)
        scale = lambda k: math.exp(-((k * step / self.width) ** 2) / 2)
        total, up, down = theta[middle], 1.0, 1.0
        for k in range(1, middle + 1):
            up, down = up * ratio, down * inverse
            total = total + scale(k) * (theta[middle + k] * up + theta[middle - k] * down)
        return total * centre

    def embed(self, density: Array) -> Array:
        """$F$: two cubics and a logarithm, joined at 0.85 and 1.15 of the equilibrium density."""
        rho_e = 25.565138
        rho_n = 0.85 * rho_e
        below, near = density / rho_n - 1, density / rho_e - 1
        polynomial = lambda c, x: c[0] + x * (c[1] + x * (c[2] + x * c[3]))
        low = polynomial((-3.203773, -0.198262, 0.683779, -2.321732), below)
        middle = polynomial((-3.22, 0.0, 0.608587, -0.750710), near)
        log_ratio = 0.558572 * jnp.log(jnp.maximum(density, 1e-3) / rho_e)
        high = -3.219176 * (1 - log_ratio) * jnp.exp(log_ratio)
        return jnp.where(density < rho_n, low, jnp.where(density < 1.15 * rho_e, middle, high))


class GaussianCore(AbstractFunctions):
    r"""$u(r)=\epsilon\,e^{-r^2/\sigma^2}$, for any number of kinds.

    Parameters are `theta = {"log_epsilon": (kinds,), "log_sigma": (kinds,)}`; a pair has
    $\epsilon=\sqrt{\epsilon_a\epsilon_b}$ and $\sigma=(\sigma_a+\sigma_b)/2$.
    """

    cutoff: ClassVar[float] = 4.5

    def radial(self, theta: dict[str, Array], r: Array, first: Array, second: Array) -> tuple[Array, Array]:
        """No density, and the pair function."""
        log_epsilon, sigma = theta["log_epsilon"], jnp.exp(theta["log_sigma"])
        epsilon = jnp.exp((log_epsilon[first] + log_epsilon[second]) / 2)
        diameter = (sigma[first] + sigma[second]) / 2
        return jnp.zeros_like(r), epsilon * jnp.exp(-((r / diameter) ** 2)) * (r < self.cutoff)

    def alike(self, theta: dict[str, Array]) -> bool:
        """Whether there is one kind."""
        return len(theta["log_epsilon"]) == 1


class WithNetwork(AbstractEnergy):
    r"""A listed energy and a network's correction $\sum_i[\mathrm{MLP}(\rho_{i1}..\rho_{iK})-\mathrm{MLP}(0)]$.

    $\rho_{ik}$ sums Gaussians of the distances about $K$ centres. The parameters are the network itself, of
    `equinox.nn`; its last layer starts at zero (see `new_network`). Forces by automatic differentiation.

    Attributes:
        base: the listed energy.
        base_theta: its parameters, kept.
        width: of the Gaussians.
        centres: of the Gaussians.
    """

    base: Listed
    base_theta: PyTree
    width: float = eqx.field(static=True, default=0.45)
    centres: tuple[float, ...] = eqx.field(static=True, default=(2.6, 3.0, 3.4, 3.8, 4.2, 4.6, 5.0, 5.4))

    @property
    def cutoff(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the listed energy."""
        return self.base.cutoff

    def __call__(self, theta: eqx.nn.MLP, phase: AbstractAtoms, displacement: Array, strain: Array) -> Scalar:
        r = jnp.sqrt(jnp.sum(phase.vectors(displacement, strain) ** 2, axis=0))
        t = jnp.clip(r - (self.cutoff - 1), 0, 1)
        switch = 1 - t**3 * (10 - 15 * t + 6 * t**2)
        gaussian = lambda centre: jnp.sum(jnp.exp(-(((r - centre) / self.width) ** 2) / 2) * switch, axis=0)
        density = jnp.stack([gaussian(centre) for centre in self.centres], axis=1)
        correction = jax.vmap(theta)(density) - theta(jnp.zeros_like(density[0]))[None]
        return self.base(self.base_theta, phase, displacement, strain) + jnp.sum(correction)

    def for_dynamics(self, theta: eqx.nn.MLP) -> "WithNetwork":
        """The listed energy from a table."""
        del theta
        return eqx.tree_at(lambda e: e.base, self, self.base.for_dynamics(self.base_theta))


def new_network(key: Key[Array, ""], num_inputs: int, width: int = 16, depth: int = 2) -> eqx.nn.MLP:
    """A network whose last layer is zero: a correction that starts as none.

    Args:
        key: random key.
        num_inputs: densities that it sees.
        width: neurons of a layer.
        depth: hidden layers.
    """
    network = eqx.nn.MLP(num_inputs, 1, width, depth, activation=jnp.tanh, dtype=float, key=key)
    last = lambda net: (net.layers[-1].weight, net.layers[-1].bias)
    return eqx.tree_at(last, network, tuple(map(jnp.zeros_like, last(network))))


class Scaled(AbstractEnergy):
    """An energy multiplied by a trainable factor, $e^\\theta U$: transition temperatures scale with it exactly.

    Attributes:
        energy: the inner one.
        inner: its parameters.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> titanium = ip.titanium(num_atoms=16)
        >>> phase, inner = titanium.phases[0], (titanium.energy, titanium.theta)
        >>> stronger = ip.Scaled(*inner)(jnp.log(1.1), phase, phase.zero, jnp.zeros(3))
        >>> round(float(stronger / inner[0](inner[1], phase, phase.zero, jnp.zeros(3))), 6)
        1.1
    """

    energy: AbstractEnergy
    inner: PyTree

    def __call__(self, theta: Scalar, phase: Any, displacement: Array, strain: Array) -> Scalar:
        return jnp.exp(theta) * self.energy(self.inner, phase, displacement, strain)

    def energy_and_gradient(self, theta: Scalar, phase: Any, displacement: Array, strain: Array) -> Any:
        """Both of the inner energy, times the factor."""
        found = self.energy.energy_and_gradient(self.inner, phase, displacement, strain)
        return jax.tree.map(lambda leaf: jnp.exp(theta) * leaf, found)

    def for_dynamics(self, theta: Scalar) -> "Scaled":
        """The inner energy in its quick form, times the factor."""
        del theta
        return Scaled(self.energy.for_dynamics(self.inner), self.inner)


class Foreign(AbstractEnergy):
    """Any function of positions and edges from outside of the package, `function(theta, positions, edges) -> energy`.

    Attributes:
        function: differentiable by jax; it looks for neighbours as it likes.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> def soft(theta, x, edges):  # Gaussians of the distances to the nearest images
        ...     r = edges * (jnp.mod((x[:, None] - x) / edges + 0.5, 1) - 0.5)
        ...     return theta * jnp.sum(jnp.exp(-jnp.sum(r**2, axis=-1))) / 2
        >>> bcc = ip.lattice("bcc", (1.9,), (2, 2, 2), reach=1.7)
        >>> round(float(ip.Foreign(soft)(1.0, bcc, bcc.zero, jnp.zeros(3))), 2)
        12.94
    """

    function: Callable[[Any, Array, Array], Scalar]

    def __call__(self, theta: PyTree, phase: AbstractAtoms, displacement: Array, strain: Array) -> Scalar:
        return self.function(theta, phase.positions(displacement, strain), phase.edges * jnp.exp(strain))
