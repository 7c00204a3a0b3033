"""Doors to the systems that are built in: the exact toys A1 to A3, Gaussian cores, titanium."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Key

from ..._checks import argument_error, check_positive, check_whole
from .crystal import CUBIC, Well, lattice, padded
from .energies import Listed
from .potentials import GaussianCore, Titanium, WithNetwork, new_network
from .system import METAL, TwoPhases
from .toys import AnharmonicWells, EinsteinSolid, HarmonicWells


TITANIUM_SIZES = {  # cells of hcp (4 atoms) and bcc (2 atoms); 16 is for tests
    16: ((2, 1, 2), (2, 2, 2)),
    128: ((4, 2, 4), (4, 4, 4)),
    576: ((6, 4, 6), (6, 6, 8)),
}
GAUSSIAN_CORE_SIZES = {32: ((2, 2, 2), (2, 2, 4)), 256: ((4, 4, 4), (4, 4, 8))}  # cells of fcc and bcc


def two_wells(
    dim: int = 24, stiffness: Sequence[float] = (4.0, 1.0), offset: float = 6.0, temperature: Any = 0.3
) -> TwoPhases:
    r"""Toy A1, exact: $U_I=k_I|x|^2/2$, $U_{II}=e+k_{II}|x|^2/2$; trainable are $(\ln k_I,\ln k_{II})$.

    Args:
        dim: of $x$; the toy counts as one atom.
        stiffness: $(k_I,k_{II})$.
        offset: $e$.
        temperature: $T$ with $k_B=1$; an array is a sweep of theory.

    Raises:
        ValueError: a number is out of its range.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> wells = ip.two_wells(dim=24, stiffness=(4.0, 1.0), offset=6.0, temperature=0.3)
        >>> round(float(ip.predict(wells).entropy_difference), 4)  # 12 ln 4
        16.6355
    """
    dim = check_whole("dim", dim)
    check_positive("stiffness", stiffness, "A well holds its particle.")
    if len(stiffness) != 2:
        raise argument_error("stiffness", "one number for each of two wells", stiffness, "Try (4.0, 1.0).")
    return TwoPhases(
        energy=HarmonicWells(jnp.asarray(offset, float)),
        theta=jnp.log(jnp.asarray(stiffness, float)),
        phases=_wells(1, dim),
        temperature=temperature,
    )


def anharmonic_wells(
    key: Key[Array, ""], *, offset: float = 0.2, temperature: Any = 0.5, widths: tuple[int, int] = (8, 2)
) -> TwoPhases:
    """Toy A2, exact by quadrature: two anharmonic wells in one dimension and a network that both have.

    Args:
        key: random key of the network.
        offset: of the second well.
        temperature: with $k_B=1$.
        widths: neurons of a layer, and hidden layers.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> wells = ip.anharmonic_wells(jax.random.key(0))
        >>> found = ip.predict(wells)  # by quadrature, the network included
        >>> found.exact, bool(found.entropy_difference > 0)  # the second well is the wider one
        (True, True)
    """
    network = eqx.nn.MLP(1, 1, *widths, activation=jnp.tanh, dtype=float, key=key)
    energy = AnharmonicWells(jnp.asarray(offset, float))
    return TwoPhases(energy=energy, theta=network, phases=_wells(1, 1), temperature=temperature)


def einstein_solid(
    num_atoms: int = 32,
    temperature: Any = 0.9,
    pressure: Any = 0.5,
    *,
    offset: Sequence[float] = (0.0, 0.8),
    bulk: Sequence[float] = (40.0, 36.0),
    volume: Sequence[float] = (1.0, 1.04),
    stiffness: Sequence[float] = (300.0, 170.0),
    gruneisen: Sequence[float] = (2.0, 1.8),
) -> TwoPhases:
    """Toy A3, exact: Einstein solids with a volume, at constant pressure.

    Args:
        num_atoms: size.
        temperature: with $k_B=1$.
        pressure: energy over volume.
        offset: $e$ of both phases; all others likewise.
        bulk: $B$.
        volume: $v_0$ per atom.
        stiffness: $k_0$.
        gruneisen: $g$.

    Raises:
        ValueError: a number is out of its range, or there is not one for each phase.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> found = ip.predict(ip.einstein_solid(num_atoms=8))
        >>> round(float(found.transition_temperature), 2), round(float(found.slope), 2)  # and dT/dP
        (1.01, 0.05)
    """
    values = {"offset": offset, "bulk": bulk, "volume": volume, "stiffness": stiffness, "gruneisen": gruneisen}
    for name, pair in values.items():
        if len(pair) != 2:
            raise argument_error(name, "one number for each phase", pair, "Give two.")
        if name in ("bulk", "volume", "stiffness"):
            check_positive(name, pair)
    theta = {name: jnp.asarray(pair, float) for name, pair in values.items()}
    theta["log_stiffness"] = jnp.log(theta.pop("stiffness"))
    phases = _wells(check_whole("num_atoms", num_atoms), 3, volume)
    return TwoPhases(energy=EinsteinSolid(), theta=theta, phases=phases, temperature=temperature, pressure=pressure)


def gaussian_core(
    num_atoms: int = 256,
    temperature: Any = 0.002,
    pressure: Any = 0.05,
    *,
    density: float = 0.18,
    epsilon: Sequence[float] = (1.0,),
) -> TwoPhases:
    r"""Gaussian cores, fcc against bcc; several `epsilon` make a mixture of kinds on alternating sites.

    Args:
        num_atoms: 256, or 32 for tests.
        temperature: in $\epsilon/k_B$.
        pressure: in $\epsilon/\sigma^3$.
        density: atoms per $\sigma^3$ of the reference boxes.
        epsilon: strength of every kind.

    Raises:
        ValueError: there is no cell of that size, or a number is out of its range.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> cores = ip.gaussian_core(num_atoms=32)
        >>> [phase.name for phase in cores.phases], cores.comparable_boxes
        (['fcc', 'bcc'], True)
        >>> ip.gaussian_core(num_atoms=32, epsilon=(1.0, 2.0)).phases[0].species[:4].tolist()  # a mixture
        [0, 1, 0, 1]
    """
    fcc, bcc = _cells("num_atoms", num_atoms, GAUSSIAN_CORE_SIZES)
    check_positive("density", density, "A box has a volume.")
    check_positive("epsilon", epsilon)
    kinds = jnp.arange(num_atoms) % len(epsilon)
    reach = GaussianCore.cutoff + 0.3
    phases = padded(
        lattice("fcc", ((4 / density) ** (1 / 3),), fcc, reach=reach, species=kinds),
        lattice("bcc", ((2 / density) ** (1 / 3),), bcc, reach=reach, species=kinds),
    )
    log_epsilon = jnp.log(jnp.asarray(epsilon, float))
    theta = {"log_epsilon": log_epsilon, "log_sigma": jnp.zeros_like(log_epsilon)}
    energy = Listed(GaussianCore())
    return TwoPhases(energy=energy, theta=theta, phases=phases, temperature=temperature, pressure=pressure)


def titanium(
    num_atoms: int = 128, temperature: Any = 1155.0, pressure: Any = 0.0, *, network: Key[Array, ""] | None = None
) -> TwoPhases:
    r"""Titanium, hcp against bcc, with the embedded atoms of 2004 and a trainable correction that starts at zero.

    Args:
        num_atoms: 128, or 576 for a GPU (16 for tests): entropies depend on it, so train and quote at one size.
        temperature: K.
        pressure: GPa.
        network: random key of a network for correction; nine Gaussians in the pair function without one.

    Raises:
        ValueError: there is no cell of that size, or the temperature is not above zero.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> titanium = ip.titanium(num_atoms=16, temperature=300.0)
        >>> [phase.name for phase in titanium.phases], titanium.theta.shape  # nine corrections, all zero
        (['hcp', 'bcc'], (9,))
    """
    hexagonal, cubic = _cells("num_atoms", num_atoms, TITANIUM_SIZES)
    reach = Titanium.cutoff + 0.3
    phases = padded(
        lattice("hcp", (2.940579, 2.940579 * 1.620093), hexagonal, reach=reach),
        lattice("bcc", (3.289873,), cubic, reach=reach),
    )
    energy, theta = Listed(Titanium()), jnp.zeros(len(Titanium.centres))
    if network is not None:
        energy = WithNetwork(energy, theta)
        theta = new_network(network, len(energy.centres))
    return TwoPhases(
        energy=energy,
        theta=theta,
        phases=phases,
        temperature=temperature,
        pressure=pressure,
        mass=47.867,
        units=METAL,
    )


def _wells(num_atoms: int, dim: int, volumes: Sequence[float] | None = None) -> tuple[Well, Well]:
    """Both wells, in cubes of these volumes per atom; without volumes the box does not move."""
    groups = jnp.zeros((2, 3)) if volumes is None else jnp.asarray(CUBIC, float)
    edges = [jnp.full(3, (num_atoms * volume) ** (1 / 3)) for volume in volumes or (1.0, 1.0)]
    first, second = (
        Well(index=jnp.asarray(i), edges=edges[i], groups=groups, num_atoms=num_atoms, dim=dim) for i in range(2)
    )
    return first, second


def _cells(name: str, num_atoms: Any, sizes: dict[int, Any]) -> Any:
    number = check_whole(name, num_atoms)
    if number not in sizes:
        raise argument_error(name, f"one of {sorted(sizes)}", number, "Build other cells with ip.lattice.")
    return sizes[number]
