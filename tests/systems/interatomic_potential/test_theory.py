"""Closed forms of the toys, and the statics of crystals against published numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.status import Status
from grokjax.systems import interatomic_potential as ip


def test_two_wells_in_closed_form():
    found = ip.predict(ip.two_wells(dim=24, stiffness=(4.0, 1.0), offset=6.0, temperature=0.3))
    assert float(found.free_energy_difference) == pytest.approx(6 - 12 * 0.3 * np.log(4), abs=1e-12)
    assert float(found.transition_temperature) == pytest.approx(0.360674, abs=1e-6)
    assert float(found.entropy_difference) == pytest.approx(12 * np.log(4), abs=1e-9)
    assert found.exact
    assert found.converged


def test_the_derivative_of_a_transition():
    at = lambda theta: ip.predict(ip.two_wells().replace(theta=theta)).transition_temperature
    slope = jax.grad(at)(jnp.log(jnp.array([4.0, 1.0])))
    expected = 2 * 6 / 24 / np.log(4) ** 2
    np.testing.assert_allclose(slope, [-expected, expected], rtol=1e-6)


def test_a_sweep_and_a_toy_without_a_transition():
    found = ip.predict(ip.two_wells(temperature=jnp.array([0.2, 0.3, 0.4])))
    np.testing.assert_allclose(found.free_energy_difference, 6 - 12 * np.array([0.2, 0.3, 0.4]) * np.log(4))
    none = ip.predict(ip.two_wells(stiffness=(1.0, 4.0)))
    assert int(none.status) == Status.NO_SOLUTION
    assert np.isnan(none.transition_temperature)


def test_an_energy_without_theory_says_what_to_do():
    wells = ip.two_wells()
    scaled = wells.replace(energy=ip.Scaled(wells.energy, wells.theta), theta=jnp.asarray(0.0))
    with pytest.raises(ValueError, match=r"closed form.*ip\.simulate"):
        ip.predict(scaled)


@pytest.mark.medium
@pytest.mark.parametrize(("size", "expected"), [(32, 1.022845), (256, 1.025585)])
def test_the_einstein_solid(size, expected):
    found = ip.predict(ip.einstein_solid(size))
    assert float(found.transition_temperature) == pytest.approx(expected, abs=2e-6)
    if size == 32:
        assert float(found.free_energy_difference) == pytest.approx(0.0934120, abs=1e-7)
        there = ip.predict(ip.einstein_solid(temperature=found.transition_temperature))
        assert float(there.entropy_difference) == pytest.approx(0.755551, abs=1e-6)
        assert float(there.volume_difference) == pytest.approx(0.0387873, abs=1e-6)
        assert float(there.slope) == pytest.approx(0.0513364, abs=1e-6)
        at = lambda pressure: ip.predict(ip.einstein_solid(pressure=pressure)).transition_temperature
        assert float(jax.grad(at)(0.5)) == pytest.approx(float(there.slope), rel=1e-5)


@pytest.mark.medium
def test_sixteen_atoms_are_harmonic(titanium):
    """Statics do not know the size; modes do. Zhou, Johnson & Wadley's potential with its cutoff of 5.5 to 6.5."""
    found = ip.predict(titanium)
    assert float(found.enthalpy_difference) == pytest.approx(18.57, abs=0.01)
    assert float(found.volume_difference) == pytest.approx(17.8036 - 17.8377, abs=1e-3)
    assert not found.exact


@pytest.mark.slow
def test_titanium_of_128_atoms_is_harmonic():
    found = ip.predict(ip.titanium())
    assert float(found.entropy_difference) == pytest.approx(0.1541, abs=1e-4)
    assert float(found.transition_temperature) == pytest.approx(1398, abs=1)


@pytest.mark.slow
def test_gaussian_cores_at_zero_temperature():
    """Common tangent of Gaussian cores: E equal by duality at the density of pi^(-3/2), Delta V, harmonic entropy."""
    found = ip.predict(ip.gaussian_core(pressure=0.055292))
    assert abs(float(found.enthalpy_difference)) < 1e-7
    assert float(found.volume_difference) == pytest.approx(-0.011162, abs=2e-6)
    assert float(found.entropy_difference) == pytest.approx(0.0725, abs=0.003)


@pytest.mark.parametrize(
    ("name", "constants", "cells", "sixth", "twelfth"),
    [("fcc", (2**0.5,), (4, 4, 4), 14.4539, 12.13188), ("hcp", (1.0, (8 / 3) ** 0.5), (6, 3, 4), 14.4549, 12.13229)],
)
def test_lattice_sums(name, constants, cells, sixth, twelfth):
    """Sums of r^-6 and r^-12 over the list, the tail of r^-6 by an integral."""
    reach = 5.5
    crystal = ip.lattice(name, constants, cells, reach=reach)
    r = np.linalg.norm(np.asarray(crystal.bonds)[:, :, 0], axis=0)
    r = r[r < reach]
    density = 2**0.5
    assert (r**-12.0).sum() == pytest.approx(twelfth, abs=1e-4)
    assert (r**-6.0).sum() + 4 * np.pi * density / 3 / reach**3 == pytest.approx(sixth, abs=0.01)
