"""Latent kernels of networks: spectrum, early warning, pruning."""

import dataclasses

import jax
import numpy as np
import pytest

from grokjax.systems import modular_addition as ma


NOISES = np.array([2.2e-3, 6e-4])


@pytest.fixture(scope="module")
def run():
    system = ma.ModularAddition(prime=7, width=100, noise_variance=NOISES, readout_variance=5e-4 / 49, sextic_decay=3.0)
    options = {"num_members": 8, "num_steps": 400, "num_witnesses": 0, "progress": False}
    return ma.simulate(jax.random.key(0), system, **options)


@pytest.mark.medium
def test_outliers_are_alike_and_follow_theory(run):
    found, theory = ma.kernel_spectrum(run), ma.latent_spectrum(run.system)
    # The trace of Q is the sum of all eigenvalues: 12 target modes, 24 others, 12 of rows and columns, one constant.
    trace = np.trace(ma.latent_kernels(run), axis1=-2, axis2=-1).mean(axis=-1)
    kinds = found.target, found.other, found.rows, found.constant
    total = sum(count * kind.mean for count, kind in zip((12, 24, 12, 1), kinds, strict=True))
    np.testing.assert_allclose(total, trace, rtol=1e-6)
    assert found.by_frequency.mean.shape == (2, 3)
    spread = found.by_frequency.mean - found.target.mean[:, None]
    assert (abs(spread) < 6 * np.hypot(found.by_frequency.error, found.target.error[:, None])).all()
    # Finite width: networks are below theory, by less than a third at N = 100, and both rise through the transition.
    assert (found.target.mean < theory.target).all()
    np.testing.assert_allclose(found.target.mean, theory.target, rtol=0.33)
    np.testing.assert_allclose(found.other.mean, theory.other, rtol=0.33)
    assert found.target.mean[1] > 5 * found.target.mean[0]
    assert (found.coupling < 0.2).all()  # 1/sqrt(800) times a few, the largest of 66


@pytest.mark.medium
def test_pruning_the_target_takes_all_that_was_learned(run):
    target = [(k, k) for k in range(1, 7)]
    gone = ma.pruned(run, target)
    np.testing.assert_allclose(gone["discrepancy"].mean, 1, atol=1e-5)
    whole = ma.pruned(run, [])
    np.testing.assert_allclose(whole["discrepancy"].mean, 1 - whole["train_learned"].mean, atol=1e-5)
    kept, control = whole["discrepancy"].mean, ma.pruned(run, [(1, 2), (0, 3)])["discrepancy"].mean
    np.testing.assert_allclose(control, kept, atol=1e-5)  # the target has no part there
    half = ma.pruned(run, [(1, 1), (2, 2)])["train_learned"].mean
    np.testing.assert_allclose(half / (1 - kept), 1 / 3, atol=0.05)
    dominant = ma.pruned_dominant(run, 30)["train_learned"].mean  # of 49: rows, columns and outliers among them
    assert (dominant < 0.3 * (1 - kept)).all()


def test_detection_power():
    rng = np.random.default_rng(0)
    quiet = rng.normal(size=400)
    assert abs(ma.detection_power(quiet, rng.normal(size=400)).mean - 0.05) < 0.05
    assert ma.detection_power(quiet, 5 + rng.normal(size=400)).mean > 0.99
    with pytest.raises(ValueError, match="Argument `quiet`"):
        ma.detection_power(quiet[:5], quiet)


@pytest.mark.medium
@pytest.mark.parametrize("mode", [(7, 1), (1.5, 1), (1,), "target", (-1, 1)])
def test_a_direction_that_is_no_mode(run, mode):
    with pytest.raises(ValueError, match="Argument `modes`"):
        ma.pruned(run, [mode])


@pytest.mark.medium
def test_what_has_no_kernel(run):
    with pytest.raises(ValueError, match="Argument `run`"):
        ma.kernel_spectrum(run.without_states())
    other = dataclasses.replace(run, experiment=None)
    with pytest.raises(ValueError, match="experiment"):
        ma.kernel_spectrum(other)
    with pytest.raises(ValueError, match="Argument `regulariser`"):
        ma.latent_spectrum(run.system.replace(regulariser="norm"))
