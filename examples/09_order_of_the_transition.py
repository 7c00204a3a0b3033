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


# Sizes and steps of the power units; scale, data sets, steps and coldest noise of the students; primes of modular
# addition, members and steps; sizes of the units in time, members and steps, and rates of loops.
SIZES = {
    "smoke": ((10, 20), 300, ((1 / 64, 3, 90, 0.2),), ((5,), 3, 300), ((10, 15, 20), 64, 2000, (0.3, 0.1))),
    "default": (
        (25, 50, 100), 2000, ((1 / 32, 16, 3000, 0.07), (1 / 8, 8, 2500, 0.07)), ((5, 7), 8, 4000),
        ((50, 100, 200), 2048, 30_000, (0.1, 0.03, 0.01)),
    ),
    "full": (
        (50, 100, 200), 8000, ((1 / 32, 16, 4000, 0.05), (1 / 8, 16, 4000, 0.05), (1, 8, 3000, 0.05)),
        ((5, 7, 11), 16, 8000), ((50, 100, 200), 8192, 60_000, (0.1, 0.03, 0.01, 0.003)),
    ),
}  # fmt: skip
HOTTEST = 0.5
NODES = {"smoke": 8, "default": 96, "full": 256}
RANGES = {3: (0.8, 1.6), 2: (0.6, 3.0), 1: (0.5, 3.0)}
NAMES = {3: "cubic unit", 2: "quadratic unit", 1: "linear unit"}


