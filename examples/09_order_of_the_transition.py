# %% [markdown]
# # Is grokking a first-order transition?
#
# Free energies, heat capacities and barriers of sampled networks over the noise, with errors, beside three exact
# controls: a unit with a first-order transition, one with a continuous one, one with a crossover. Two verdicts: of a
# neuron in the field of the others, and of the network. See docs/order_of_the_transition.md.
#
#     python examples/09_order_of_the_transition.py          # two CPU cores, less than 8 minutes
#     python examples/09_order_of_the_transition.py --full   # larger networks and more of them: for a GPU
#     python examples/09_order_of_the_transition.py --smoke  # seconds

# %%
import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
from _arguments import parser


jax.config.update("jax_enable_x64", True)


def arguments() -> argparse.Namespace:
    made = parser("Order of the transition: of one neuron, and of the network.", "order_of_the_transition")
    made.add_argument("--full", action="store_true", help="larger networks and more data sets, for a GPU")
    return made.parse_args()


# Sizes and steps of the power units; scale, data sets, steps and coldest noise of the students; data sets on which
# theory is solved.
SIZES = {
    "smoke": ((10, 20), 300, ((1 / 64, 3, 90, 0.2),), 1),
    "default": ((25, 50, 100), 2000, ((1 / 32, 16, 3000, 0.1), (1 / 8, 8, 3000, 0.1)), 8),
    "full": ((50, 100, 200), 8000, ((1 / 32, 16, 4000, 0.05), (1 / 8, 16, 4000, 0.05), (1, 8, 3000, 0.05)), 16),
}
HOTTEST = 0.4
RANGES = {3: (0.8, 1.6), 2: (0.6, 3.0), 1: (0.5, 3.0)}
NAMES = {3: "cubic unit", 2: "quadratic unit", 1: "linear unit"}


