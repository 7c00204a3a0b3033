"""The limit below its onset, and one neuron's escape, against the tables of their derivation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import teacher_student as ts


BASE = ts.TeacherStudent.at_scale(1.0)


@pytest.fixture(scope="module")
def onset():
    return ts.sharp_limit(BASE)


NOISES = (0.10, 0.15, 0.17, 0.18, 0.20, 0.14, 0.08, 0.05, 0.03)


@pytest.fixture(scope="module")
def limit(onset):
    """At three points about the onset, then at `NOISES`."""
    critical = float(onset.noise_variance)
    about = [critical * (1 - 1e-9), critical * (1 + 1e-9), critical - 1e-7]
    return ts.sharp_thermodynamics(BASE.replace(noise_variance=jnp.array([*about, *NOISES])))


@pytest.mark.medium
def test_the_energy_is_continuous_and_the_heat_capacity_jumps(limit):
    np.testing.assert_allclose(limit.energy[:2], 0.3126198, atol=1e-7)
    np.testing.assert_allclose(limit.heat_capacity[:2], [1.744033, 0.459583], atol=1e-4)
    assert limit.converged.all()
    assert float(limit.droplet_share[2]) / -1e-7 == pytest.approx(-103.075, abs=1e-2)


@pytest.mark.medium
def test_the_limit_over_the_noise(limit):
    np.testing.assert_allclose(limit.energy[jnp.array([3, 6])], [0.189386, 0.313210], atol=1e-5)
    np.testing.assert_allclose(limit.heat_capacity[3:8], [1.416, 1.605, 1.700, 0.462, 0.506], atol=1e-3)
    assert (limit.droplet_share[3:6] > 0).all()
    assert (limit.droplet_share[6:8] == 0).all()


@pytest.mark.medium
def test_networks_of_larger_scale_come_closer(limit):
    """At beta = 8 and 64, far from the onset."""
    whole, rest = float(limit.energy[3]), []
    for beta in (8.0, 64.0):
        system = ts.TeacherStudent.at_scale(beta, 0.1, round_sizes=False)
        rest.append(float(ts.thermodynamics(system).energy / system.num_samples) - whole)
    np.testing.assert_allclose(rest, [0.189786 - whole, 0.189496 - whole], atol=2e-6)


def test_one_neuron_escapes_by_langers_rate(onset):
    system = BASE.replace(noise_variance=onset.noise_variance)
    found = ts.neuron_escape(system, onset.discrepancy)
    assert float(found.barrier) / 150 == pytest.approx(0.010417, abs=1e-6)
    assert float(found.saddle) == pytest.approx(0.3863, abs=1e-4)
    assert float(found.side) == pytest.approx(0.7214, abs=1e-4)
    assert float(found.prefactor) == pytest.approx(0.02811, abs=1e-5)
    assert float(ts.neuron_escape(system, onset.discrepancy, friction=1.0).prefactor) == pytest.approx(
        0.02591, abs=1e-5
    )
    assert bool(found.converged)


@pytest.mark.medium
def test_the_barrier_along_the_mixed_phase(limit):
    """In the field of the limit; per dimension."""
    for noise, barrier in ((0.14, 0.0213), (0.10, 0.0490), (0.08, 0.0786), (0.05, 0.1825), (0.03, 0.3677)):
        field = {k: each[3 + NOISES.index(noise)] for k, each in limit.discrepancy.items()}
        found = ts.neuron_escape(BASE.replace(noise_variance=jnp.asarray(noise)), field)
        assert float(found.barrier) / 150 == pytest.approx(barrier, abs=6e-5)


@pytest.mark.parametrize("level", [0, 1])
def test_without_a_barrier_there_is_no_solution(level):
    """However the compiler rounds: a hill of rounding errors was once found at the centre."""
    escape = jax.jit(ts.neuron_escape, compiler_options={"xla_backend_optimization_level": level})
    found = escape(ts.TeacherStudent.at_scale(1.0, 3.0))
    assert not bool(found.converged)
    assert np.isnan([found.barrier, found.saddle, found.side, found.rate, found.prefactor]).all()


@pytest.mark.medium
def test_evidence_on_data_sets_is_that_of_a_gaussian_process_in_the_limit_of_width():
    from grokjax.theory.kernels import nngp_kernel

    system = ts.TeacherStudent.at_scale(1 / 64).replace(width=1e6)
    n, d = int(system.num_samples), int(system.input_dim)
    x = jax.random.normal(jax.random.key(0), (1, n, d))
    y = x[..., 0] - 0.3 * (x[..., 0] ** 3 - 3 * x[..., 0])
    direction = jnp.eye(d)[:1]
    found = ts.data_evidence(system, x, y, [0.4, 0.2], directions=direction, num_draws=256)
    kernel = nngp_kernel("erf", x[0], x[0], weight_variance=0.5, readout_variance=float(system.readout_variance))
    for i, noise in enumerate((0.4, 0.2)):
        whole = np.asarray(kernel) / noise + np.eye(n)
        fit = -0.5 * np.asarray(y[0]) @ np.linalg.solve(whole, np.asarray(y[0])) / noise
        assert float(found.leading[0, i]) == pytest.approx(fit, rel=0.03)
        assert float(found.determinant[0, i]) == pytest.approx(-0.5 * np.linalg.slogdet(whole)[1], rel=0.05)
    assert found.converged.all()
    with pytest.raises(ValueError, match="`inputs` must be of shape"):
        ts.data_evidence(system, x[0], y[0], [0.4])
    with pytest.raises(ValueError, match="`directions` must be of shape"):
        ts.data_evidence(system, x, y, [0.4], directions=direction[0])
