r"""The molten phase, and how fast its atoms diffuse: a property of dynamics, which nobody trains on.

Atoms of a liquid change neighbours, so that all pairs interact in the minimum image. A crystal is melted far above its
temperature, its box relaxes at the pressure, and BAOAB with next to no friction follows the atoms at that box. In
reduced units, where velocities have unit variance, time is a length; with the mass $m$

$$ D=\sqrt{\frac{kT}m}\,\frac{d}{d\tau}\frac{\langle|x_i(\tau)-x_i(0)|^2\rangle}6\,. $$

A periodic box is too small for the flow about an atom; `viscosity` adds Yeh and Hummer's $2.837\,kT/6\pi\eta L$.

References:
    Yeh & Hummer, J. Phys. Chem. B 108, 15873 (2004).
"""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from ... import ensemble
from ..._checks import argument_error, check_key, check_positive, check_whole, check_x64
from ...evidence.statistics import Estimate
from ...observables import Series
from ...samplers import UnderdampedLangevin
from .crystal import CUBIC, AbstractAtoms, Crystal
from .frames import Frames, RecordFrame
from .sampling import Sampling, at_pressure, dynamics, in_single, sample
from .system import TwoPhases


MELTING = 2.5  # times the temperature, at the crystal's box
FRICTION = 0.002  # times the step: 1/gamma is 500 steps, a hundred times what an atom's velocity remembers
LAGS = (0.2, 0.5)  # of a replica's frames: where the mean square displacement is a line with enough origins
YEH_HUMMER = 2.837297


class Fluid(AbstractAtoms):
    """Atoms in a cubic box, of which all pairs interact in the minimum image.

    Attributes:
        neighbours: all other atoms of every atom, atoms last.
    """

    sites: Float[Array, "atoms 3"]
    edges: Float[Array, " 3"]
    groups: Float[Array, "rows 3"]
    neighbours: Int[Array, "neighbours atoms"]
    species: Int[Array, " atoms"]
    num_atoms: int = eqx.field(static=True)
    dim: int = eqx.field(static=True, default=3)
    tethered: bool = eqx.field(static=True, default=False)

    @staticmethod
    def of(crystal: Crystal) -> "Fluid":
        """The atoms of a crystal in its box.

        Args:
            crystal: in a box of equal edges.
        """
        count = crystal.num_atoms
        others = (jnp.arange(count)[None] + jnp.arange(1, count)[:, None]) % count
        return Fluid(
            sites=crystal.sites,
            edges=crystal.edges,
            groups=jnp.asarray(CUBIC, float),
            neighbours=others,
            species=crystal.species,
            num_atoms=count,
        )

    def at_box(self, strain: Float[Array, " 3"]) -> "Fluid":
        """The same atoms with the strained box for reference."""
        stretch = jnp.exp(strain)
        return eqx.tree_at(lambda p: (p.sites, p.edges), self, (self.sites * stretch[None], self.edges * stretch))

    def moved(self, displacement: Float[Array, "atoms 3"], strain: Float[Array, " 3"]) -> "Fluid":
        """With displacements beginning where they are now, in the strained box."""
        return eqx.tree_at(lambda p: p.sites, self, self.sites + displacement).at_box(strain)

    def vectors(self, displacement: Float[Array, "atoms 3"], strain: Float[Array, " 3"]) -> Array:
        """Those to the nearest images."""
        x, edges = (self.sites + displacement).T, self.edges[:, None, None]
        relative = x[:, self.neighbours] - x[:, None]
        return (relative - edges * jnp.round(relative / edges)) * jnp.exp(strain)[:, None, None]