def main() -> None:
    args = arguments()
    started = time.perf_counter()

    import grokjax
    from grokjax import devices, io, plot
    from grokjax.evidence.droplets import number_profile
    from grokjax.evidence.profile import profiles
    from grokjax.systems import power_unit as pu, teacher_student as ts

    device = devices.use(args.device)
    size = "smoke" if args.smoke else "full" if args.full else "default"
    observations, unit_steps, students, num_solved = SIZES[size]
    keys = jax.random.split(jax.random.key(args.seed), 8)
    clock = lambda: f"{time.perf_counter() - started:.0f} s"
    print(f"{size} sizes on {device.device_kind}")
    pictures, verdicts, results = [], {}, {}

    # %% Three controls whose answer is known
    exact = {}
    for power, (low, high) in list(RANGES.items())[: 1 if args.smoke else 3]:
        frees = []
        for number in observations:
            ladder = grokjax.ReplicaExchange.between(low, high, number)
            unit = pu.PowerUnit(power=power, num_observations=number)
            run = pu.simulate(keys[power], unit, exchange=ladder, num_members=8, num_steps=unit_steps, progress=False)
            frees.append(grokjax.free_energy(run))
        verdicts[NAMES[power]] = grokjax.order_of_transition(frees)
        exact[NAMES[power]] = _exact_growth(pu, power, observations)
        print(f"\n{NAMES[power]}, f = w^{power}\n{verdicts[NAMES[power]]}  (after {clock()})")
    latent = pu.coexistence(pu.PowerUnit(power=3, num_observations=float(observations[-1])))
    print(
        f"exact latent heat per sample {float(latent.latent_heat):.4f} at noise {1 / float(latent.inverse_noise):.4f}"
    )

    # %% Networks: ladders of students
    measured, runs = {}, {}
    for scale, members, steps, coldest in students:
        system = ts.TeacherStudent.at_scale(scale)
        ladder = grokjax.ReplicaExchange.between(coldest, HOTTEST, system.num_samples, acceptance=0.4)
        run = ts.simulate(
            keys[4], system, exchange=ladder, num_members=members, num_steps=steps, num_witnesses=2, record_every=5,
            progress=False,
        )  # fmt: skip
        name = f"N = {int(system.width)}"
        measured[name], runs[name] = grokjax.free_energy(run), run
        print(f"\nstudents, {name}, d = {int(system.input_dim)}, n = {int(system.num_samples)}")
        print(f"{run.exchange}; certificate {'ok' if run.certificate.ok else run.certificate.failed}\n{measured[name]}")
        print(f"(after {clock()})")
    verdicts["students"] = grokjax.order_of_transition(list(measured.values()))
    print(f"\nstudents\n{verdicts['students']}")

    # %% (a) Evidence of theory on the same data sets, with and without the determinant of fluctuations
    differences, theory = {}, {}
    for name, run in runs.items():
        differences[name], theory[name] = _paired_evidence(ts, measured[name], run, num_solved)
        for each, values in theory[name].items():
            gap = differences[name] - values
            of = f"{np.isfinite(gap).sum()} of {gap.size} data sets on which theory is solved"
            print(
                f"{name}: networks minus theory, {each}: {grokjax.Estimate(*_mean(gap))} nats, {of}  (after {clock()})"
            )
    caption = (
        "Evidence of the coldest rung relative to the hottest, networks minus theory on the same data set. The scatter "
        "of L over data sets, given below the axis, is the power of the target; pairing removes it. Nothing is fitted. "
        "Data sets on which theory is not solved are left out."
    )
    figure = plot.order.evidence_per_dataset(differences, theory)
    pictures.append(plot.save(figure, args.output / "evidence", caption=caption))

    # %% (b) Laws of the energy, and the number of specialised neurons
    shown = {f"{name}, $n={v.sizes[-1].size}$": v.sizes[-1] for name, v in verdicts.items() if name != "linear unit"}
    numbers = {}
    for name, run in runs.items():
        noise = np.asarray(run.system.noise_variance)
        rung = int(np.argmin(np.abs(noise - 0.18)))
        width = int(np.max(run.system.width))
        found = number_profile(run, width, rung)
        numbers[rf"{name}, $\sigma^2={noise[rung]:.2f}$"] = (found.number, found.profile.mean, found.profile.error)
        print(
            f"{name}, noise {noise[rung]:.3f}: <k> = {found.mean}, Var k/<k> = {found.variance}, "
            f"barrier of F(k) {found.barrier} nats"
        )
    caption = (
        "(a) Law of the data energy of each data set at the peak of its heat capacity, standardised before data sets "
        "are averaged. Two peaks: two phases of the network. (b) Minus log of the law of the number of specialised "
        "neurons, about each data set's mean: a convex curve has no barrier between networks."
    )
    pictures.append(plot.save(plot.order.distributions(shown, numbers), args.output / "laws", caption=caption))

    # %% (c) Energy and heat capacity
    noises = jnp.linspace(0.1, HOTTEST, 16 if args.smoke else 61)
    scales = [scale for scale, *_ in students] + ([] if args.smoke else [8.0, 64.0])
    curves = {}
    for scale in scales:
        system = ts.TeacherStudent.at_scale(scale, noises)
        found, n = ts.thermodynamics(system, "chi2" if scale < 8 else "mean"), float(system.num_samples)
        curves[f"N = {int(system.width)}"] = noises, found.energy / n, found.heat_capacity / n
    limit = ts.sharp_limit(ts.TeacherStudent.at_scale(1.0))
    onset = sum(float(delta) ** 2 * (1.0 if k == 1 else 6.0) for k, delta in limit.discrepancy.items()) / 2
    kink = float(limit.noise_variance), onset
    figure = plot.order.energy_and_capacity(measured, curves, kink=kink)
    caption = (
        "Energy and heat capacity per sample. Solid lines: leading order of theory at the size of networks (with the "
        "law of the norm); dashed: at larger sizes (without it), where the kink of the energy and the jump of the heat "
        "capacity form. Star and dotted line: onset in the limit. Networks differ by finite data."
    )
    pictures.append(plot.save(figure, args.output / "heat_capacity", caption=caption))

    # %% (d) One neuron: its profile and the action of theory
    name = list(measured)[-1]
    rungs = profiles(measured[name])
    wanted = {int(np.argmin(np.abs(measured[name].noise_variance - noise))) for noise in (0.05, 0.1, 0.15)}
    chosen = {rf"$\sigma^2={rungs[i].noise_variance:.3g}$": rungs[i] for i in sorted(wanted)}
    q = jnp.linspace(0.0, 1.3, 200)
    actions = {}
    for label, each in chosen.items():
        system = ts.TeacherStudent.at_scale(students[-1][0], each.noise_variance)
        actions[label] = q, -np.asarray(ts.predict(system, "chi2", "mean_field").log_density(q))
        print(f"{name}, {label}: barrier from the centre {each.from_centre}, from the side {each.from_side} nats")
    caption = (
        f"Minus log of the density of all neurons' alignment with the teacher, {name}: networks, and the leading order "
        "of theory with the law of the norm. Nothing is fitted; networks differ by finite data."
    )
    pictures.append(plot.save(plot.order.neuron_profiles(chosen, actions), args.output / "profiles", caption=caption))

    # %% (e) Growth with the size
    grown = {name: verdict.sizes for name, verdict in verdicts.items()}
    caption = (
        "Largest heat capacity per sample, and its steepest slope, over the number of samples. First order (cubic "
        "unit): both grow, the first in proportion. Continuous (quadratic): the first saturates, the second grows. "
        "Crossover (linear): neither grows. Lines: exact. Students: networks."
    )
    pictures.append(plot.save(plot.order.growth(grown, exact), args.output / "growth", caption=caption))

    # %% Results
    for name, run in runs.items():
        results[name] = run.without_states()
    data_file = io.save(args.output / "results.npz", results, note=f"{size} sizes")
    print(f"\nwrote {', '.join(str(path) for path in pictures)} and {data_file} after {clock()}")


