# %% [markdown]
# # Generalisation: grokking in time, and where held-out sums are learned
#
# Networks see a part of the table of sums mod P. Whether they learn the rest is decided by what decays: with the sextic
# decay of each Fourier amplitude (as published) a neuron carries all frequencies, adjusts their phases to its training
# set, and held-out sums get nearly the opposite of their target; with decay of the norms, or plain weight decay,
# neurons of one frequency win from a fraction of the table on, and held-out sums are learned, in equilibrium and from
# both starts. With plain decay training sums are right long before held-out ones: grokking in time.
#
#     python examples/11_generalisation.py             # two CPU cores, a few minutes
#     python examples/11_generalisation.py --masks 8 --primes 7 11 17 23   # the boundary, better
#     python examples/11_generalisation.py --smoke     # seconds

# %%
import time
from typing import Any

import jax
import numpy as np
from _arguments import parser, read


FRACTIONS = {
    7: [0.7, 0.8, 0.85, 0.9],
    11: [0.55, 0.6, 0.65, 0.7],
    17: [0.45, 0.5, 0.55, 0.6],
    23: [0.35, 0.4, 0.45, 0.5],
}


# %% What the command line says
made = parser("Modular addition on a part of the table.", "generalisation", width=300, members=2, masks=4, steps=400)
made.add_argument("--primes", type=int, nargs="+", default=[7, 11, 17], help="of the boundary")
args = read(made)
started = time.perf_counter()
jax.config.update("jax_enable_x64", True)  # theory needs it; networks stay in float32

import grokjax
from grokjax import devices, io, plot
from grokjax.evidence.statistics import jackknife
from grokjax.systems import modular_addition as ma
from grokjax.systems.modular_addition import figures


devices.use(args.device)
prime = 5 if args.smoke else 11
args.width, args.steps = (30, 60) if args.smoke else (args.width, args.steps)
base = ma.ModularAddition(
    prime=prime, width=args.width, noise_variance=1e-4, readout_variance=1e-4 / prime**2, sextic_decay=3.0,
    training_fraction=0.8, regulariser="norm",
)  # fmt: skip
results, pictures = {}, []
since = lambda part: print(f"{part}: {time.perf_counter() - started:.0f} s since the start\n", flush=True)

# %% Grokking in time: plain weight decay, 70 % of the table
plain = base.replace(
    width=30 if args.smoke else 100,
    readout_variance=0.01 / float(base.prime) ** 2,
    training_fraction=0.7,
    regulariser="gaussian",
)
length = {"num_steps": 60 if args.smoke else 3300, "warmup": 0, "record_every": 10, "num_witnesses": 0}
run = ma.simulate(jax.random.key(args.seed), plain, num_members=4, progress=False, **length)
pictures.append(
    plot.save(figures.learning_curve(run), args.output / "learning_curve", caption=figures.caption_learning_curve(run))
)
results |= {"curve": run.without_states()}
since("grokking in time")

# %% The published regulariser and others, at the same noise
runs = {}
for name in ("fourier", "norm") if args.smoke else ("fourier", "fourier0", "norm", "position"):
    system = base.replace(regulariser=name, noise_variance=2.5e-4)
    options = {"num_members": args.masks, "num_steps": args.steps, "num_witnesses": 0, "progress": False}
    run = runs[name] = ma.simulate(jax.random.key(args.seed + 1), system, **options)
    print(
        f"{name:9} learned: training sums {run.train_learned}, held-out sums {run.held_out_learned}; held-out "
        f"accuracy {run.held_out_accuracy}; weight in neurons of one frequency {run.single_frequency}"
    )
results |= {name: run.without_states() for name, run in runs.items()}
since("what decays")

