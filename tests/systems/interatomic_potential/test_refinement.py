"""Estimators against quadrature, refinement of toys to a temperature, checkpoints, flags."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.evidence.statistics import Estimate, z_score
from grokjax.systems import interatomic_potential as ip
from grokjax.systems.interatomic_potential.theory import exact_free_energy
from grokjax.systems.interatomic_potential.tracking import Samples, average, flat_parameters, slopes
from grokjax.systems.interatomic_potential.verification import entropy_flags


def quadrature(system, index, reach=6.0, count=2001):
    """Nodes of a one-dimensional toy as samples with base weights."""
    x = jnp.linspace(-reach, reach, count)[:, None, None]
    strain = jnp.zeros((count, 3))
    phase = system.phases[index]
    energy = jax.vmap(lambda y, e: system.energy(system.theta, phase, y, e))(x, strain)
    return Samples(phase, x, strain, energy, jnp.ones(count), -energy / system.thermal_energy)


@pytest.mark.medium
def test_reweighting_is_the_quadrature_of_a_network():
    """Shift and gradient of 97 parameters, from nodes that are weighted like samples, against `jax.grad` of theory."""
    system = ip.anharmonic_wells(jax.random.key(0))
    vector, back = flat_parameters(system.theta)
    assert len(vector) == 97
    moved = vector + 0.1 * jax.random.normal(jax.random.key(1), vector.shape)
    for index, phase in enumerate(system.phases):
        gibbs = lambda flat, phase=phase: exact_free_energy(system.energy, back(flat), phase, 0.5, 0.0)
        samples = quadrature(system, index)
        found = average(system, samples, *slopes(system, back(moved), samples))
        assert float(found.shift) == pytest.approx(float(gibbs(moved) - gibbs(vector)), abs=1e-9)
        np.testing.assert_allclose(found.slope, jax.grad(gibbs)(moved), atol=1e-9)


def test_the_gradient_of_the_enthalpy_is_that_of_its_estimate():
    system = ip.anharmonic_wells(jax.random.key(0))
    vector, back = flat_parameters(system.theta)
    samples = quadrature(system, 0, count=301)

    def enthalpy(flat):
        return average(system, samples, *slopes(system, back(flat), samples)).enthalpy

    found = average(system, samples, *slopes(system, system.theta, samples))
    direction = jax.random.normal(jax.random.key(2), vector.shape)
    step = 1e-5
    numerical = (enthalpy(vector + step * direction) - enthalpy(vector - step * direction)) / (2 * step)
    assert float(found.enthalpy_slope @ direction) == pytest.approx(float(numerical), rel=1e-6)


def test_both_effective_sample_sizes_of_a_harmonic_well():
    """k 1 -> 1.1 in 24 dimensions: Kish r^d (2/r - 1)^(d/2), perplexity exp(-(d/2)(r - 1 - ln r)), r = 1/1.1."""
    system = ip.two_wells(stiffness=(1.0, 1.0))
    x = jnp.sqrt(0.3) * jax.random.normal(jax.random.key(0), (40_000, 1, 24))
    strain = jnp.zeros((len(x), 3))
    energy = jnp.sum(x**2, axis=(1, 2)) / 2
    samples = Samples(system.phases[0], x, strain, energy, jnp.ones(len(x)), jnp.zeros(len(x)))
    found = average(system, samples, 1.1 * energy, jnp.stack([1.1 * energy, 0 * energy], axis=1))
    assert float(found.kish) == pytest.approx(0.905212, abs=5e-3)
    assert float(found.perplexity) == pytest.approx(0.948557, abs=3e-3)
    assert float(found.shift) == pytest.approx(12 * 0.3 * np.log(1.1), abs=5 * float(found.shift_error))
    assert float(found.slope[0]) == pytest.approx(12 * 0.3, rel=0.01)


def test_no_move_and_a_constant_change_no_weight():
    system = ip.anharmonic_wells(jax.random.key(0))
    samples = quadrature(system, 1, count=301)
    energy, slope = slopes(system, system.theta, samples)
    same = average(system, samples, energy, slope)
    assert abs(float(same.shift)) < 1e-13
    assert float(same.kish) == pytest.approx(1, abs=1e-12)
    assert float(same.perplexity) == pytest.approx(1, abs=1e-12)
    lifted = average(system, samples, energy + 3.0, slope)
    assert float(lifted.shift) == pytest.approx(3.0, abs=1e-12)
    assert float(lifted.kish) == pytest.approx(1, abs=1e-12)


@pytest.mark.medium
def test_two_wells_reach_their_temperature(refined):
    """The smallest move in relative entropy is symmetric: (1.526481, -0.140186)."""
    exact = ip.predict(refined.system)
    assert refined.flags == ()
    assert refined.rounds <= 4
    np.testing.assert_allclose(refined.system.theta, [1.526481, -0.140186], atol=0.02)
    assert float(exact.transition_temperature) == pytest.approx(0.3, abs=2e-3)
    assert abs(z_score(refined.tracked.free_energy_difference, exact.free_energy_difference)) < 5
    assert abs(z_score(refined.verified.free_energy_difference, exact.free_energy_difference)) < 5
    assert "verified" in str(refined)
    assert min(each.perplexity for each in refined.history) > 0.3


def test_parameters_and_free_energy_travel_together(tmp_path, refined):
    """Stopped after an iteration and taken up again: the same parameters to the last bit, and the same difference."""
    wanted = {"temperature": 0.3, "verify": False, "num_frames": 300, "equilibration": 30, "anchor": refined.anchor}
    key = jax.random.key(5)
    file = tmp_path / "state.npz"
    stopped = ip.refine(key, ip.two_wells(temperature=0.3), limits=(1, 20), checkpoint=file, **wanted)
    assert "not converged" in stopped.flags[0]
    taken_up = ip.refine(key, ip.two_wells(temperature=0.3), checkpoint=file, **wanted)
    whole = ip.refine(key, ip.two_wells(temperature=0.3), **wanted)
    np.testing.assert_array_equal(taken_up.system.theta, whole.system.theta)
    assert taken_up.tracked.free_energy_difference.mean == whole.tracked.free_energy_difference.mean
    with pytest.raises(ValueError, match="this very refinement"):
        ip.refine(jax.random.key(6), ip.two_wells(temperature=0.3), checkpoint=file, **wanted)


@pytest.mark.slow
def test_an_optimiser_of_optax_and_the_latent_heat():
    system = ip.einstein_solid()
    by_adam = ip.refine(jax.random.key(0), ip.two_wells(), temperature=0.3, optimiser=optax.adam(0.02))
    assert float(ip.predict(by_adam.system).transition_temperature) == pytest.approx(0.3, abs=2e-3)
    found = ip.refine(jax.random.key(1), system, temperature=0.95, latent_heat="keep", gauge=True, num_frames=800)
    exact = ip.predict(found.system)
    assert float(exact.transition_temperature) == pytest.approx(0.95, abs=0.01)
    wanted = found.anchor.entropy_difference.mean * 0.95
    assert float(exact.enthalpy_difference) == pytest.approx(wanted, abs=0.05)
    assert found.flags == ()


def test_an_entropy_that_was_lost_is_flagged(refined):
    anchor, latent = refined.anchor, 6.0
    wanted = latent / 0.3
    assert entropy_flags(anchor, latent, Estimate(wanted, 0.1)) == ()
    assert "collapsed" in entropy_flags(anchor, latent, Estimate(0.4 * wanted, 0.1))[0]
    assert "inverted" in entropy_flags(anchor, latent, Estimate(-0.1 * wanted, 0.1))[0]
    assert "collapsed" in entropy_flags(anchor, None, Estimate(0.1, 0.05))[0]


def test_no_temperature_is_told_without_an_entropy(refined):
    entropy = refined.verified.entropy_difference
    blurred = eqx.tree_at(
        lambda run: run.order_parameters.entropy_difference,
        refined.verified,
        Estimate(2 * entropy.error, entropy.error),
    )
    assert np.isnan(blurred.transition_temperature.mean)
    assert np.isfinite(refined.verified.transition_temperature.mean)


def test_bad_input_is_named(refined):
    key, wells = jax.random.key(0), ip.two_wells(temperature=0.3)
    few = {"num_frames": 300, "equilibration": 30}
    with pytest.raises(ValueError, match="`temperature` must be finite and above zero"):
        ip.refine(key, wells, temperature=-1.0)
    with pytest.raises(ValueError, match='`latent_heat` must be one of "keep"'):
        ip.refine(key, wells, temperature=0.3, latent_heat="mine")
    with pytest.raises(ValueError, match="`latent_heat` must be resolved"):
        ip.refine(key, wells, temperature=0.3, latent_heat=1e-6, anchor=refined.anchor, **few)
    with pytest.raises(ValueError, match="within the overlap of 1 rounds"):
        ip.refine(key, wells, temperature=0.3, limits=(20, 1), anchor=refined.anchor, **few)
    with pytest.raises(ValueError, match="`anchor` must be of these parameters"):
        ip.refine(key, ip.two_wells(temperature=0.31), temperature=0.31, anchor=refined.anchor, **few)
    with pytest.raises(ValueError, match="Did you mean `latent_heat`"):
        ip.refine(key, wells, latent_heats=3.0)
    assert dataclasses.is_dataclass(ip.Wanted)
