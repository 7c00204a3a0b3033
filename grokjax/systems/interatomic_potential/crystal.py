r"""Phases: crystals with a static list of pairs, and the wells of toys.

A phase is a reference: ideal sites in a box of edges $L_a$. Its coordinates are displacements $y_i$ (atom, axis) in the
reference box and a strain $\epsilon_a=\ln(L'_a/L_a)$, so that atom $i$ sits at $(R_i+y_i)e^{\epsilon}$ and a change of
the box is a change of $\epsilon$ alone.

In a crystal nobody changes neighbours, so pairs are listed once, on the ideal sites, with their images. The list is
part of the model: pairs that are not on it do not interact, and `closest_unlisted` says how near one came.
"""

import abc
import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._checks import argument_error, check_choice, check_positive, check_whole


CUBIC = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])  # one independent edge; rows of zeros are no moves
HEXAGONAL = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # the basal plane, and the axis
BASES = {
    "fcc": np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]),
    "bcc": np.array([[0, 0, 0], [0.5, 0.5, 0.5]]),
    "hcp": np.array([[0, 0, 0], [1 / 2, 1 / 2, 0], [1 / 2, 5 / 6, 1 / 2], [0, 1 / 3, 1 / 2]]),
}
PADDING_DISTANCE = 0.5  # of padded pairs beyond the reach: no energy, no force


class AbstractPhase(eqx.Module):
    """What sampling and reweighting know of a phase.

    Attributes:
        edges: of the reference box.
        groups: rows of ones for axes whose edges move together; rows of zeros stay.
        num_atoms: what quantities per atom are divided by.
        dim: coordinates of an atom.
        tethered: whether displacements of all atoms together cost energy, so that no mode is free.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> phase = ip.lattice("bcc", (3.29,), (2, 2, 2), reach=4.0)
        >>> phase.num_atoms, phase.num_modes  # all atoms together move for free
        (16, 45)
        >>> ip.einstein_solid(num_atoms=16).phases[0].num_modes  # its atoms are tethered
        48
    """

    edges: eqx.AbstractVar[Array]
    groups: eqx.AbstractVar[Array]
    num_atoms: eqx.AbstractVar[int]
    dim: eqx.AbstractVar[int]
    tethered: eqx.AbstractVar[bool]

    @abc.abstractmethod
    def at_box(self, strain: Float[Array, " 3"]) -> "AbstractPhase":
        """The same phase with the strained box for reference."""

    @property
    def zero(self) -> Float[Array, "atoms dim"]:
        """No displacement."""
        return jnp.zeros((self.num_atoms, self.dim), self.edges.dtype)

    @property
    def num_modes(self) -> int:
        """Modes that cost energy."""
        return self.dim * (self.num_atoms if self.tethered else self.num_atoms - 1)

    @property
    def flexible(self) -> bool:
        """Whether the box moves at all."""
        return bool(np.any(np.asarray(self.groups)))

    def volume(self, strain: Float[Array, "*batch 3"]) -> Float[Array, "*batch"]:
        """Of the strained box."""
        return jnp.prod(self.edges) * jnp.exp(jnp.sum(strain, axis=-1))

    def physical(self, displacement: Float[Array, "*batch atoms dim"], strain: Float[Array, "*batch 3"]) -> Array:
        """Displacements in the strained box, which toys of other dimensions do not know."""
        return displacement * jnp.exp(strain)[..., None, :] if self.dim == 3 else displacement


class Well(AbstractPhase):
    """A basin of a toy: it has no sites, and its energy is told which one it is.

    Attributes:
        index: 0 or 1.
        edges: of the reference box, which only toys with a volume look at.
    """

    index: Int[Array, ""]
    edges: Float[Array, " 3"]
    groups: Float[Array, "rows 3"]
    num_atoms: int = eqx.field(static=True)
    dim: int = eqx.field(static=True)
    tethered: bool = eqx.field(static=True, default=True)

    def at_box(self, strain: Float[Array, " 3"]) -> "Well":
        """The same phase with the strained box for reference."""
        return eqx.tree_at(lambda phase: phase.edges, self, self.edges * jnp.exp(strain))


class AbstractAtoms(AbstractPhase):
    """A phase of atoms, and its pairs.

    Attributes:
        sites: of the atoms in the reference box, where displacements begin.
        neighbours: of every atom, atoms last, which is what vectorises; padded rows name the atom itself.
        species: kind of every atom, counted from zero.
    """

    sites: eqx.AbstractVar[Array]
    neighbours: eqx.AbstractVar[Array]
    species: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def vectors(self, displacement: Float[Array, "atoms 3"], strain: Float[Array, " 3"]) -> Array:
        """Vectors of all pairs in the strained box, shape (axis, neighbour, atom)."""

    def positions(self, displacement: Float[Array, "atoms 3"], strain: Float[Array, " 3"]) -> Array:
        """Of the atoms in the strained box."""
        return (self.sites + displacement) * jnp.exp(strain)[None]


