r"""The replica-symmetric free energy, one formula for every prior on hidden units, and what follows from it.

$$ f = L\,[m\hat m-\Phi(m)] + \tfrac{\alpha\beta}2 r(1-q) - \tfrac\alpha\beta\,\mathcal G(q)
     - \tfrac1\beta\Big\langle\int Dz\,\ln 2\cosh\beta\big(\hat mS+g+\sqrt{\alpha r}\,z\big)\Big\rangle_S,\qquad
   \mathcal G(q)=\int Dz\,\ln Z(\sqrt q\,z). $$

It is stationary where $\hat m=\Phi'(m)$, $r=\int Dz\langle\tau\rangle_z^2$ (by Stein's lemma on
$\partial\mathcal G/\partial q$), and $m$, $q$ are the averages of `visible.visible_layer`. The solution is stable
against replica-symmetry breaking while the replicon

$$ \Lambda = 1-\alpha\beta^4\int Dz\,\mathrm{var}_z(\tau)^2\;\Big\langle\int Dz\,\mathrm{sech}^4\Big\rangle_S $$

is positive.

| symbol | name | symbol | name |
|---|---|---|---|
| $m$ | `magnetisation` | $\hat m$ | `signal`, field per recalled pattern |
| $q$ | `overlap` | $s=\sqrt{\alpha r}$ | `spread` of the noise on a spin |
| $r$ | `noise` per pattern | $C=\beta(1-q)$ | `susceptibility` |
| $g$ | `field` on every spin | | |

References:
    Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987), for Gaussian units; derived here for the others (README).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from ...status import AbstractSolution, Status, choose_status, succeeded
from ...theory.gaussian import normal_rule
from ...theory.roots import Root
from .hidden import AbstractHidden
from .order_parameters import OrderParameters
from .system import AssociativeMemory
from .visible import VisibleLayer, visible_layer


Number = Float[Array, ""]
NUM_PANELS = 12


class HiddenNoise(eqx.Module):
    r"""Averages over the hidden units of all patterns that are not recalled.

    Attributes:
        noise: $r=\int Dz\langle\tau\rangle^2$.
        second_moment: $\int Dz\langle\tau^2\rangle$.
        variance_squared: $\int Dz\,\mathrm{var}(\tau)^2$.
        log_partition: $\mathcal G$.
        gap: $\Delta$; the averages mean something while it is positive.
    """

    noise: Number
    second_moment: Number
    variance_squared: Number
    log_partition: Number
    gap: Number


class Branch(AbstractSolution):
    r"""A saddle point of the free energy, and whether it was found.

    Attributes:
        order_parameters: $m$, $q$ and the coupling energy, comparable with an experiment.
        noise: $r$.
        signal: $\hat m$.
        free_energy: $f$ per spin.
        replicon: $\Lambda$; negative where replica symmetry breaks.
        status: how the search for the saddle point ended; no solution where there is none or its gap is closed.
        iterations: Newton steps taken.
        residual: largest violation of the saddle-point equations.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> recall, glass = hop.predict(memory), hop.predict(memory, branch="glass")
        >>> bool(recall.free_energy > glass.free_energy), float(glass.magnetisation)  # metastable
        (True, 0.0)
    """

    order_parameters: OrderParameters
    noise: Number
    signal: Number
    free_energy: Number
    replicon: Number
    status: Array
    iterations: Array
    residual: Number

    @property
    def magnetisation(self) -> Array:
        """$m$."""
        return self.order_parameters.magnetisation

    @property
    def overlap(self) -> Array:
        """$q$."""
        return self.order_parameters.overlap


def hidden_noise(hidden: AbstractHidden, overlap: Number, beta: Number) -> HiddenNoise:
    """Average the one-unit problem over its Gaussian field of variance $q$."""
    z, weights = normal_rule(NUM_PANELS)
    susceptibility = beta * (1 - overlap)
    spread = jnp.sqrt(jnp.where(overlap > 0, overlap, 1.0)) * (overlap > 0)
    site = hidden.site(spread * z, susceptibility, beta)
    square = site.mean**2
    return HiddenNoise(
        weights @ square,
        weights @ (square + site.variance),
        weights @ site.variance**2,
        weights @ site.log_partition,
        hidden.gap(susceptibility, beta),
    )


def condensed_field(hidden: AbstractHidden, magnetisation: Number, beta: Number) -> Number:
    r"""$\Phi'(m)$, the signal that a recalled pattern sends back."""
    return jax.grad(hidden.condensed)(magnetisation, beta)


def rs_free_energy(
    system: AssociativeMemory,
    magnetisation: Number,
    signal: Number,
    overlap: Number,
    noise: Number,
    num_mixed: int = 1,
) -> Scalar:
    """The free energy per spin at any $(m, \\hat m, q, r)$, stationary at the saddle points.

    Args:
        system: load, temperature and prior.
        magnetisation: $m$.
        signal: $\\hat m$.
        overlap: $q$.
        noise: $r$.
        num_mixed: $L$, patterns recalled at once.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> state = hop.predict(memory)
        >>> free = hop.rs_free_energy(memory, state.magnetisation, state.signal, state.overlap, state.noise)
        >>> bool(jnp.isclose(free, state.free_energy))
        True
    """
    beta = 1 / system.temperature
    spins = visible_layer(signal, jnp.sqrt(system.load * noise), beta, num_mixed, system.field)
    units = hidden_noise(system.hidden, overlap, beta)
    return _free_energy(system, magnetisation, signal, overlap, noise, spins, units, num_mixed)


def branch_at(system: AssociativeMemory, signal: Number, spread: Number, root: Root, num_mixed: int = 1) -> Branch:
    r"""All that theory says about the saddle point at $(\hat m, s)$, found as `root`."""
    beta = 1 / system.temperature
    spins = visible_layer(signal, spread, beta, num_mixed, system.field)
    m, q = jnp.where(signal == 0, 0.0, spins.magnetisation), spins.overlap
    units = hidden_noise(system.hidden, q, beta)
    r = units.noise
    coupling_energy = -num_mixed * m * signal - system.load * beta * (units.second_moment - q * r)
    is_open = ~succeeded(root.status) | (units.gap > 0)
    return Branch(
        OrderParameters(m, q, coupling_energy),
        noise=r,
        signal=signal,
        free_energy=_free_energy(system, m, signal, q, r, spins, units, num_mixed),
        replicon=1 - system.load * beta**4 * units.variance_squared * spins.fourth,
        status=choose_status((is_open, root.status), otherwise=Status.NO_SOLUTION),
        iterations=root.iterations,
        residual=root.residual,
    )


def free_energy_at(system: AssociativeMemory, signal: Number, spread: Number) -> tuple[Number, Number]:
    r"""$f$ and $\mathcal G$ at the saddle point $(\hat m, s)$; errors of the saddle point enter in second order."""
    beta = 1 / system.temperature
    spins = visible_layer(signal, spread, beta, 1, system.field)
    units = hidden_noise(system.hidden, spins.overlap, beta)
    noise = spread**2 / system.load
    f = _free_energy(system, spins.magnetisation, signal, spins.overlap, noise, spins, units, 1)
    return f, units.log_partition


def _free_energy(system, m, signal, q, r, spins: VisibleLayer, units: HiddenNoise, num_mixed) -> Scalar:
    beta, alpha = 1 / system.temperature, system.load
    recall = num_mixed * (m * signal - system.hidden.condensed(m, beta))
    return recall + alpha * beta * r * (1 - q) / 2 - alpha * units.log_partition / beta - spins.log_cosh / beta
