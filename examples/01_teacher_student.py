# %% [markdown]
# # Grokking as a first-order phase transition: theory and networks side by side
#
# Reproduces figure 2 of arXiv:2310.03789, and the heat maps of its first version. Networks learn a linear and a cubic
# Hermite component of a Gaussian teacher. Below a critical noise a few neurons specialise on the teacher's direction
# (droplets) and the cubic component starts to be learned. Seven noises times many networks are sampled by Langevin
# dynamics in one compiled call, from a cold start (the prior) and from a hot one (aligned neurons), and laid on top
# of two theories: the published one, and one of finite data and width that says where it ends. At low noise droplets
# form slowly, so neurons also make Metropolis moves between centre and droplets.
#
#     python examples/01_teacher_student.py            # scale beta = 1/8: two CPU cores, a few minutes
#     python examples/01_teacher_student.py --scale 1  # the paper's size: for a GPU
#     python examples/01_teacher_student.py --smoke    # seconds

# %%
import time
from fractions import Fraction

import jax
import jax.numpy as jnp
from _arguments import parser, read


# %% What the command line says
made = parser("Teacher-student grokking: theory and Langevin ensembles.", "teacher_student", members=20, steps=1500)
scale = lambda text: float(Fraction(text))
made.add_argument("--scale", type=scale, default=1 / 8, help="beta, such as 1/8 or 1")
made.add_argument(
    "--noise", type=float, nargs="+", default=[0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3], help="noise variances"
)
made.add_argument("--map-members", type=int, default=3, help="networks a cell of the heat maps; 0 leaves them out")
args = read(made)
started = time.perf_counter()
jax.config.update("jax_enable_x64", True)  # theory needs it; networks stay in float32

import grokjax
from grokjax import devices, io, plot
from grokjax.systems import teacher_student as ts
from grokjax.systems.teacher_student import figures


device = devices.use(args.device)

# %% One system, swept over noise: the field becomes an array
members, steps = (6, 60) if args.smoke else (args.members, args.steps)
noise = jnp.asarray(args.noise[-2:] if args.smoke else args.noise)
scale = 1 / 32 if args.smoke else args.scale
base = ts.TeacherStudent.at_scale(scale)
system = base.replace(noise_variance=noise)
print(
    f"beta = {scale:g}: N = {base.width:g}, d = {base.input_dim:g}, n = {base.num_samples:g}; "
    f"{len(noise)} noises x {members} networks on {device.device_kind}"
)

# %% The road of simulation, from both sides; witnesses beside the cold run make its certificate
key = jax.random.key(args.seed)
cold_key, hot_key = jax.random.split(key)
options = {
    "num_members": members,
    "num_steps": steps,
    "droplets": grokjax.DropletMoves(
        [0.0, 0.8], [1.1 * float(0.5 / base.input_dim) ** 0.5, 0.2], [0.5, 0.5], "teacher"
    ),
    "sampler": grokjax.UnderdampedLangevin(step_size=jnp.where(noise < 0.04, 0.15, 0.3)),  # stiffer at low noise
}
cold = ts.simulate(cold_key, system, start="prior", **options)
hot = ts.simulate(hot_key, system, start="droplets", num_witnesses=0, **options)

# %% The road of theory
grid = jnp.unique(jnp.concatenate([noise, (noise[1:] + noise[:-1]) / 2])) if not args.smoke else noise
published = ts.predict(system, theory="mean_field")
curve = ts.predict(base.replace(noise_variance=grid))  # the best theory, point by point
here = jnp.searchsorted(grid, noise)
theory = {"mean_field": published, "best": jax.tree.map(lambda leaf: leaf[here], curve)}
transition = ts.sharp_limit(base)

# %% Where they meet
points = [f"noise {value:.2f}" for value in noise.tolist()]
print(f"\n{cold}\n\n{theory['best']}\n")
compared = [
    grokjax.compare(prediction, cold, points=points, theory_name=figures.THEORY_NAMES[name])
    for name, prediction in theory.items()
]
print(*compared, sep="\n\n", end="\n\n")
print(grokjax.two_start(cold.order_parameters, hot.order_parameters))
print(f"transition in the sharp limit: noise variance {float(transition.noise_variance):.4f}")

# %% Curves between the points, and the phase diagram with the sharp limit's line
fine = jnp.linspace(float(noise[0]), 1.05 * float(noise[-1]), 11 if args.smoke else 41)
curves = {"mean_field": ts.predict(base.replace(noise_variance=fine), theory="mean_field"), "best": curve}
lazy = ts.lazy_baseline(base.replace(noise_variance=fine))  # a Gaussian process, whose features do not move
size = 20 if args.smoke else 160
widths = jnp.geomspace(20, 5000, size)
diagram = ts.phase_diagram(base, jnp.geomspace(0.01, 1.0, size), widths=widths, mark_range=True)
edge = jnp.geomspace(20, 5000, 33)
borders = jax.vmap(lambda width: ts.sharp_limit(base.replace(width=width)).noise_variance)(edge)

# %% Figures and results
picture = plot.save(
    figures.figure_2(cold, theory, curves, transition=float(transition.noise_variance), lazy=(fine, lazy)),
    args.output / "figure_2",
    caption=figures.caption_2(cold, curves, lazy=True, at_points=theory, comparisons=compared),
)
simulated = (noise, jnp.full(len(noise), base.width))
figure = figures.figure_1(diagram, system=base, transition=(borders, edge), simulated=simulated)
pictures = [picture, plot.save(figure, args.output / "figure_1", caption=figures.caption_1(diagram, system=base))]
results = {"cold": cold.without_states(), "hot": hot.without_states(), "theory": theory, "diagram": diagram}

# %% Both overlaps over noise and cubic coefficient: theory on a fine grid, networks on a coarse one, in one call
if args.map_members:
    on = lambda noise, cubic: base.replace(noise_variance=noise, teacher={1: 1.0, 3: cubic})
    size, coarse, steps = (6, 2, 20) if args.smoke else (48, 5, 800)
    noises, cubics = jnp.linspace(0.02, 0.38, size), jnp.linspace(-0.6, -0.1, size)
    mapped = ts.predict(on(*(grid.ravel() for grid in jnp.meshgrid(noises, cubics))), theory="mean_field")
    middles = lambda low, high: jnp.linspace(low, high, 2 * coarse + 1)[1::2]  # of cells that fill the map
    cells = on(middles(0.02, 0.38)[:, None], middles(-0.6, -0.1)[None])
    options = {"num_members": args.map_members, "num_steps": steps, "num_witnesses": 0, "progress": False}
    run = ts.simulate(jax.random.fold_in(key, 1), cells, **options)
    borders = jax.vmap(lambda cubic: ts.sharp_limit(on(1.0, cubic)).noise_variance)(cubics)
    figure = figures.overlap_maps(mapped, run, (borders, cubics))
    pictures.append(plot.save(figure, args.output / "overlap_maps", caption=figures.caption_overlap_maps(run)))
    results |= {"map_theory": mapped, "map_networks": run.without_states()}

# %%
data = io.save(args.output / "results.npz", results, note=f"beta = {scale:g}, {members} networks per noise")
print(f"wrote {', '.join(map(str, pictures))} and {data} after {time.perf_counter() - started:.0f} s")
