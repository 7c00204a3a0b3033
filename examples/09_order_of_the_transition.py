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
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from _arguments import parser, read


jax.config.update("jax_enable_x64", True)


class Size(NamedTuple):
    """Sizes and lengths of everything below."""

    units: tuple[int, ...] = (25, 50, 100)  # observations of the power units on ladders
    unit_steps: int = 2000
    powers: tuple[int, ...] = (3, 2, 1)
    students: tuple[tuple[float, int, int], ...] = ((1 / 32, 16, 6000), (1 / 8, 8, 3000))  # scale, data sets, steps
    noises: tuple[float, float] = (0.1, 0.4)
    draws: int = 96  # nodes of theory across the teacher
    primes: tuple[int, ...] = (5, 7)
    table: tuple[int, int] = (8, 4000)  # members and steps
    in_time: tuple[int, ...] = (50, 100, 200)  # observations of the cubic units
    units_in_time: tuple[int, int, int] = (2048, 30_000, 24)  # members, steps, windows
    rates: tuple[float, ...] = (0.1, 0.03, 0.01)
    windows: tuple[int, int] = (14, 1000)  # of a neuron: how many, and steps


SIZES = {
    "default": Size(),
    "smoke": Size(
        (10,), 200, (3,), ((1 / 64, 2, 80),), (0.2, 0.4), 8, (), (2, 200), (10, 15, 20), (64, 2000, 9), (0.3,),
        (14, 60),
    ),
    "full": Size(
        (50, 100, 200), 8000, (3, 2, 1), ((1 / 32, 16, 4000), (1 / 8, 16, 4000), (1, 8, 3000)), (0.05, 0.4), 256,
        (5, 7, 11), (16, 8000), (50, 100, 200), (8192, 60_000, 32), (0.1, 0.03, 0.01, 0.003), (27, 3000),
    ),
}  # fmt: skip
RANGES = {3: (0.8, 1.6), 2: (0.6, 3.0), 1: (0.5, 3.0)}  # of noises, by power
NAMES = {3: "cubic unit", 2: "quadratic unit", 1: "linear unit"}