# %% Phases of theory, networks from both starts on the same training sets on top
noises, fractions = np.array([6e-4, 3.5e-4, 2e-4, 1e-4, 4e-5]), np.array([0.4, 0.55, 0.7, 0.8, 0.9])
grid = base.replace(noise_variance=noises[:, None], training_fraction=fractions[None])
options = {"num_members": args.members, "num_steps": args.steps, "num_witnesses": 0, "progress": False}
cold, hot = (
    ma.simulate(jax.random.key(args.seed + 2), grid, start=start, **options) for start in ("prior", "frequencies")
)
apart = grokjax.two_start(cold.order_parameters.held_out_learned, hot.order_parameters.held_out_learned)
print(f"held-out sums learned, cold less hot in standard errors: {np.round(apart.z_score, 1).tolist()}")
print(cold.certificate)
size = 20 if args.smoke else 240
axes = {"noise_variance": np.geomspace(2.5e-5, 9e-4, size), "training_fraction": np.linspace(0.32, 0.95, size)}
diagram = ma.generalisation_diagram(base, axes)
print(diagram)
row = int(np.argmin(abs(fractions - 0.8)))
start = float(ma.transitions(base.replace(training_fraction=0.8)).start)
drawn = {
    "noise": (
        figures.accuracies_against_noise(cold, hot, start, (row,)),
        figures.caption_accuracies_against_noise(cold, hot, (row,)),
    ),
    "map": (figures.generalisation_map(diagram, cold, hot), figures.caption_generalisation_map(cold, hot)),
}
pictures += [plot.save(figure, args.output / name, caption=words) for name, (figure, words) in drawn.items()]
results |= {"cold": cold.without_states(), "hot": hot.without_states(), "diagram": diagram}
since("noise and fraction")

# %% The self-consistent theory on the training sets of networks: features bend towards them
system = base.replace(training_fraction=0.7)
options = {"num_members": 2, "num_steps": args.steps, "num_witnesses": 0, "progress": False}
run = ma.simulate(jax.random.key(args.seed + 3), system, **options)
rounds: dict[str, Any] = {"num_rounds": 200, "num_neurons": 400}
if args.smoke:
    rounds = {"num_rounds": 10, "num_neurons": 30, "step_size": 1e-3}
theory = ma.predict_on_part(jax.random.key(args.seed + 4), system, masks=run.problem.target.inputs, **rounds)
print(grokjax.compare(theory, run))
print(f"neurons that do not bend: {ma.equivalent_kernel(system)}")
results |= {"theory": theory}
since("theory on masks")

# %% The fraction at which half of the held-out sums are right, against P
accuracies, crossings, fit = {}, {}, None
for prime in [5] if args.smoke else args.primes:
    fraction = np.array(FRACTIONS.get(prime, [0.5, 0.6, 0.7, 0.8]))
    system = base.replace(prime=prime, readout_variance=1e-4 / prime**2, training_fraction=fraction)
    options = {"num_members": args.masks, "num_steps": args.steps, "warmup": args.steps // 2, "num_witnesses": 0}
    run = ma.simulate(jax.random.key(args.seed + prime), system, progress=False, **options)
    accuracies[prime] = fraction, run.held_out_accuracy
    place = jackknife(lambda curve, f=fraction: ma.passes_half(f, curve), run.members.held_out_accuracy.T)
    if np.isfinite(place.mean) and place.error > 0:
        crossings[prime] = place
    print(f"P = {prime}: held-out accuracy {run.held_out_accuracy} at {fraction}; passes 1/2 at {place}", flush=True)
if len(crossings) > 2:
    fit = grokjax.power_law(list(crossings), *np.array([(c.mean, c.error) for c in crossings.values()]).T)
    print(fit)
drawn = figures.boundary_against_prime(accuracies, crossings, fit, ma.generalisation_boundary)
words = figures.caption_boundary_against_prime(run, crossings, fit)
pictures.append(plot.save(drawn, args.output / "boundary", caption=words))
results |= {"accuracies": accuracies, "crossings": crossings}
since("size of the table")

# %% Results
data = io.save(args.output / "results.npz", results, note="modular addition on a part of the table")
print(f"wrote {', '.join(map(str, pictures))} and {data} after {time.perf_counter() - started:.0f} s")
