"""What figure 2 shows of a theory's range, read back from the axes."""

import jax.numpy as jnp
import matplotlib


matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from grokjax.systems.teacher_student import OrderParameters, Prediction, Range
from grokjax.systems.teacher_student.figures import _draw_bracket, _speaks


def curve(exponents):
    """A prediction at four noises with these rest exponents."""
    points = jnp.zeros(4)
    side = jnp.array([0.08, 0.07, 0.05, 0.01])
    overlap = {1: points + 0.8, 3: points - 0.05}
    return Prediction(
        discrepancy=overlap,
        overlap=overlap,
        side_weight=side,
        log_evidence=None,
        kernel=None,
        residual=points,
        quadrature_error=None,
        iterations=jnp.zeros(4, int),
        status=jnp.zeros(4, int),
        law=None,
        range=Range({1: points, 3: points + 2.0}, jnp.array(exponents), points, points, points + 10.0),
        theory=("field",),
        without_rest=OrderParameters(overlap, side + 0.01),
    )


def drawn(prediction):
    grid = np.array([0.02, 0.05, 0.1, 0.2])
    figure, (middle, right) = plt.subplots(1, 2)
    found = _draw_bracket(middle, right, prediction, grid, {1: 1.0, 3: -0.3})
    plt.close(figure)
    return found, middle, right


def test_noises_beyond_the_range_are_hatched():
    found, _, right = drawn(curve([1.8, 1.2, 0.9, 0.4]))
    assert found
    (span,) = right.patches
    np.testing.assert_allclose(span.get_extents().transformed(right.transData.inverted()).x1, 0.075)
    (band,) = right.collections  # between the values with and without the rest
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() <= 0.09 + 1e-9


def test_where_the_theory_declines_it_draws_nothing():
    declined = curve([2.7, 1.2, 0.9, 0.4])
    np.testing.assert_array_equal(_speaks(declined), [False, True, True, True])
    _, _, right = drawn(declined)
    (band,) = right.collections
    assert band.get_paths()[0].vertices[:, 0].min() >= 0.05 - 1e-9


def test_nothing_is_hatched_within_the_range():
    found, middle, right = drawn(curve([0.9, 0.8, 0.7, 0.4]))
    assert not found
    assert not right.patches
    assert not middle.collections
