"""Claims of arXiv:2310.03789 about networks: latent kernel, Gaussianity, modes without target, named theories.

python benchmarks/flagship.py            # both tasks; a few minutes on two CPU cores
python benchmarks/flagship.py teacher    # or one
"""

import argparse
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _report import run_parts, table, write


def teacher(args: argparse.Namespace) -> None:
    """Teacher-student at beta = 1/8 through the transition; the fifth Hermite mode has no target."""
    from grokjax.systems import teacher_student as ts

    noises = np.array([0.5, 0.3, 0.18, 0.1])
    system = ts.TeacherStudent.at_scale(1 / 8, jnp.asarray(noises), teacher={1: 1.0, 3: -0.3, 5: 0.0})
    plain = ts.TeacherStudent.at_scale(1 / 8, jnp.asarray(noises))
    options = {"num_members": args.members, "num_steps": args.steps, "num_witnesses": 0, "progress": False}
    run = ts.simulate(jax.random.key(0), system, **options)
    neurons, theory = ts.neuron_statistics(run), ts.predict(system, "chi2")
    named = {
        "mean field": theory.overlap,
        "GFL": ts.gaussian_features(plain).order_parameters.overlap,
        "rescaled": ts.rescaled_kernel(plain).order_parameters.overlap,
        "lazy": ts.lazy_baseline(plain, "chi2").overlap,
    }
    rows = []
    for i, noise in enumerate(noises):
        row: dict[str, Any] = {"noise": float(noise), "networks": args.members}
        for degree in (1, 3, 5):
            estimate = run.overlap[degree]
            row |= {f"overlap {degree}": float(estimate.mean[i]), f"overlap {degree} error": float(estimate.error[i])}
            row |= {
                f"overlap {degree}, {name}": float(each[degree][i]) for name, each in named.items() if degree in each
            }
        for mode, degree in enumerate((1, 3, 5)):
            row[f"kernel {degree}"] = float(neurons.kernel.mean[i, mode, mode])
            row[f"kernel {degree} error"] = float(neurons.kernel.error[i, mode, mode])
            row[f"kernel {degree}, theory"] = float(theory.kernel[i, mode, mode])
        for name in ("along", "across"):
            kurtosis = getattr(neurons, f"kurtosis_{name}")
            row |= {f"kurtosis {name}": float(kurtosis.mean[i]), f"kurtosis {name} error": float(kurtosis.error[i])}
        row |= {"side weight": float(run.side_weight.mean[i]), "side weight error": float(run.side_weight.error[i])}
        rows.append(row | {"side weight, theory": float(theory.side_weight[i])})
    for row in rows:
        print(row)
    print("wrote", write("flagship-teacher", rows, steps=args.steps, beta=1 / 8))


def table_of_sums(args: argparse.Namespace) -> None:
    """Modular addition at P = 11, at the mean field of N = 500: outliers, early warning, pruning."""
    from grokjax.systems import modular_addition as ma

    noises = np.array([8e-4, 6.5e-4, 6e-4, 5.5e-4, 5e-4, 4e-4, 2e-4])
    base = ma.ModularAddition(
        prime=11, width=500, noise_variance=noises, readout_variance=1e-4 / 121, sextic_decay=3.0
    ).at_width(args.width / 500)
    options = {"num_members": args.members, "num_steps": args.steps, "num_witnesses": 0, "progress": False}
    run = ma.simulate(jax.random.key(1), base, **options)
    spectrum, theory, exact = ma.kernel_spectrum(run), ma.latent_spectrum(base), ma.predict(base)
    ratio = run.members.target_eigenvalue
    target, dominant = ma.pruned(run, [(k, k) for k in range(1, 11)]), ma.pruned_dominant(run, 41)
    other = ma.pruned(run, [(k, (2 * k) % 11) for k in range(1, 11)])
    rows = []
    for i, noise in enumerate(noises):
        spread = spectrum.by_frequency.mean[i] - spectrum.target.mean[i]
        row: dict[str, Any] = {"noise at N = 500": float(noise), "networks": args.members, "N": args.width}
        for name in ("target", "other"):
            estimate = getattr(spectrum, name)
            row |= {name: float(estimate.mean[i]), f"{name} error": float(estimate.error[i])}
            row[f"{name}, theory"] = float(getattr(theory, name)[i])
        row["largest z between frequencies"] = float(np.abs(spread / spectrum.by_frequency.error[i]).max())
        row["largest coupling of modes"] = float(spectrum.coupling[i])
        power = ma.detection_power(ratio[0], ratio[i])
        row |= {"detected": float(power.mean), "detected error": float(power.error)}
        row |= {"side weight": float(run.side_weight.mean[i]), "side weight, theory": float(exact.side_weight[i])}
        learned = 1 - run.discrepancy.mean[i]
        row["learned"] = float(learned)
        for name, found in (("target", target), ("dominant", dominant), ("other", other)):
            row[f"learned without {name}"] = float(1 - found["discrepancy"].mean[i])
        rows.append(row)
    table(rows)
    print("wrote", write("flagship-sums", rows, steps=args.steps))


PARTS = {"teacher": teacher, "sums": table_of_sums}


def main() -> None:
    run_parts(
        str(__doc__), PARTS, members=(24, "networks a noise"), steps=(700, "steps of each"),
        width=(125, "of the networks that learn sums"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
