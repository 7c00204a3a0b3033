"""Errors and comparisons on numbers whose law is known."""

from typing import NamedTuple

import jax
import numpy as np
import pytest

from grokjax import compare, statistics
from grokjax.evidence.statistics import Estimate


rng = np.random.default_rng(0)


def test_estimate_prints_like_a_physicist():
    assert str(Estimate(0.70912, 0.0093)) == "0.7091(93)"
    assert str(Estimate(12.34, 3.2)) == "12.3(32)"
    assert str(Estimate(0.5, 0.0)) == "0.5"
    assert str(Estimate(np.array([1.0, 2.0]), np.array([0.1, 0.2]))) == "[1.00(10), 2.00(20)]"


def test_error_over_members_is_the_standard_error():
    values = rng.normal(3.0, 2.0, (4000, 2))
    estimate = statistics.over_members(values)
    np.testing.assert_allclose(estimate.error, 2 / np.sqrt(4000), rtol=0.06)
    assert np.all(np.abs(statistics.z_score(estimate, 3.0)) < 5)
    keep = np.arange(4000) < 1000
    part = statistics.over_members(values, keep=keep[:, None])
    np.testing.assert_allclose(part.mean, values[:1000].mean(axis=0))
    np.testing.assert_allclose(part.error, values[:1000].std(axis=0, ddof=1) / np.sqrt(1000))


def test_subset_error_agrees_on_average_with_the_error_over_members():
    values = rng.normal(size=(200, 400))
    subsets = statistics.over_subsets(values).error
    np.testing.assert_allclose(np.sqrt(np.mean(subsets**2)), 1 / np.sqrt(200), rtol=0.12)
    with pytest.raises(ValueError, match="`values` must be at least 5 members"):
        statistics.over_subsets(values[:3])


def test_jackknife_takes_off_the_bias_of_a_square():
    """E[mean^2] = mu^2 + var/n; the leave-one-out correction is exact for a square."""
    values = rng.normal(1.0, 1.0, 50)
    estimate = statistics.jackknife(np.square, values)
    np.testing.assert_allclose(estimate.mean, values.mean() ** 2 - values.var(ddof=1) / 50, rtol=1e-10)
    np.testing.assert_allclose(estimate.error, 2 * abs(values.mean()) * values.std(ddof=1) / np.sqrt(50), rtol=0.1)


def test_two_start_agrees_only_within_errors():
    cold = {"a": Estimate(1.0, 0.1), "b": Estimate(np.array([2.0, 3.0]), np.array([0.1, 0.1]))}
    hot = {"a": Estimate(1.1, 0.1), "b": Estimate(np.array([2.1, 3.0]), np.array([0.1, 0.1]))}
    verdict = statistics.two_start(cold, hot)
    assert verdict.agree
    np.testing.assert_allclose(verdict.largest, 0.1 / np.hypot(0.1, 0.1))
    hot["a"] = Estimate(2.0, 0.1)
    assert not statistics.two_start(cold, hot).agree
    assert "DISAGREE" in str(statistics.two_start(cold, hot))


def test_compare_prints_a_verdict_per_number():
    theory = {"overlap": np.array([0.5, 0.6]), "side": 0.1}
    experiment = {"overlap": Estimate(np.array([0.51, 0.9]), np.array([0.02, 0.01])), "side": Estimate(0.1, 0.01)}
    with jax.numpy_rank_promotion("allow"):
        table = compare(theory, experiment, points=["cold", "warm"])
    assert not table.agree
    text = str(table).splitlines()
    assert len(text) == 5
    assert text[2].endswith("agree")
    assert text[3].endswith("off by +50%")
    assert "warm" in text[3]
    np.testing.assert_allclose(table.largest, 30.0)
    with pytest.raises(ValueError, match="Compare like with like"):
        compare({"overlap": 1.0}, {"other": Estimate(1.0, 0.1)})


class Bracketing(NamedTuple):
    """A theory that has two values at its second point."""

    order_parameters: dict
    bracket: dict
    trustworthy: np.ndarray


def test_a_theory_that_knows_a_bracket_only_says_where_networks_are():
    theory = Bracketing({"side": np.array([0.1, 0.2, 0.2])}, {"side": np.array([np.nan, 0.3, 0.3])}, np.arange(3) < 1)
    experiment = {"side": Estimate(np.array([0.1, 0.25, 0.5]), np.full(3, 0.01))}
    table = compare(theory, experiment)
    verdicts = [table.verdict(row) for row in table.rows]
    assert verdicts[0] == "agree"
    assert verdicts[1] == "outside of the theory's range: a bracket 0.2000 to 0.3000, within errors of it"
    assert verdicts[2].endswith("+20.0 errors off it")
    assert not table.agree


def test_failed_theory_never_agrees():
    table = compare({"a": np.nan}, {"a": Estimate(1.0, 0.1)})
    assert not table.agree
    assert "no comparison" in str(table)


def test_wilson_interval():
    low, high = statistics.wilson_interval(np.array([0.0, 0.5, 1.0]), 20, z=1.96)
    np.testing.assert_allclose(low, [0.0, 0.299, 0.839], atol=1e-3)  # the textbook's values for 0, 10 and 20 of 20
    np.testing.assert_allclose(high, [0.161, 0.701, 1.0], atol=1e-3)
