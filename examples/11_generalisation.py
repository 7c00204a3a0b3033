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
#     python examples/11_generalisation.py --smoke     # seconds

# %%
import time
from typing import Any

import jax
import numpy as np
from _arguments import parser


def arguments():
    made = parser(
        "Modular addition on a part of the table.", "generalisation", width=300, members=2, masks=4, steps=700
    )
    made.add_argument("--primes", type=int, nargs="+", default=[7, 11, 17, 23], help="of the boundary")
    return made.parse_args()


FRACTIONS = {
    7: [0.7, 0.8, 0.85, 0.9],
    11: [0.55, 0.6, 0.65, 0.75],
    17: [0.4, 0.45, 0.5, 0.6],
    23: [0.35, 0.4, 0.45, 0.5],
}
HOT = {"start": "frequencies", "num_witnesses": 0}


def main() -> None:
    args = arguments()
    started = time.perf_counter()
    jax.config.update("jax_enable_x64", True)  # theory needs it; networks stay in float32

    import grokjax
    from grokjax import devices, io, plot
    from grokjax.evidence.statistics import jackknife
    from grokjax.systems import modular_addition as ma
    from grokjax.systems.modular_addition import figures

    devices.use(args.device)
    prime, width, steps = (5, 30, 60) if args.smoke else (11, args.width, args.steps)
    base = ma.ModularAddition(
        prime=prime, width=width, noise_variance=1e-4, readout_variance=1e-4 / prime**2, sextic_decay=3.0,
        training_fraction=0.8, regulariser="norm",
    )  # fmt: skip
    keys = list(jax.random.split(jax.random.key(args.seed), 12))
    took = lambda what: print(f"{what}: {time.perf_counter() - started:.0f} s since the start\n", flush=True)

    # %% Grokking in time: plain weight decay, 70 % of the table
    plain = base.replace(
        width=30 if args.smoke else 100, readout_variance=0.01 / prime**2, training_fraction=0.7, regulariser="gaussian"
    )
    length = {"num_steps": 60 if args.smoke else 3300, "warmup": 0, "record_every": 10, "num_witnesses": 0}
    curve = ma.simulate(keys[0], plain, num_members=4, **length)
    print(figures.caption_learning_curve(curve))
    took("learning curve")

    # %% The published regulariser and others, at the same noise
    for name in ("fourier", "norm") if args.smoke else ("fourier", "fourier0", "norm", "position"):
        one = base.replace(regulariser=name, noise_variance=2.5e-4)
        run = ma.simulate(keys[1], one, num_members=args.masks, num_steps=steps, num_witnesses=0, progress=False)
        print(
            f"{name:9} learned: training sums {run.train_learned}, held-out sums {run.held_out_learned}; held-out "
            f"accuracy {run.held_out_accuracy}; weight in neurons of one frequency {run.single_frequency}"
        )
    took("regularisers")

    # %% Phases over noise and fraction, networks from both starts on top
    noises, fractions = np.array([6e-4, 3.5e-4, 2e-4, 1e-4, 4e-5]), np.array([0.4, 0.55, 0.7, 0.8, 0.9])
    grid = base.replace(noise_variance=noises[:, None], training_fraction=fractions[None])
    cold = ma.simulate(keys[2], grid, num_members=args.members, num_steps=steps)
    hot = ma.simulate(keys[2], grid, num_members=args.members, num_steps=steps, **HOT)
    size = 20 if args.smoke else 240
    axes = {"noise_variance": np.geomspace(2.5e-5, 9e-4, size), "training_fraction": np.linspace(0.32, 0.95, size)}
    diagram = ma.generalisation_diagram(base, axes)
    print(diagram)
    took("map")

    # %% The boundary against the size of the table
    accuracies, crossings = {}, {}
    for index, p in enumerate([5] if args.smoke else args.primes):
        fraction = np.array(FRACTIONS.get(p, [0.5, 0.6, 0.7, 0.8]))
        system = base.replace(prime=p, readout_variance=1e-4 / p**2, training_fraction=fraction)
        run = ma.simulate(keys[3 + index], system, num_members=args.masks, num_steps=steps, num_witnesses=0)
        accuracies[p] = fraction, run.held_out_accuracy
        place = jackknife(lambda curve, f=fraction: ma.passes_half(f, curve), run.members.held_out_accuracy.T)
        if np.isfinite(place.mean) and place.error > 0:
            crossings[p] = place
        print(f"P = {p}: held-out accuracy {run.held_out_accuracy} at {fraction}; passes 1/2 at {place}")
    fit = None
    if len(crossings) > 2:
        fit = grokjax.power_law(list(crossings), *np.array([(c.mean, c.error) for c in crossings.values()]).T)
        print(fit)
    took("boundary")

    # %% Theory on the masks of networks: features bend towards their training set
    one = base.replace(training_fraction=0.7)
    run = ma.simulate(keys[10], one, num_members=2, num_steps=steps, num_witnesses=0)
    rounds: dict[str, Any] = (
        {"num_rounds": 10, "num_neurons": 30, "step_size": 1e-3}
        if args.smoke
        else {"num_rounds": 200, "num_neurons": 400}
    )
    theory = ma.predict_on_part(keys[11], one, masks=run.problem.target.inputs, **rounds)
    print(grokjax.compare(theory, run))
    print(f"neurons that do not bend: {ma.equivalent_kernel(one)}")
    took("theory on masks")

    # %% Figures and results
    row = int(np.argmin(abs(fractions - 0.8)))
    start = float(ma.transitions(base).start)
    drawn = {
        "learning_curve": (figures.learning_curve(curve), figures.caption_learning_curve(curve)),
        "noise": (figures.accuracies_against_noise(cold, hot, start, (row,)), None),
        "map": (figures.generalisation_map(diagram, cold, hot), figures.CAPTION_MAP),
        "boundary": (figures.boundary_against_prime(accuracies, crossings, fit, ma.generalisation_boundary), None),
    }
    names = [plot.save(figure, args.output / name, caption=words) for name, (figure, words) in drawn.items()]
    results = {"curve": curve.without_states(), "cold": cold.without_states(), "hot": hot.without_states()}
    names.append(io.save(args.output / "results.npz", {**results, "theory": theory}, note="modular addition on a part"))
    print("wrote", *names, f"after {time.perf_counter() - started:.0f} s", sep="\n  ")


if __name__ == "__main__":
    main()
