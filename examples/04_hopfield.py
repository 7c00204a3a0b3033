# %% [markdown]
# # Memories of bipartite networks: phase diagrams, the best threshold, and recall by Gibbs sampling
#
# After arXiv:2506.10552. A bipartite network stores random patterns, one hidden unit (or group of copies) per pattern.
# The prior on the hidden units decides how much it remembers: Gaussian units are the Hopfield model, binary ones are
# drowned in noise, a threshold that keeps units silent multiplies the capacity. Replica theory gives every line of the
# phase diagram, and its derivative with respect to the threshold by implicit differentiation; Gibbs sampling of finite
# networks of several sizes lies on top of it, with and without a local bias on the spins.
#
#     python examples/04_hopfield.py          # minutes
#     python examples/04_hopfield.py --smoke  # seconds

# %%
import time
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from _arguments import parser, read
from scipy.interpolate import CubicHermiteSpline


# %% What the command line says
made = parser(
    "Hopfield and bipartite phase diagrams, with Gibbs sampling on top.",
    "hopfield", spins=1000, members=4, steps=300, points=40,
)  # fmt: skip
made.add_argument("--sizes", type=int, nargs="+", default=(250, 500, 1000), help="spins, of several networks")
args = read(made)
started = time.perf_counter()
jax.config.update("jax_enable_x64", True)  # theory needs it; spins stay in float32

import grokjax
from grokjax import NotInEquilibrium, devices, io, plot
from grokjax.systems import hopfield as hop
from grokjax.systems.hopfield import figures


devices.use(args.device)

smoke = args.smoke
spins, members, steps = (200, 2, 40) if smoke else (args.spins, args.members, args.steps)
gaussian, relu = hop.GaussianHidden(), hop.ReLUHidden(-0.5)

# %% Capacity, in closed form at zero temperature and by root finding above
cold, warm = hop.capacity(gaussian, 0.0), hop.capacity(gaussian, 0.3)
print(f"Hopfield, T = 0:   recall up to load {cold.spinodal:.7f}, stable up to {cold.stable:.7f}")
print(f"Hopfield, T = 0.3: recall up to load {warm.spinodal:.7f}, stable up to {warm.stable:.7f}")

# %% Phase diagrams of four priors
binary = hop.DiscreteHidden([-1, 0, 1], weights=[0.5, 0, 0.5])  # of three levels, to share a program with the ternary
priors = {
    "Gaussian": (gaussian, 0.2),
    r"rectified, $\eta=-1/2$": (relu, 0.8),
    "binary groups": (hop.GroupedHidden(binary), 0.007),
    r"ternary groups": (hop.GroupedHidden(hop.TernaryHidden(0.35)), 0.05),
}
size = 8 if smoke else args.points
middles = (jnp.arange(size) + 0.5) / size  # of cells that end at the axes
temperatures = 1.6 * middles
diagrams, lines, freezing, breaking = {}, {}, {}, {}
for name, (prior, largest) in list(priors.items())[: 1 if smoke else None]:
    diagrams[name] = hop.phase_diagram(prior, largest * middles, temperatures)
    lines[name] = hop.capacity(prior, temperatures)
    if prior is relu:  # a random field, in which spins order at all temperatures: where replica symmetry breaks
        along = largest * np.linspace(0.02, 1, 11)
        breaking[name] = along, [hop.replicon_temperature(prior, load) for load in along]
    else:
        along = largest * np.linspace(1e-3, 1, size)
        freezing[name] = along, jax.jit(jax.vmap(lambda load, prior=prior: hop.glass_temperature(prior, load)))(along)
mixtures = {"Gaussian": hop.capacity(gaussian, temperatures, num_mixed=3)}
figure = figures.phase_row(diagrams, lines, freezing, mixtures, breaking)
pictures = [plot.save(figure, args.output / "phase_diagrams", caption=figures.caption_phase_row(diagrams))]

