# %% [markdown]
# # When is the cubic component learned: in time, with samples, with width
#
# Networks on the way to equilibrium, as in appendix D of arXiv:2310.03789; the number of samples at which they learn
# the cubic component, which grows as d, where a Gaussian process needs d^3; the same over the width; and a weak field
# that picks one of the two wells of a neuron.
#
#     python examples/12_time_and_samples.py          # 5 minutes on one CPU core
#     python examples/12_time_and_samples.py --full   # the published size: for a GPU, or hours
#     python examples/12_time_and_samples.py --smoke  # seconds

# %%
import time

import jax
import numpy as np
from _arguments import parser, read


jax.config.update("jax_enable_x64", True)


# Scale of (N, n, d), members and steps of the time-dependent figure; dimensions, members and steps of the samples, and
# their numbers (1 is that of the base point, 20 for each dimension) as well as widths (1 is that of the base point).
SHARES = (1 / 8, 1 / 4, 1 / 2, 1, 2**0.5, 2)
FACTORS = (1 / 4, 1 / 2, 1, 2, 4)
SIZES = {
    "smoke": (1 / 30, 2, 60, (6,), 2, 120, SHARES[-1:], FACTORS[:1]),
    "default": (1 / 4, 8, 6000, (12, 17, 24), 8, 1500, SHARES, FACTORS),
    "full": (1.0, 16, 8000, (25, 50, 100), 16, 3000, SHARES, FACTORS),
}
PUBLISHED = {"num_samples": 600, "input_dim": 150, "noise_variance": 0.05, "readout_variance": 0.011}
STEP = 0.01
LEARNED = 1 / 4  # of the cubic component; half of it takes 100 samples a dimension, where barriers are 10 nats
STRENGTH = 1.0


def _mean(values):
    return values.mean(), values.std(ddof=1) / np.sqrt(values.size)


def _shown(grokjax, numbers):
    return ", ".join(f"{name} {grokjax.Estimate(*pair)}" for name, pair in numbers.items())


def _cubic(found, base):
    return np.asarray(found.overlap[3]) / float(base.teacher[3])


def _needed(numbers, share, error=None):
    """Where the share crosses what counts as learned, linear in log n; the error from that of the shares around it."""
    import grokjax

    share, log_n = np.asarray(share, float), np.log(np.asarray(numbers, float))
    above = np.flatnonzero((share[1:] >= LEARNED) & (share[:-1] < LEARNED))
    if not above.size:
        return grokjax.Estimate(np.nan, np.nan)
    i = above[0]
    slope = (share[i + 1] - share[i]) / (log_n[i + 1] - log_n[i])
    n = np.exp(log_n[i] + (LEARNED - share[i]) / slope)
    spread = 0.0 if error is None else n * np.hypot(error[i], error[i + 1]) / slope / 2
    return grokjax.Estimate(n, spread)


def _in_log_time(time, *kinds):
    """Records averaged over bins of log time, twelve to a factor of ten."""
    edge = np.floor(12 * np.log10(time))
    bins = [np.flatnonzero(edge == value) for value in np.unique(edge)]
    mean = lambda curve: np.stack([curve[..., chosen].mean(axis=-1) for chosen in bins], axis=-1)
    return mean(time), *({name: mean(np.asarray(curve)) for name, curve in curves.items()} for curves in kinds)


def _log_ratio(histogram):
    """log p(q)/p(-q) on the bins where both were seen a hundred times, and its error over members."""
    counts = np.asarray(histogram.counts, float)
    half = counts.shape[-1] // 2
    right, left = counts[:, half:], counts[:, half - 1 :: -1]
    seen = (right.sum(axis=0) > 100) & (left.sum(axis=0) > 100)
    right, left = right[:, seen], left[:, seen]
    ratio = np.log(right.sum(axis=0) / left.sum(axis=0))
    influence = right / right.mean(axis=0) - left / left.mean(axis=0)
    error = influence.std(axis=0, ddof=1) / np.sqrt(len(counts))
    return np.asarray(histogram.centres)[half:][seen], ratio, error


# %% What the command line says
made = parser("Learning in time, with samples and with width.", "time_and_samples")
made.add_argument("--full", action="store_true", help="the published sizes")
args = read(made)
started = time.perf_counter()

import grokjax
from grokjax import devices, io, plot
from grokjax.systems import teacher_student as ts


