# %% [markdown]
# # Approximation rates: networks with explicit weights on a phase diagram
#
# After arXiv:1906.09477. Nothing is trained. Theory says which errors W^-p networks of W weights can reach, at which
# depth, and whether their weights can depend continuously on the function. Experiment constructs the networks weight
# by weight, measures the sup norm of their errors, and fits slopes. They agree, and a picture of the error against
# bits per weight shows where the deep phase hides its information.
#
#     python examples/06_approximation.py          # half a minute of one CPU core
#     python examples/06_approximation.py --smoke  # seconds

# %%
import time

import jax
import jax.numpy as jnp
from _arguments import parser, read


# %% What the command line says
args = read(parser("Approximation rates: constructed networks and their phase diagram.", "approximation"))
started = time.perf_counter()
jax.config.update("jax_enable_x64", True)  # encoding weights hold up to 53 binary digits

import grokjax
from grokjax import io, plot
from grokjax.systems import approximation as ap
from grokjax.systems.approximation import figures


smoke = args.smoke
sizes = [8, 16, 32] if smoke else None
run_of = lambda sizes=sizes, construction="auto", **fields: ap.simulate(
    ap.Approximation(**fields), sizes=sizes, construction=construction
)

# %% One network, looked at closely: its weights are a list that anybody can count
f = ap.target("kink")
net = ap.two_scale(f, num_cells=64, num_fine=24)
units, error = net.to_units(), ap.sup_error(net, f)
print(f"two-scale network, N = 64, M = 24: {net.num_weights} weights by formula, {units.num_weights} counted,")
print(f"depth {net.depth} and {units.depth}; error {error:.3e} = {error * 64 * 24:.6f} h")

# %% Depth buys rate: five depths, two functions; theory is the line 1 + alpha
alphas = jnp.linspace(0.0, 1.0, 3 if smoke else 5)
system = ap.Approximation(order=1, depth_exponent=alphas)
by_depth = {name: ap.simulate(system.replace(target=name), sizes=sizes) for name in ("kink", "zigzag")}
points = [f"alpha {alpha:.2f}" for alpha in alphas.tolist()]
print(grokjax.compare(ap.predict(system), by_depth["zigzag"], points=points))
print("(small networks carry logarithms of N; the growing part of W does not, and W's slope tends to it)")

# %% Smoothness and dimension: both borders of the deep phase
shallow = [run_of(order=1, depth_exponent=0), run_of(order=2, depth_exponent=0, target="parabola")]
deep = [run_of(order=1), run_of(order=2, target="sine")]
if not smoke:
    shallow += [
        run_of(order=0.5, depth_exponent=0),
        run_of(order=1, dim=2, depth_exponent=0),
        run_of(order=3, depth_exponent=0, target="sine"),
    ]
    deep += [run_of(order=0.5, target="weierstrass"), run_of(order=3, target="sine")]
squared = run_of(order=3, depth_exponent=0, target="sine", activation="piecewise_polynomial")
width = {order: run_of([8, 16, 32] if smoke else None, "fixed_width", order=order, target=target)
         for order, target in ((1, "kink"), (2, "sine"))}  # fmt: skip
measured = {
    "continuous weights": shallow,
    "digits in weights": deep,
    "relu$^2$, exact products": [squared],
    "fixed width 7": list(width.values()),
}
for name, runs in measured.items():
    for run in runs:
        order, dim = float(run.system.order), int(run.system.dim)
        rates = (run.growing_rate, run.rate, run.resolution_rate)
        growing, total, fine = (f"{float(rate.mean):.3f}" for rate in rates)
        print(f"{name:26} r = {order:<4g} d = {dim}: rate {growing} ({total} in W), {fine} in cells per axis")

# %% One weight that remembers a whole function: a periodic unit
lookup = run_of([8, 16, 32] if smoke else [2**k for k in range(3, 19)], activation="periodic")
small = ap.periodic(f, num_digits=4, bits=6)
print(f"periodic look-up, m = 4: {small.num_weights} weights, {small.to_units().num_weights} counted")
last = lookup.num_weights[-1]
print(f"periodic look-up, m = {len(lookup.errors) + 2}: error {lookup.errors[-1]:.2e} with {last:.0f} weights")

# %% Precision is a phase boundary
bits = {f"{bits} bits": run_of(weight_bits=bits) for bits in ((8,) if smoke else (8, 24, 53))}
bits["unlimited"] = deep[0]
for name, run in bits.items():
    print(f"encoding weights of {name}: rate {run.rate}")

# %% Weights and depth as budgets, and capacity
shapes = ([4, 8, 16], [2, 4]) if smoke else ([2**k for k in range(2, 12)], [2, 3, 5, 8, 13, 21, 34, 55, 89, 144])
grid = ap.grid(ap.Approximation(), *shapes)
counts = [8, 16, 32] if smoke else [2**k for k in range(5, 14)]
capacity = {
    "two-scale": (ap.capacity(counts), 0.5),
    "interpolant": (ap.capacity(counts, "interpolant"), 1.0),
}

# %% Figures and results
diagram = ap.phase_diagram(jnp.linspace(0.02, 3.2, 160), jnp.linspace(0.02, 6.6, 160))
families = {
    "interpolant, $r=1$": shallow[0],
    "two-scale, $r=1$": deep[0],
    "second order, $r=2$": deep[1],
    "periodic look-up, $r=1$": lookup,
}
theory = {name: ap.predict(run.system) for name, run in families.items()}
curve = ap.predict(ap.Approximation(depth_exponent=jnp.linspace(0, 1, 11)))
drawn = {
    "phase_diagram": figures.phase_diagram(diagram, measured),
    "depth": figures.depth(curve, by_depth),
    "errors": figures.errors(families, theory),
    "precision": figures.precision(bits),
    "budget": figures.budget(grid),
    "capacity": figures.capacity(capacity),
}
captions = {**figures.CAPTIONS, "phase_diagram": figures.caption_phase_diagram(measured)}
for name, figure in drawn.items():
    plot.save(figure, args.output / f"{name}.png", caption=captions[name])
results = {"by_depth": by_depth, "measured": measured, "lookup": lookup, "bits": bits, "grid": grid,
           "capacity": {name: found for name, (found, _) in capacity.items()}}  # fmt: skip
data = io.save(args.output / "results.npz", results)
print(f"wrote {len(drawn)} figures and {data} after {time.perf_counter() - started:.0f} s")
