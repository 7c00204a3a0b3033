r"""The road of theory: every quantity of a power unit by quadrature, at any size.

With $s(w)=(w^p-1)^2/2$ and $V(w)=w^2/2+b\,s(w)$ the law of the weight is $e^{-MV}$, so energy, heat capacity and
everything else are integrals over one variable, by the trapezoidal rule. For $p\ge3$ the stationary points of $V$ with
$w>0$ solve $1+pb\,w^{p-2}(w^p-1)=0$: a saddle and a well beside that at zero, once $b$ exceeds the spinodal. In the
limit of many observations the wells are level at $b_c$; with $p=3$ that is $(2/3)2^{1/3}$, with the well at $2^{-1/3}$,
a latent heat of 3/8 and a barrier of 0.02832 per observation.
"""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ..._checks import argument_error, check_double
from ..._printing import AbstractPrinted
from ..._tree import over_points
from ...status import AbstractSolution, Status, choose_status
from ...theory.roots import bisect
from .order_parameters import OrderParameters
from .system import PowerUnit


REACH, NUM_NODES = 2.5, 20001  # nodes of spacing 2.5e-4 resolve wells of up to 10^6 observations


class Prediction(AbstractSolution, AbstractPrinted):
    r"""What theory says about one power unit; exact.

    Attributes:
        weight: $\langle|w|\rangle$.
        output: $\langle w^p\rangle$.
        loss: $\langle(w^p-1)^2\rangle/2$.
        log_evidence: $L=\log Z$ in nats, without the Gaussian normalisation.
        energy: $E=\langle S\rangle=-dL/db$.
        heat_capacity: $C=b^2\,\mathrm{Var}\,S$.
        binder: $1-\langle S^4\rangle/3\langle S^2\rangle^2$.
        quadrature_error: weight of the law at the ends of the nodes.
        status: solved where that is negligible.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> found = pu.predict(system)
        >>> bool(jnp.allclose(found.energy, 20 * found.loss)), bool(found.quadrature_error < 1e-12)
        (True, True)
    """

    weight: Float[Array, "..."]
    output: Float[Array, "..."]
    loss: Float[Array, "..."]
    log_evidence: Float[Array, "..."]
    energy: Float[Array, "..."]
    heat_capacity: Float[Array, "..."]
    binder: Float[Array, "..."]
    quadrature_error: Float[Array, "..."]
    status: Int[Array, "..."]

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree that simulations report too."""
        return OrderParameters(self.weight, self.output, self.loss)


def predict(system: PowerUnit) -> Prediction:
    """Exact averages of a power unit; works under `jit`, `vmap` and `grad`.

    Args:
        system: the parameters; fields of shape (point,) make a sweep.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> slope = jax.grad(lambda b: pu.predict(system.replace(noise_variance=1 / b)).log_evidence)(0.25)
        >>> bool(jnp.allclose(-slope, pu.predict(system).energy))  # E = -dL/db
        True
    """
    check_double("theory", system)
    return over_points(_predict, system)


@eqx.filter_jit
def _predict(system: PowerUnit) -> Prediction:
    w, log_weights, s = law(system)
    mass, size = jax.nn.softmax(log_weights), system.num_observations
    energy = size * s
    mean = mass @ energy
    variance = mass @ (energy - mean) ** 2
    output = w**system.power
    end = jnp.max(mass[jnp.array([0, -1])])
    return Prediction(
        weight=mass @ jnp.abs(w),
        output=mass @ output,
        loss=mean / size,
        log_evidence=jax.nn.logsumexp(log_weights),
        energy=mean,
        heat_capacity=variance / system.noise_variance**2,
        binder=1 - mass @ energy**4 / (3 * (mass @ energy**2) ** 2),
        quadrature_error=end,
        status=choose_status((end > 1e-12, Status.UNRELIABLE)),
    )


def law(system: PowerUnit) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"], Float[Array, " nodes"]]:
    """Nodes over the weight, the log of each one's contribution to $Z$, and the loss there.

    Args:
        system: at one point.
    """
    w = jnp.linspace(-REACH, REACH, NUM_NODES)
    s = (w**system.power - 1) ** 2 / 2
    size = system.num_observations
    log_prior = 0.5 * jnp.log(size / (2 * math.pi)) + jnp.log(2 * REACH / (NUM_NODES - 1)) - size * w**2 / 2
    return w, log_prior - size / system.noise_variance * s, s


class Coexistence(AbstractSolution, AbstractPrinted):
    r"""Where both wells of a unit with $p\ge3$ have the same weight, or (in the limit) the same height.

    Attributes:
        inverse_noise: $b$.
        latent_heat: difference of the mean energies of both wells, per observation.
        barrier: of $MV$ above the well at zero, per observation.
        saddle: its position.
        well: position of the outer well.
        status: no solution where there is no saddle.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> limit = pu.sharp_limit(3)
        >>> round(float(limit.latent_heat), 4), round(float(limit.barrier), 4)  # per observation
        (0.375, 0.0283)
    """

    inverse_noise: Float[Array, "..."]
    latent_heat: Float[Array, "..."]
    barrier: Float[Array, "..."]
    saddle: Float[Array, "..."]
    well: Float[Array, "..."]
    status: Int[Array, "..."]


def stationary_points(power: int, inverse_noise: Scalar) -> tuple[Scalar, Scalar]:
    r"""Saddle and outer well of $V$, both at the spinodal's point where there are none.

    Args:
        power: $p\ge3$.
        inverse_noise: $b$.
    """
    turn = ((power - 2) / (2 * power - 2)) ** (1 / power)
    pull = lambda w: 1 + power * inverse_noise * w ** (power - 2) * (w**power - 1)
    one = jnp.asarray(1.0)
    return bisect(lambda w: pull(w) > 0, 0 * one, turn * one), bisect(lambda w: pull(w) > 0, one, turn * one)


def spinodal(power: int) -> float:
    """The inverse noise beyond which there is an outer well.

    Args:
        power: 3 or more.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> round(pu.spinodal(3), 4)  # below the transition, at 0.84
        0.7055
    """
    _check_first_order(power)
    turn = (power - 2) / (2 * power - 2)
    return 1 / (power * turn ** ((power - 2) / power) * (1 - turn))


def coexistence(system: PowerUnit) -> Coexistence:
    """Equal weight of the wells on both sides of the saddle, at the system's size; its own noise plays no role.

    Args:
        system: of power 3 or more; sizes of shape (point,) make a sweep.

    Raises:
        ValueError: 64-bit floats are off, or the power is below 3.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> at_size, limit = pu.coexistence(system), pu.sharp_limit(3)
        >>> bool(at_size.inverse_noise > limit.inverse_noise), bool(at_size.latent_heat < limit.latent_heat)
        (True, True)
    """
    check_double("theory", system)
    _check_first_order(system.power)
    return over_points(_coexistence, system)


def sharp_limit(power: int) -> Coexistence:
    """Equal height of the wells, which does not depend on the size: the transition in the limit.

    Args:
        power: 3 or more.

    Raises:
        ValueError: 64-bit floats are off, or the power is below 3.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> limit = pu.sharp_limit(3)
        >>> round(float(limit.inverse_noise), 4), round(float(limit.well), 4)  # (2/3) 2**(1/3) and 2**(-1/3)
        (0.8399, 0.7937)
    """
    _check_first_order(power)
    height = lambda w, b: w**2 / 2 + b * (w**power - 1) ** 2 / 2

    def centre_is_lower(b):
        return height(stationary_points(power, b)[1], b) > b / 2

    b = _border(centre_is_lower, power)
    saddle, well = stationary_points(power, b)
    latent = 0.5 - (well**power - 1) ** 2 / 2
    return Coexistence(b, latent, height(saddle, b) - b / 2, saddle, well, jnp.asarray(int(Status.SOLVED)))


@eqx.filter_jit
def _coexistence(system: PowerUnit) -> Coexistence:
    def side(b):
        w, log_weights, s = law(system.replace(noise_variance=1 / b))
        spacing = 2 * REACH / (NUM_NODES - 1)  # the node at the saddle counts in part
        beyond = jnp.clip((w - stationary_points(system.power, b)[0]) / spacing + 0.5, 0, 1)
        return jax.nn.softmax(log_weights), beyond, s

    def centre_weighs_more(b):
        mass, beyond, _ = side(b)
        return mass @ beyond < 0.5

    b = _border(centre_weighs_more, system.power)
    mass, beyond, s = side(b)
    mean = lambda inside: (mass * inside) @ s / (mass @ inside)
    saddle, well = stationary_points(system.power, b)
    barrier = saddle**2 / 2 + b * (saddle**system.power - 1) ** 2 / 2 - b / 2
    return Coexistence(b, mean(1 - beyond) - mean(beyond), barrier, saddle, well, jnp.asarray(int(Status.SOLVED)))


def _border(holds: Callable[[Scalar], Scalar], power: int) -> Scalar:
    """The inverse noise at which the centre loses, between the spinodal and ten times it."""
    low = spinodal(power)
    return bisect(lambda b: jax.lax.map(holds, b[None])[0], jnp.asarray(low * 1.0001), jnp.asarray(10 * low))


def _check_first_order(power: int) -> None:
    if power < 3:
        raise argument_error("power", "3 or more for two wells", power, "Lower powers have no first-order transition.")
