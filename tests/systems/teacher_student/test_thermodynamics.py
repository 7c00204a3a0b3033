"""Energy, heat capacity and droplets of the leading order against the tables of its derivation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import teacher_student as ts


NOISES = jnp.array([0.10, 0.15, 0.17, 0.18, 0.20])


@pytest.mark.medium
@pytest.mark.parametrize(
    ("beta", "energies", "capacities"),
    [
        (1 / 8, (0.193906, 0.273594), (1.356, 0.881, 0.795, 0.774, 0.758)),
        (1, (0.191117, 0.291815), (1.458, 1.219, 0.875, 0.762, 0.670)),
        (8, (0.189786, 0.304475), (1.417, 1.539, 1.307, 0.831, 0.558)),
    ],
)
def test_energy_and_heat_capacity(beta, energies, capacities):
    system = ts.TeacherStudent.at_scale(beta, NOISES, round_sizes=False)
    found = ts.thermodynamics(system)
    n = float(system.num_samples)
    np.testing.assert_allclose(found.energy[jnp.array([0, 3])] / n, energies, atol=1.1e-5)
    np.testing.assert_allclose(found.heat_capacity / n, capacities, atol=2e-3)  # printed from finite differences
    assert found.converged.all()


def test_droplets_are_sub_poissonian():
    system = ts.TeacherStudent.at_scale(1 / 8, jnp.array([0.1, 0.2, 0.4]))
    found = ts.thermodynamics(system)
    np.testing.assert_allclose(found.droplet_variance, [0.147, 0.486, 0.914], atol=2e-3)
    np.testing.assert_allclose(found.droplets, [8.21, 4.35, 0.40], atol=2e-2)


@pytest.mark.medium
def test_the_energy_is_the_slope_of_the_evidence():
    """E = -dL/db of the leading order, without its determinant."""
    system = ts.TeacherStudent.at_scale(1 / 8, 0.15)

    def leading(b):
        found = ts.predict(system.replace(noise_variance=1 / b), theory="mean_field")
        return found.log_evidence - found.determinant

    assert -float(jax.grad(leading)(1 / 0.15)) == pytest.approx(float(ts.thermodynamics(system).energy), rel=1e-6)
