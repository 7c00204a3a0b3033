"""Energies and forces against automatic differentiation, NumPy and ase."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.evidence.statistics import z_score
from grokjax.samplers import energy_and_gradient
from grokjax.systems import interatomic_potential as ip
from grokjax.systems.interatomic_potential.potentials import Titanium, WithNetwork
from grokjax.systems.interatomic_potential.sampling import FixedBox


STRAIN = jnp.array([0.01, 0.01, -0.02])


def displaced(phase, seed=0):
    return 0.12 * jax.random.normal(jax.random.key(seed), phase.zero.shape)


@pytest.mark.medium
@pytest.mark.parametrize("index", [0, 1])
def test_analytic_forces_are_those_of_automatic_differentiation(titanium, index):
    phase, theta = titanium.phases[index], 0.02 * jnp.arange(-4.0, 5.0)
    y = displaced(phase)
    energy, gradient = titanium.energy.energy_and_gradient(theta, phase, y, STRAIN)
    expected, slope = jax.value_and_grad(lambda y: titanium.energy(theta, phase, y, STRAIN))(y)
    assert float(energy) == pytest.approx(float(expected), rel=1e-14)
    np.testing.assert_allclose(gradient, slope, atol=1e-13)


@pytest.mark.medium
def test_the_table_of_the_dynamics(titanium):
    phase, theta = titanium.phases[0], 0.02 * jnp.arange(-4.0, 5.0)
    y = displaced(phase)
    energy, gradient = titanium.energy.energy_and_gradient(theta, phase, y, STRAIN)
    quick, slope = titanium.energy.for_dynamics(theta).energy_and_gradient(None, phase, y, STRAIN)
    assert float(quick) == pytest.approx(float(energy), abs=1e-7)
    np.testing.assert_allclose(slope, gradient, atol=1e-6)


def test_an_energy_that_knows_its_gradient_is_asked_for_it(titanium):
    target = FixedBox(titanium.energy, titanium.theta, titanium.phases[1], STRAIN, jnp.asarray(0.1))
    y = displaced(titanium.phases[1])
    ours, theirs = energy_and_gradient(target, y), jax.value_and_grad(target)(y)
    assert isinstance(ours, tuple)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-11)


def reference_energy(positions, cell):
    """Titanium of 2004 in NumPy, from the printed form, over all images."""
    n = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), -1).reshape(-1, 3)
    d = np.linalg.norm(positions[None, :, None] - positions[None, None] + (n * cell)[:, None, None], axis=-1)
    d = np.where(d < 1e-9, 1e3, d)
    x, t = d / 2.933872, np.clip(d - 5.5, 0, 1)
    switch = 1 - t**3 * (10 - 15 * t + 6 * t**2)
    tail = np.exp(-4.680230 * (x - 1)) / (1 + (x - 1) ** 20)
    pair = 0.373601 * np.exp(-8.775431 * (x - 1)) / (1 + (x - 0.5) ** 20) - 0.570968 * tail
    rho = (1.8632 * tail * switch).sum((0, 2))
    a, b = rho / (0.85 * 25.565138) - 1, rho / 25.565138 - 1
    low = -3.203773 - 0.198262 * a + 0.683779 * a**2 - 2.321732 * a**3
    middle = -3.22 + 0.608587 * b**2 - 0.750710 * b**3
    log = 0.558572 * np.log(rho / 25.565138)
    high = -3.219176 * (1 - log) * np.exp(log)
    embedded = np.where(rho < 0.85 * 25.565138, low, np.where(rho < 1.15 * 25.565138, middle, high))
    return (pair * switch).sum() / 2 + embedded.sum()


def test_numpy_agrees_on_the_ideal_lattices(titanium):
    expected = {"hcp": -4.867525, "bcc": -4.848958}
    for phase in titanium.phases:
        ours = float(titanium.energy(titanium.theta, phase, phase.zero, jnp.zeros(3)))
        assert ours == pytest.approx(reference_energy(np.asarray(phase.sites), np.asarray(phase.edges)), abs=1e-10)
        assert ours / 16 == pytest.approx(expected[phase.name], abs=2e-6)


def test_the_correction_is_a_sum_of_gaussians():
    r, theta = jnp.linspace(2.0, 7.3, 200), jnp.asarray(np.random.default_rng(0).normal(size=9))
    expected = sum(t * np.exp(-((r - c) ** 2) / 0.18) for t, c in zip(theta, Titanium.centres, strict=True))
    np.testing.assert_allclose(Titanium().correction(theta, r), expected, atol=1e-12)


def test_ase_builds_the_same_cells_and_forces(titanium):
    """Sites of ase's builders give the same list; its EAM calculator, from tables of our functions, the same forces."""
    build = pytest.importorskip("ase.build")
    cell = build.bulk("Ti", "bcc", a=3.289873, cubic=True).repeat((2, 2, 2))
    mine = ip.crystal(cell.get_positions(), cell.cell.lengths(), reach=titanium.phases[1].reach)
    zero = jnp.zeros(3)
    energy = lambda phase, y: titanium.energy(titanium.theta, phase, y, zero)
    assert float(energy(mine, mine.zero)) == pytest.approx(float(energy(titanium.phases[1], mine.zero)), abs=1e-10)
    y = 0.3 * displaced(mine)
    moved = cell.copy()
    moved.positions += np.asarray(y)
    moved.calc = ip.ase_calculator(titanium)
    ours = -np.asarray(titanium.energy.energy_and_gradient(titanium.theta, mine, y, zero)[1])
    np.testing.assert_allclose(moved.get_forces(), ours, atol=2e-4)
    with pytest.raises(ValueError, match="embedded atoms"):
        ip.ase_calculator(ip.gaussian_core(32))


