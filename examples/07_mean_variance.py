# %% [markdown]
# # Mean and precision under regularisation: a field theory, its collapse, and networks
#
# Reproduces figures 1 to 3 of arXiv:2306.16717. Two networks learn the mean and the precision of a target, each with a
# penalty of its own, over the whole square of strengths. The field theory is solved to round-off: no fit has a finite
# precision below one strength of the mean's penalty, whose curve in the square is exact. Then both roads search for a
# good fit, on the published line and strength by strength, and the best is set against its rivals.
#
#     python examples/07_mean_variance.py          # two CPU cores, minutes
#     python examples/07_mean_variance.py --full   # the paper's square and networks: for a GPU
#     python examples/07_mean_variance.py --smoke  # seconds

# %%
import time

import jax
import jax.numpy as jnp
import numpy as np
from _arguments import parser, read


# %% What the command line says
made = parser("Mean-variance regression: field theory and networks.", "mean_variance")
made.add_argument("--table", default=None, help="a real table for the rivals: diabetes, housing or diamonds")
made.add_argument("--full", action="store_true", help="22 x 22 cells, three layers of 128 units, 600 000 steps")
args = read(made)
started = time.perf_counter()
jax.config.update("jax_enable_x64", True)  # theory needs it; networks stay in float32

from grokjax import devices, io, plot
from grokjax.systems import mean_variance as mv
from grokjax.systems.mean_variance import figures


device = devices.use(args.device)
key = jax.random.key(args.seed)
network_key, slice_key, rival_key = jax.random.split(key, 3)
data = mv.sine(64)
system = mv.MeanVariance(data, alpha=1e-2, beta=1e-3)
save = lambda figure, name, caption: plot.save(figure, args.output / name, caption=caption)

# %% The road of theory: the square, its collapse, its borders
square = mv.PAPER_SQUARE[::3] if args.smoke else mv.PAPER_SQUARE
diagram = mv.phase_diagram(system, {"rho": square, "gamma": square})
alpha_c, borders = float(mv.critical_alpha(data.targets)), mv.borders(system)
print(f"field theory of {data.name!r}, n = {data.num_samples}: {diagram}")
print(f"alpha_c = {alpha_c:.6g}; {int(diagram.collapsed.sum())} of {diagram.labels.size} cells have collapsed")
save(figures.figure_1(diagram, borders), "figure_1.png", figures.caption_1(data, diagram, borders))

# %% Hysteresis: the population theory of one mode beyond its cusp
num_sites, ratio = 64, 100.0
x = np.linspace(0, 1, num_sites)
wave = np.sqrt(2) * np.cos(4 * np.pi * (np.arange(num_sites) + 0.5) / num_sites)
one_mode = mv.RegressionData(x, wave, wave, np.full(num_sites, ratio**-0.5), name="one mode")
mode = mv.Mode(signal=1.0, noise=1 / ratio, curvature=mv.spectrum(num_sites)[4])
alphas = jnp.geomspace(0.03, 0.006, 16 if args.smoke else 80)
loop = mv.continuation(mv.MeanVariance(one_mode, alpha=1.0, beta=1e4), alphas, "population")
print(f"hysteresis of the population theory: {loop}")
energy = float(mode.signal * mode.curvature)
picture = figures.hysteresis(loop, mode, energy)
save(picture, "hysteresis.png", figures.caption_hysteresis(mode, num_sites))

# %% The road of simulation: every (seed, rho, gamma) is a member of one compiled call
if args.full:
    grid, members, steps = mv.PAPER_NETWORK_SQUARE, 6, 600_000
    networks = mv.Networks(width=128, depth=3, initialisation="public", mean_steps=250_000, half_cycle=25_000.0)
else:
    grid, members, steps = mv.PAPER_SQUARE[::2], 3, 3000
    networks = mv.Networks()
if args.smoke:
    grid, members, steps = (1e-3, 0.5, 0.999), 2, 30
grid = np.array(grid)
over_square = mv.MeanVariance.from_square(data, rho=grid[:, None], gamma=grid[None])
options = {"num_members": members, "num_steps": steps, "experiment": networks}
run = mv.simulate(network_key, over_square, **options)
print(f"{grid.size**2} cells x {members} pairs of networks on {device.device_kind}")
trained = figures.Square(grid, grid, run.order_parameters, mv.collapsed(run))
rows = {"field theory": figures.Square.of(diagram), "networks": trained}
save(figures.figure_2(rows, alpha=alpha_c), "figure_2.png", figures.caption_2(data, members, steps))
caption = figures.caption_spread_map(data, members, steps)
save(figures.spread_map(trained, mv.seed_spread(run), alpha=alpha_c), "spread.png", caption)

# %% The published search and two others, on both roads
t = 1 / (1 + np.exp(-np.linspace(-5, 7, 9 if args.smoke else 97)))
predict = lambda system: mv.predict(system)
simulate = lambda system: mv.simulate(slice_key, system, progress=False, **options)
for name in ("diagonal", "main_diagonal", "half"):
    found = mv.search(predict, data, t, name, criterion="population_nll")
    print(f"theory, {name}: best expected NLL {found.value:.4f} at rho {float(found.system.rho):.4f}")
count = 5 if args.smoke else 25
strengths = jnp.geomspace(1e-4, 10, count), jnp.geomspace(1e-7, 10, count)
chosen = mv.separable(simulate, data, jnp.geomspace(1e-3, 1, 4), jnp.geomspace(1e-3, 1, 4))
best = mv.separable(predict, data, *strengths, mean_criterion="population_nll", criterion="population_nll")
alpha, beta = float(best.system.alpha), float(best.system.beta)
print(f"theory, separable: best expected NLL {best.value:.4f} at alpha = {alpha:.3g}, beta = {beta:.3g}")
print(f"networks, separable: held-out NLL {chosen.value:.4f} after {chosen.num_fits} strengths")
coarse = t[:: 3 if args.smoke else 8]
slices = {
    "field theory": (t, mv.predict(mv.path(data, t))),
    "field theory, mean integrated out": (t, mv.predict(mv.path(data, t), "marginal")),
}
along = (coarse, simulate(mv.path(data, coarse)))
picture = figures.figure_3(slices, along, collapse=float(mv.diagonal_collapse(alpha_c)))
save(picture, "figure_3.png", figures.caption_3(data, tuple(slices), members, steps))

# %% Rivals: trained together, scored on held-out samples
real = data if args.table is None else mv.table(args.table)
at = mv.MeanVariance(real, alpha=float(chosen.system.alpha), beta=float(chosen.system.beta))
rivals = mv.rivals(rival_key, at, num_members=6, num_steps=steps, progress=False)
print(f"\n{real.name!r}, held-out samples\n{rivals}")

results = {"diagram": diagram, "run": run.without_states(), "loop": loop}
written = io.save(args.output / "results.npz", results, note="mean-variance regression")
print(f"wrote {written} and figures after {time.perf_counter() - started:.0f} s")