# %% Which threshold maximises the capacity? Its derivative says
thresholds = jnp.linspace(0.0, 1.0, 7 if smoke else 41)
between = np.linspace(0, 1, 401)
capacity_of = lambda theta, t: hop.capacity(hop.GroupedHidden(hop.TernaryHidden(theta)), t).spinodal
slope = lambda theta, t: jax.jvp(lambda theta: capacity_of(theta, t), (theta,), (jnp.ones(()),))
sweep = jax.jit(lambda t: jax.lax.map(lambda theta: slope(theta, t), thresholds, batch_size=8))
curves, best = {}, {}
for temperature in (0.3, 0.4, 0.5, 0.6):
    values, slopes = (np.asarray(array) for array in sweep(jnp.asarray(temperature)))
    name = f"$T={temperature}$"
    known = values > 0  # through values and derivatives, as far as any load is recalled
    spline = CubicHermiteSpline(
        thresholds[known], np.log(values[known]), slopes[known] / values[known], extrapolate=False
    )
    curves[name], slopes = np.exp(spline(between)), np.where(known, slopes, np.nan)
    falls = np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0))
    if len(falls):
        i = falls[0]
        theta = float(thresholds[i] + (thresholds[i + 1] - thresholds[i]) * slopes[i] / (slopes[i] - slopes[i + 1]))
        best[name] = (theta, float(np.interp(theta, between, curves[name])))
        print(f"ternary groups, T = {temperature}: best threshold {theta:.3f}, capacity {best[name][1]:.4f}")
biases = jnp.linspace(-2.0, 0.5, 6 if smoke else 17)
of_bias = lambda t: jax.lax.map(lambda eta: hop.capacity(hop.ReLUHidden(eta), t).spinodal, biases, batch_size=8)
rectified = {f"$T={t:g}$": of_bias(t) for t in ((0.0,) if smoke else (0.0, 0.2, 0.5))}
figure = figures.threshold_figure(between, curves, best, biases, rectified)
pictures.append(plot.save(figure, args.output / "threshold", caption=figures.caption_threshold(best)))

# %% The road of simulation: sweeps over load and temperature, and corrupted starts
load_key, relu_key, heat_key, basin_key = jax.random.split(jax.random.key(args.seed), 4)
few_key, size_key, field_key = jax.random.split(jax.random.key(args.seed + 1), 3)
options = {"num_spins": spins, "num_members": members, "num_steps": steps}
loads, heats = jnp.array([0.02, 0.05, 0.08, 0.14, 0.2]), jnp.array([0.1, 0.3, 0.5, 0.7, 0.9])
hopfield = hop.AssociativeMemory(load=loads, temperature=0.3)
by_load = {"Gaussian, $T=0.3$": hop.simulate(load_key, hopfield, label="loads", **options)}
if not smoke:
    wide = hopfield.replace(load=jnp.array([0.05, 0.15, 0.25, 0.45, 0.6]), hidden=relu)
    by_load[r"rectified, $\eta=-0.5$"] = hop.simulate(relu_key, wide, label="rectified", **options)
