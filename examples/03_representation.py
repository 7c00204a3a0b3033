# %% [markdown]
# # Toy grokking by representation learning: parallelograms, the effective theory, and four phases
#
# Reproduces figures 2-6 and 10 of arXiv:2205.10343, and counts its Goldilocks zone. A network learns to add ten
# symbols from a part of the table. The theory needs no training: the parallelograms of a training set say which
# structure it can imply, how fast, and above which training fraction that structure is unique. The experiment trains
# a grid of decoder learning rates and weight decays with several seeds in one compiled call and names the phase of
# each run.
#
#     python examples/03_representation.py          # one CPU core, five minutes
#     python examples/03_representation.py --grid 6 6 --rates 5 --steps 10000  # for the claims: fifteen minutes
#     python examples/03_representation.py --full   # the paper's 16 x 11 grid, 10 seeds, 1e5 steps: for a GPU
#     python examples/03_representation.py --smoke  # seconds

# %%
import time

import jax
import numpy as np
from _arguments import parser, read


# %% What the command line says
made = parser("Toy grokking by representation learning: theory and networks.", "representation")
made.add_argument("--grid", type=int, nargs=2, default=None, help="learning rates and weight decays")
made.add_argument("--rates", type=int, default=None, help="learning rates a side, of the diagram over both of them")
made.add_argument("--members", type=int, default=None, help="splits, targets and networks at each grid point")
made.add_argument("--steps", type=int, default=None, help="updates, and the budget of each phase")
made.add_argument("--full", action="store_true", help="the paper's grid and budget; for a GPU")
args = read(made)
started = time.perf_counter()
elapsed = lambda: f"[{time.perf_counter() - started:5.0f} s]"
jax.config.update("jax_enable_x64", True)  # theory needs it; networks stay in float32

import grokjax
from grokjax import devices, io, plot
from grokjax.systems import representation as rep
from grokjax.systems.representation import figures


device = devices.use(args.device)

preset = ((2, 2), 2, 60) if args.smoke else ((16, 11), 10, 100_000) if args.full else ((5, 5), 3, 8000)
grid, num_members, num_steps = args.grid or preset[0], args.members or preset[1], args.steps or preset[2]
task = rep.Addition(num_symbols=10)
names = ("theory", "sets", "sweep", "plane", "diagram")
keys = dict(zip(names, jax.random.split(jax.random.key(args.seed), len(names)), strict=True))
print(f"{task.num_samples} samples, {task.num_parallelograms} parallelograms; on {device.device_kind}")

# %% The road of theory: no training
first = rep.first_unique_sizes(keys["theory"], task, num_orders=200 if args.smoke else 4000)
unique = rep.unique_probability(first, task.num_samples)
symbols = (4, 6, 10) if args.smoke else (4, 6, 8, 10, 15, 20, 30, 40)
orders, batches = 50 if args.smoke else 128, jax.random.split(jax.random.fold_in(keys["theory"], 1), 8)
half = lambda p: grokjax.statistics.over_members([rep.critical_fraction(p, key=k, num_orders=orders) for k in batches])
critical = {p: half(p) for p in symbols}
fine = np.unique(np.geomspace(symbols[0], symbols[-1], 30).astype(int)).tolist()
isolated = {p: rep.critical_fraction(p, method="isolated_symbol") for p in fine}
print(f"{elapsed()} critical training fraction: " + ", ".join(f"p={p}: {r}" for p, r in critical.items()))

sizes = list(range(12, task.num_samples, 6 if args.smoke else 1))
masks = rep.training_sets_of_sizes(keys["sets"], task, sizes, 50 if args.smoke else 500)
sets = rep.predict(task, masks.reshape(len(sizes), -1, task.num_samples))
certain = np.interp(
    np.arange(task.num_samples + 1),
    sizes,
    np.mean(np.asarray(sets.predicted_accuracy) == 1, axis=1),
    left=0,
    right=1,
)
print(f"{elapsed()} predicted {masks.shape[0]} training sets")

# %% Networks on training sets of many sizes, next to what their training sets imply
sweep_sizes, repeats, sweep_steps = ([15, 45], 2, 60) if args.smoke else ([15, 25, 30, 35, 40, 45, 50, 54], 8, 3000)
sweep_masks = rep.training_sets_of_sizes(keys["sweep"], task, sweep_sizes, repeats)
system = rep.ToyRepresentation(task)
sweep = rep.simulate(keys["sweep"], system, train_mask=sweep_masks, num_steps=sweep_steps)
bound = rep.predict(task, sweep_masks)
print(f"{elapsed()} share of runs within what their training sets imply: ", end="")
print(rep.share_within_bounds(bound.order_parameters, sweep))