def main() -> None:
    args = arguments()
    started = time.perf_counter()

    import grokjax
    from grokjax import devices, io, plot
    from grokjax.evidence.droplets import number_profile
    from grokjax.evidence.profile import profiles
    from grokjax.systems import modular_addition as ma, power_unit as pu, teacher_student as ts

    device = devices.use(args.device)
    size = "smoke" if args.smoke else "full" if args.full else "default"
    observations, unit_steps, students, tables, in_time = SIZES[size]
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
        ladder = grokjax.ReplicaExchange.between(coldest, HOTTEST, system.num_samples, acceptance=0.25)
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

    print("what theory sees at larger sizes, in the same window of noises:")
    print(_growth_of_theory(ts, students[-1][3], HOTTEST))

    # %% Modular addition: the neuron is a pair of a neuron and a frequency
    primes, members, steps = tables
    frees = [_table(grokjax, ma, keys[5], prime, members, steps) for prime in primes]
    verdicts["tables"] = grokjax.order_of_transition(frees)
    print(f"\nmodular addition, P = {primes}\n{verdicts['tables']}  (after {clock()})")

    # %% (a) Evidence of theory on the same data sets, with and without the determinant of fluctuations
    differences, theory = {}, {}
    for name, run in runs.items():
        differences[name], theory[name], left = _paired_evidence(ts, measured[name], run, NODES[size])
        for each, values in theory[name].items():
            gap = differences[name] - values
            print(
                f"{name}: networks minus theory, {each}: {grokjax.Estimate(*_mean(gap))} nats, median "
                f"{np.nanmedian(gap):.2f}, {np.isfinite(gap).sum()} of {gap.size} data sets  (after {clock()})"
            )
        print(
            f"{name}: the nodes of theory leave open {np.nanmedian(left):.2f} nats (median), {left.max():.1f} at most"
        )
    caption = (
        "Evidence of the coldest rung relative to the hottest, networks minus theory on the same data set. The scatter "
        "of L over data sets, given below the axis, is the power of the target; pairing removes it. Nothing is fitted."
    )
    figure = plot.order.evidence_per_dataset(differences, theory)
    pictures.append(plot.save(figure, args.output / "evidence", caption=caption))

    # %% (b) Laws of the energy, and the number of specialised neurons
    shown = {
        f"{name}, $n={v.sizes[-1].size}$": v.sizes[-1]
        for name, v in verdicts.items()
        if name not in ("linear unit", "tables")
    }
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
    noises = jnp.linspace(students[-1][3], HOTTEST, 16 if args.smoke else 81)
    scales = [scale for scale, *_ in students] + ([] if args.smoke else [8.0, 64.0])
    curves = {}
    for scale in scales:
        system = ts.TeacherStudent.at_scale(scale, noises)
        found, n = ts.thermodynamics(system), float(system.num_samples)
        curves[f"N = {int(system.width)}"] = noises, found.energy / n, found.heat_capacity / n
    base = ts.TeacherStudent.at_scale(1.0)
    onset = float(ts.sharp_limit(base).noise_variance)
    about = jnp.sort(jnp.append(noises, onset * jnp.array([1 - 1e-6, 1 + 1e-6])))
    limit = ts.sharp_thermodynamics(base.replace(noise_variance=about))
    curves["infinite size"] = about, limit.energy, limit.heat_capacity
    kink = onset, float(np.interp(onset, about, limit.energy))
    figure = plot.order.energy_and_capacity(measured, curves, kink=kink)
    caption = (
        "Energy and heat capacity per sample. Solid lines: published leading order at the size of networks; dashed: at "
        "larger sizes and in their limit, where the kink of the energy and the jump of the heat capacity form. Star "
        "and dotted line: onset in the limit. Networks differ by finite data."
    )
    pictures.append(plot.save(figure, args.output / "heat_capacity", caption=caption))

    # %% (d) One neuron: its profile and the action of theory
    name = list(measured)[-1]
    rungs = profiles(measured[name])
    wanted = {int(np.argmin(np.abs(measured[name].noise_variance - noise))) for noise in (0.05, 0.07, 0.1)}
    chosen = {rf"$\sigma^2={rungs[i].noise_variance:.3g}$": rungs[i] for i in sorted(wanted)}
    q = jnp.linspace(0.0, 1.3, 200)
    actions = {}
    for label, each in chosen.items():
        system = ts.TeacherStudent.at_scale(students[-1][0], each.noise_variance)
        actions[label] = q, -np.asarray(ts.predict(system, theory="mean_field").log_density(q))
        print(f"{name}, {label}: barrier from the centre {each.from_centre}, from the side {each.from_side} nats")
    caption = (
        f"Minus log of the density of all neurons' alignment with the teacher, {name}: networks, and the published "
        "leading order of theory. Nothing is fitted; networks differ by finite data."
    )
    pictures.append(plot.save(plot.order.neuron_profiles(chosen, actions), args.output / "profiles", caption=caption))

    # %% (e) In time: escapes against the measured barrier, loops against their rate
    pictures.append(_in_time(grokjax, plot, pu, ts, keys[6:], in_time, measured, runs, args.output / "kinetics"))
    print(f"(after {clock()})")

    # %% (f) Growth with the size
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


