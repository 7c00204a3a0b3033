# %% [markdown]
# # Which layers learn when a network is wide?
#
# Reproduces the phase diagrams of arXiv:2007.07497 (two layers) and arXiv:2205.12101 (three layers). Weights and
# output are scaled by powers of the width m. Gradient flow to zero loss moves a layer by RD ~ m^S: linear networks
# (S < 0) keep their features, condensed ones (S > 0) forget their start, and their neurons gather in a few directions.
# Theory gives S of every layer from a budget of norms, without a fitted number.
#
#     python examples/08_infinite_width.py          # two CPU cores, a few minutes
#     python examples/08_infinite_width.py --full   # wider networks, finer grids: for a GPU
#     python examples/08_infinite_width.py --smoke  # seconds

# %%
import time

import jax
import jax.numpy as jnp
import numpy as np
from _arguments import parser, read


# Widths, seeds and steps of the grid for the diagram of two layers, and of three; neurons of the pictures.
SIZES = {
    "smoke": ((8, 16, 32), 2, 4, (4, 8, 16), 1, 4, 50),
    "default": ((50, 100, 200, 400, 800), 4, 1, (40, 80, 160, 320), 2, 1, 1000),
    "full": ((1000, 2500, 5000, 10_000, 40_000), 5, 1, (100, 300, 1000, 3000), 3, 1, 10_000),
}


def _numbers(exponent):
    return {layer: float(value) for layer, value in exponent.items()}


def _all_layers(run, prediction):
    """Exponents of all layers in one row, measured and predicted."""
    from grokjax import Estimate

    row = lambda arrays: np.concatenate([np.ravel(array) for array in arrays])
    measured = run.exponent.values()
    return Estimate(row(s.mean for s in measured), row(s.error for s in measured)), row(
        np.broadcast_to(prediction.exponent[layer], np.shape(run.exponent[layer].mean)) for layer in run.exponent
    )


# %% What the command line says
made = parser("Regimes of wide networks: exponents of the displacement of every layer.", "infinite_width")
made.add_argument("--full", action="store_true", help="the papers' widths and finer grids, for a GPU")
args = read(made)
started = time.perf_counter()

import grokjax
from grokjax import devices, io, plot
from grokjax.systems import infinite_width as iw
from grokjax.systems.infinite_width import figures


device = devices.use(args.device)
size = "smoke" if args.smoke else "full" if args.full else "default"
widths, seeds, every, deep_widths, deep_seeds, deep_every, wide = SIZES[size]
keys = jax.random.split(jax.random.key(args.seed), 6)
clock = lambda: f"{time.perf_counter() - started:.0f} s"
print(f"{size} sizes on {device.device_kind}")

# %% Where the common initialisations sit, and what theory says of them
for depth in (2, 3):
    for name in iw.INITIALISATIONS[depth]:
        network = iw.initialisation(name, depth)
        print(f"{depth} layers, {name:12} {iw.predict(network).regime}  {network}")

# %% Two layers: the diagram
gamma = jnp.array([0.5, 1.0, 1.75]) if args.smoke else jnp.linspace(0.25, 2.25, 9)
gamma, gamma_prime = gamma[:, None], jnp.linspace(-1.0, 1.5, 11)[None, ::every]
plane = iw.TwoLayer(gamma=gamma, gamma_prime=gamma_prime)
two = iw.simulate(keys[0], plane, widths=widths, num_members=seeds, progress=False)
theory = iw.predict(plane)
print(f"\n{two}\n(after {clock()})")
line = np.linspace(-1.2, 1.7, 200)
column = lambda scaling, layer, axis, x: [
    iw.zero_crossing(np.ravel(axis), scaling.exponent[layer].mean[:, i]) for i in range(np.size(x))
]
crossings = {"input": (np.ravel(gamma_prime), column(two, "input", gamma, gamma_prime))}
schemes = {"LeCun, He, PyTorch": (0.5, 0.5), "NTK": (0.0, 0.5), "Xavier, mean-field": (0.0, 1.0)}
borders = {"input": (line, iw.two_layer_border(line))}
figure = figures.phase_diagram(two, "gamma_prime", "gamma", borders, schemes=schemes, crossings=crossings)
caption = figures.caption_phase_diagram(two, borders, crossings)
pictures = [plot.save(figure, args.output / "two_layers", caption=caption)]

# %% Displacement against width in the three regimes, and in the lazy one its prefactor from the tangent kernel
regime_points = {"linear": 0.5, "critical": 1.0, "condensed": 1.75}
row = {value: int(np.argmin(np.abs(np.ravel(gamma) - value))) for value in regime_points.values()}
middle = int(np.argmin(np.abs(np.ravel(gamma_prime))))
labelled = {rf"$\gamma={value:g}$": two.at(i, middle) for value, i in row.items()}
predicted = {name: _numbers(iw.predict(run.system).exponent) for name, run in labelled.items()}
for (name, run), exponents in zip(labelled.items(), predicted.values(), strict=True):
    print(f"{name}: S = {run.exponent['input']}, theory {exponents['input']:+.3f}; {run.power_law('input')}")
