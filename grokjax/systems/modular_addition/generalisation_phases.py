r"""Phases on a part of the table, with decay of the norms.

| phase | what training ends in |
|---|---|
| lazy | no specialised neuron; held-out sums get a little of the opposite of their target |
| memorising | neurons serve their mask: training sums learned, held-out ones not |
| generalising | neurons of one frequency: held-out sums are learned |

Theory draws two lines. Specialised neurons appear below the noise $f\,P\sqrt{2\sigma_a^2/(Nu_c)}$ (`theory.norm_decay`,
the leading order of a large table), and neurons of one frequency win from the fraction $\sqrt{2c/P}$ on, whatever the
noise (`generalisation_boundary`, an estimate).

References:
    extends arXiv:2310.03789, section 4.2; derived here.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..._checks import argument_error, check_double, check_instance, check_positive, real_numbers
from ...phases import PhaseDiagram, PhasePoint, sweep
from .order_parameters import OrderParameters
from .phases import check_axes
from .system import ModularAddition
from .theory.generalisation import LEFT_TO_A_MASK, boundary_of
from .theory.norm_decay import predict_norm_decay


GENERALISATION_PHASES = ("lazy", "memorising", "generalising")
MOST_SUMS = 0.5  # accuracies above it count as learned


def classify_generalisation(order_parameters: OrderParameters) -> Int[Array, "*points"]:
    """Index into `GENERALISATION_PHASES` of networks, by their accuracies.

    Args:
        order_parameters: with `train_accuracy` and `held_out_accuracy`: numbers, or the means of a run.

    Raises:
        ValueError: it is something else, such as an array, or knows nothing of held-out sums.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> found = ma.OrderParameters(0.4, 0.2, 0.6, 3e-4, train_accuracy=1.0, held_out_accuracy=0.1)
        >>> ma.GENERALISATION_PHASES[int(ma.classify_generalisation(found))]
        'memorising'
    """
    remedy = "Give `run.order_parameters`, or those of a prediction."
    check_instance("order_parameters", order_parameters, OrderParameters, remedy)
    if order_parameters.held_out_accuracy is None:
        remedy = "Give a training_fraction below 1."
        raise argument_error("order_parameters", "of a part of the table", "no held_out_accuracy", remedy)
    train, held_out = (
        jnp.asarray(getattr(value, "mean", value))
        for value in (order_parameters.train_accuracy, order_parameters.held_out_accuracy)
    )
    return jnp.where(train < MOST_SUMS, 0, jnp.where(held_out < MOST_SUMS, 1, 2))


def passes_half(fractions: Any, accuracies: Any) -> float:
    """The fraction at which an accuracy first passes one half, linear in between; nan where it does not.

    Args:
        fractions: ascending, shape (point,).
        accuracies: likewise, of one curve.

    Raises:
        ValueError: fractions do not ascend, or the shapes differ.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> round(ma.passes_half([0.5, 0.6, 0.7], [0.1, 0.4, 0.9]), 2)
        0.62
    """
    fractions = real_numbers("fractions", fractions, "Give one fraction a point.").astype(float)
    accuracies = real_numbers("accuracies", accuracies, "Give one accuracy a point.").astype(float)
    if fractions.ndim != 1 or accuracies.shape != fractions.shape or (np.diff(fractions) <= 0).any():
        got = f"fractions {fractions.tolist()} and accuracies of shape {accuracies.shape}"
        raise argument_error("fractions", "ascending, one for each accuracy", got, "Sort the points; one curve a call.")
    above = np.flatnonzero(accuracies > MOST_SUMS)
    if not above.size or above[0] == 0:
        return float("nan")
    i = above[0]
    share = (MOST_SUMS - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
    return float(fractions[i - 1] + share * (fractions[i] - fractions[i - 1]))


class _Point(eqx.Module):
    system: ModularAddition
    left: Array

    def __call__(self, **coordinates: Any) -> PhasePoint:
        system = self.system.replace(**coordinates)
        found = predict_norm_decay(system)
        generalises = system.training_fraction >= boundary_of(system.prime, self.left)
        label = jnp.where(found.specialised <= 0, 0, jnp.where(generalises, 2, 1))
        return PhasePoint(found.order_parameters, label, found.status)


def generalisation_diagram(
    system: ModularAddition, axes: Mapping[str, Any], *, left: float = LEFT_TO_A_MASK, batch_size: int = 256
) -> PhaseDiagram:
    r"""Phases over any two fields of the system, such as noise and fraction.

    ```python
    generalisation_diagram(system, {"noise_variance": noises, "training_fraction": fractions})
    ```

    Args:
        system: the fields that are not swept, with the regulariser "norm".
        axes: name of a field and its values, one entry per axis of the diagram.
        left: $c$ of `generalisation_boundary`.
        batch_size: points solved together.

    Raises:
        ValueError: the regulariser is another one, an axis is not a field of the system, or values are out of range.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> axes = {"noise_variance": [1e-4, 1e-3], "training_fraction": [0.5, 0.8]}
        >>> ma.generalisation_diagram(system.replace(regulariser="norm"), axes)
        PhaseDiagram(...)
    """
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    check_positive("left", left)
    if system.regulariser != "norm":
        remedy = "The other regularisers have no theory of their phases on a part of the table; simulate them."
        raise argument_error("regulariser", '"norm"', system.regulariser, remedy)
    check_axes(system, axes)
    return sweep(_Point(system, jnp.asarray(left, float)), axes, GENERALISATION_PHASES, batch_size=batch_size)