# %% One network in one dimension on its way (the authors' seed 58), the effective flow from its start
released = rep.released_start(system, [58])
path = rep.trajectory(system, released, num_steps=60 if args.smoke else 2000, record_every=10)[0]
standardised = jax.vmap(lambda embedding: task.standardise(embedding.astype(float))[:, 0])
begin = task.standardise(path[0].astype(float))
rate = rep.predict(task, released.train_mask[0]).third_eigenvalue * task.num_symbols / (begin**2).sum()
times = np.linspace(0, 8, 161)  # in units of 1/rate
flow = standardised(rep.effective_flow(task, released.train_mask[0], begin, times / rate))
ways = times, flow, 10 * np.arange(len(path)), standardised(jax.numpy.asarray(path))

# %% Networks in the plane
panels = {}
for name, plane in {"addition": rep.Addition(11), "addition modulo 11": rep.ModularAddition(11)}.items():
    flat = rep.ToyRepresentation(plane, embedding_dim=2, weight_decay=1.0)
    options = {"num_members": 6, "train_size": plane.num_samples - 2, "progress": False}
    panels[name] = rep.simulate(keys["plane"], flat, num_steps=60 if args.smoke else 3000, **options)
print(f"{elapsed()} networks in the plane")

# %% The phase diagram, in one compiled call, on splits that can generalise
splits = rep.predictable_training_sets(keys["diagram"], task, 45, num_members)
diagram = rep.phase_diagram(
    keys["diagram"],
    task,
    np.geomspace(1e-5, 1e-2, grid[0]),
    np.linspace(0, 10, grid[1]),
    num_steps=num_steps,
    train_mask=splits,
)
member_steps = diagram.phase.size * num_steps
print(f"{elapsed()} {diagram}")
print(f"{member_steps / diagram.run.ensemble.chunk_seconds.sum():.0f} member-steps per second")

# %% The same over both learning rates, without decay; and the zone in which a representation is learned
size = args.rates or (2 if args.smoke else 13 if args.full else 4)
rates = np.geomspace(1e-5, 1e-2, size)
options = {"num_steps": num_steps, "train_mask": splits}
by_rates = rep.rate_diagram(jax.random.fold_in(keys["diagram"], 1), task, rates, rates, **options)
print(f"{elapsed()} {by_rates}")
zones = {"decoder rate, weight decay": rep.goldilocks(diagram), "both learning rates": rep.goldilocks(by_rates)}
for name, zone in zones.items():
    print(
        f"{name}: a representation is learned in {zone.zone} of the grid; grokking is nearer to comprehension than "
        f"to memorisation by {zone.nearer_comprehension} cells ({zone.num_seeds} seeds)"
    )

# %% Figures and results
fractions = np.array(sizes) / task.num_samples
pictures = {
    "figure_2": (figures.figure_2(panels), figures.caption_2(panels)),
    "figure_3": (figures.figure_3(sweep), figures.caption_3(sweep)),
    "figure_4a": (
        figures.figure_4a(unique, sweep, accuracy_one=certain, critical=critical, isolated=isolated),
        figures.caption_4a(sweep, critical),
    ),
    "figure_4cd": (figures.figure_4cd(*ways), figures.CAPTION_4CD),
    "figure_5": (figures.figure_5(fractions, sets, sweep, bound), figures.caption_5(sweep, bound)),
    "figure_6": (figures.figure_6(diagram), figures.caption_6(diagram)),
    "figure_6a": (figures.figure_6(by_rates), figures.caption_6(by_rates)),
    "figure_goldilocks": (figures.figure_goldilocks(zones), figures.caption_goldilocks(zones)),
    "figure_10": (figures.figure_10(bound, sweep), figures.caption_10(bound, sweep)),
}
for name, (figure, caption) in pictures.items():
    print(f"wrote {plot.save(figure, args.output / name, caption=caption)}")
diagrams = {"diagram": diagram.without_states(), "by_rates": by_rates.without_states()}
results = {**diagrams, "sweep": sweep.without_states(), "masks": sweep_masks, "critical": critical}
print(f"wrote {io.save(args.output / 'results.npz', results)} after {time.perf_counter() - started:.0f} s")
