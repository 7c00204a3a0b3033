r"""Phases of the associative memory, their names, and the lines between them that have a formula.

| phase | meaning | where |
|---|---|---|
| paramagnet | $m=0$, replica symmetric; $q=0$ if the prior is symmetric | above $T_g$ |
| spin glass | $m=0$, replica symmetry broken, $\Lambda<0$ | below it, where no state recalls |
| metastable recall | a state recalls, with the higher free energy | between $\alpha_c$ and $\alpha_M$ |
| recall | the state that recalls has the lowest free energy | below $\alpha_c$ |

For a symmetric prior $\Lambda<0$ wherever $q>0$. With any other the noise is a random field and $q>0$ at all
temperatures; the line at which replica symmetry breaks, far below $T_g$ for rectified units, is what remains.

References:
    arXiv:2506.10552, phase diagrams; the lines for general priors are derived (README).
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ... import phases
from ..._checks import as_scalar, check_double, check_finite, check_positive
from ...status import first_failure
from ...theory.roots import bisect, first_true
from .free_energy import Branch, hidden_noise
from .hidden import AbstractHidden
from .saddle_points import BATCH_SIZE, glass_branch, retrieval_branch, trace_glass, trace_retrieval
from .system import AssociativeMemory


PHASES = ("paramagnet", "spin glass", "metastable recall", "recall")
SEEN = 1e-6
TEMPERATURES = (0.02, 20.0)
NUM_TEMPERATURES = 120


def classify(retrieval: Branch, glass: Branch) -> Int[Array, "*points"]:
    """The index in `PHASES` of the state with the lowest free energy, or of metastable recall.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> label = hop.classify(hop.predict(memory), hop.predict(memory, branch="glass"))
        >>> hop.PHASES[int(label)]
        'metastable recall'
    """
    recalls = retrieval.magnetisation > SEEN
    frozen = jnp.where(glass.replicon < 0, 1, 0)
    return jnp.where(recalls, jnp.where(retrieval.free_energy < glass.free_energy, 3, 2), frozen)


def glass_load(hidden: AbstractHidden, temperature: Scalar | float) -> Scalar:
    r"""The load $\alpha_g(T)=1/(\beta^2v)^2$ at which the paramagnet of a symmetric prior freezes.

    $v$ is the variance of a unit in no field, with the self-coupling $C=\beta$ that disordered spins lend it. Zero
    where the gap is closed: there the paramagnet is frozen at any load.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> round(float(hop.glass_load(hop.GaussianHidden(), 1.5)), 4)  # (T - 1) squared
        0.25
    """
    beta = 1 / as_scalar(temperature)
    units = hidden_noise(hidden, jnp.zeros(()), beta)
    return jnp.where(units.gap > 0, 1 / (beta**4 * units.variance_squared), 0.0)


def glass_temperature(hidden: AbstractHidden, load: Scalar | float) -> Scalar:
    r"""$T_g(\alpha)$: the highest temperature at which the paramagnet freezes; $1+\sqrt\alpha$ for Gaussian units.

    Raises:
        ValueError: 64-bit numbers are off, or the load is not positive.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> float(jnp.round(hop.glass_temperature(hop.GaussianHidden(), 0.25), 4))
        1.5
    """
    load = as_scalar(load)
    check_double("a transition temperature", (hidden, load))
    check_positive("load", load)
    return _highest(lambda t: glass_load(hidden, t) <= load)


def replicon_temperature(hidden: AbstractHidden, load: Scalar | float) -> Scalar:
    r"""The highest temperature at which replica symmetry breaks without recall, $\Lambda=0$; nan if there is none.

    Raises:
        ValueError: 64-bit numbers are off, or the load is not positive.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> temperature = hop.replicon_temperature(hop.ReLUHidden(-0.5), 0.5)
        >>> bool(0 < temperature < hop.glass_temperature(hop.ReLUHidden(-0.5), 0.5))
        True
    """
    load = as_scalar(load)
    check_double("a transition temperature", (hidden, load))
    check_positive("load", load)
    return _replicon_temperature(hidden, jnp.asarray(load))


@eqx.filter_jit
def _replicon_temperature(hidden: AbstractHidden, load: Scalar) -> Scalar:
    def broken(temperature):
        state = glass_branch(AssociativeMemory(load, temperature, hidden), trace_glass(hidden, 1 / temperature))
        return state.converged & (state.replicon < 0)

    return _highest(broken)


def _highest(below) -> Scalar:
    """The highest temperature at which `below` turns true, by a scan and bisection in the logarithm."""
    grid = jnp.linspace(math.log(TEMPERATURES[1]), math.log(TEMPERATURES[0]), NUM_TEMPERATURES)
    hit = jax.lax.map(lambda u: below(jnp.exp(u)), grid)
    first, found = first_true(hit)
    root = bisect(lambda u: below(jnp.exp(u)), grid[first], grid[jnp.maximum(first - 1, 0)], 45)
    return jnp.where(found & (first > 0), jnp.exp(root), jnp.nan)


class _Column(eqx.Module):
    """All loads at one temperature: both curves are traced once."""

    hidden: AbstractHidden
    loads: Float[Array, " loads"]
    field: Array | None

    def __call__(self, temperature: Scalar) -> phases.PhasePoint:
        beta = 1 / temperature
        recall = trace_retrieval(self.hidden, beta, 1, self.field)
        glass = trace_glass(self.hidden, beta, self.field)

        def at(load):
            system = AssociativeMemory(load, temperature, self.hidden, field=self.field)
            without = glass_branch(system, glass)
            retrieval = retrieval_branch(system, recall, without)
            label = classify(retrieval, without)
            lowest = jax.tree.map(
                lambda a, b: jnp.where(label >= 2, a, b), retrieval.order_parameters, without.order_parameters
            )
            return phases.PhasePoint(lowest, label, first_failure(retrieval.status, without.status))

        return jax.vmap(at)(self.loads)


def phase_diagram(
    hidden: AbstractHidden, loads: Any, temperatures: Any, *, field: float | Array | None = None
) -> phases.PhaseDiagram:
    """Phases and order parameters on the (temperature, load) plane, in one call that is traced once.

    The order parameters are those of the state that recalls, where there is one, and of the other elsewhere.

    Args:
        hidden: the prior.
        loads: positive, shape (columns,).
        temperatures: positive, shape (rows,).
        field: $g$, one local bias on every spin.

    Raises:
        ValueError: 64-bit numbers are off, or a load or temperature is not positive.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> diagram = hop.phase_diagram(hop.GaussianHidden(), [0.02, 0.2], [0.3, 2.0])
        >>> [[hop.PHASES[label] for label in row] for row in diagram.labels.tolist()]
        [['recall', 'spin glass'], ['paramagnet', 'paramagnet']]
    """
    if field is not None:
        check_finite("field", field, "The field is in units of the coupling.")
    loads, temperatures = jnp.asarray(loads, float), jnp.asarray(temperatures, float)
    check_double("a phase diagram", (hidden, loads, temperatures))
    check_positive("loads", loads)
    check_positive("temperatures", temperatures)
    column = _Column(hidden, loads, as_scalar(field))
    columns = phases.sweep(column, {"temperature": temperatures}, PHASES, batch_size=BATCH_SIZE)
    return phases.PhaseDiagram(
        ("temperature", "load"),
        (temperatures, loads),
        columns.order_parameters,
        columns.labels,
        columns.status,
        PHASES,
    )