heated = hop.AssociativeMemory(load=0.02, temperature=heats)
by_temperature = {r"Gaussian, $\alpha=0.02$": hop.simulate(heat_key, heated, label="temperatures", **options)}
basins = {}
options |= {"max_patterns": round(0.08 * spins), "progress": False}  # both loads in one compiled program
with warnings.catch_warnings():  # how far a start relaxes is the question here, not equilibrium
    warnings.simplefilter("ignore", NotInEquilibrium)
    for load in (0.03, 0.08):
        system = hop.AssociativeMemory(load=load, temperature=0.2)
        basins[rf"$\alpha={load}$, $T=0.2$"] = [
            (flipped, hop.simulate(basin_key, system, corruption=flipped, **options))
            for flipped in ([0.0, 0.3] if smoke else [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
        ]

# %% Where they meet: away from the transition, within errors
run = by_load["Gaussian, $T=0.3$"]
recalling = hop.predict(run.system)
points = [f"load {load:.3f}" for load in np.asarray(run.system.load)]
print(grokjax.compare(recalling.order_parameters, run.order_parameters, points=points, theory_name="replica theory"))
print("(beyond the capacity 0.103 a finite network keeps a remnant that ages slowly; theory says 0)")
print(run.certificate)
theory = {}
for runs, field in ((by_load, "load"), (by_temperature, "temperature")):
    for name, one in runs.items():
        values = np.asarray(getattr(one.system, field))
        fine = one.system.replace(**{field: jnp.linspace(values.min() / 2, values.max(), 60 if smoke else 200)})
        theory[name] = fine, hop.predict(fine)
shown = by_load, by_temperature, basins, theory
pictures.append(
    plot.save(figures.recall_figure(*shown), args.output / "recall", caption=figures.caption_recall(*shown))
)

# %% Few patterns: copies of binary units, and mixtures that confuse patterns
warnings.simplefilter("ignore", NotInEquilibrium)  # remnants beyond the capacity age
options = {"num_members": 2 * members, "num_steps": steps, "num_witnesses": 0, "progress": False}
few_heats, unit = np.linspace(0.02, 2.2, 30 if smoke else 219), hop.BinaryHidden()
copies, mixed = ((0.5, 1.0), (1, 3)) if smoke else ((0.5, 1.0, 2.0, 4.0), (1, 3, 5, 7, 9))
pure = {number: hop.low_load(hop.GroupedHidden(unit, number), few_heats) for number in copies}
mixtures = {count: hop.low_load(hop.GroupedHidden(unit), few_heats, num_mixed=count) for count in mixed}
for count in mixed[1:]:
    gap = mixtures[count].free_energy - mixtures[1].free_energy
    wins = np.asarray((gap < 0) & (mixtures[count].magnetisation > 0))
    print(f"mixtures of {count} lie below the pure state up to T = {few_heats[wins].max(initial=0):.3f}")
few = {}
for number in copies[1:3]:
    memory = hop.AssociativeMemory(3 / spins, jnp.array([0.3, 0.6, 0.9]) * number**0.5, hop.GroupedHidden(unit, number))
    few[number] = hop.simulate(few_key, memory, num_spins=spins, **options)
figure = figures.low_load_figure(few_heats, pure, mixtures, few)
pictures.append(plot.save(figure, args.output / "low_load", caption=figures.CAPTION_LOW_LOAD))

# %% Groups of bounded units, below and above their capacity
bounded = {}
for name, unit, temperature, loads in (
    ("binary groups", hop.BinaryHidden(), 0.5, [0.003, 0.02]),
    ("ternary groups", hop.TernaryHidden(0.5), 0.4, [0.02, 0.08]),
)[: 1 if smoke else None]:
    load = jnp.maximum(jnp.array(loads), 1 / spins)
    memory = hop.AssociativeMemory(load, temperature, hop.GroupedHidden(unit))
    bounded[name] = hop.simulate(few_key, memory, num_spins=spins, **options)
    print(f"{name}, T = {temperature}: capacity {float(hop.capacity(memory.hidden, temperature).spinodal):.5f}")
    recalls = hop.recalled(bounded[name])
    print(f"  at loads {loads}: m = {bounded[name].magnetisation}, fraction that recalls {recalls}")

# %% Recall against load at one temperature, for several numbers of spins
loads, temperature = jnp.array([0.06, 0.08, 0.09, 0.1, 0.11, 0.13, 0.16]), 0.3
memory = hop.AssociativeMemory(load=loads, temperature=temperature)
sizes = {
    number: hop.simulate(size_key, memory, num_spins=number, **options) for number in ((100,) if smoke else args.sizes)
}
fine = memory.replace(load=jnp.linspace(0.03, 0.17, 30 if smoke else 200))
figure = figures.finite_size_figure(sizes, (fine, hop.predict(fine)), float(hop.capacity(gaussian, 0.3).spinodal))
pictures.append(plot.save(figure, args.output / "sizes", caption=figures.caption_finite_size(sizes)))

# %% A field on every spin: theory and networks, and what it costs
biased, theory = {}, {}
for load, temperature in ((0.03, 0.3), (0.02, 0.5))[: 1 if smoke else None]:
    memory = hop.AssociativeMemory(load, temperature, field=jnp.array([0.0, 0.1, 0.2, 0.3, 0.4]))
    name = rf"$\alpha={load}$, $T={temperature}$"
    run = biased[name] = hop.simulate(field_key, memory, num_spins=spins, **options)
    fine = memory.replace(field=jnp.linspace(0, 0.45, 16 if smoke else 91))
    theory[name] = fine, hop.predict(fine)
    print(f"a field on the spins, load {load}, T = {temperature}")
    expected = hop.predict(memory).order_parameters
    print(grokjax.compare(expected, run.order_parameters, theory_name="replica theory"))
fields = np.linspace(0, 0.6, 4 if smoke else 13)
lines = {
    f"$T={t}$": [hop.capacity(gaussian, t, field=g) for g in fields] for t in ((0.3,) if smoke else (0.1, 0.3, 0.5))
}
figure = figures.field_figure(biased, theory, fields, lines)
pictures.append(plot.save(figure, args.output / "field", caption=figures.CAPTION_FIELD))

# %% Results
results = {
    "by_load": [one.without_states() for one in by_load.values()],
    "few": [one.without_states() for one in few.values()],
    "bounded": [one.without_states() for one in bounded.values()],
    "sizes": [one.without_states() for one in sizes.values()],
    "biased": [one.without_states() for one in biased.values()],
    "thresholds": between,
    "curves": curves,
}
data = io.save(args.output / "results.npz", results, note=f"{spins} spins, {members} draws of the patterns")
print(f"wrote {', '.join(map(str, pictures))} and {data} after {time.perf_counter() - started:.0f} s")
