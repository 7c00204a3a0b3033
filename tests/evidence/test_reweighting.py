"""MBAR and BAR against harmonic oscillators, whose free energies are known, and against their own identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.evidence.reweighting import bar, effective_samples, mbar, perplexity


STIFFNESS = np.array([1.0, 2.0, 4.5, 10.0])
DIMENSION, COUNT = 3, 400


def oscillators(seed, count=COUNT):
    """Reduced potentials k |x|^2 / 2 in three dimensions: f_k = (3/2) ln k."""
    rng = np.random.default_rng(seed)
    radii = [rng.normal(size=(count, DIMENSION)) / np.sqrt(k) for k in STIFFNESS]
    squares = np.concatenate([(x**2).sum(axis=1) / 2 for x in radii])
    return STIFFNESS[:, None] * squares, np.repeat(np.arange(len(STIFFNESS)), count)


EXACT = DIMENSION / 2 * np.log(STIFFNESS / STIFFNESS[0])


@pytest.fixture(scope="module")
def found():
    return [mbar(*oscillators(seed), reference=0) for seed in range(20)]


def test_free_energies_within_their_errors(found):
    z = [(one.free_energies[3] - EXACT[3]) / one.difference(0, 3).error for one in found]
    assert np.sqrt(np.mean(np.square(z))) == pytest.approx(1, abs=0.4)  # errors are honest: rms of z over 20 repeats
    mean = np.mean([one.free_energies for one in found], axis=0)
    error = np.std([one.free_energies for one in found], axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(mean - EXACT)[1:] < 5 * error[1:]).all()
    assert all(bool(one.converged) for one in found)


def test_the_equations_hold(found):
    potentials, _ = oscillators(0)
    one = found[0]
    np.testing.assert_allclose(one.overlap.sum(axis=1), 1, rtol=1e-9)
    log_weights = -potentials - one.log_mixture[None]
    np.testing.assert_allclose(jax.nn.logsumexp(log_weights, axis=1), -one.free_energies, atol=1e-8)
    assert np.linalg.eigvalsh(one.covariance).min() > -1e-12


def test_bar_is_mbar_of_two_states():
    rng = np.random.default_rng(3)
    first, second = (rng.normal(size=(600, DIMENSION)) / np.sqrt(k) for k in (1.0, 3.0))
    work = lambda x: (3.0 - 1.0) * (x**2).sum(axis=1) / 2
    estimate = bar(work(first), -work(second))
    exact = DIMENSION / 2 * np.log(3.0)
    assert abs(estimate.mean - exact) < 5 * estimate.error
    fermi = lambda x: 1 / (1 + np.exp(x))  # Bennett's own equation, equal numbers of samples
    np.testing.assert_allclose(
        fermi(work(first) - estimate.mean).sum(), fermi(-work(second) + estimate.mean).sum(), rtol=1e-7
    )
    assert bar(work(first), -work(second), inefficiency=4.0).error == pytest.approx(2 * float(estimate.error))


def test_masks_leave_samples_out_and_one_program_serves_many_sets():
    potentials, origin = oscillators(5)
    keep = np.arange(origin.size) % 4 != 0
    masked = mbar(potentials, origin, weights=keep, reference=0)
    cut = mbar(potentials[:, keep], origin[keep], reference=0)
    np.testing.assert_allclose(masked.free_energies, cut.free_energies, atol=1e-8)
    np.testing.assert_allclose(masked.covariance, cut.covariance, rtol=1e-5, atol=1e-9)
    stack = jnp.stack([oscillators(seed)[0] for seed in (5, 6)])
    both = jax.vmap(lambda u: mbar(u, jnp.asarray(origin), reference=0).free_energies)(stack)
    np.testing.assert_allclose(both[0], mbar(potentials, origin, reference=0).free_energies, atol=1e-8)


def test_a_far_start_is_damped():
    potentials, origin = oscillators(7)
    far = mbar(potentials, origin, reference=0, start=jnp.array([0.0, 8.0, -6.0, 10.0]))
    assert bool(far.converged)
    np.testing.assert_allclose(far.free_energies, mbar(potentials, origin, reference=0).free_energies, atol=1e-7)


def test_effective_samples_of_gaussian_weights():
    """Log weights of standard deviation s: Kish n exp(-s^2), perplexity n exp(-s^2/2)."""
    sigma = 0.459
    log_weights = sigma * jax.random.normal(jax.random.key(0), (200_000,))
    assert effective_samples(log_weights) / 200_000 == pytest.approx(np.exp(-(sigma**2)), rel=0.01)
    assert perplexity(log_weights) / 200_000 == pytest.approx(np.exp(-(sigma**2) / 2), rel=0.01)
    assert float(effective_samples(jnp.zeros(7))) == pytest.approx(7)


def test_pymbar_agrees():
    pymbar = pytest.importorskip("pymbar")
    potentials, origin = oscillators(11)
    with jax.numpy_rank_promotion("allow"):
        referee = pymbar.MBAR(potentials, np.bincount(origin), solver_protocol="robust")
        theirs = referee.compute_free_energy_differences()
    ours = mbar(potentials, origin, reference=0)
    np.testing.assert_allclose(ours.free_energies, theirs["Delta_f"][0], atol=1e-8)
    assert float(ours.difference(0, 3).error) == pytest.approx(theirs["dDelta_f"][0, 3], rel=1e-5)


def test_bad_input_is_named():
    potentials, origin = oscillators(0)
    with pytest.raises(ValueError, match="`potentials` must be of shape"):
        mbar(potentials[0], origin)
