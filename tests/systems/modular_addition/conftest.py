"""What tests of figures look at in all of them."""

import pytest


@pytest.fixture(scope="session")
def legends_are_clear():
    """A check that no legend of a figure covers axes or their labels."""

    def check(figure):
        figure.canvas.draw()
        legends = [ax.get_legend() for ax in figure.axes if ax.get_legend() is not None]
        assert legends
        for legend in legends:
            box = legend.get_window_extent()
            for ax in figure.axes:
                assert not box.overlaps(ax.get_window_extent()), legend.get_texts()[0]
                assert not box.overlaps(ax.xaxis.label.get_window_extent()), legend.get_texts()[0]
            assert not any(box.overlaps(other.get_window_extent()) for other in legends if other is not legend)

    return check


@pytest.fixture(scope="session")
def tick_labels():
    """The labels of an axis that are in its range."""

    def read(axis):
        axis.figure.canvas.draw()
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        return [tick.label1.get_text() for tick in ticks if low <= tick.get_loc() <= high and tick.label1.get_text()]

    return read
