"""Modular addition: how far real networks are from the exact theory as they grow wide, and what a step costs.

Width is scaled at fixed theory: with noise and read-out variance both proportional to 1/N, the action and the closure
do not change, so every difference is a finite-width effect. The gap (theory - networks)/theory is fitted by a power of
N with weights from the standard errors over networks.

    python benchmarks/modular_addition.py [--widths 125 250 500 1000 2000] [--neurons 16000] [--steps 2000]
"""

import argparse
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from _report import table, write


NAMES = ("discrepancy", "side_weight", "overlap_moment", "specialised_once")


def fitted_power(widths: np.ndarray, gap: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Exponent of a power law through the gaps, and its standard error."""
    weight = (gap / error) ** 2  # of the logarithm of the gap
    design = np.stack([np.log(widths), np.ones_like(widths)], axis=1)
    covariance = np.linalg.inv(design.T @ (weight[:, None] * design))
    slope = (covariance @ design.T @ (weight * np.log(np.abs(gap))))[0]
    return float(slope), float(np.sqrt(covariance[0, 0]))


def fitted_series(widths: np.ndarray, gap: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients of gap = c_1/N + c_2/N^2, their errors, and chi-squared per degree of freedom."""
    design = np.stack([1 / widths, 1 / widths**2], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    coefficients = covariance @ design.T @ (gap / error)
    chi_squared = float(np.sum((gap / error - design @ coefficients) ** 2) / max(len(widths) - 2, 1))
    return coefficients, np.sqrt(np.diag(covariance)), chi_squared


def fits(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """One row of fits per order parameter, and for the figure its relative gap and error at each width."""
    widths = np.array([row["N"] for row in rows], float)
    wide = widths >= np.sort(widths)[-3:].min()
    lines, gaps = [], {}
    for name in NAMES:
        expected, mean, error = (np.array([row[f"{name}{key}"] for row in rows]) for key in (" theory", "", " error"))
        gap, error = (expected - mean) / expected, error / expected
        gaps[name] = (gap, error)
        line: dict[str, Any] = {"order parameter": name}
        line |= {f"N = {int(width)}": f"{g:+.4f}({e:.4f})" for width, g, e in zip(widths, gap, error, strict=True)}
        line |= dict(zip(("slope", "error"), fitted_power(widths, gap, error), strict=True))
        line |= dict(
            zip(("slope, 3 widest", "its error"), fitted_power(widths[wide], gap[wide], error[wide]), strict=True)
        )
        coefficients, errors, chi_squared = fitted_series(widths, gap, error)
        line |= {"c1": float(coefficients[0]), "error of c1": float(errors[0]), "c2": float(coefficients[1])}
        lines.append(line | {"chi2/dof of c1/N + c2/N^2": chi_squared})
    return lines, gaps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[125, 250, 500, 1000, 2000])
    parser.add_argument("--prime", type=int, default=11)
    parser.add_argument("--noise", type=float, default=4e-4, help="noise variance at width 500")
    parser.add_argument("--neurons", type=int, default=16000, help="width x networks at every width")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--figure", type=Path, default=None, help="where to draw the gap against width")
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)

    from grokjax import plot
    from grokjax.systems import modular_addition as ma
    from grokjax.systems.modular_addition.figures import caption_width_convergence, width_convergence

    rows: list[dict[str, Any]] = []
    for width in args.widths:
        scale = 500 / width
        system = ma.ModularAddition(
            prime=args.prime,
            width=width,
            noise_variance=args.noise * scale,
            readout_variance=1e-4 / args.prime**2 * scale,
            sextic_decay=3.0,
        )
        members = max(4, args.neurons // width)
        theory = ma.predict(system)
        started = time.perf_counter()
        run = ma.simulate(jax.random.key(width), system, num_members=members, num_steps=args.steps)
        row: dict[str, Any] = {
            "N": width,
            "networks": members,
            "step size": float(run.layout.fold(run.ensemble.sampler.step_size).max()),
        }
        row["member-steps/s"] = members * run.ensemble.num_steps / (time.perf_counter() - started)
        for name in NAMES:
            expected, found = float(getattr(theory, name)), getattr(run, name)
            row |= {f"{name} theory": expected, name: float(found.mean), f"{name} error": float(found.error)}
        rows.append(row)

    lines, gaps = fits(rows)
    table([{key: row[key] for key in ("N", "networks", "step size", "member-steps/s", *NAMES)} for row in rows])
    print()
    table(lines)
    write("modular_addition", rows, fits=lines, prime=args.prime, noise_at_500=args.noise, steps=args.steps)
    if args.figure is not None:
        series = {line["order parameter"]: (line["c1"], line["c2"]) for line in lines}
        figure, caption = width_convergence(args.widths, gaps, series), caption_width_convergence(series)
        print("wrote", plot.save(figure, args.figure, caption=caption))


if __name__ == "__main__":
    main()