data, lazy = iw.four_points(), next(iter(labelled.values()))
prefactor = jax.tree.map(lambda numbers: numbers * np.sqrt(widths), lazy.displacement["input"])
expected = iw.lazy_prefactor(data.inputs, data.targets)
print(f"lazy prefactor {expected:.4f}; RD m^(1/2) at widths {widths}: {np.round(prefactor.mean, 3)}  (after {clock()})")
figure = figures.displacement(labelled, predicted)
at_largest = grokjax.Estimate(prefactor.mean[-1], prefactor.error[-1])
caption = figures.caption_displacement(labelled, predicted, (at_largest, expected))
pictures.append(plot.save(figure, args.output / "displacement", caption=caption))

# %% Orientation and contribution of the neurons: a wide condensed network is the target's two neurons
target = iw.two_neurons()
shown = iw.train(
    keys[2],
    iw.TwoLayer(gamma=jnp.array([0.5, 1.0, 2.0]), width=wide),
    num_members=1,
    data=target,
    sampler=iw.ExponentialFlow(goal=1e-5 if args.smoke else 3e-6),
    progress=False,
)
x = np.linspace(-1.3, 1.3, 300)
values, (start, end) = iw.outputs(shown, x), iw.first_layer(shown)
neurons = [((start[0][i, 0], start[1][i, 0]), (end[0][i, 0], end[1][i, 0])) for i in range(3)]
effective = shown.effective_neurons.mean
names = [
    rf"{name}, $\gamma={float(g):g}$, $N_{{\mathrm{{eff}}}}={n:.1f}$"
    for name, g, n in zip(regime_points, shown.system.gamma, effective, strict=True)
]
figure = figures.regimes(names, (x, values[:, 0]), (target.inputs, target.targets), neurons)
caption = figures.caption_regimes(names, wide, target.name)
pictures.append(plot.save(figure, args.output / "regimes", caption=caption))
print(f"effective neurons {np.round(effective, 2)}, of the target 2  (after {clock()})")

# %% Three layers: the diagram
gamma_3, gamma_2 = jnp.linspace(0.5, 4.0, 8)[::deep_every, None], jnp.linspace(-0.5, 1.5, 5)[None, ::deep_every]
plane = iw.ThreeLayer(gamma_3=gamma_3, gamma_2=gamma_2)
three = iw.simulate(keys[3], plane, widths=deep_widths, num_members=deep_seeds, progress=False)
print(f"\n{three}\n(after {clock()})")
line = np.linspace(-1.0, 1.75, 200)
borders = {"layer1": (line, iw.first_layer_border(line)), "layer2": (line, iw.second_layer_border(line))}
crossings = {layer: (np.ravel(gamma_2), column(three, layer, gamma_3, gamma_2)) for layer in borders}
schemes = {"LeCun, He": (0.5, 1.0), "Xavier, mean-field": (0.0, 1.5), "NTK": (0.0, 1.0)}
figure = figures.phase_diagram(three, "gamma_2", "gamma_3", borders, schemes=schemes, crossings=crossings)
caption = figures.caption_phase_diagram(three, borders, crossings)
pictures.append(plot.save(figure, args.output / "three_layers", caption=caption))

# %% Real data and four layers: exponents measured and predicted
found = {"two layers": _all_layers(two, theory), "three layers": _all_layers(three, iw.predict(plane))}
results = {"two": two, "three": three}
if not args.smoke:
    few = {"widths": deep_widths[::2] + deep_widths[-1:], "num_members": deep_seeds + 1, "progress": False}
    four = iw.FourLayer(gamma_4=jnp.array([1.5, 3.0]))
    results["four"] = iw.simulate(keys[4], four, **few)
    print(f"\n{results['four']}")
    print(grokjax.compare(iw.predict(four), results["four"], points=["gamma_4 = 1.5", "gamma_4 = 3"]))
    found["four layers"] = _all_layers(results["four"], iw.predict(four))
    digits = iw.ThreeLayer(gamma_2=jnp.array([0.0, 1.5]), gamma_3=jnp.array([2.1, 3.5]))
    try:
        results["digits"] = run = iw.simulate(keys[5], digits, data=iw.digits(20), **few)
    except ImportError as error:
        print(f"no digits: {error}")
    else:
        print(grokjax.compare(iw.predict(digits), run, points=["(0, 2.1)", "(1.5, 3.5)"]))
        print(f"digits at (0, 2.1): {run.at(0).regime}, at (1.5, 3.5): {run.at(1).regime}  (after {clock()})")
        found["three layers, digits"] = _all_layers(run, iw.predict(digits))
caption = figures.caption_exponents(found)
pictures.append(plot.save(figures.exponents(found), args.output / "exponents", caption=caption))

# %% Results
data_file = io.save(args.output / "results.npz", results, note=f"{size} sizes")
print(f"wrote {', '.join(str(path) for path in pictures)} and {data_file} after {clock()}")
