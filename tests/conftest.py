"""Switches that every test runs under: a quick compiler, 64-bit floats, and no silent rank promotion.

And what the tests of figures read in all of them.
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path


# Most programs of a test run once, so that compiling them is what tests cost: with few optimisations it takes half.
# A variable set outside wins: `XLA_FLAGS= make test` tests what users run, and so do the long tests.
# Later jaxlibs than 0.10 have no such emitters to leave out, and end at a flag that they do not know.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=1"
    + (" --xla_cpu_use_fusion_emitters=false" if version("jaxlib").startswith("0.10.") else ""),
)

import jax
import jaxtyping
import numpy as np
import pytest


jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

MANY_REGIONS = 25_000  # Linux allows a process 65 530 mapped regions of memory and kills it beyond.


@pytest.fixture
def as_users_call_it():
    """Without the tests' own check of annotations, which would come before the library's."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True, scope="module")
def forget_programs():
    """A compiled program maps about ten regions, and a worker of this suite compiles thousands of programs."""
    yield
    regions = Path("/proc/self/maps")
    if regions.exists() and regions.read_text().count("\n") > MANY_REGIONS:
        jax.clear_caches()


@pytest.fixture(autouse=True)
def close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def legends_of(drawn):
    """All legends of an axis or of a figure, those of the figure itself first; there is one at least."""
    from matplotlib.legend import Legend

    found = sorted(drawn.findobj(Legend), key=lambda legend: legend.isaxes)
    assert found, "no legend"
    return found


def places_drawn(ax):
    """Pixels of the dots of an axis, and closely along its lines and error bars."""
    from matplotlib.collections import LineCollection, PathCollection

    paths = [line.get_transform().transform(line.get_xydata()) for line in ax.lines]
    for each in ax.collections:
        if isinstance(each, LineCollection):
            paths += [each.get_transform().transform(segment) for segment in each.get_segments()]
        elif isinstance(each, PathCollection):
            paths += list(each.get_offset_transform().transform(each.get_offsets())[:, None])
    with np.errstate(invalid="ignore"):  # lines have gaps
        between = [np.linspace(path[:-1], path[1:], 200).reshape(-1, 2) for path in paths]
    return np.concatenate([np.zeros((0, 2)), *paths, *between])


@pytest.fixture(scope="session")
def legend_texts():
    """A function of an axis or a figure: the entries of its legends."""
    return lambda drawn: [text.get_text() for legend in legends_of(drawn) for text in legend.get_texts()]


@pytest.fixture(scope="session")
def legends_are_clear():
    """A check that each of these axes or figures has a legend, and that none of the whole figure covers a thing.

    That is: axes, their titles, texts, numbers and labels, and other legends. With `inside`, a legend may lie within
    its own axes, where nothing is drawn.
    """
    from matplotlib.text import Text

    def check(*drawn, inside=False):
        figure = drawn[0].figure
        figure.canvas.draw()
        assert all(map(legends_of, drawn))
        legends = [legend for legend in legends_of(figure) if legend.get_texts()]
        assert legends
        for index, legend in enumerate(legends):
            box, entry = legend.get_window_extent(), legend.get_texts()[0].get_text()
            assert not any(box.overlaps(other.get_window_extent()) for other in legends[:index]), entry
            for ax in figure.axes:
                texts = [each for each in ax.get_children() if isinstance(each, Text) and each.get_text()]
                covered = [text.get_text() for text in texts if box.overlaps(text.get_window_extent())]
                assert not covered, (entry, covered)
                for axis in (ax.xaxis, ax.yaxis):
                    numbers = axis.get_tightbbox()
                    assert numbers is None or not box.overlaps(numbers), (entry, axis.get_label_text())
                if inside and ax is legend.axes:
                    places = places_drawn(ax)
                    assert not ((places >= box.min) & (places <= box.max)).all(axis=1).any(), entry
                else:
                    assert not box.overlaps(ax.bbox), (entry, ax.get_title(), ax.get_ylabel())

    return check


@pytest.fixture(scope="session")
def tick_labels():
    """A function of an x or y axis: the numbers within its range, at major ticks or at `which="both"`."""

    def read(axis, which="major"):
        axis.figure.canvas.draw()
        low, high = sorted(axis.get_view_interval())
        edge = 1e-9 * (high - low)  # ends of the range are in it, also when rounded
        ticks = [*axis.get_major_ticks(), *(axis.get_minor_ticks() if which == "both" else [])]
        texts = [tick.label1.get_text() for tick in ticks if low - edge <= tick.get_loc() <= high + edge]
        return [text for text in texts if text]

    return read
