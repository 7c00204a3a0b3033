"""Energy and heat capacity of modular addition: kinks in the limit, and how finite P rounds them."""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import modular_addition as ma


PRIME, WIDTH, SATURATED = 11, 1e6, 0.5


def system_of(sharpness, shares):
    r"""$Px^*$ as given, $\lambda_{sat}=\sigma_c^2/2$, at noises in units of the start of the mixed phase."""
    x = sharpness / PRIME
    readout = (SATURATED * PRIME * np.sqrt(x / WIDTH) / (4 * PRIME**2 * x**2)) ** 2
    system = ma.ModularAddition(
        prime=PRIME, width=WIDTH, noise_variance=1.0, readout_variance=readout, sextic_decay=3 / x**2
    )
    start = ma.transitions(system).start
    return system.replace(noise_variance=start * jnp.asarray(shares)), start


def test_the_limit_has_two_kinks():
    shares = [0.3, 0.5 - 1e-6, 0.5 + 1e-6, 0.8, 1 - 1e-6, 1 + 1e-6]
    system, start = system_of(40, shares)
    found = ma.sharp_thermodynamics(system)
    whole = PRIME * (PRIME - 1) / 2
    np.testing.assert_allclose(jnp.sqrt(found.energy / whole)[1:], [0.5, 0.5, 0.8, 1, 1], atol=2e-6)
    np.testing.assert_allclose((found.heat_capacity * start / whole)[1:], [0.9, 1, 1.6, 2, 0], atol=5e-6)
    np.testing.assert_allclose(found.specialised, [1, 1, 1, 0.4, 0, 0], atol=3e-6)
    assert found.converged.all()


@pytest.mark.parametrize(
    ("sharpness", "at_start", "steepest"), [(10, 0.93472, 1.382), (40, 0.97610, 1.721), (160, 0.99230, 1.873)]
)
def test_finite_tables_round_them(sharpness, at_start, steepest):
    shares = np.append(np.linspace(0.8, 1.0, 61), 1.0)
    system, start = system_of(sharpness, shares)
    found = ma.thermodynamics(system)
    whole = PRIME * (PRIME - 1) / 2
    assert float(jnp.sqrt(found.energy / whole)[-1]) == pytest.approx(at_start, abs=1e-5)
    assert float((found.heat_capacity * start / whole).max()) == pytest.approx(steepest, abs=1e-3)


def test_a_mixed_phase_without_an_end():
    """More weight in the wells than the transition's noise: the lever rule down to zero noise, with its derivative."""
    system, start = system_of(40, [0.1, 0.9, 1.1])
    wide = system.replace(readout_variance=system.readout_variance * 9)  # start x 3, saturation x 9: ends below zero
    found, start = ma.sharp_thermodynamics(wide.replace(noise_variance=3 * system.noise_variance)), 3 * start
    assert not ma.transitions(wide).converged.any()
    whole = PRIME * (PRIME - 1) / 2
    np.testing.assert_allclose(jnp.sqrt(found.energy / whole), [0.1, 0.9, 1], rtol=1e-9)
    np.testing.assert_allclose(found.heat_capacity * start / whole, [0.2, 1.8, 0], rtol=1e-9)


def test_a_part_of_the_table_is_refused():
    system, _ = system_of(10, 0.5)
    with pytest.raises(ValueError, match="`training_fraction` must be 1"):
        ma.thermodynamics(system.replace(training_fraction=0.5))
