r"""The adaptive-kernel theory of modular addition.

By symmetry the mean output misses a fraction $a$ of the target, and

$$ a = \frac{\sigma^2}{\sigma^2+\lambda},\qquad \lambda = 4P^2\sigma_a^2\,\langle XV\rangle_S , $$

with the pair action $S$ of `pair_measure`. That is the stationarity of a convex function of one variable,

$$ G(a) = \frac{a^2}2 - a + \frac{N\sigma^2}{2P}\log\frac{Z(a)}{Z(0)},\qquad Z(a)=\int dX\,dV\,e^{-S} , $$

a `ConvexDual` with one mode, $A = XV$ and $C = 4\sigma_a^2P^3/(N\sigma^4)$. Nothing is fitted. On a random fraction of
the table $\sigma^2$ becomes $\sigma^2$ over the fraction, the continuum limit of learning from a sample.

| symbol | field |
|---|---|
| $a$ | `discrepancy` |
| $P(X,V>x^*/2)$ | `side_weight` |
| $\langle XV\rangle$ | `overlap_moment` |
| $\lambda$ | `target_eigenvalue` |

References:
    arXiv:2310.03789, section 4.2. The eigenvalue carries a factor $4P^2$ and the pair measure a factor 2 in the
    exponent that the printed equations lack; `convention="paper"` is the printed variant (`printed_equations`).
"""

import warnings
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ...._checks import (
    argument_error,
    check_at_least,
    check_choice,
    check_double,
    check_instance,
    check_tolerance,
    check_whole,
    is_concrete,
)
from ...._tree import over_points
from ....status import AbstractSolution
from ....theory.adaptive_kernel import ConvexDual, minimise
from ..one_loop import log_determinant, moments, width_corrections
from ..order_parameters import OrderParameters
from ..pair_measure import PairLaw, PairNodes, effective_noise, expected_discrepancy, interaction, pair_nodes
from ..printed_equations import printed_solution
from ..system import ModularAddition
from .norm_decay import predict_norm_decay


CONVENTIONS = ("exact", "paper")


class LeadingOrder(UserWarning):
    """A prediction is the leading order of something that is known to matter.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     found = ma.predict(system.replace(training_fraction=0.8))
        >>> caught[0].category.__name__
        'LeadingOrder'
    """


