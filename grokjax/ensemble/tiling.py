"""How an ensemble is cut for the memory: rows per tile of the gradient, and members advanced together.

Results do not depend on the cut (beyond rounding), speed and memory do. On a CPU a block of members whose hidden
activations fit in the cache is fastest, and tiles of rows bound the memory of large networks; on an accelerator all
members go together. `benchmarks/ensemble_throughput.py` measures the choices below.
"""

import equinox as eqx

from .devices import available


class Tiling(eqx.Module):
    """Arguments for `Posterior` and `ensemble.run`.

    Attributes:
        row_tile: samples per tile of the data energy; None takes all rows at once.
        member_block: members advanced together; None takes all.

    Examples:
        >>> grokjax.ensemble.choose_tiling(88, 375, backend="gpu")  # nothing is cut
        Tiling(row_tile=None, member_block=None)
    """

    row_tile: int | None = eqx.field(static=True)
    member_block: int | None = eqx.field(static=True)


# Per backend: bytes of one member's activations from which rows are tiled (to save memory: on a GPU or TPU tiles cost
# traffic, so there a member must be far beyond any of the paper's), rows per tile, and what bounds a block of members
# advanced together: bytes of their activations, and bytes of one member's below which every core gets one.
TABLE = {
    "cpu": {"tiled_from": 16 << 20, "row_tile": 512, "block_bytes": 7 << 18, "paired_to": 4 << 20},
    "gpu": {"tiled_from": 1 << 30, "row_tile": 8192, "block_bytes": None},
    "tpu": {"tiled_from": 1 << 30, "row_tile": 8192, "block_bytes": None},
}
CORES = 2  # of the machine where the table for CPUs was measured


def choose_tiling(width: int, num_samples: int, *, backend: str | None = None, itemsize: int = 4) -> Tiling:
    """The measured default for networks of `width` hidden units on `num_samples` samples.

    Args:
        width: hidden units.
        num_samples: rows of a data set.
        backend: "cpu", "gpu" or "tpu"; that of the device in use unless given.
        itemsize: bytes per number.

    Examples:
        >>> grokjax.ensemble.choose_tiling(88, 375, backend="cpu")
        Tiling(row_tile=None, member_block=14)
    """
    rule = TABLE.get(backend or available()[0].platform, TABLE["gpu"])
    row = width * itemsize
    tile = rule["row_tile"] if row * num_samples >= rule["tiled_from"] else None
    if rule["block_bytes"] is None:
        return Tiling(tile, None)
    activations = row * (tile or num_samples)
    least = CORES if activations <= rule["paired_to"] else 1
    return Tiling(tile, max(least, round(rule["block_bytes"] / activations)))