class Crystal(AbstractAtoms):
    """Ideal sites and their static list of pairs.

    Attributes:
        name: such as "hcp".
        shifts: images of the neighbours, in edges.
        bonds: vectors from atoms to neighbours, shape (axis, neighbour, atom).
        reach: the longest distance on the list.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> phase = ip.lattice("bcc", (3.29,), (2, 2, 2), reach=4.0)
        >>> phase
        Crystal(bcc, 16 atoms in 6.58 x 6.58 x 6.58, 14 neighbours)
        >>> larger = phase.at_box(jnp.full(3, 0.01))  # strains are logarithms
        >>> round(float(larger.volume(jnp.zeros(3)) / phase.volume(jnp.zeros(3))), 4)
        1.0305
    """

    name: str = eqx.field(static=True)
    sites: Float[Array, "atoms 3"]
    edges: Float[Array, " 3"]
    groups: Float[Array, "rows 3"]
    neighbours: Int[Array, "neighbours atoms"]
    shifts: Int[Array, "neighbours atoms 3"]
    bonds: Float[Array, "3 neighbours atoms"]
    species: Int[Array, " atoms"]
    reach: float = eqx.field(static=True)
    num_atoms: int = eqx.field(static=True)
    dim: int = eqx.field(static=True, default=3)
    tethered: bool = eqx.field(static=True, default=False)

    def at_box(self, strain: Float[Array, " 3"]) -> "Crystal":
        """The same crystal and list with the strained box for reference."""
        stretch = jnp.exp(strain)
        parts = lambda phase: (phase.sites, phase.edges, phase.bonds)
        new = (self.sites * stretch[None], self.edges * stretch, self.bonds * stretch[:, None, None])
        return eqx.tree_at(parts, self, new)

    def vectors(self, displacement: Float[Array, "atoms 3"], strain: Float[Array, " 3"]) -> Array:
        """Those of the list."""
        y = displacement.T
        relative = self.bonds + y[:, self.neighbours] - y[:, None]
        return relative * jnp.exp(strain)[:, None, None]

    @property
    def nearest(self) -> float:
        """Distance of nearest neighbours on the ideal sites."""
        return float(np.sqrt((np.asarray(self.bonds) ** 2).sum(axis=0)).min())

    def closest_unlisted(self, displacement: Any, strain: Any) -> float:
        """The smallest distance of a pair, or image of one, that is not on the list.

        Args:
            displacement: of one frame, shape (atom, axis).
            strain: of its box.
        """
        edges = np.asarray(self.edges) * np.exp(np.asarray(strain))
        x = np.asarray(self.positions(jnp.asarray(displacement), jnp.asarray(strain)))
        images = _images(np.asarray(self.edges), self.reach)
        listed = np.zeros((len(images), self.num_atoms, self.num_atoms), bool)
        reach = (images.max(axis=0) - images.min(axis=0)) // 2
        flat = np.ravel_multi_index(tuple((np.asarray(self.shifts) + reach).reshape(-1, 3).T), tuple(2 * reach + 1))
        rows = np.tile(np.arange(self.num_atoms), len(self.neighbours))
        listed[flat, rows, np.ravel(self.neighbours)] = True
        listed[len(images) // 2, np.arange(self.num_atoms), np.arange(self.num_atoms)] = True  # the atom itself
        distance = np.linalg.norm(x[None, None] - x[None, :, None] + (images * edges)[:, None, None], axis=-1)
        return float(np.where(listed, np.inf, distance).min())

    def __repr__(self) -> str:
        shape = " x ".join(f"{edge:.4g}" for edge in np.asarray(self.edges))
        return f"Crystal({self.name}, {self.num_atoms} atoms in {shape}, {len(self.neighbours)} neighbours)"


def lattice(
    name: str,
    constants: tuple[float, ...],
    cells: tuple[int, int, int],
    *,
    reach: float,
    species: Any = None,
) -> Crystal:
    """A crystal of conventional cells: cubic, or of hcp the orthorhombic one of four atoms.

    Args:
        name: "fcc", "bcc" or "hcp".
        constants: $(a,)$, or $(a, c)$ of hcp.
        cells: along each axis.
        reach: the longest distance on the list of pairs; that of the energy's cutoff and more.
        species: kind of every atom; all of kind zero unless given.

    Raises:
        ValueError: the name is unknown, or a constant or count is not positive: an unphysical box.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> shells = {"fcc": (4.0,), "bcc": (4.0,), "hcp": (4.0, 6.53)}
        >>> [len(ip.lattice(name, sizes, (1, 1, 1), reach=4.01).neighbours) for name, sizes in shells.items()]
        [18, 14, 12]
    """
    check_choice("name", name, tuple(BASES))
    for constant in constants:
        check_positive("constants", constant, "A lattice constant is a length.")
    if len(constants) != (2 if name == "hcp" else 1):
        expected = "(a, c)" if name == "hcp" else "(a,)"
        raise argument_error("constants", expected, constants, "Give the lattice constants.")
    counts = np.array([check_whole("cells", count) for count in cells])
    check_positive("reach", reach, "It is a distance.")
    a = constants[0]
    cell = np.array([a, math.sqrt(3) * a, constants[1]]) if name == "hcp" else np.full(3, a)
    corners = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1).reshape(-1, 1, 3)
    sites = ((corners + BASES[name][None]) * cell).reshape(-1, 3)
    groups = HEXAGONAL if name == "hcp" else CUBIC
    return crystal(sites, cell * counts, reach=reach, species=species, groups=groups, name=name)


