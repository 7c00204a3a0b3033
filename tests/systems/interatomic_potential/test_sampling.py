"""Box moves against the exact volume law of an Einstein solid, titanium in its basins, free energies of the toys."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax.evidence.statistics import z_score
from grokjax.samplers import UnderdampedLangevin, WithBoxMoves
from grokjax.systems import interatomic_potential as ip
from grokjax.systems.interatomic_potential.experiment import per_atom
from grokjax.systems.interatomic_potential.integration import _by_mbar
from grokjax.systems.interatomic_potential.sampling import sample


FEW = ip.Sampling(num_replicas=2, num_frames=60, equilibration=20)


def exact_volumes(system, index):
    """Mean and N times the variance of the volume per atom, by quadrature of exp(-beta[PV + N e(v)]) k(v)^(-3N/2)."""
    theta, size, t = system.theta, system.num_atoms, float(system.temperature)
    v0 = float(theta["volume"][index])
    v = v0 * np.linspace(0.7, 1.7, 20001)
    cold = float(theta["offset"][index]) + float(theta["bulk"][index]) / 2 * (v - v0) ** 2 / v0
    log_k = float(theta["log_stiffness"][index]) - 2 * float(theta["gruneisen"][index]) * np.log(v / v0)
    log_w = -size * ((float(system.pressure) * v + cold) / t + 1.5 * log_k)
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    mean = w @ v
    return mean, size * (w @ (v - mean) ** 2)


def test_the_volume_law_of_an_einstein_solid():
    """Both moments at five standard errors; with two atoms a wrong measure of the box is far off in the mean."""
    system = ip.einstein_solid(num_atoms=2)
    mean, variance = exact_volumes(system, 1)
    frames = sample(jax.random.key(1), system, system.phases[1], ip.Sampling(num_replicas=8, num_frames=3000))
    volume = per_atom(system, frames.volume, 1.0)
    assert abs(z_score(volume, mean)) < 5
    squares = per_atom(system, (frames.volume / 2 - mean) ** 2 * 4, 1.0)  # N times the square
    assert abs(z_score(squares, variance)) < 5
    assert 0.35 < frames.box_acceptance < 0.7
    shifted = exact_volumes(system.replace(pressure=float(system.pressure) + 0.9 / float(mean) / 2), 1)[0]
    assert abs(z_score(volume, shifted)) > 5, "a measure of V^(N-1) in the place of V^N would be seen"


@pytest.mark.medium
def test_frames_of_titanium_stay_in_their_basins(titanium):
    for key, phase in zip(jax.random.split(jax.random.key(0)), titanium.phases, strict=True):
        frames = sample(key, titanium, phase, FEW)
        assert frames.lost == [] or "grows" in frames.lost[0]
        assert frames.displacement.shape == (2, 60, 16, 3)
        np.testing.assert_allclose(frames.displacement.mean(axis=2), 0, atol=1e-6)
        one = titanium.energy(
            titanium.theta, phase, jnp.asarray(frames.displacement[1, 3], float), jnp.asarray(frames.strain[1, 3])
        )
        assert frames.energy[1, 3] == pytest.approx(float(one), rel=1e-12)


@pytest.mark.medium
def test_a_phase_that_melts_is_a_flag_and_no_number(titanium):
    hot = titanium.replace(temperature=30_000.0)
    run = ip.simulate(jax.random.key(0), hot, num_replicas=2, num_frames=60, equilibration=20, num_witnesses=0)
    assert run.flags
    assert np.isnan(run.free_energy_difference.mean)
    assert np.isnan(run.transition_temperature.mean)


def test_the_box_moves_describe_themselves():
    sampler = WithBoxMoves(UnderdampedLangevin(), num_steps=7)
    assert sampler.about.steps == 7
    assert sampler.about.bias_order == 2
    with pytest.raises(ValueError, match="`num_moves`"):
        WithBoxMoves(UnderdampedLangevin(), num_moves=0)


@pytest.fixture(scope="module")
def wells():
    return ip.simulate(jax.random.key(2), ip.two_wells(), num_frames=300, equilibration=30)


def test_absolute_free_energies_of_two_wells(wells):
    """Theory and simulation in one table; the reference is fitted, so that the integrand is almost flat."""
    table = grokjax.compare(ip.predict(wells.system), wells, threshold=5.0)
    assert table.agree
    assert wells.free_energy_difference.error < 0.01
    assert wells.certificate.failed == []
    assert "free energy difference" in str(wells)
    for phase in wells.phases:
        assert abs(z_score(phase.helmholtz_energy, phase.by_mbar)) < 5


@pytest.mark.slow
@pytest.mark.parametrize("reference", ["cov", "hess", "einstein"])
def test_absolute_free_energies_of_an_einstein_solid(reference):
    system = ip.einstein_solid()
    run = ip.simulate(jax.random.key(3), system, reference=reference, num_frames=600)
    assert grokjax.compare(ip.predict(system), run, threshold=5.0).agree


def test_mbar_between_gaussians_that_nobody_sampled():
    r"""Two wells of stiffness 1 and k: the difference is ln(k)/2 per mode, from samples at couplings in between."""
    rng, nodes, k, modes = np.random.default_rng(0), np.array([0.1, 0.5, 0.9]), 2.0, 6
    differences = []
    for coupling in nodes:
        x = rng.normal(size=(8000, modes)) / np.sqrt(1 + coupling * (k - 1))
        differences.append((k - 1) / 2 * (x**2).sum(axis=1))
    found, overlap = _by_mbar(nodes, np.stack(differences))
    assert found.mean == pytest.approx(modes / 2 * np.log(k), abs=5 * found.error + 1e-9)
    assert found.error < 0.03
    assert overlap > 0.1


def test_bad_input_is_named(titanium):
    key = jax.random.key(0)
    with pytest.raises(ValueError, match="`temperature` must be"):
        ip.titanium(temperature=0.0)
    with pytest.raises(ValueError, match="`temperature` must be"):
        ip.two_wells(temperature=-0.3)
    with pytest.raises(ValueError, match="`num_atoms` must be one of"):
        ip.titanium(num_atoms=100)
    other = ip.lattice("bcc", (3.29,), (2, 2, 3), reach=6.8)
    with pytest.raises(ValueError, match="equally many atoms"):
        ip.TwoPhases(energy=titanium.energy, theta=titanium.theta, phases=(titanium.phases[0], other), temperature=1.0)
    short = ip.lattice("bcc", (3.29,), (2, 2, 2), reach=5.0)
    with pytest.raises(ValueError, match="reach the energy's cutoff"):
        ip.TwoPhases(energy=titanium.energy, theta=titanium.theta, phases=(short, short), temperature=1.0)
    with pytest.raises(ValueError, match="`constants` must be"):
        ip.lattice("fcc", (-4.0,), (2, 2, 2), reach=5.0)
    with pytest.raises(ValueError, match="three lengths above zero"):
        ip.crystal(np.zeros((1, 3)), [3.0, 0.0, 3.0], reach=5.0)
    with pytest.raises(ValueError, match="two atoms at one place"):
        ip.crystal(np.zeros((2, 3)), [3.0, 3.0, 3.0], reach=2.0)
    with pytest.raises(ValueError, match="`stiffness`"):
        ip.two_wells(stiffness=(4.0, 0.0))
    with pytest.raises(ValueError, match="`reference` must be one of"):
        ip.simulate(key, ip.two_wells(), reference="debye")
    with pytest.raises(ValueError, match="at one point"):
        ip.simulate(key, ip.two_wells(temperature=jnp.array([0.2, 0.3])))
    with pytest.raises(ValueError, match="Did you mean `num_frames`"):
        ip.simulate(key, ip.two_wells(), num_frame=3)
