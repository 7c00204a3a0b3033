"""Every figure draws what it is given, from small data."""

import jax
import matplotlib


matplotlib.use("Agg")

import numpy as np
import pytest

from grokjax import plot
from grokjax.systems import representation as rep
from grokjax.systems.representation import figures


TASK = rep.Addition(10)
KEY = jax.random.key(0)
SYSTEM = rep.ToyRepresentation(TASK, widths=(20, 20), decoder_rate=1e-3)


@pytest.fixture(scope="module")
def sweep():
    masks = rep.training_sets_of_sizes(KEY, TASK, [20, 54], 3)
    run = rep.simulate(KEY, SYSTEM, num_seeds=6, train_mask=masks, num_steps=10, progress=False)
    reached = np.array([-1, -1, 300, 400, -1, 500])
    return rep.Training(**{name: getattr(run, name) for name in vars(run)} | {"structure_step": reached})


def draw(figure, path):
    saved = plot.save(figure, path / "figure.png")
    assert saved.stat().st_size > 10_000


def test_figure_2(tmp_path):
    panels = {}
    for task in (rep.Addition(5), rep.ModularAddition(5)):
        system = rep.ToyRepresentation(task, widths=(20, 20), embedding_dim=2)
        start = rep.random_start(KEY, system, num_seeds=2)
        panels[type(task).__name__] = (
            system,
            start,
            rep.simulate(KEY, system, start=start, num_steps=4, progress=False),
        )
    figure = figures.figure_2(panels, num_pixels=30)
    assert [text.get_text() for text in figure.axes[1].texts] == list("01234")
    draw(figure, tmp_path)


def test_figure_3_and_10(sweep, tmp_path):
    figure = figures.figure_3(sweep)
    points = figure.axes[0].containers[0].lines[0].get_xdata()
    np.testing.assert_allclose(points, [20 / 55, 54 / 55])
    draw(figure, tmp_path)
    draw(figures.figure_10(rep.bounds(TASK, sweep), sweep.train_mask.mean(axis=1)), tmp_path)


def test_figure_4a(sweep, tmp_path):
    probability = np.clip(np.arange(56) / 44, 0, 1)
    figure = figures.figure_4a(TASK, probability, sweep, critical={4: 0.72, 10: 0.41}, accuracy_one=probability**2)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "$r_c=0.400$" in labels
    points = figure.axes[0].containers[0].lines[0]
    np.testing.assert_allclose(points.get_ydata(), [1 / 3, 2 / 3])
    draw(figure, tmp_path)


def test_figure_4cd(tmp_path):
    start = rep.random_start(KEY, SYSTEM, num_seeds=1, train_size=50)
    path = rep.trajectory(SYSTEM, start, num_steps=20, record_every=5)[0]
    figure = figures.figure_4cd(TASK, np.asarray(start.train_mask[0]), path, 5)
    starts = [[line.get_ydata()[0] for line in ax.lines] for ax in figure.axes]
    np.testing.assert_allclose(starts[0], starts[1], atol=1e-5)  # flow and network start in the same place
    draw(figure, tmp_path)


def test_figure_5(sweep, tmp_path):
    sizes = [25, 45]
    masks = rep.training_sets_of_sizes(KEY, TASK, sizes, 40).reshape(2, 40, 55)
    sets = rep.predict(TASK, masks)
    figure = figures.figure_5(TASK, np.array(sizes) / 55, sets, sweep)
    assert len(figure.axes[1].collections[0].get_offsets()) >= 2
    draw(figure, tmp_path)


def test_figure_6(tmp_path):
    rates, decays = [1e-4, 1e-3], [0.0, 1.0, 2.0]
    diagram = rep.phase_diagram(KEY, TASK, rates, decays, num_seeds=2, num_steps=4, system=SYSTEM, progress=False)
    figure = figures.figure_6(diagram)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["XX"] * 6
    draw(figure, tmp_path)
