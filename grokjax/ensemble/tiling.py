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
    """

    row_tile: int | None = eqx.field(static=True)
    member_block: int | None = eqx.field(static=True)


# Per backend: bytes of one member's activations from which rows are tiled, rows per tile, and bytes of activations that
# members advanced together may have (None: no bound).
TABLE = {
    "cpu": {"tiled_from": 16 << 20, "row_tile": 512, "block_bytes": 7 << 18},
    "gpu": {"tiled_from": 24 << 20, "row_tile": 1024, "block_bytes": None},
    "tpu": {"tiled_from": 24 << 20, "row_tile": 1024, "block_bytes": None},
}


def choose_tiling(width: int, num_samples: int, *, backend: str | None = None, itemsize: int = 4) -> Tiling:
    """The measured default for networks of `width` hidden units on `num_samples` samples.

    Args:
        width: hidden units.
        num_samples: rows of a data set.
        backend: "cpu", "gpu" or "tpu"; that of the device in use unless given.
        itemsize: bytes per number.
    """
    rule = TABLE.get(backend or available()[0].platform, TABLE["gpu"])
    row = width * itemsize
    tile = rule["row_tile"] if row * num_samples >= rule["tiled_from"] else None
    if rule["block_bytes"] is None:
        return Tiling(tile, None)
    return Tiling(tile, max(1, round(rule["block_bytes"] / (row * (tile or num_samples)))))