def _in_time(pu, ts, keys, size, measured, runs):
    """Escapes and loops of cubic units where their wells are level, and of students, beside theory."""
    from grokjax.evidence.escape import arrhenius
    from grokjax.evidence.profile import profiles

    limit, (members, steps, count) = pu.sharp_limit(3), size.units_in_time
    unit_of = lambda number: pu.PowerUnit(power=3, num_observations=number, noise_variance=1 / limit.inverse_noise)
    barriers, times, loops, works = [], [], {}, {}
    for number in size.in_time:
        unit = unit_of(number)
        windows = pu.umbrella(keys[0], unit, centres=np.linspace(-0.25, 1.1, count), num_steps=steps // 5)
        barriers.append(windows.profile.barrier)
        times.append(pu.escapes(keys[0], unit, beyond=float(limit.well), num_members=members, num_steps=steps))
        print(
            f"cubic unit, M = {number}: {windows} (exact {number * float(limit.barrier):.3f}), {times[-1]}, exact "
            f"{float(pu.escape_time(unit)):.1f}"
        )
        if number in (size.in_time[0], size.in_time[-1]):
            name, ends = f"cubic unit, M = {number}", {"low": 0.4, "high": 2.5}
            loops[name] = [pu.loop(keys[0], unit, rate=rate, num_members=members // 4, **ends) for rate in size.rates]
            fine = np.geomspace(1e-6, 0.2, 22)
            works[name] = fine, np.asarray(pu.loop_work(unit, 0.4, 2.5, fine))
    slope, _ = arrhenius(times, [float(each.mean) for each in barriers])
    print(f"Arrhenius: ln tau against the measured barrier has the slope {slope}")
    line = jnp.geomspace(size.in_time[0] / 2, 1.2 * size.in_time[-1], 30)
    escapes = {"cubic units": (barriers, times)}
    exact = {"cubic units": (line * float(limit.barrier), pu.escape_time(unit_of(line)))}

    name, run = list(runs.items())[-1]
    noise, rungs, found = measured[name].noise_variance, profiles(measured[name]), []
    for rung in np.argsort(noise)[: 1 if len(rungs) < 8 else 6 : 2]:
        theory, each = ts.neuron_escape(run.system.replace(noise_variance=float(noise[rung]))), rungs[rung]
        if not bool(theory.converged) or not each.from_centre.mean > 0:
            continue
        ends = {"inside": float(theory.saddle), "beyond": float(theory.side)}
        try:
            waited = ts.escapes(keys[1], run, int(rung), **ends, num_steps=4000)
        except ValueError as error:  # nobody escaped
            print(f"{name}, noise {noise[rung]:.3g}: {error}")
            continue
        found.append((float(theory.barrier), 1 / float(theory.rate), each.from_centre, waited))
        print(
            f"{name}, noise {noise[rung]:.3g}: barrier {each.from_centre} nats (theory {found[-1][0]:.2f}), {waited}, "
            f"Langer {found[-1][1]:.0f}"
        )
    if found:
        found = sorted(found, key=lambda each: each[0])
        column = lambda index: [each[index] for each in found]
        exact[f"neurons, {name}"] = jnp.array(column(0)), jnp.array(column(1))
        escapes[f"neurons, {name}"] = column(2), column(3)
    name, run = next(iter(runs.items()))
    loops[f"students, {name}"] = [ts.loop(keys[1], run, rate=10 * rate) for rate in size.rates]
    print(f"loops of networks: {', '.join(map(str, loops[f'students, {name}']))}")
    return escapes, exact, loops, works


def _table(grokjax, ma, key, prime, members, steps):
    """A ladder of networks of 12 neurons through the start of the mixed phase, where half of all pairs specialise."""
    width, saturated = 12, 0.5
    readout = (saturated / (4 * prime)) ** 2 / width
    system = ma.ModularAddition(
        prime=prime, width=width, noise_variance=1.0, readout_variance=readout, sextic_decay=3.0
    )
    start = float(ma.transitions(system).start)
    theory = ma.thermodynamics(system.replace(noise_variance=start * jnp.linspace(0.6, 1.2, 25))).heat_capacity.max()
    ladder = grokjax.ReplicaExchange.between(0.6 * start, 1.2 * start, 2 * float(theory), acceptance=0.2)
    run = ma.simulate(
        key, system, exchange=ladder, num_members=members, num_steps=steps, num_witnesses=2, record_every=5,
        progress=False,
    )  # fmt: skip
    free = grokjax.free_energy(run)
    largest = f"C_max {free.heat_capacity.mean.max():.0f}, theory {float(theory):.0f}"
    print(f"P = {prime}, N = {width}: {run.exchange}; certificate {_verdict(run)}; {largest}")
    return free


def _growth(noise, capacity, number):
    """C_max/n and max |dC/d ln b|/n of a curve."""
    capacity = np.asarray(capacity) / number
    return capacity.max(), np.abs(np.gradient(capacity, np.log(np.asarray(noise)))).max()


def _exact_growth(pu, power, observations):
    """The same by quadrature, at sizes between the smallest and the largest."""
    noise, sizes = jnp.geomspace(*RANGES[power], 1200), np.geomspace(observations[0], observations[-1], 9)
    unit = lambda number: pu.PowerUnit(power=power, num_observations=float(number), noise_variance=noise)
    rows = [_growth(noise, pu.predict(unit(number)).heat_capacity, number) for number in sizes]
    return (sizes, *np.transpose(rows))


def _verdict(run):
    return "ok" if run.certificate.ok else run.certificate.failed


# %% What the command line says
made = parser("Order of the transition: of one neuron, and of the network.", "order_of_the_transition")
made.add_argument("--full", action="store_true", help="larger networks and more data sets, for a GPU")
args = read(made)
started = time.perf_counter()

import grokjax
from grokjax import devices, io, plot
from grokjax.evidence.droplets import number_profile
from grokjax.evidence.profile import profiles
from grokjax.systems import modular_addition as ma, power_unit as pu, teacher_student as ts


device = devices.use(args.device)
name = "smoke" if args.smoke else "full" if args.full else "default"
size, keys = SIZES[name], jax.random.split(jax.random.key(args.seed), 8)
clock = lambda: f"(after {time.perf_counter() - started:.0f} s)"
print(f"{name} sizes on {device.device_kind}")
pictures, verdicts = [], {}


def save(name, kind, *given, note="", **options):
    """Draw a figure of this kind, and write it with its caption and what the figure is not told."""
    words = f"{getattr(plot.captions, kind)(*given, **options)} {note}".strip()
    figure = getattr(plot.order, kind)(*given, **options)
    pictures.append(plot.save(figure, args.output / name, caption=words))


quiet = {"progress": False}

# %% Three controls whose answer is known
exact = {}
for power in size.powers:
    frees, (low, high) = [], RANGES[power]
    for number in size.units:
        unit = pu.PowerUnit(power=power, num_observations=number)
        ladder = grokjax.ReplicaExchange.between(low, high, number)
        run = pu.simulate(keys[power], unit, exchange=ladder, num_members=8, num_steps=size.unit_steps, **quiet)
        frees.append(grokjax.free_energy(run))
    verdicts[NAMES[power]] = grokjax.order_of_transition(frees)
    exact[NAMES[power]] = _exact_growth(pu, power, size.units)
    print(f"\n{NAMES[power]}, f = w^{power}\n{verdicts[NAMES[power]]}  {clock()}")
latent = pu.coexistence(pu.PowerUnit(power=3, num_observations=float(size.units[-1])))
print(f"exact latent heat per sample {float(latent.latent_heat):.4f} at noise {1 / float(latent.inverse_noise):.4f}")

# %% Networks: ladders of students
measured, runs = {}, {}
for scale, members, steps in size.students:
    system = ts.TeacherStudent.at_scale(scale)
    ladder = grokjax.ReplicaExchange.between(*size.noises, system.num_samples, acceptance=0.35)
    name = f"N = {int(system.width)}"
    runs[name] = ts.simulate(
        keys[4], system, exchange=ladder, num_members=members, num_steps=steps, num_witnesses=2, record_every=5,
        **quiet,
    )  # fmt: skip
    measured[name] = grokjax.free_energy(runs[name])
    print(f"\nstudents, {name}, d = {int(system.input_dim)}, n = {int(system.num_samples)}")
    print(f"{runs[name].exchange}; certificate {_verdict(runs[name])}\n{measured[name]}  {clock()}")
verdicts["students"] = grokjax.order_of_transition(list(measured.values()))
for each in verdicts["students"].sizes:
    print(f"n = {each.size}: C_max/n {each.capacity}, max|dC/dln b|/n {each.slope}, valley {each.valley}")
print(f"\nstudents\n{verdicts['students']}\nwhat theory sees at larger sizes, in the same window of noises:")
noises = jnp.geomspace(*size.noises, 16 if args.smoke else 120)
for scale in (1 / 32, 1 / 8, 1.0, 8.0, 64.0, 512.0)[: 1 if args.smoke else 6]:
    system = ts.TeacherStudent.at_scale(scale, noises)
    found = _growth(system.noise_variance, ts.thermodynamics(system).heat_capacity, float(system.num_samples))
    print(f"  n = {int(system.num_samples):>8}: C_max/n = {found[0]:.3f}, max|dC/dln b|/n = {found[1]:.2f}")

# %% Modular addition: the neuron is a pair of a neuron and a frequency
frees = [_table(grokjax, ma, keys[5], prime, *size.table) for prime in size.primes]
if frees:  # no tables in a small run
    verdicts["tables"] = grokjax.order_of_transition(frees)
    print(f"\nmodular addition, P = {size.primes}\n{verdicts['tables']}  {clock()}")

# %% (a) Evidence of theory on the same data sets, with and without the determinant of fluctuations
differences, theory = {}, {}
for name, run in runs.items():
    found, mine = ts.evidence_of_run(run, num_draws=size.draws), measured[name].log_evidence.per_dataset
    cold, hot = (find(measured[name].noise_variance) for find in (np.argmin, np.argmax))
    differences[name] = np.asarray(mine)[:, cold] - np.asarray(mine)[:, hot]
    solved = np.asarray(found.converged).all(axis=1)
    change = lambda values, solved=solved: np.where(solved, np.asarray(values[:, 1] - values[:, 0]), np.nan)
    theory[name] = {"leading order": change(found.leading), "with its determinant": change(found.total)}
    for each, values in theory[name].items():
        gap = (differences[name] - values)[solved]
        error = gap.std(ddof=1) / np.sqrt(gap.size)
        print(
            f"{name}: networks minus theory, {each}: {grokjax.Estimate(gap.mean(), error)} nats, median "
            f"{np.median(gap):.2f}, within 10 nats {(abs(gap) < 10).sum()} of {solved.size} data sets  {clock()}"
        )
    left = np.asarray(found.quadrature_error[:, 1])
    print(f"{name}: the nodes of theory leave open {np.median(left):.2f} nats (median), {left.max():.1f} at most")
note = "Theory: published leading order on the nodes of every data set, without and with its fluctuations' determinant."
save("evidence", "evidence_per_dataset", differences, theory, note=note)

# %% (b) Laws of the energy, and the number of specialised neurons
hidden = ("linear unit", "tables")
shown = {f"{name}, n = {v.sizes[-1].size}": v.sizes[-1] for name, v in verdicts.items() if name not in hidden}
numbers = {}
for name, run in runs.items():
    noise = np.asarray(run.system.noise_variance)
    rung = int(np.argmin(np.abs(noise - 0.18)))
    found = number_profile(run, int(np.max(run.system.width)), rung)
    numbers[f"{name}, noise {noise[rung]:.2f}"] = (found.number, found.profile.mean, found.profile.error)
    law = f"<k> = {found.mean}, Var k/<k> = {found.variance}"
    print(f"{name}, noise {noise[rung]:.3f}: {law}, barrier of F(k) {found.barrier} nats")
save("laws", "distributions", shown, numbers)

# %% (c) Energy and heat capacity
curves = {}
for scale in [scale for scale, *_ in size.students] + ([] if args.smoke else [8.0, 64.0]):
    system = ts.TeacherStudent.at_scale(scale, noises)
    found, n = ts.thermodynamics(system), float(system.num_samples)
    curves[f"N = {int(system.width)}"] = noises, found.energy / n, found.heat_capacity / n
base = ts.TeacherStudent.at_scale(1.0)
onset = float(ts.sharp_limit(base).noise_variance)
about = jnp.sort(jnp.append(noises, onset * jnp.array([1 - 1e-6, 1 + 1e-6])))
limit = ts.sharp_thermodynamics(base.replace(noise_variance=about))
curves["infinite size"] = about, limit.energy, limit.heat_capacity
kink = onset, float(np.interp(onset, about, limit.energy))
note = (
    "Theory: published leading order, with the kink of the energy and the jump of the heat capacity at large sizes. It "
    "has no finite data, see docs/finite_width_and_data.md."
)
save("heat_capacity", "energy_and_capacity", measured, curves, kink=kink, note=note)

# %% (d) One neuron: its profile on the ladder and in restrained windows, and the action of theory
name, run = list(runs.items())[-1]
noise, rungs = measured[name].noise_variance, profiles(measured[name])
coldest = int(np.argmin(noise))
count, steps = size.windows
windows = ts.umbrella(keys[0], run, coldest, centres=np.linspace(-0.1, 1.2, count), num_steps=steps)
print(f"{name}, noise {noise[coldest]:.3g}, {windows}  {clock()}")
chosen, actions, q = {}, {}, jnp.linspace(0.0, 1.3, 200)
for rung in sorted({coldest, int(np.argmin(np.abs(noise - 0.05))), int(np.argmin(np.abs(noise - 0.15)))}):
    label = f"noise {noise[rung]:.3g}"
    chosen[label], each = rungs[rung], rungs[rung]
    system = ts.TeacherStudent.at_scale(size.students[-1][0], noise[rung])
    actions[label] = q, -np.asarray(ts.predict(system, theory="mean_field").log_density(q))
    print(f"{name}, {label}: barrier from the centre {each.from_centre}, from the side {each.from_side} nats")
chosen[f"noise {noise[coldest]:.3g}, windows"] = windows.profile
note = f"{name}. Theory: published leading order, which has no finite data. Windows: one neuron, restrained."
save("profiles", "neuron_profiles", chosen, actions, note=note)

# %% (e) In time: escapes against the measured barrier, loops against their rate
in_time = _in_time(pu, ts, keys[6:], size, measured, runs)
note = (
    "Cubic units where their wells are level, by quadrature and the Fokker-Planck equation; neurons of networks at the "
    "coldest rungs, with Langer's rate in theory's field."
)
save("kinetics", "kinetics", *in_time, note=note)
print(clock())

# %% (f) Growth with the size
found = ", ".join(f"{name} {verdict.network.text}" for name, verdict in verdicts.items())
sizes = {name: verdict.sizes for name, verdict in verdicts.items()}
save("growth", "growth", sizes, exact, note=f"Tables: of modular addition. Verdicts on the whole: {found}.")

# %% Results
results = {name: run.without_states() for name, run in runs.items()}
data_file = io.save(args.output / "results.npz", results, note="order of the transition")
print(f"\nwrote {', '.join(str(path) for path in pictures)} and {data_file} {clock()}")
