r"""What of a difference between networks and theory is finite width, and what is finite data.

At the widths $mN$ with read-out and noise variance over $m$ every term of the action is multiplied by $m$
(`system.at_width`). On the *same* data sets

$$ \text{networks}(1)-\text{networks}(m\to\infty) = \text{finite width},\qquad
   \text{networks}(m\to\infty)-\text{population theory} = \text{finite data} , $$

each exactly. The first is paired: data sets differ far more from each other than one data set at two widths. The limit
is a straight line in $1/m$ through the widths of each data set; a curvature left in it shows with three widths.
"""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._checks import argument_error
from .._tree import named_leaves
from .statistics import Estimate, is_estimate, over_datasets


class Decomposition(eqx.Module):
    """Networks at several widths on the same data sets; every pytree has the form of the order parameters.

    Attributes:
        widths: the factors $m$.
        networks: estimates at each.
        finite_width: networks at $m=1$ less those at $m\\to\\infty$, paired.
        infinite: networks at $m\\to\\infty$.
        runs: the runs themselves.

    Examples:
        >>> from grokjax.evidence.decomposition import decompose
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> simulate = lambda each: ts.simulate(jax.random.key(0), each, num_members=2, num_steps=24, progress=False)
        >>> found = decompose(simulate, system, widths=(1, 2))
        >>> found.widths, len(found.runs), sorted(found.infinite.overlap)
        ((1.0, 2.0), 2, [1, 3])
    """

    widths: tuple[float, ...] = eqx.field(static=True)
    networks: tuple[Any, ...]
    finite_width: Any
    infinite: Any
    runs: tuple[Any, ...]

    def finite_data(self, population: Any) -> Any:
        """Networks at infinite width less a theory without data; with the errors of the networks.

        Args:
            population: order parameters, or a prediction with them, such as `predict(system, perpendicular="chi2")`.
        """
        expected = getattr(population, "order_parameters", population)
        less = lambda estimate, value: Estimate(estimate.mean - np.asarray(value), estimate.error)
        return jax.tree.map(less, self.infinite, expected, is_leaf=is_estimate)

    def __repr__(self) -> str:
        lines = []
        trees = {f"m = {width:g}": tree for width, tree in zip(self.widths, self.networks, strict=True)}
        trees |= {"finite width": self.finite_width, "infinite width": self.infinite}
        for head, tree in trees.items():
            shown = ", ".join(f"{name} {value}" for name, value in named_leaves(tree, is_estimate).items())
            lines.append(f"{head}: {shown}")
        return "\n".join(lines)


def decompose(
    simulate: Callable[[Any], Any], system: Any, widths: Sequence[float] = (1, 4), certified: bool = False
) -> Decomposition:
    """Run a system at several widths, and take the limit.

    Args:
        simulate: from a system to its `Run`, with one key for all widths, so that all have the same data sets.
        system: at $m=1$.
        widths: factors $m$, two or more.
        certified: whether to refuse runs whose certificate failed.

    Raises:
        ValueError: fewer than two widths, a factor that leaves no whole neuron, or a run without certificate.

    Examples:
        >>> from grokjax.evidence.decomposition import decompose
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> simulate = lambda each: ts.simulate(jax.random.key(0), each, num_members=2, num_steps=24, progress=False)
        >>> found = decompose(simulate, system, widths=(1, 2))
        >>> parts = [each.side_weight.mean for each in (found.networks[0], found.finite_width, found.infinite)]
        >>> bool(abs(parts[0] - parts[1] - parts[2]) < 1e-6)  # they add up
        True
    """
    factors = tuple(float(width) for width in widths)
    if len(set(factors)) < 2:
        raise argument_error("widths", "of two different factors or more", tuple(widths), "Try (1, 4).")
    scaled = [system.at_width(factor) for factor in factors]  # all are checked before anything is run
    runs = tuple(simulate(each) for each in scaled)
    for factor, run in zip(factors, runs, strict=True):
        if certified and run.certificate is not None and run.certificate.failed:
            raise argument_error("num_steps", f"enough at width factor {factor:g}", str(run.certificate), "Run longer.")
    design = np.stack([np.ones(len(factors)), 1 / np.asarray(factors)], axis=1)
    limit, slope = np.linalg.pinv(design)
    diverged = np.any([np.asarray(run.diverged) for run in runs], axis=0)
    count = runs[0].layout.num_datasets
    means = [jax.tree.map(lambda values: np.asarray(values, float).mean(axis=-1), run.series) for run in runs]
    combined = lambda weights: jax.tree.map(
        lambda *values: over_datasets(np.tensordot(weights, np.stack(values), axes=1), count, diverged), *means
    )
    unit = np.eye(len(factors))
    networks = tuple(combined(unit[i]) for i in range(len(factors)))
    return Decomposition(factors, networks, combined(slope), combined(limit), runs)
