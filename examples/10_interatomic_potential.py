# %% [markdown]
# # A potential whose phase transition sits at the wrong temperature
#
# After arXiv:2512.03974. The free-energy difference of two crystals is measured from absolute free energies, followed
# by reweighting while parameters move, and measured again from scratch. Toys first, whose transitions are known
# exactly; then titanium, hcp against bcc, whose published potential has its transition near 2000 K instead of 1155 K.
# Three refinements: with the free energy alone, which loses the entropy; with the latent heat, which puts the
# transition right at zero pressure; and with the change of volume, too, which its slope over pressure asks for.
#
#     python examples/10_interatomic_potential.py          # five minutes of one CPU core
#     python examples/10_interatomic_potential.py --full   # longer runs of a shorter step: twelve minutes
#     python examples/10_interatomic_potential.py --smoke  # seconds

# %%
import time

import jax
import numpy as np
from _arguments import parser, read


EXPERIMENT = (1155.0, 43.6)  # K at zero pressure, and the latent heat in meV/atom (NIST-JANAF)
PRESSURES = np.arange(6.0)  # GPa
LINE = np.array([1154.66, 1124.53, 1094.41, 1064.29, 1034.17, 1005.02])  # K, after Wen et al. 2021
DIFFUSION = (1999.0, 5.3)  # K, and 1e-9 m^2/s by neutrons (Meyer et al. 2009)
SLOPE = float(np.polyfit(PRESSURES, LINE, 1)[0])  # -30.0 K/GPa


# %%
made = parser("Refine a potential through its phase transition.", "interatomic_potential")
made.add_argument("--full", action="store_true", help="longer runs, of two thirds of the step")
args = read(made)
started = time.perf_counter()

jax.config.update("jax_enable_x64", True)
import grokjax
from grokjax import devices, io, plot
from grokjax.systems import interatomic_potential as ip
from grokjax.systems.interatomic_potential import figures


device = devices.use(args.device)
keys = jax.random.split(jax.random.key(args.seed), 8)
size = "smoke" if args.smoke else "full" if args.full else "default"
few, liquid = {  # of crystals, and of the liquid
    "smoke": (ip.Sampling(num_replicas=2, num_frames=40, equilibration=20), None),
    "default": (
        ip.Sampling(num_frames=300, record_every=10, equilibration=60, num_witnesses=1, step_fraction=0.3),
        ip.Sampling(num_frames=100, equilibration=40),
    ),
    "full": (ip.Sampling(num_witnesses=2), None),
}[size]
clock = lambda: f"{time.perf_counter() - started:.0f} s, {time.process_time():.0f} s of processors"
print(f"{size} sizes on {device.device_kind}: {few.num_replicas} replicas of {few.num_frames} frames")

# %% Toys: theory and simulation in one table, and a refinement whose result is known
wells = ip.two_wells(dim=24, stiffness=(4.0, 1.0), offset=6.0, temperature=0.3)
for name, toy in {"two wells": wells, "Einstein solid": ip.einstein_solid()}.items():
    run = ip.simulate(keys[0], toy, sampling=few)
    print(f"\n{name}\n{grokjax.compare(ip.predict(toy), run)}")
toy = ip.refine(keys[1], wells, temperature=0.30, sampling=few)
print(f"\n{toy}\nexact transition of the refined wells: {ip.predict(toy.system).transition_temperature:.5f}")
if args.smoke:
    picture = plot.save(
        figures.effective_samples(toy), args.output / "rounds", caption=figures.caption_effective_samples(toy)
    )
    crystal = ip.titanium(num_atoms=16, temperature=300.0)  # small boxes melt early
    print(f"\n{crystal.phases}\n{ip.simulate(keys[2], crystal, sampling=few)}\nwrote {picture} after {clock()}")
    raise SystemExit

# %% Titanium to begin with
titanium = ip.titanium(num_atoms=128, temperature=EXPERIMENT[0])
print(f"\nharmonic: {ip.predict(titanium)}")
base = ip.simulate(keys[2], titanium, sampling=few)
print(f"\n{base}\n(after {clock()})")

