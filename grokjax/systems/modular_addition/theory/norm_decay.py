r"""The whole table with decay of the norms: one frequency a neuron, in closed form for sharp wells.

A neuron has power $x$ at one frequency on both sides and power $b$, a side, at all others together. Its action is

$$ \frac SP = 2\Big[x + \frac b2 - \frac12\log b + \frac\gamma{24}(2x+b)^3\Big] - 2ua^2x^2
   - [x>0]\,\frac1P\log\frac{P-1}2 , $$

the last term for the choice of a frequency; the centre is $x=0$. Where $S$ is stationary everything follows from one
number, $s = \frac{\sqrt\gamma}2(2x+b)$:

$$ b = \frac1{1+s^2},\qquad ua^2 = \frac{1+s^2}{2s/\sqrt\gamma - b},\qquad x = \frac{1+s^2}{2ua^2} , $$

and side wells are the part of the curve beyond its smallest $ua^2$. They are level with the centre at $ua^2=u_c$; with
a share $p$ of the neurons in them $\lambda = 8P^2\sigma_a^2x^2p/(P-1)$ and $a = \sigma^2/(\sigma^2+\lambda)$. Hence
$a=\sqrt{u_c/u}$ in the mixed phase, until $p=1$; then $a$ closes with $\lambda(x)$. Nothing is fitted.

References:
    the decay takes the place of that of arXiv:2310.03789, section 4.2; derived here.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ....status import AbstractSolution, Status, choose_status, iterative_status
from ....theory.roots import bisect, newton_root
from ..order_parameters import OrderParameters
from ..pair_measure import effective_noise, interaction
from ..system import ModularAddition


FARTHEST = 1e3  # side wells are searched up to this many times the s where they appear


class NormDecayPrediction(AbstractSolution):
    r"""Modular addition with decay of the norms, in the limit of sharp wells.

    Attributes:
        discrepancy: $a$, 1 above the start of the mixed phase.
        specialised: $p$, share of the neurons in a side well.
        power: $x$ of a specialised neuron, at the borders of the mixed phase where there is none.
        other_power: $b$ of a specialised neuron.
        level: $u_c$, the value of $ua^2$ at which the wells are level.
        residual: of the equation solved.
        status: how the solver ended.
        system: what was predicted.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found = ma.predict(system.replace(regulariser="norm", noise_variance=3.5e-4))
        >>> round(float(found.level), 2), round(float(found.specialised), 2)
        (2.53, 0.33)
    """

    discrepancy: Float[Array, "*points"]
    specialised: Float[Array, "*points"]
    power: Float[Array, "*points"]
    other_power: Float[Array, "*points"]
    level: Float[Array, "*points"]
    residual: Float[Array, "*points"]
    status: Int[Array, "*points"]
    system: ModularAddition

    @property
    def side_weight(self) -> Array:
        """Share of specialised pairs: a specialised neuron has one of its $(P-1)/2$."""
        return 2 * self.specialised / (self.system.prime - 1)

    @property
    def overlap_moment(self) -> Array:
        r"""$\langle XV\rangle$."""
        return self.side_weight * self.power**2

    @property
    def target_eigenvalue(self) -> Array:
        r"""$\lambda$."""
        return 4 * self.system.prime**2 * self.system.readout_variance * self.overlap_moment

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree that simulations report too."""
        return OrderParameters(self.discrepancy, self.side_weight, self.overlap_moment, self.target_eigenvalue)


def well_eigenvalue(system: ModularAddition, power: Any) -> Float[Array, "..."]:
    r"""$8P^2\sigma_a^2x^2/(P-1)$: $\lambda$ if every neuron is in a side well."""
    return 8 * system.prime**2 * system.readout_variance * power**2 / (system.prime - 1)


