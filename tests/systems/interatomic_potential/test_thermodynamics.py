"""Along temperature and pressure: helpers against the closed form of an Einstein solid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.evidence.statistics import z_score
from grokjax.systems import interatomic_potential as ip
from grokjax.systems.interatomic_potential.theory import exact_free_energy


@pytest.mark.medium
def test_gibbs_and_helmholtz_along_temperature():
    temperature = jnp.linspace(0.9, 1.1, 41)
    theory = ip.predict(ip.einstein_solid(temperature=temperature))
    found = ip.gibbs_helmholtz(temperature, theory.enthalpy_difference, theory.free_energy_difference[0])
    np.testing.assert_allclose(found, theory.free_energy_difference, atol=2e-7)


def test_reversible_scaling_at_scaled_pressure():
    """Configurational free energies of an Einstein solid whose energy is scaled by lambda at the pressure lambda P."""
    system = ip.einstein_solid()
    phase, pressure, start = system.phases[0], 0.5, 0.9
    gibbs = lambda t, p=pressure: exact_free_energy(system.energy, system.theta, phase, t, p)
    scale = jnp.linspace(1.0, 0.8, 81)
    temperature = start / scale
    enthalpy = jax.vmap(lambda t: gibbs(t) - t * jax.grad(gibbs)(t))(temperature)  # of lambda U at T0 and lambda P
    where, found = ip.reversible_scaling(scale, enthalpy, gibbs(start), start, 0)
    np.testing.assert_allclose(where, temperature)
    np.testing.assert_allclose(found, jax.vmap(gibbs)(temperature), rtol=1e-6)


def test_the_kinetic_part_of_reversible_scaling():
    """A harmonic mode with momentum: F = T ln(hbar omega/T) per mode; the potential's mean is T0/(2 lambda) each."""
    scale, modes, t0 = jnp.linspace(1.0, 0.5, 2001), 3.0, 1.3
    exact = lambda t: modes * t * jnp.log(1 / t)
    where, found = ip.reversible_scaling(scale, modes * t0 / (2 * scale), exact(t0), t0, modes)
    np.testing.assert_allclose(found, exact(where), atol=1e-6)


@pytest.mark.slow
def test_the_surface_and_the_slope_of_the_transition():
    system = ip.einstein_solid(temperature=1.0)
    sampling = ip.Sampling(num_frames=600)
    run = ip.simulate(jax.random.key(0), system, sampling=sampling)
    surface = ip.surface(jax.random.key(1), run, [(1.06, 0.5), (1.06, 1.0)], sampling)
    theory = ip.predict(ip.einstein_solid(temperature=jnp.array([0.98, 1.03, 1.06]), pressure=0.7))
    ours = [float(surface.difference(t, 0.7)) for t in (0.98, 1.03, 1.06)]
    np.testing.assert_allclose(ours, theory.free_energy_difference, atol=0.006)
    line = surface.transition_temperature((0.5, 1.0), 0.95, 1.1)
    expected = ip.predict(ip.einstein_solid(temperature=1.0, pressure=jnp.array([0.5, 1.0]))).transition_temperature
    assert np.all(line.error < 0.005)
    assert np.all(np.abs(z_score(line, np.asarray(expected))) < 5)
    slope = ip.clausius_clapeyron(run)
    assert slope.mean == pytest.approx(0.0513, abs=5 * slope.error)
    assert np.isnan(float(surface.difference(3.0, 0.5))), "beyond the frames there is no number"
