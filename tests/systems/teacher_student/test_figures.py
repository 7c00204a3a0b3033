"""What figure 2 shows of a theory's range and of the lazy network, and maps of overlaps, read back from the axes."""

import jax
import jax.numpy as jnp
import matplotlib


matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from grokjax.systems import teacher_student as ts
from grokjax.systems.teacher_student import OrderParameters, Prediction, Range, figures
from grokjax.systems.teacher_student.figures.published import _draw_bracket, _speaks


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


NOISES, COEFFICIENTS = np.array([0.1, 0.3]), np.array([-0.5, -0.3, -0.2])
BASE = ts.TeacherStudent.at_scale(1 / 64)


@pytest.fixture(scope="module")
def run():
    system = BASE.replace(noise_variance=NOISES[:, None], teacher={1: 1.0, 3: COEFFICIENTS[None]})
    return ts.simulate(jax.random.key(0), system, num_members=2, num_steps=10, num_witnesses=0, progress=False)


@pytest.mark.medium
def test_maps_of_overlaps(run):
    """Cells of theory and of networks are the shares of the teacher's coefficients; the line is as given."""
    noise, coefficient = (grid.ravel() for grid in np.meshgrid(NOISES, COEFFICIENTS))
    system = BASE.replace(noise_variance=noise, teacher={1: 1.0, 3: coefficient})
    theory = ts.predict(system, theory="mean_field")
    line = [0.12, 0.28], [-0.2, -0.5]
    figure = figures.overlap_maps(theory, run, line)
    cells = [np.asarray(ax.collections[0].get_array()).reshape(3, 2) for ax in figure.axes[:4]]
    np.testing.assert_allclose(cells[0].ravel(), theory.overlap[1])
    np.testing.assert_allclose(cells[2].ravel(), theory.overlap[3] / coefficient)
    np.testing.assert_allclose(cells[1], run.overlap[1].mean.T)
    np.testing.assert_allclose(cells[3], (run.overlap[3].mean / COEFFICIENTS).T)
    np.testing.assert_allclose(figure.axes[3].lines[0].get_xdata(), line[0])
    assert "2 a cell" in figures.caption_overlap_maps(run)
    plt.close(figure)


@pytest.mark.medium
def test_the_gaussian_process_on_figure_2(run):
    """Beside the curves, in the colours of its components and dashes of its own."""
    one = run.system.replace(noise_variance=NOISES, teacher={1: 1.0, 3: -0.3})
    flat = ts.simulate(jax.random.key(0), one, num_members=2, num_steps=10, num_witnesses=0, progress=False)
    lazy = ts.lazy_baseline(one)
    figure = figures.figure_2(flat, {}, {"mean_field": ts.predict(one, theory="mean_field")}, lazy=(NOISES, lazy))
    middle = figure.axes[1]
    linear, cubic = (line for line in middle.lines if line._unscaled_dash_pattern[1] == figures.LAZY[1])
    np.testing.assert_allclose(linear.get_ydata(), lazy.overlap[1])
    np.testing.assert_allclose(cubic.get_ydata(), lazy.overlap[3] / -0.3)
    assert cubic.get_ydata().max() < 0.1 < linear.get_ydata().min()
    words = [text.get_text() for text in figure.axes[2].get_legend().get_texts()]
    assert "Gaussian process (NNGP)" in words
    plt.close(figure)