def _in_time(grokjax, plot, pu, ts, keys, sizes, measured, runs, path):
    """Escape times and loops of cubic units and of students beside theory, as a figure."""
    from grokjax.evidence.escape import arrhenius, first_passages
    from grokjax.evidence.profile import profile_of
    from grokjax.evidence.ramp import ramp
    from grokjax.systems.power_unit.experiment import MeasureWeight, Unit

    observations, members, steps, rates = sizes
    limit = pu.sharp_limit(3)
    b, step = float(limit.inverse_noise), 0.01
    barriers, times, loops, works = [], [], {}, {}
    for number in observations:
        unit = pu.PowerUnit(power=3, num_observations=number, noise_variance=1 / b)
        run = pu.simulate(
            keys[0], unit, num_members=256, num_steps=max(300, steps // 10), num_witnesses=0, progress=False
        )
        barriers.append(profile_of(1 / b, run.observed["q"]).barrier)
        target = jax.tree.map(lambda leaf: leaf[0] if jnp.ndim(leaf) else leaf, run.problem.target)
        weight = MeasureWeight(jnp.full(members, number**-0.5))
        times.append(
            first_passages(
                keys[0], target, Unit(jnp.zeros(members, jnp.float32), 3), grokjax.Langevin(step), weight,
                beyond=float(limit.well), num_steps=steps, target_axes=None,
            )
        )  # fmt: skip
        exact = float(pu.escape_time(unit))
        print(f"cubic unit, M = {number}: barrier {barriers[-1]} nats (exact {number * float(limit.barrier):.3f}), "
              f"{times[-1]}, exact {exact:.1f}")  # fmt: skip
        if number in (observations[0], observations[-1]):
            name = f"cubic unit, M = {number}"
            start = Unit(jnp.zeros(min(members, 512), jnp.float32), 3)
            loop = lambda rate, target=target, start=start: ramp(
                keys[0], target, start, grokjax.Langevin(step), low=0.4, high=2.5, rate=rate
            )
            loops[name] = [loop(rate) for rate in rates]
            fine = np.geomspace(1e-6, 0.2, 22)
            works[name] = fine, np.asarray(pu.loop_work(unit, 0.4, 2.5, fine))
    slope, _ = arrhenius(times, [float(each.mean) for each in barriers])
    print(f"Arrhenius: ln tau against the measured barrier has the slope {slope}")
    line = np.geomspace(observations[0] / 2, 1.2 * observations[-1], 30)
    exact = {
        "cubic units": (
            line * float(limit.barrier),
            pu.escape_time(pu.PowerUnit(power=3, num_observations=jnp.asarray(line), noise_variance=1 / b)),
        )
    }
    escapes = {"cubic units": (barriers, times)}
    _students_in_time(grokjax, ts, keys[1], measured, runs, escapes, exact, loops, rates)
    caption = (
        "(a) Mean first-passage time of overdamped dynamics from the centre to the side well against the barrier "
        "measured in equilibrium: cubic units of several sizes where their wells are level, and neurons of networks at "
        "the coldest rungs, with Langer's rate in theory's field (no fitted number). (b) Work of a loop of 1/noise. "
        "Lines: quadrature and Fokker-Planck equation; slow loops cost in proportion to their rate."
    )
    return plot.save(plot.order.kinetics(escapes, exact, loops, works), path, caption=caption)


def _students_in_time(grokjax, ts, key, measured, runs, escapes, exact, loops, rates):
    """Escapes of neurons on the coldest rungs of the largest networks; loops of the smallest ones."""
    from grokjax.evidence.profile import profiles
    from grokjax.evidence.ramp import ramp
    from grokjax.samplers import stability_limits

    name, run = list(runs.items())[-1]
    rungs = profiles(measured[name])
    barriers, times, predicted = [], [], []
    for rung in np.argsort(measured[name].noise_variance)[: 1 if len(rungs) < 8 else 6 : 2]:
        theory = ts.neuron_escape(
            jax.tree.map(lambda leaf, rung=rung: jnp.ravel(leaf)[min(rung, leaf.size - 1)], run.system)
        )
        each = rungs[rung]
        if not bool(theory.converged) or not each.from_centre.mean > 0:
            continue
        try:
            found = ts.escapes(
                key, run, int(rung), inside=float(theory.saddle), beyond=float(theory.side), num_steps=4000
            )
        except ValueError as error:
            print(f"{name}, noise {each.noise_variance:.3g}: {error}")
            continue
        barriers.append(each.from_centre)
        times.append(found)
        predicted.append((float(theory.barrier), 1 / float(theory.rate)))
        print(f"{name}, noise {each.noise_variance:.3g}: barrier {each.from_centre} nats (theory "
              f"{predicted[-1][0]:.2f}), {found}, Langer {predicted[-1][1]:.0f}")  # fmt: skip
    if barriers:
        escapes[f"neurons, {name}"] = barriers, times
        exact[f"neurons, {name}"] = tuple(np.transpose(sorted(predicted)))
    name, run = next(iter(runs.items()))
    points, members = run.layout.num_points, run.layout.num_members
    states = jax.vmap(lambda state: state.in_order.position)(run.ensemble.states)
    hottest, coldest = (int(find(measured[name].noise_variance)) for find in (np.argmax, np.argmin))
    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[:1, hottest], (members, *leaf.shape[2:])), states)
    pick = lambda entries: jax.tree.map(
        lambda leaf: leaf[entries] if isinstance(leaf, jax.Array) else leaf, run.problem.target
    )
    limit = stability_limits(key, grokjax.Langevin(0.1), pick(np.full(members, coldest)), start).min()
    b = 1 / measured[name].noise_variance
    loops[f"students, {name}"] = [
        ramp(key, pick(hottest), start, grokjax.Langevin(float(limit) / 16), low=b.min(), high=b.max(), rate=10 * rate)
        for rate in rates
    ]
    print(f"loops of networks: {', '.join(map(str, loops[f'students, {name}']))}; {points} rungs")