def crystal(
    sites: Any, edges: Any, *, reach: float, species: Any = None, groups: Any = CUBIC, name: str = "crystal"
) -> Crystal:
    """A crystal from its sites, such as those that ase builds.

    Args:
        sites: ideal positions, shape (atom, 3).
        edges: of the orthorhombic periodic box.
        reach: the longest distance on the list of pairs.
        species: kind of every atom; all of kind zero unless given.
        groups: rows of ones for axes whose edges move together.
        name: in print.

    Raises:
        ValueError: a box without volume, or two atoms at one place.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> sites = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])  # caesium chloride's
        >>> ip.crystal(sites, np.ones(3), reach=0.9, species=[0, 1], name="CsCl")
        Crystal(CsCl, 2 atoms in 1 x 1 x 1, 8 neighbours)
    """
    sites, edges = np.asarray(sites, float), np.asarray(edges, float)
    if edges.shape != (3,) or not np.all(np.isfinite(edges) & (edges > 0)):
        raise argument_error("edges", "three lengths above zero", edges.tolist(), "Give an orthorhombic box.")
    if sites.ndim != 2 or sites.shape[1:] != (3,) or not np.all(np.isfinite(sites)):
        raise argument_error("sites", "positions of shape (atom, 3)", sites.shape, "Give one row per atom.")
    images = _images(edges, reach)
    vectors = sites[None, None] - sites[None, :, None] + (images * edges)[:, None, None]
    distance = np.linalg.norm(vectors, axis=-1)
    distance[len(images) // 2, np.arange(len(sites)), np.arange(len(sites))] = np.inf
    if distance.min() < 1e-6:
        raise argument_error("sites", "apart from each other", "two atoms at one place", "Leave one out.")
    image, first, second = np.nonzero(distance < reach)
    order = np.lexsort((second, image, first))
    image, first, second = image[order], first[order], second[order]
    counts = np.bincount(first, minlength=len(sites))
    row = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    neighbours = np.repeat(np.arange(len(sites))[None], max(counts.max(), 1), axis=0)
    shifts = np.zeros((*neighbours.shape, 3), int)
    bonds = np.zeros((3, *neighbours.shape))
    bonds[0] = reach + PADDING_DISTANCE
    neighbours[row, first], shifts[row, first] = second, images[image]
    bonds[:, row, first] = vectors[image, first, second].T
    return Crystal(
        name=name,
        sites=jnp.asarray(sites, float),
        edges=jnp.asarray(edges, float),
        groups=jnp.asarray(groups, float),
        neighbours=jnp.asarray(neighbours),
        shifts=jnp.asarray(shifts),
        bonds=jnp.asarray(bonds, float),
        species=jnp.zeros(len(sites), int) if species is None else jnp.asarray(species, int),
        reach=float(reach),
        num_atoms=len(sites),
    )


def padded(first: Crystal, second: Crystal) -> tuple[Crystal, Crystal]:
    """Two crystals with lists of equal length, so that one compiled program serves both.

    Args:
        first: the one.
        second: the other.
    """
    length = max(len(first.neighbours), len(second.neighbours))

    def widen(one: Crystal) -> Crystal:
        extra = length - len(one.neighbours)
        own = jnp.broadcast_to(jnp.arange(one.num_atoms), (extra, one.num_atoms))
        neighbours = jnp.concatenate([one.neighbours, own])
        shifts = jnp.pad(one.shifts, ((0, extra), (0, 0), (0, 0)))
        far = jnp.zeros((3, extra, one.num_atoms)).at[0].set(one.reach + PADDING_DISTANCE)
        bonds = jnp.concatenate([one.bonds, far], axis=1)
        return eqx.tree_at(lambda c: (c.neighbours, c.shifts, c.bonds), one, (neighbours, shifts, bonds))

    return widen(first), widen(second)


def _images(edges: np.ndarray, reach: float) -> np.ndarray:
    """Images of the box within reach of the box itself, which is the middle one."""
    counts = [math.ceil(reach / edge) for edge in edges]
    return np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