def _exact_growth(pu, power, observations):
    """C_max/M and max |dC/d ln b|/M by quadrature, at sizes between the smallest and the largest."""
    low, high = RANGES[power]
    log_b = jnp.linspace(-np.log(high), -np.log(low), 1200)
    sizes = np.geomspace(observations[0], observations[-1], 9)
    rows = []
    for number in sizes:
        unit = pu.PowerUnit(power=power, num_observations=float(number), noise_variance=jnp.exp(-log_b))
        capacity = np.asarray(pu.predict(unit).heat_capacity) / number
        rows.append((capacity.max(), np.abs(np.gradient(capacity, np.asarray(log_b))).max()))
    return (sizes, *np.transpose(rows))


def _mean(values):
    """Mean and standard error of what is finite; nan where there is too little."""
    values = values[np.isfinite(values)]
    error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else np.nan
    return (values.mean() if values.size else np.nan), error


def _paired_evidence(ts, free, run, count):
    """L of the coldest rung less that of the hottest on the first data sets: of networks, and of theory.

    Theory is nan on data sets where it is not solved at both ends.
    """
    noise = free.noise_variance
    cold, hot = int(np.argmin(noise)), int(np.argmax(noise))
    count = min(count, free.num_datasets)
    mine = np.asarray(free.log_evidence.per_dataset)
    points, target = len(noise), run.problem.target
    inputs = jnp.stack([target.inputs[d * points].astype(float) for d in range(count)])
    targets = jnp.stack([target.targets[d * points, 0].astype(float) for d in range(count)])
    scalar = jax.tree.map(lambda leaf: jnp.ravel(leaf)[0], run.system)
    ends = [
        ts.predict(scalar.replace(noise_variance=noise[k]), theory="data", inputs=inputs, targets=targets)
        for k in (cold, hot)
    ]
    solved = np.all([np.asarray(end.converged) for end in ends], axis=0)
    whole = np.where(solved, ends[0].log_evidence - ends[1].log_evidence, np.nan)
    determinant = np.asarray(ends[0].determinant - ends[1].determinant)
    found = {"leading order": whole - determinant, "with its determinant": whole}
    return (mine[:, cold] - mine[:, hot])[:count], found


if __name__ == "__main__":
    main()
