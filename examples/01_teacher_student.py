# %% [markdown]
# # Grokking as a first-order phase transition: theory and networks side by side
#
# Reproduces figure 2 of arXiv:2310.03789. Networks learn a linear and a cubic Hermite component of a Gaussian teacher.
# Below a critical noise a few neurons specialise on the teacher's direction (droplets) and the cubic component starts
# to be learned. Five noises times many networks are sampled by Langevin dynamics in one compiled call, from a cold
# start (the prior) and from a hot one (aligned neurons), and laid on top of the theory.
#
#     python examples/01_teacher_student.py            # scale beta = 1/8: two CPU cores, a few minutes
#     python examples/01_teacher_student.py --scale 1  # the paper's size: for a GPU
#     python examples/01_teacher_student.py --smoke    # seconds

# %%
import argparse
import time
from fractions import Fraction
from pathlib import Path

import jax
import jax.numpy as jnp


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Teacher-student grokking: theory and Langevin ensembles.")
    parser.add_argument(
        "--scale", type=lambda text: float(Fraction(text)), default=1 / 8, help="beta, such as 1/8 or 1"
    )
    parser.add_argument("--noise", type=float, nargs="+", default=[0.1, 0.15, 0.2, 0.25, 0.3], help="noise variances")
    parser.add_argument("--members", type=int, default=32, help="networks per noise, each on its own data set")
    parser.add_argument("--steps", type=int, default=1500, help="Langevin steps, a third of them warm-up")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default=None, help="cpu, gpu or tpu; jax's first choice unless given")
    parser.add_argument(
        "--output", type=Path, default=Path("output/teacher_student"), help="folder for figures and data"
    )
    parser.add_argument("--smoke", action="store_true", help="a tiny run that touches everything")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    started = time.perf_counter()
    jax.config.update("jax_enable_x64", True)  # theory needs it; networks stay in float32

    import grokjax
    from grokjax import devices, io, plot
    from grokjax.systems import teacher_student as ts
    from grokjax.systems.teacher_student import figures

    device = devices.use(args.device)

    # %% One system, swept over noise: the field becomes an array
    members, steps = (6, 60) if args.smoke else (args.members, args.steps)
    noise = jnp.asarray(args.noise[:2] if args.smoke else args.noise)
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
    cold = ts.simulate(cold_key, system, num_members=members, num_steps=steps, start="prior")
    hot = ts.simulate(hot_key, system, num_members=members, num_steps=steps, start="droplets", num_witnesses=0)

    # %% The road of theory
    theory = {name: ts.predict(system, theory=name) for name in ("mean_field", "finite_size")}
    transition = ts.sharp_limit(base)

    # %% Where they meet
    points = [f"noise {value:.2f}" for value in noise.tolist()]
    print()
    for name, prediction in theory.items():
        table = grokjax.compare(
            prediction.order_parameters,
            cold.order_parameters,
            points=points,
            theory_name=figures.THEORY_NAMES[name],
        )
        print(table, end="\n\n")
    print(grokjax.two_start(cold.order_parameters, hot.order_parameters))
    print(f"transition in the sharp limit: noise variance {float(transition.noise_variance):.4f}")

    # %% Figures and results
    picture = plot.save(
        figures.figure_2(cold, theories={"mean_field": 11} if args.smoke else figures.CURVES),
        args.output / "figure_2.png",
    )
    size = 20 if args.smoke else 120
    diagram = ts.phase_diagram(base, jnp.geomspace(0.02, 1.0, size), widths=jnp.geomspace(20, 5000, size))
    phases = plot.save(figures.figure_1(diagram), args.output / "figure_1.png")
    results = {"cold": cold.without_states(), "hot": hot.without_states(), "theory": theory, "diagram": diagram}
    data = io.save(args.output / "results.npz", results, note=f"beta = {scale:g}, {members} networks per noise")
    print(f"wrote {picture}, {phases} and {data} after {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
