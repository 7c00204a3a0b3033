"""What the figures share: names of layers, numbers in words."""

from ..scaling import Scaling


NAMES = {"input": "input weights", "layer1": "first layer", "layer2": "second layer", "layer3": "third layer"}


def networks_of(run: Scaling) -> str:
    """Widths, networks, and how they ended."""
    widths = ", ".join(map(str, run.widths))
    return f"widths {widths} with {run.status.shape[-1]} networks each ({run.counts})"
