# %% [markdown]
# # Modular addition: the mixed phase in theory and in real networks
#
# Quadratic networks learn (n + m) mod P from their posterior. Below a critical noise some neurons specialise on a
# Fourier frequency, and the discrepancy is pinned to a line on which both kinds of neuron cost the same: the mixed
# phase of a first-order transition. Figure 3 of arXiv:2310.03789 shows its theory, as printed and with the constants
# that networks obey; here networks are laid on top, from a cold start (the prior) and from a hot one (all neurons
# specialised).
#
#     python examples/02_modular_addition.py             # P = 11: two CPU cores, a few minutes
#     python examples/02_modular_addition.py --prime 23 --steps 20000  # wells further apart: for a GPU
#     python examples/02_modular_addition.py --smoke     # seconds

# %%
import time

import jax
import jax.numpy as jnp
from _arguments import parser, read


# %% What the command line says
made = parser(
    "Modular addition: theory and Langevin ensembles.",
    "modular_addition",
    prime=11,
    width=500,
    members=4,
    steps=4000,
)
noises = [6e-4, 5e-4, 4.5e-4, 4e-4, 3e-4, 2e-4, 1e-4, 4e-5]
made.add_argument("--noise", type=float, nargs="+", default=noises, help="noise variances")
args = read(made)
started = time.perf_counter()
jax.config.update("jax_enable_x64", True)  # theory needs it; networks stay in float32

import grokjax
from grokjax import devices, io, plot
from grokjax.systems import modular_addition as ma
from grokjax.systems.modular_addition import figures


device = devices.use(args.device)

# %% One system, swept over noise: the field becomes an array
prime, width, members, steps = (5, 40, 3, 60) if args.smoke else (args.prime, args.width, args.members, args.steps)
noise = jnp.asarray(args.noise[2:5] if args.smoke else args.noise)
base = ma.ModularAddition(
    prime=prime, width=width, noise_variance=float(noise[0]), readout_variance=1e-4 / prime**2, sextic_decay=3.0
)
system = base.replace(noise_variance=noise)
print(f"P = {prime}, N = {width}; {len(noise)} noises x {members} networks x 2 starts on {device.device_kind}")

# %% The road of simulation, from both sides
cold_key, hot_key = jax.random.split(jax.random.key(args.seed))
cold = ma.simulate(cold_key, system, num_members=members, num_steps=steps, start="prior")
hot = ma.simulate(hot_key, system, num_members=members, num_steps=steps, start="frequencies", num_witnesses=0)

# %% The road of theory
theory, corrected = ma.predict(system), ma.predict(system, width_correction=True)
sharp = ma.transitions(base)

# %% Where they meet
points = [f"noise {value:.1e}" for value in noise.tolist()]
print(f"\n{cold}\n")
print(grokjax.compare(theory, cold, points=points), end="\n\n")
difference = grokjax.two_start(cold.order_parameters, hot.order_parameters)
for name in ("discrepancy", "side_weight"):
    z = ", ".join(f"{value:+.1f}" for value in getattr(difference.z_score, name))
    print(f"cold minus hot start in standard errors, {name}: {z}")
print(f"mixed phase in the sharp limit: noise variance {float(sharp.end):.3e} to {float(sharp.start):.3e}")

# %% Curves between the points, the published figure in both conventions, and phase diagrams
line = base.replace(noise_variance=jnp.linspace(0.6 * noise.min(), 1.05 * noise.max(), 81))
curve, corrected_curve = ma.predict(line), ma.predict(line, width_correction=True)
paper = figures.paper_system()
at = lambda noises: {name: ma.predict(paper.replace(noise_variance=noises), name) for name in ("paper", "exact")}
actions, curves = at(jnp.array([0.3, 0.227, 0.15, 0.1])), at(jnp.linspace(0.05, 0.32, 109))
size = 12 if args.smoke else 60
noises, variances = jnp.geomspace(1e-5, 3e-3, size), jnp.geomspace(1e-8, 3e-5, size)
primes = [5, 11, 23] if args.smoke else [p for p in range(5, 200, 2) if all(p % n for n in range(3, p, 2))]
diagrams, borders = [], []
for axes in (
    {"noise_variance": noises, "readout_variance": variances},
    {"width": jnp.geomspace(20, 20000, size), "prime": primes},
):
    grid = jnp.meshgrid(*map(jnp.asarray, axes.values()), indexing="ij")
    diagrams.append(ma.phase_diagram(base, axes))
    borders.append(ma.transitions(base.replace(**dict(zip(axes, grid, strict=True)))))

# %% Figures and results
point = len(noise) // 2
drawn = {
    "figure_3": (figures.figure_3(actions, curves, ma.transitions(paper, "paper")), figures.CAPTION_3),
    "mixed_phase": (
        figures.mixed_phase(curve, sharp, cold, hot, corrected=corrected_curve),
        figures.caption_mixed_phase(cold, hot, theory, corrected),
    ),
    "pair_densities": (
        figures.pair_densities(theory, cold, point),
        figures.caption_pair_densities(theory, cold, point),
    ),
    "phase_diagrams": (
        figures.phase_diagrams(diagrams, borders, system=base),
        figures.caption_phase_diagrams(diagrams, base),
    ),
}
names = [plot.save(figure, args.output / name, caption=words) for name, (figure, words) in drawn.items()]
results = {"cold": cold.without_states(), "hot": hot.without_states(), "theory": theory, "diagrams": diagrams}
names.append(io.save(args.output / "results.npz", results, note=f"P = {prime}, {members} networks per noise"))
print("wrote", *names, f"after {time.perf_counter() - started:.0f} s", sep="\n  ")
