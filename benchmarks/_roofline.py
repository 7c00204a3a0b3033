"""Steps of an ensemble under the roof that memory and matrix products set."""

from pathlib import Path
from typing import Any

import matplotlib


matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from grokjax.plot.style import style


def draw(rows: list[dict[str, Any]], path: Path, title: str) -> None:
    """Achieved rate against intensity, floating-point operations over the bytes that the compiled step counts.

    Args:
        rows: of `gpu_day.py`.
        path: of the picture.
        title: the device.
    """
    steps = [row for row in rows if "ms/step" in row]
    ceilings = {row["name"]: row["rate"] for row in rows if row["step"] == "A" and "rate" in row}
    if not steps or "copy" not in ceilings:
        return
    copy = ceilings.pop("copy")
    intensities = np.array([row["GFLOP/step"] / row["GB/step"] for row in steps])
    grid = np.geomspace(intensities.min() / 4, intensities.max() * 8, 200)
    with style():
        figure, axis = plt.subplots(figsize=(6.4, 4.4), constrained_layout=True)
        colors = {name: f"C{i}" for i, name in enumerate(ceilings)}
        for name, rate in ceilings.items():
            axis.plot(grid, np.minimum(rate, copy * grid) / 1e9, color=colors[name], label=f"roof, {name}")
        kinds = {"xla": "o", "fused": "s"}
        for row, intensity in zip(steps, intensities, strict=True):
            name = row["precision"].split()[0]
            achieved = row["GFLOP/step"] / row["ms/step"] * 1e3
            axis.plot(intensity, achieved, kinds[row["gradient"]], color=colors.get(name, "0.3"), ms=6, mec="white")
        for kind, marker in kinds.items():
            if any(row["gradient"] == kind for row in steps):
                axis.plot([], [], marker, color="0.3", label={"xla": "steps, unfused", "fused": "steps, fused"}[kind])
        axis.set(xscale="log", yscale="log", xlabel="FLOP per byte of a step", ylabel="GFLOP/s of the two products")
        axis.set_title(title, fontsize="small")
        axis.legend(fontsize="small")
        figure.savefig(path, dpi=150)
        plt.close(figure)