device = devices.use(args.device)
size = "smoke" if args.smoke else "full" if args.full else "default"
scale, members, steps, dimensions, sample_members, sample_steps, shares, factors = SIZES[size]
keys = jax.random.split(jax.random.key(args.seed), 4)
clock = lambda: f"{time.perf_counter() - started:.0f} s"
print(f"{size} sizes on {device.device_kind}")
pictures, results = [], {}

# %% (a) In time: appendix D of arXiv:2310.03789, at the scale of this run
times, losses, overlaps, equilibrium = {}, {}, {}, {}
whole = lambda number: max(2, round(number * scale))
for width in (700,) if args.smoke else (2800, 1400, 700):
    system = ts.TeacherStudent(
        width=whole(width), num_samples=whole(600), input_dim=whole(150), weight_variance=0.5,
        noise_variance=PUBLISHED["noise_variance"], readout_variance=PUBLISHED["readout_variance"],
        teacher={1: 1.0, 3: -1.2},
    )  # fmt: skip
    run = ts.simulate(
        keys[0], system, sampler=grokjax.Langevin(STEP), num_members=members, num_steps=steps, warmup=0,
        record_every=10, num_witnesses=0, follow_losses=True, num_test=64 if args.smoke else 1024, progress=False,
    )  # fmt: skip
    name = f"N = {int(system.width)}"
    times[name] = STEP * run.steps
    found = ts.predict(system, theory="mean_field").overlap
    equilibrium[name] = {"linear": float(found[1]), "cubic": float(found[3]) / -1.2}
    losses[name] = {kind: np.asarray(run.observed["losses"][kind]) for kind in ("training", "test")}
    overlaps[name] = {
        "linear": np.asarray(run.series.overlap[1]),
        "cubic": np.asarray(run.series.overlap[3]) / -1.2,
    }
    count = len(times[name]) // 5
    tail = lambda curves, count=count: {kind: _mean(each[:, -count:].mean(axis=1)) for kind, each in curves.items()}
    peak = overlaps[name]["linear"].mean(axis=0)
    print(f"{name}: losses at the end {_shown(grokjax, tail(losses[name]))}")
    limits = ", ".join(f"{kind} {value:.4f}" for kind, value in equilibrium[name].items())
    print(
        f"  overlaps {_shown(grokjax, tail(overlaps[name]))}; the linear one was largest, {peak.max():.2f}, at "
        f"t = {times[name][peak.argmax()]:.2f}; theory in equilibrium {limits}  (after {clock()})"
    )
    times[name], losses[name], overlaps[name] = _in_log_time(times[name], losses[name], overlaps[name])
    results[name] = run.without_states()
seen = plot.captions.learning_curves(times, losses, overlaps, equilibrium)
caption = (
    f"Networks on the way to equilibrium, from the prior. {seen} n = {whole(600)}, d = {whole(150)}, target He_1 - 1.2 "
    "He_3, noise 0.05, read-out variance 0.011; test losses are on fresh inputs. Theory is the published leading "
    "order, without finite data. After appendix D of arXiv:2310.03789, which has n = 600, d = 150 and N = 2800, 1400, "
    "700: all sizes are scaled by one factor, at which the action per dimension stays the same."
)
figure = plot.learning.learning_curves(times, losses, overlaps, equilibrium)
pictures.append(plot.save(figure, args.output / "learning_curves", caption=caption))

# %% (b) With samples: networks need about d of them, a Gaussian process d^3
measured, theory, needed, of_theory, lazy = {}, {}, [], [], []
for dimension in dimensions:
    base = ts.TeacherStudent.at_scale(1.0).replace(
        width=round(700 / 150 * dimension), input_dim=dimension, noise_variance=0.1
    )
    numbers = [max(4, round(20 * dimension * share)) for share in shares]
    runs = grokjax.over_sizes(
        lambda system: ts.simulate(
            keys[1], system, num_members=sample_members, num_steps=sample_steps, num_witnesses=2, progress=False
        ),
        base,
        num_samples=numbers,
    )
    share = [run.overlap[3].mean / float(base.teacher[3]) for run in runs]
    error = [run.overlap[3].error / abs(float(base.teacher[3])) for run in runs]
    name = f"d = {dimension}"
    measured[name] = numbers, np.asarray(share), np.asarray(error)
    fine = np.geomspace(numbers[0], numbers[-1], 60)
    theory[name] = fine, _cubic(ts.predict(base.replace(num_samples=fine), theory="mean_field"), base)
    needed.append(_needed(numbers, share, error))
    of_theory.append(_needed(*theory[name]).mean)
    many = np.geomspace(1.0, 1e9, 400) * dimension
    lazy.append(_needed(many, _cubic(ts.lazy_baseline(base.replace(num_samples=many)), base)).mean)
    print(
        f"{name}: {LEARNED:g} of the cubic component at n = {needed[-1]} in networks ({of_theory[-1]:.0f} at "
        f"leading order), {lazy[-1]:.3g} in a Gaussian process; "
        f"{sum(run.certificate.ok for run in runs)} of {len(runs)} runs certified  (after {clock()})"
    )