class SideWells(eqx.Module):
    """The curve of stationary points, and the centre.

    Attributes:
        system: the parameters.
    """

    system: ModularAddition

    def others(self, s: Any) -> Any:
        """$b$."""
        del self
        return 1 / (1 + s**2)

    def strength(self, s: Any) -> Any:
        """$ua^2$; not positive where there is no stationary point."""
        return (1 + s**2) / (2 * s / jnp.sqrt(self.system.sextic_decay) - self.others(s))

    def power(self, s: Any) -> Any:
        """$x$."""
        return s / jnp.sqrt(self.system.sextic_decay) - self.others(s) / 2

    def gap(self, s: Any) -> Any:
        """Action of the side well above the centre, over P."""
        x, b, centre = self.power(s), self.others(s), self.centre()
        choice = jnp.log((self.system.prime - 1) / 2) / self.system.prime
        return self._bare(x, b) - 2 * self.strength(s) * x**2 - choice - self._bare(0.0, centre)

    def centre(self) -> Any:
        r"""$b$ at $x=0$: $b + \frac\gamma4b^3 = 1$."""
        decay = self.system.sextic_decay
        excess = lambda log_b: jnp.exp(log_b) + decay / 4 * jnp.exp(3 * log_b) - 1
        start = bisect(lambda log_b: excess(log_b) < 0, jnp.log(1 / (2 + decay)), jnp.zeros_like(decay), 40)
        return jnp.exp(newton_root(excess, start).position)

    def appear(self) -> Any:
        """The s of the smallest $ua^2$."""
        wells = jax.lax.stop_gradient(self)
        slope = jax.grad(lambda log_s: jnp.log(wells.strength(jnp.exp(log_s))))
        rising = lambda log_s: (wells.strength(jnp.exp(log_s)) > 0) & (slope(log_s) > 0)
        return jnp.exp(bisect(rising, jnp.asarray(12.0), jnp.asarray(-12.0), 60))

    def _bare(self, x: Any, b: Any) -> Any:
        return 2 * (x + b / 2 - jnp.log(b) / 2 + self.system.sextic_decay / 24 * (2 * x + b) ** 3)


@eqx.filter_jit
def level_wells(system: ModularAddition) -> tuple[Any, Any]:
    """The s at which side wells are level with the centre, and the residual."""
    wells = SideWells(system)
    frozen = jax.lax.stop_gradient(wells)
    below = lambda log_s: frozen.gap(jnp.exp(log_s)) < 0
    lower = jnp.log(wells.appear())
    start = bisect(below, lower + jnp.log(FARTHEST), lower, 60)
    root = newton_root(lambda log_s: wells.gap(jnp.exp(log_s)), start)
    return jnp.exp(root.position), root.residual


@eqx.filter_jit
def predict_norm_decay(system: ModularAddition) -> NormDecayPrediction:
    """One point; works under `vmap` and `grad`."""
    wells, noise, bare = SideWells(system), effective_noise(system), interaction(system)
    level, residual = level_wells(system)
    critical = wells.strength(level)
    a = jnp.sqrt(critical / bare)
    needed = noise * (1 / a - 1) / well_eigenvalue(system, wells.power(level))
    lazy, saturated = a >= 1, needed > 1

    def closure(wells, log_s):  # rises along the curve; zero where all neurons sit in the wells
        s, system = jnp.exp(log_s), wells.system
        strength = wells.strength(s) / interaction(system)
        return jnp.log(strength) / 2 + jnp.log1p(well_eigenvalue(system, wells.power(s)) / effective_noise(system))

    frozen = jax.lax.stop_gradient(wells)
    ends = jnp.log(jax.lax.stop_gradient(level)), jnp.log(jax.lax.stop_gradient(level) * FARTHEST)
    start = bisect(lambda log_s: closure(frozen, log_s) < 0, *ends, 60)
    full = newton_root(lambda log_s: closure(wells, log_s), start)
    s = jnp.where(saturated, jnp.exp(full.position), level)
    full_a = jnp.sqrt(wells.strength(jnp.where(saturated, s, level)) / bare)
    residual = jnp.where(saturated, full.residual, residual)
    status = choose_status(
        (~jnp.isfinite(critical), Status.NOT_FINITE), otherwise=iterative_status(residual, 1e-8, 0, 1)
    )
    return NormDecayPrediction(
        discrepancy=jnp.where(lazy, 1.0, jnp.where(saturated, full_a, a)),
        specialised=jnp.where(lazy, 0.0, jnp.where(saturated, 1.0, needed)),
        power=wells.power(s),
        other_power=wells.others(s),
        level=critical,
        residual=residual,
        status=status,
        system=system,
    )
