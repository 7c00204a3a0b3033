r"""Phases of modular addition and their borders.

| phase | pairs $(X, V)$ of a neuron |
|---|---|
| GFL | one centre: Gaussian features, lazy learning |
| GMFL-I | the centre and specialised wells both carry weight |
| GMFL-II | the centre is negligible |

For $P\to\infty$ the wells are sharp. The mixed phase starts where they become level at $a=1$; inside it
$a=\sqrt{u_c/u}$ keeps them level (a lever rule, $a=\sigma^2/\sigma^2_{start}$); it ends where the side wells hold all
weight:

$$ \sigma^2_{start} = P\sqrt{\frac{\sigma_a^2}{N}}\Big(\frac3\gamma\Big)^{1/4},\qquad
   \sigma^2_{end} = \sigma^2_{start} - 4P^2\sigma_a^2\,\frac3\gamma . $$

With decay of the norms the borders are those of `theory.norm_decay`. In a finite network "carries weight" needs a
threshold; by default $1/N$, less than one neuron per frequency.

References:
    arXiv:2310.03789, sections 3 and 4.2.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._checks import argument_error, check_choice, check_double, check_instance, check_whole
from ...phases import PhaseDiagram, PhasePoint, sweep
from ...status import AbstractSolution, Status, choose_status, first_failure, succeeded
from ...theory.roots import largest_root, newton_root
from .order_parameters import OrderParameters
from .pair_measure import saturated_eigenvalue
from .system import ModularAddition
from .theory import CONVENTIONS, predict
from .theory.norm_decay import SideWells, level_wells, predict_norm_decay, well_eigenvalue


PHASES = ("GFL", "GMFL-I", "GMFL-II")


class Transitions(AbstractSolution):
    """Noise variances between which the mixed phase lies; nan where there is no such border.

    Attributes:
        start: below it specialised neurons exist.
        end: below it nearly all are.
        status: no solution where there is no start or no end.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> borders = ma.transitions(system)
        >>> f"{float(borders.end):.3g} to {float(borders.start):.3g}"
        '5.28e-05 to 0.00044'
        >>> ma.transitions(system.replace(readout_variance=1e-4)).end.tolist()
        nan
    """

    start: Float[Array, "*points"]
    end: Float[Array, "*points"]
    status: Int[Array, "*points"]


def transitions(system: ModularAddition, convention: str = "exact") -> Transitions:
    r"""The borders in the sharp limit, in closed form; the system's own noise plays no role.

    Args:
        system: the parameters; fields may be arrays.
        convention: "paper" takes the saturated eigenvalue as printed, $\sigma_a^2x^{*2}$.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> borders = ma.transitions(system)
        >>> bool(borders.end < system.noise_variance < borders.start)
        True
    """
    check_instance("system", system, ModularAddition)
    check_choice("convention", convention, CONVENTIONS)
    if system.regulariser == "norm":
        return _norm_transitions(system)
    check_pairs(system)
    level = system.prime * jnp.sqrt(system.readout_variance * system.well_position / system.width)
    saturated = saturated_eigenvalue(system)
    if convention == "paper":
        saturated = saturated / (4 * system.prime**2)
    start, end = system.training_fraction * level, system.training_fraction * (level - saturated)
    status = choose_status((~(end > 0), Status.NO_SOLUTION), otherwise=Status.SOLVED)
    return Transitions(start, jnp.where(end > 0, end, jnp.nan), status)


def _norm_transitions(system: ModularAddition) -> Transitions:
    r"""With decay of the norms: $ua^2=u_c$ at $a=1$, and where all neurons are in a well."""
    shape = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(system)))
    flat = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape).ravel(), system)
    wells = jax.vmap(predict_norm_decay)(flat)
    start = flat.prime * jnp.sqrt(2 * flat.readout_variance / (flat.width * wells.level))
    level_power = jax.vmap(lambda system: SideWells(system).power(level_wells(system)[0]))(flat)
    end = start - well_eigenvalue(flat, level_power)
    status = choose_status((~(end > 0), Status.NO_SOLUTION), otherwise=wells.status)
    start, end = flat.training_fraction * start, flat.training_fraction * jnp.where(end > 0, end, jnp.nan)
    return Transitions(*(leaf.reshape(shape) for leaf in (start, end, status)))


def check_pairs(system: ModularAddition) -> None:
    """Raise unless the frequencies of a neuron are independent."""
    if system.regulariser not in ("fourier", "fourier0"):
        remedy = 'Frequencies are independent there; with "norm" see transitions and generalisation_diagram.'
        raise argument_error("regulariser", '"fourier" or "fourier0"', system.regulariser, remedy)


def finite_size_transitions(
    system: ModularAddition, threshold: float | Array | None = None, *, num_scan: int = 48
) -> Transitions:
    r"""The borders at finite $P$: where side weight, or what is left of the centre, crosses the threshold.

    Differentiable in every field but the noise.

    Args:
        system: the parameters, one point; its own noise plays no role.
        threshold: smallest weight that counts as present; $1/N$ unless given.
        num_scan: noises of the search, from a thousandth of the sharp start up to five times it.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found, sharp = ma.finite_size_transitions(system), ma.transitions(system)
        >>> [round(1e4 * float(border), 2) for border in (found.start, found.end, sharp.start, sharp.end)]
        [5.46, nan, 4.4, 0.53]
    """
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    check_pairs(system)
    num_scan = check_whole("num_scan", num_scan, 2)
    return _finite_size_transitions(system, None if threshold is None else jnp.asarray(threshold, float), num_scan)


@eqx.filter_jit
def _finite_size_transitions(system: ModularAddition, threshold: Array | None, num_scan: int) -> Transitions:
    threshold = jnp.asarray(1 / system.width if threshold is None else threshold)
    scale = jnp.log(transitions(system).start)

    def border(weight):
        def excess(log_noise):
            side = predict(system.replace(noise_variance=jnp.exp(log_noise))).side_weight
            return jnp.log(jnp.maximum(weight(side), 1e-30)) - jnp.log(threshold)

        lower, upper = scale - jnp.log(1e3), scale + jnp.log(5.0)
        guess, found = largest_root(excess, lower, upper, num_scan=num_scan, num_halvings=12)
        root = newton_root(excess, guess, tolerance=1e-7)
        status = choose_status((~found, Status.NO_SOLUTION), otherwise=root.status)
        return jnp.where(succeeded(status), jnp.exp(root.position), jnp.nan), status

    # Not one vmapped solve: where there is no end, its nan would reach the derivative of the start.
    (start, start_status), (end, end_status) = border(lambda side: side), border(lambda side: 1 - side)
    return Transitions(start, end, first_failure(start_status, end_status))


def classify(order_parameters: OrderParameters, threshold: Any) -> Int[Array, "*points"]:
    """Index into `PHASES`: 0 without specialised pairs, 2 without central ones, 1 with both.

    Args:
        order_parameters: only `side_weight` decides.
        threshold: the smallest weight that counts, such as `1 / system.width`.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> ma.PHASES[int(ma.classify(ma.predict(system).order_parameters, threshold=1 / 500))]
        'GMFL-I'
    """
    side = jnp.asarray(order_parameters.side_weight, float)
    return jnp.where(side < threshold, 0, jnp.where(1 - side < threshold, 2, 1))


class _Point(eqx.Module):
    system: ModularAddition
    threshold: Array | None
    convention: str = eqx.field(static=True)
    panel_order: int = eqx.field(static=True)

    def __call__(self, **coordinates) -> PhasePoint:
        system = self.system.replace(**coordinates)
        prediction = predict(system, self.convention, panel_order=self.panel_order)
        threshold = 1 / system.width if self.threshold is None else self.threshold
        order_parameters = prediction.order_parameters
        return PhasePoint(order_parameters, classify(order_parameters, threshold), prediction.status)


def phase_diagram(
    system: ModularAddition,
    axes: Mapping[str, Any],
    *,
    convention: str = "exact",
    threshold: float | Array | None = None,
    panel_order: int = 8,
    batch_size: int = 64,
) -> PhaseDiagram:
    r"""Phases over any two fields of the system (or one, or three), in one compiled call.

    ```python
    phase_diagram(system, {"noise_variance": noises, "readout_variance": variances})
    phase_diagram(system, {"width": widths, "prime": primes})
    ```

    Args:
        system: the fields that are not swept.
        axes: name of a field and its values, one entry per axis of the diagram.
        convention: as in `predict`.
        threshold: smallest weight that counts as present; $1/N$ of each point unless given.
        panel_order: quadrature nodes per panel; fewer than in `predict`, enough for a picture.
        batch_size: points solved together.

    Raises:
        ValueError: an axis is not a field of the system, or values are out of range.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> ma.phase_diagram(system, {"noise_variance": [1e-3, 4e-4], "readout_variance": [2e-7, 8e-7]})
        PhaseDiagram(...)
    """
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    check_choice("convention", convention, CONVENTIONS)
    check_pairs(system)
    check_axes(system, axes)
    threshold = None if threshold is None else jnp.asarray(threshold, float)
    return sweep(_Point(system, threshold, convention, panel_order), axes, PHASES, batch_size=batch_size)


def check_axes(system: ModularAddition, axes: Mapping[str, Any]) -> None:
    """Raise unless every axis is a field of the system, with values in its range."""
    if not isinstance(axes, Mapping) or not axes:
        raise argument_error("axes", "a mapping of fields to values", axes, 'Try {"noise_variance": [1e-4, 2e-4]}.')
    for name, values in axes.items():
        numbers = tuple(field for field, value in vars(system).items() if not isinstance(value, str))
        if name not in numbers:
            raise argument_error("axes", f"named by numbers of the system, {numbers}", name, "Rename the axis.")
        system.replace(**{name: jnp.asarray(values, float)})  # its checks look at the whole axis