if len(dimensions) > 2 and np.isfinite([number.mean for number in needed]).all():
    law = grokjax.power_law(dimensions, [n.mean for n in needed], [n.error for n in needed])
    slope = lambda numbers: np.polyfit(np.log(dimensions), np.log(numbers), 1)[0]
    theories = f"leading order ~ d^{slope(of_theory):.2f}, Gaussian process ~ d^{slope(lazy):.2f}"
    print(f"networks ~ d^{law.exponent}, {theories}")
caption = (
    f"{plot.captions.learned_over_size(measured, theory)} Theory is the published leading order, without finite data. "
    f"{sample_members} networks a point, a fixed ratio of width to dimension, noise 0.1. For {LEARNED:g} of the "
    f"component networks need {', '.join(map(str, needed))} samples, leading order "
    f"{', '.join(f'{n:.0f}' for n in of_theory)}, a Gaussian process of the same kernel "
    f"{', '.join(f'{n:.1g}' for n in lazy)}."
)
figure = plot.learning.learned_over_size(measured, theory, label="number of samples $n$")
pictures.append(plot.save(figure, args.output / "samples", caption=caption))

# %% (c) With width, at a fixed read-out variance: more neurons share the work, and are lazier
dimension = dimensions[-1]
base = ts.TeacherStudent.at_scale(1.0).replace(input_dim=dimension, num_samples=20 * dimension, noise_variance=0.1)
widths = [round(700 / 150 * dimension * factor) for factor in factors]
runs = grokjax.over_sizes(
    lambda system: ts.simulate(
        keys[2], system, num_members=sample_members, num_steps=sample_steps, num_witnesses=0, progress=False
    ),
    base,
    width=widths,
)
cubic = float(base.teacher[3])
share, error = (np.array([getattr(run.overlap[3], kind) for run in runs]) for kind in ("mean", "error"))
fine = np.geomspace(widths[0], widths[-1], 60)
name = f"d = {dimension}, n = {20 * dimension}"
theory = {name: (fine, _cubic(ts.predict(base.replace(width=fine), theory="mean_field"), base))}
measured = {name: (widths, share / cubic, error / abs(cubic))}
figure = plot.learning.learned_over_size(measured, theory, label="width $N$")
caption = (
    f"{plot.captions.learned_over_size(measured, theory)} Theory is the published leading order, without finite data. "
    f"{sample_members} networks a point, at a fixed read-out variance, noise 0.1."
)
pictures.append(plot.save(figure, args.output / "width", caption=caption))
listed = [str(grokjax.Estimate(*pair)) for pair in zip(share / cubic, error / abs(cubic), strict=True)]
print(f"over the widths {widths}: {', '.join(listed)}")

# %% (d) A field on the neurons' alignment picks one well
system = ts.TeacherStudent.at_scale(1 / 64 if args.smoke else 1 / 32, 0.1)
tilted, strengths = {}, {}
for strength in (STRENGTH,) if args.smoke else (STRENGTH, 4 * STRENGTH):
    run = ts.simulate(
        keys[3], system, field=strength, num_members=2 * sample_members, num_steps=2 * sample_steps,
        num_witnesses=0, progress=False,
    )  # fmt: skip
    name = f"h = {strength:g}"
    tilted[name], strengths[name] = _log_ratio(run.observed["q"]), strength
    right = np.asarray(run.observed["q"].counts)[:, len(run.observed["q"].centres) // 2 :].sum()
    share = right / np.asarray(run.observed["q"].counts).sum()
    print(f"field {strength:g}: {share:.1%} of the neurons are aligned with the teacher, not against it")
caption = (
    f"{plot.captions.symmetry_breaking(tilted, strengths)} {2 * sample_members} networks, N = {int(system.width)}, "
    "noise 0.1."
)
figure = plot.learning.symmetry_breaking(tilted, strengths)
pictures.append(plot.save(figure, args.output / "field", caption=caption))

data_file = io.save(args.output / "results.npz", results, note=f"{size} sizes")
print(f"\nwrote {', '.join(str(path) for path in pictures)} and {data_file} after {clock()}")