class Prediction(AbstractSolution):
    r"""What theory says about one system.

    Attributes:
        discrepancy: $a$.
        side_weight: $P(X, V > x^*/2)$ of one neuron at one frequency, the same for all frequencies.
        overlap_moment: $\langle XV\rangle$.
        target_eigenvalue: $\lambda$.
        phase_coherence: mean cosine between the phase of a specialised neuron's read-out and the sum of its read-in
            phases.
        log_evidence: $L=\log\langle e^{-\sum|f-y|^2/2\sigma^2}\rangle_{\rm prior}$ in nats, to one loop: plus
            $(P(P-1)/\sigma^2)\,G$ at the minimum, plus the `determinant`; at most 0, without the Gaussian
            normalisation. Nan in the paper's convention, which has no potential.
        determinant: its part $-\frac12\log\det(H/\sigma^2)$ over all $P^3$ modes of inputs and outputs (`one_loop`);
            0, that is, left out, on part of the table and for $P=3$.
        residual: $|G'(a)|$, or the error of the closure in the paper's convention.
        quadrature_error: $|G'(a)|$ on a rule of higher order, which bounds the error of $a$ by quadrature.
        iterations: evaluations used by the solver.
        status: how the solver ended.
        law: the law of one pair; `law.action`, `law.log_density`, `law.wells()`.
        num_pairs: $(P-1)/2$ frequencies per neuron.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found = ma.predict(system)
        >>> round(float(found.side_weight), 2), round(float(found.specialised_once), 2)
        (0.22, 0.41)
    """

    discrepancy: Float[Array, "*points"]
    side_weight: Float[Array, "*points"]
    overlap_moment: Float[Array, "*points"]
    target_eigenvalue: Float[Array, "*points"]
    phase_coherence: Float[Array, "*points"]
    log_evidence: Float[Array, "*points"]
    determinant: Float[Array, "*points"]
    residual: Float[Array, "*points"]
    quadrature_error: Float[Array, "*points"]
    iterations: Int[Array, "*points"]
    status: Int[Array, "*points"]
    law: PairLaw
    num_pairs: Float[Array, "*points"]

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree that simulations report too."""
        return OrderParameters(self.discrepancy, self.side_weight, self.overlap_moment, self.target_eigenvalue)

    @property
    def specialised_once(self) -> Array:
        """Fraction of neurons specialised at exactly one frequency: frequencies are independent in this theory."""
        return self.num_pairs * self.side_weight * (1 - self.side_weight) ** (self.num_pairs - 1)


def predict(
    system: ModularAddition,
    convention: str = "exact",
    *,
    width_correction: bool = False,
    panel_order: int = 16,
    tolerance: float = 1e-10,
    max_steps: int = 200,
) -> Any:
    """Order parameters, evidence and the law of one pair; works under `jit`, `vmap` and `grad`.

    Derivatives with respect to every field of `system`, the prime included, are those of the exact solution.

    On a part of the table the noise is $\\sigma^2/f$, the leading order of a large one, which knows nothing of held-out
    sums: a warning says so, and `predict_on_part` knows more.

    Args:
        system: the parameters; fields of shape (point,) make a sweep, and every result has that shape.
        convention: "exact", or "paper" for the printed two-delta saddle formulas.
        width_correction: whether to add the first correction in 1/N to discrepancy, side weight, overlap moment and
            eigenvalue (`one_loop`); `law` and evidence stay those of the leading order.
        panel_order: quadrature nodes per panel; 16 gives about ten digits, 8 is enough for a picture.
        tolerance: accepted residual of the stationarity condition.
        max_steps: largest number of evaluations; a point that needs more comes back out of steps.

    Returns:
        A `Prediction`; with decay of the norms a `NormDecayPrediction`, in the limit of sharp wells.

    Raises:
        ValueError: 64-bit floats are off, the system holds more than one axis of points, the convention is unknown, the
            regulariser has no theory of the whole table in closed form, or a width correction is asked for on part of
            the table, for P = 3, for another regulariser than the published one, or in the paper's convention.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> prediction = ma.predict(system)
        >>> round(float(prediction.discrepancy), 2), bool(prediction.converged)
        (0.86, True)
    """
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    panel_order, max_steps = check_whole("panel_order", panel_order), check_whole("max_steps", max_steps)
    check_tolerance("tolerance", tolerance)
    check_choice("convention", convention, CONVENTIONS)
    if width_correction:
        _check_correctable(system, convention)
    _check_solvable(system, convention)
    if system.regulariser == "norm":
        return over_points(predict_norm_decay, system)
    if convention == "paper":
        solve = lambda system: _predict_printed(system, tolerance)
    else:
        solve = lambda system: _predict(system, width_correction, panel_order, tolerance, max_steps)
    return over_points(solve, system)


def _check_solvable(system: ModularAddition, convention: str) -> None:
    """Raise where there is no law to solve; say where it is a leading order only."""
    if system.regulariser == "gaussian":
        remedy = "The attraction of the data is quartic and wins at large weights; networks can still be simulated."
        raise argument_error("regulariser", "one with a normalisable law of a neuron", system.regulariser, remedy)
    if system.regulariser == "position":
        remedy = "Use predict_on_part, which samples the law of a neuron."
        raise argument_error("regulariser", "one whose theory has a closed form", system.regulariser, remedy)
    if system.regulariser != "fourier" and convention == "paper":
        raise argument_error("convention", '"exact" for this regulariser', convention, "The paper has one regulariser.")
    fraction = system.training_fraction
    if is_concrete(fraction) and (np.asarray(fraction) < 1).any():
        text = "On a part of the table this is the leading order of a large one; see predict_on_part."
        warnings.warn(text, LeadingOrder, stacklevel=3)


def _check_correctable(system: ModularAddition, convention: str) -> None:
    if convention == "paper":
        raise argument_error("convention", '"exact" with a width correction', convention, "Leave one of them out.")
    if system.regulariser != "fourier":
        raise argument_error("regulariser", '"fourier" with a width correction', system.regulariser, "Leave it out.")
    if is_concrete(system.training_fraction) and (np.asarray(system.training_fraction) < 1).any():
        fraction = np.asarray(system.training_fraction).tolist()
        raise argument_error("training_fraction", "1 for a width correction", fraction, "Use the whole table.")
    check_at_least("prime", system.prime, 5, "The modes of the width correction need P of at least 5.")


def convex_dual(system: ModularAddition, nodes: PairNodes) -> ConvexDual:
    """The dual problem of `system` on the given nodes.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition.pair_measure import pair_nodes
        >>> from grokjax.systems.modular_addition.theory import convex_dual
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> dual, a = convex_dual(system, pair_nodes(system)), ma.predict(system).discrepancy
        >>> float(abs(dual.gradient(a[None])[0])) < 1e-8
        True
    """
    noise = effective_noise(system)
    return ConvexDual(
        targets=jnp.ones(1),
        neuron_kernels=(nodes.x * nodes.v)[:, None, None],
        log_prior=nodes.log_prior,
        coupling=2 * system.prime * interaction(system),
        multiplicity=system.width * noise / (2 * system.prime),
    )


@eqx.filter_jit
def _predict(
    system: ModularAddition, width_correction: bool, panel_order: int, tolerance: float, max_steps: int
) -> Prediction:
    nodes = pair_nodes(system, panel_order)
    dual = convex_dual(system, nodes)
    start = jax.lax.stop_gradient(expected_discrepancy(system))
    solution = minimise(dual, start=start[None], tolerance=tolerance, max_steps=max_steps)
    weights = jax.nn.softmax(dual.log_weights(solution.discrepancy))
    moment = weights @ (nodes.x * nodes.v)
    coherence = readout_coherence(system, solution.discrepancy[0], nodes.x * nodes.v)
    side_weight = weights @ nodes.is_side
    action = PairLaw(system, solution.discrepancy[0], jnp.zeros(())).action(nodes.x, nodes.v)
    log_normalisation = jax.nn.logsumexp(nodes.log_volume - action)
    finer = convex_dual(system, pair_nodes(system, panel_order + panel_order // 2))
    discrepancy, side, all_moment = solution.discrepancy[0], side_weight, moment
    if width_correction:
        shifts = width_corrections(system, nodes, dual, discrepancy)
        discrepancy, side, all_moment = discrepancy + shifts[0], side + shifts[1], moment + shifts[2]
    determinant = _determinant(system, solution.discrepancy[0], nodes, weights)
    return Prediction(
        discrepancy=discrepancy,
        side_weight=side,
        overlap_moment=all_moment,
        target_eigenvalue=4 * system.prime**2 * system.readout_variance * all_moment,
        phase_coherence=(weights * nodes.is_side) @ coherence / side_weight,
        log_evidence=system.prime * (system.prime - 1) / effective_noise(system) * solution.value + determinant,
        determinant=determinant,
        residual=solution.residual,
        quadrature_error=jnp.linalg.norm(finer.gradient(solution.discrepancy)),
        iterations=solution.iterations,
        status=solution.status,
        law=PairLaw(system, solution.discrepancy[0], log_normalisation),
        num_pairs=(system.prime - 1) / 2,
    )


def _determinant(
    system: ModularAddition, discrepancy: Float[Array, ""], nodes: PairNodes, weights: Float[Array, " nodes"]
) -> Float[Array, ""]:
    """$-\\frac12\\log\\det(H/\\sigma^2)$ on the whole table with the published decay, 0 elsewhere."""
    whole = (system.training_fraction >= 1) & (system.prime >= 5) & (system.regulariser == "fourier")
    safe = system.replace(prime=jnp.where(whole, system.prime, 5.0))
    loops = log_determinant(safe, discrepancy, moments(nodes, weights)) - safe.prime**3 * jnp.log(system.noise_variance)
    return jnp.where(whole, -loops / 2, 0.0)


def readout_coherence(
    system: ModularAddition, discrepancy: Float[Array, ""], moment: Float[Array, "*points"]
) -> Float[Array, "*points"]:
    r"""$\langle\cos(\arg a_k - \arg w_k - \arg v_k)\rangle$ of a pair with given $XV$.

    Given its read-in, a neuron's read-out mode is Gaussian around $2P\sigma_a^2a\,w_kv_k/(N\sigma^2)$ with variance
    $\sigma_a^2/(NP)$. With signal to noise $\rho = 2Pua^2XV$ the mean cosine is
    $\sqrt{\pi\rho}/2\;e^{-\rho/2}[I_0(\rho/2)+I_1(\rho/2)]$: one half at $\rho=0.36$, near 1 in a side well.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition.theory import readout_coherence
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> a = ma.predict(system).discrepancy
        >>> round(float(readout_coherence(system, a, jnp.asarray(1.0))), 2)  # in a side well
        0.99
    """
    signal = jnp.maximum(2 * system.prime * interaction(system) * discrepancy**2 * moment, 1e-30)
    bessel = jax.scipy.special.i0e(signal / 2) + jax.scipy.special.i1e(signal / 2)
    return jnp.sqrt(jnp.pi * signal) / 2 * bessel


@eqx.filter_jit
def _predict_printed(system: ModularAddition, tolerance: float) -> Prediction:
    root, side_weight, moment = printed_solution(system, tolerance)
    unknown = jnp.full((), jnp.nan)
    discrepancy = root.position
    return Prediction(
        discrepancy=discrepancy,
        side_weight=side_weight,
        overlap_moment=moment,
        target_eigenvalue=system.readout_variance * moment,
        phase_coherence=unknown,
        log_evidence=unknown,
        determinant=unknown,
        residual=root.residual,
        quadrature_error=jnp.zeros(()),
        iterations=root.iterations,
        status=root.status,
        law=PairLaw(system, discrepancy, unknown),
        num_pairs=(system.prime - 1) / 2,
    )