def _table(grokjax, ma, key, prime, members, steps):
    """A ladder of networks of 12 neurons through the start of the mixed phase, where half of all pairs specialise."""
    width, saturated = 12, 0.5
    readout = (saturated / (4 * prime)) ** 2 / width
    system = ma.ModularAddition(
        prime=prime, width=width, noise_variance=1.0, readout_variance=readout, sextic_decay=3.0
    )
    start = float(ma.transitions(system).start)
    theory = ma.thermodynamics(system.replace(noise_variance=start * jnp.linspace(0.6, 1.2, 25)))
    spread = 2 * float(theory.heat_capacity.max())  # of the energy, for the spacing of the ladder
    ladder = grokjax.ReplicaExchange.between(0.6 * start, 1.2 * start, spread, acceptance=0.2)
    run = ma.simulate(
        key,
        system,
        exchange=ladder,
        num_members=members,
        num_steps=steps,
        num_witnesses=2,
        record_every=5,
        progress=False,
    )
    free = grokjax.free_energy(run)
    certificate = "ok" if run.certificate.ok else run.certificate.failed
    print(
        f"P = {prime}, N = {width}: {run.exchange}; certificate {certificate}; C_max "
        f"{free.heat_capacity.mean.max():.0f}, theory {float(theory.heat_capacity.max()):.0f}"
    )
    return free


def _growth_of_theory(ts, low, high):
    """C_max/n and max |dC/d ln b|/n of the published leading order, by scale."""
    noises = jnp.geomspace(low, high, 120)
    rows = []
    for scale in (1 / 32, 1 / 8, 1.0, 8.0, 64.0, 512.0):
        system = ts.TeacherStudent.at_scale(scale, noises)
        capacity = np.asarray(ts.thermodynamics(system).heat_capacity) / float(system.num_samples)
        slope = np.abs(np.gradient(capacity, np.log(np.asarray(noises)))).max()
        rows.append(
            f"  n = {int(system.num_samples):>8}: C_max/n = {capacity.max():.3f}, max|dC/dln b|/n = {slope:.2f}"
        )
    return "\n".join(rows)


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


def _paired_evidence(ts, free, run, num_draws):
    """L of the coldest rung less that of the hottest: of networks, of theory, and what its nodes leave open."""
    noise = free.noise_variance
    cold, hot = int(np.argmin(noise)), int(np.argmax(noise))
    mine = np.asarray(free.log_evidence.per_dataset)
    entries = np.arange(run.layout.num_datasets) * len(noise)
    target, teacher = run.problem.target, run.problem.truth
    found = ts.data_evidence(
        jax.tree.map(lambda leaf: jnp.ravel(leaf)[0], run.system), target.inputs[entries], target.targets[entries, 0],
        [noise[hot], noise[cold]], directions=teacher.direction[entries], num_draws=num_draws,
    )  # fmt: skip
    difference = lambda values: np.where(
        np.asarray(found.converged).all(axis=1), np.asarray(values[:, 1] - values[:, 0]), np.nan
    )
    theory = {"leading order": difference(found.leading), "with its determinant": difference(found.total)}
    return mine[:, cold] - mine[:, hot], theory, np.asarray(found.quadrature_error[:, 1])


if __name__ == "__main__":
    main()
