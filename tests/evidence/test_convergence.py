"""Diagnostics of chains whose law is known."""

import numpy as np
from scipy.signal import lfilter

from grokjax.evidence import convergence
from grokjax.evidence.statistics import z_score


def autoregressive(coefficient, members, records):
    noise = np.random.default_rng(1).standard_normal((members, records + 500))
    return lfilter([1], [1, -coefficient], noise)[:, 500:]


def test_autocorrelation_time_of_an_autoregressive_process():
    """(1 + a)/(1 - a) for coefficient a."""
    time = convergence.autocorrelation_time(autoregressive(0.8, 50, 2000))
    np.testing.assert_allclose(time, 9.0, rtol=0.1)


def test_split_rhat_sees_members_in_different_wells():
    series = np.random.default_rng(0).normal(size=(10, 200))
    assert convergence.split_rhat(series) < 1.02
    assert convergence.split_rhat(series + np.arange(10)[:, None]) > 1.5
    assert abs(z_score(convergence.drift(series), 0.0)) < 5
    assert z_score(convergence.drift(series + np.linspace(0, 1, 200)), 0.0) > 5


def test_pooled_rhat_of_one_data_set_is_split_rhat():
    series = np.random.default_rng(3).normal(size=(5, 80)) + np.arange(5)[:, None] / 3
    np.testing.assert_allclose(convergence.pooled_rhat(series[None]), convergence.split_rhat(series), rtol=1e-12)