# %% The trap and the cure: the free energy alone, and with latent heat and gauge
common = {"temperature": EXPERIMENT[0], "anchor": base, "sampling": few}
alone = ip.refine(keys[3], titanium, **common)
print(f"\nfree energy alone: {alone}\n(after {clock()})")
cured = ip.refine(keys[4], titanium, latent_heat=EXPERIMENT[1], gauge=True, **common)
print(f"\nwith latent heat and gauge: {cured}\n(after {clock()})")
assert cured.verified is not None
pictures = [
    plot.save(
        figures.trap_and_cure(alone, cured, EXPERIMENT[1]),
        args.output / "trap_and_cure",
        caption=figures.caption_trap_and_cure(alone, cured),
    ),
    plot.save(
        figures.effective_samples(cured), args.output / "rounds", caption=figures.caption_effective_samples(cured)
    ),
]

# %% The slope of the transition: Clausius and Clapeyron say what change of volume it asks for
volume = SLOPE * EXPERIMENT[1] / EXPERIMENT[0] / (1e3 * titanium.units.pressure)  # dV = dS dT/dP, cubic Angstrom
sloped = ip.refine(
    keys[6],
    cured.system,
    temperature=EXPERIMENT[0],
    latent_heat=EXPERIMENT[1],
    volume=volume,
    gauge=True,
    anchor=cured.verified,
    sampling=few,
)
print(f"\nwith a change of volume of {volume:.3f}, too: {sloped}\n(after {clock()})")
assert sloped.verified is not None

# %% What was not trained on, before and after
measured = {"before": base, "latent heat": cured.verified, "latent heat and volume": sloped.verified}
diffusion_key = jax.random.fold_in(keys[7], 1)
for label, run in measured.items():
    print(f"\n{label}: slope of the transition {ip.clausius_clapeyron(run)} K/GPa (experiment {SLOPE:.1f})")
    assert run.phases is not None
    for phase in run.phases:
        expansion = jax.tree.map(lambda x: 1e6 * x, ip.thermal_expansion(run.system, phase.frames))
        stiff = ip.bulk_modulus(run.system, phase.frames)
        print(f"  {phase.name}: volume expansion {expansion} ppm per K, bulk modulus {stiff} GPa")
    found = ip.self_diffusion(diffusion_key, run.system, temperature=DIFFUSION[0], sampling=liquid)
    scaled = jax.tree.map(lambda x: 1e9 * x, found)
    print(f"  liquid at {DIFFUSION[0]:g} K: diffusion {scaled} 1e-9 m^2/s (neutrons {DIFFUSION[1]:g})")
print(f"(after {clock()})")

# %% Beyond the one point: free energies along temperature, and the transition along pressure
temperature = np.linspace(950.0, 1350.0, 81)
points = [(1000.0, 0.0), (1300.0, 0.0)]
curves = {}
for label in ("before", "latent heat"):
    surface = ip.surface(keys[5], measured[label], points, few)
    curves[label] = np.array([float(surface.difference(t, 0.0)) for t in temperature])
anchors = {label: (EXPERIMENT[0], measured[label].free_energy_difference) for label in curves}
target = EXPERIMENT[0], EXPERIMENT[1] / EXPERIMENT[0]
figure = figures.gibbs_energies(temperature, curves, anchors, target)
caption = figures.caption_gibbs_energies(cured)
pictures.append(plot.save(figure, args.output / "gibbs_energies", caption=caption))
along = [(float(LINE[index]), float(PRESSURES[index])) for index in (2, 4, 5)]
surface = ip.surface(keys[7], sloped.verified, along, few)
line = surface.transition_temperature(PRESSURES, 850.0, 1300.0)
lines = {"latent heat and volume": (PRESSURES, line)}
print(f"\ntransition at {PRESSURES} GPa: {line} K, experiment {LINE} (after {clock()})")
slope = ip.clausius_clapeyron(cured.verified)
tangents = {"latent heat only, tangent": (cured.verified.transition_temperature, slope)}
figure = figures.transition_line(lines, (PRESSURES, LINE), tangents)
caption = figures.caption_transition_line(sloped, lines, (PRESSURES, LINE))
pictures.append(plot.save(figure, args.output / "transition_line", caption=caption))

# %% Results
theta = {"latent heat": np.asarray(cured.system.theta), "latent heat and volume": np.asarray(sloped.system.theta)}
note = f"titanium, {titanium.num_atoms} atoms, refined to {EXPERIMENT[0]:g} K"
data_file = io.save(args.output / "results.npz", {"theta": theta, "lines": lines, "curves": curves}, note=note)
print(f"wrote {', '.join(map(str, pictures))} and {data_file} after {clock()}")