def test_a_network_starts_as_no_correction_and_moves_forces(titanium):
    learned = ip.titanium(num_atoms=16, network=jax.random.key(0))
    assert isinstance(learned.energy, WithNetwork)
    phase = learned.phases[0]
    y = displaced(phase)
    energy = lambda system: system.energy(system.theta, phase, y, STRAIN)
    assert float(energy(learned)) == pytest.approx(float(energy(titanium)), abs=1e-12)
    changed = eqx.tree_at(lambda net: net.layers[-1].weight, learned.theta, jnp.full((1, 16), 0.01))
    assert abs(float(learned.energy(changed, phase, y, STRAIN) - energy(titanium))) > 1e-4


def outside(theta, positions, edges):
    """Gaussian cores of two kinds on alternating atoms, over all images, as somebody else would write them."""
    n = jnp.stack(jnp.meshgrid(*[jnp.arange(-2.0, 3.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    d = positions[None, None] - positions[None, :, None] + (n.astype(edges.dtype) * edges[None])[:, None, None]
    square = jnp.sum(d**2, axis=-1)
    itself = square < 1e-12
    epsilon = jnp.exp(theta["log_epsilon"])[jnp.arange(32) % 2]
    strength = jnp.sqrt(epsilon[:, None] * epsilon[None])
    return jnp.sum(jnp.where(itself, 0.0, strength[None] * jnp.exp(-square) * (square < 4.5**2))) / 2


@pytest.mark.medium
def test_kinds_of_gaussian_cores_and_a_foreign_function():
    """A pair of kinds has the geometric mean; a function from outside gives the same energy through its own sum."""
    system = ip.gaussian_core(32, epsilon=(1.0, 1.5))
    phase = system.phases[0]
    y = 0.05 * jax.random.normal(jax.random.key(0), phase.zero.shape)
    listed = system.energy(system.theta, phase, y, STRAIN)
    foreign = ip.Foreign(outside)
    assert float(foreign(system.theta, phase, y, STRAIN)) == pytest.approx(float(listed), rel=1e-6)
    ours = system.energy.energy_and_gradient(system.theta, phase, y, STRAIN)[1]
    theirs = foreign.energy_and_gradient(system.theta, phase, y, STRAIN)[1]
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.slow
def test_a_mixture_and_a_function_from_outside_through_the_same_door():
    """Free energies of the same mixture by the list and by somebody else's function: equal within errors."""
    system = ip.gaussian_core(32, epsilon=(1.0, 1.5))
    few = {"num_replicas": 2, "num_frames": 150, "equilibration": 40, "num_witnesses": 0}
    listed = ip.simulate(jax.random.key(0), system, **few)
    foreign = ip.simulate(jax.random.key(1), system.replace(energy=ip.Foreign(outside)), **few)
    assert listed.flags == foreign.flags == ()
    for name in ("free_energy_difference", "enthalpy_difference", "volume_difference"):
        assert abs(z_score(getattr(listed, name), getattr(foreign, name))) < 5
    assert listed.free_energy_difference.error < 0.2 * float(system.temperature)


def test_a_pair_that_is_not_listed_is_seen(titanium):
    phase = titanium.phases[1]
    ideal = phase.closest_unlisted(phase.zero, jnp.zeros(3))
    assert ideal == pytest.approx(19**0.5 / 2 * 3.289873, abs=1e-5)  # the seventh shell of bcc
    assert phase.closest_unlisted(phase.zero, jnp.full(3, -0.2)) < 6.2