def self_diffusion(
    key: Key[Array, ""],
    system: TwoPhases,
    *,
    temperature: float,
    viscosity: float | None = None,
    sampling: Sampling | None = None,
) -> Estimate:
    """The diffusion coefficient of the molten second phase, at the system's pressure.

    Args:
        key: random key.
        system: whose second phase is a crystal in a cubic box.
        temperature: of the liquid.
        viscosity: of the liquid, for titanium in Pa s; it corrects for the size of the box.
        sampling: of every stage; eight replicas of 120 frames unless given.

    Returns:
        Mean over replicas and its error, for titanium in m^2/s; nan where the crystal did not melt.

    Raises:
        ValueError: the temperature or viscosity is not above zero, there are fewer than 20 frames, or the second phase
            is no crystal in a cubic box that is twice the energy's cutoff, before and after it melted.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> def soft(theta, x, edges):  # Gaussians of the distances to the nearest images
        ...     r = edges * (jnp.mod((x[:, None] - x) / edges + 0.5, 1) - 0.5)
        ...     return theta * jnp.sum(jnp.exp(-jnp.sum(r**2, axis=-1))) / 2
        >>> bcc = ip.lattice("bcc", (1.9,), (2, 2, 2), reach=1.7)
        >>> fields = {"theta": jnp.ones(()), "phases": (bcc, bcc), "temperature": 0.02, "pressure": 1.0}
        >>> system, few = ip.TwoPhases(energy=ip.Foreign(soft), **fields), ip.Sampling(num_replicas=2, num_frames=40)
        >>> found = ip.self_diffusion(jax.random.key(0), system, temperature=0.1, sampling=few)
        >>> bool(found.mean > 3 * found.error)  # it melted
        True
    """
    key = check_key(key)
    check_x64("the liquid")
    check_positive("temperature", temperature, "A liquid is hot.")
    if viscosity is not None:
        check_positive("viscosity", viscosity)
    crystal, cutoff = system.phases[1], system.energy.cutoff or 0.0
    edges = np.asarray(crystal.edges)
    expected = f"one whose second phase is a crystal in a cubic box of {2 * cutoff:g} at least"
    if not isinstance(crystal, Crystal) or np.ptp(edges) > 1e-9 * edges.max() or edges.min() < 2 * cutoff:
        raise argument_error("system", expected, crystal, "Take more atoms.")
    sampling = Sampling(num_replicas=8, num_frames=120) if sampling is None else sampling
    check_whole("num_frames", sampling.num_frames, 20)
    melt_key, relax_key, step_key, run_key = jax.random.split(key, 4)
    few = dataclasses.replace(sampling, num_replicas=1, num_witnesses=0)
    still = eqx.tree_at(lambda phase: phase.groups, Fluid.of(crystal), jnp.zeros((2, 3)))
    hot = sample(melt_key, system.replace(temperature=MELTING * temperature), still, few)
    if not hot.mean_square_displacement[1] > crystal.nearest**2:
        return Estimate(float("nan"), float("nan"))
    liquid = system.replace(temperature=temperature)
    molten = Fluid.of(crystal).moved(_last(hot)[0], jnp.zeros(3))
    relaxed = sample(relax_key, liquid, molten, few)
    fluid = molten.moved(_last(relaxed)[0], relaxed.mean_strain)
    size = float(fluid.edges[0])
    if size < 2 * cutoff:
        raise argument_error("system", expected, f"a liquid in {size:.4g}", "Take more atoms, or a lower pressure.")
    target = at_pressure(liquid, fluid).at(jnp.zeros(3))
    sampler = dynamics(step_key, target, dataclasses.replace(sampling, num_witnesses=0))
    step = float(np.asarray(sampler.step_size)[0])
    run = ensemble.run(
        run_key,
        UnderdampedLangevin(step_size=step, friction=FRICTION / step),
        in_single(target),
        jnp.zeros((sampling.num_replicas, *fluid.zero.shape), jnp.float32),
        observables={"frame": Series(RecordFrame(fluid.num_modes, centred=True))},
        target_axes=None,
        num_steps=sampling.record_every * (sampling.num_frames + sampling.equilibration),
        warmup=sampling.record_every * sampling.equilibration,
        record_every=sampling.record_every,
        member_block=1,
        progress=sampling.progress,
        label="liquid",
    )
    slopes = np.array([_slope(each) for each in np.asarray(run.results["frame"]["displacement"], float)])
    speed = math.sqrt(float(liquid.thermal_energy) / system.mass)
    scale = speed * system.units.diffusion / (6 * step * sampling.record_every)
    found = Estimate(scale * slopes.mean(), scale * slopes.std(ddof=1) / math.sqrt(len(slopes)))
    if viscosity is None:
        return found
    drag = 6 * math.pi * viscosity / system.units.viscosity * size
    lacking = YEH_HUMMER * float(liquid.thermal_energy) / drag
    return Estimate(found.mean + lacking * system.units.diffusion, found.error)


def _last(frames: Frames) -> Array:
    """Displacements in the last frame of every replica."""
    return jnp.asarray(frames.displacement[:, -1], float)


def _slope(path: np.ndarray) -> float:
    """Slope of the mean square displacement over the lag in frames, from a path of shape (frame, atom, axis)."""
    lags = np.arange(*(int(share * len(path)) for share in LAGS))
    squares = [((path[lag:] - path[:-lag]) ** 2).sum(axis=-1).mean() for lag in lags]
    return float(np.polyfit(lags, squares, 1)[0])
