"""Power laws: exact data, error bars that cover by simulation, scatter beyond the errors, bad input."""

import numpy as np
import pytest

import grokjax
from grokjax.evidence.power_law import power_law


SIZES = np.array([16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0])
SETS = 200


def test_exact_data_come_back():
    values = 3.0 * SIZES**-0.75
    law = power_law(SIZES, values, 0.02 * values)
    np.testing.assert_allclose([law.exponent.mean, law.prefactor.mean], [-0.75, 3.0], rtol=1e-12)
    assert law.chi_squared < 1e-20
    assert law.degrees_of_freedom == 6
    # All relative errors alike: the error of the exponent is theirs over the spread of the logarithms.
    spread = np.sqrt(np.sum((np.log(SIZES) - np.log(SIZES).mean()) ** 2))
    np.testing.assert_allclose(law.exponent.error, 0.02 / spread, rtol=1e-12)
    np.testing.assert_allclose(law([100.0]).mean, 3.0 * 100**-0.75, rtol=1e-12)


def fits(true_errors, claimed_errors, seed=0):
    """Exponent, its error, and whether curve and prefactor are covered, for many synthetic sets."""
    rng = np.random.default_rng(seed)
    truth = 2.0 * SIZES**-1.3
    laws = [
        power_law(SIZES, truth * (1 + true_errors * rng.normal(size=SIZES.size)), truth * claimed_errors)
        for _ in range(SETS)
    ]
    exponent = np.array([[law.exponent.mean, law.exponent.error] for law in laws])
    prefactor = np.array([[law.prefactor.mean, law.prefactor.error] for law in laws])
    curve = np.array([[law(300.0).mean, law(300.0).error] for law in laws])
    for estimates, right in ((exponent, -1.3), (prefactor, 2.0), (curve, 2.0 * 300.0**-1.3)):
        yield (estimates[:, 0] - right) / estimates[:, 1]
    yield np.array([law.reduced_chi_squared for law in laws])


def test_error_bars_cover_when_the_errors_are_right():
    claimed = np.geomspace(0.01, 0.05, SIZES.size)
    *scores, reduced = fits(claimed, claimed)
    for score in scores:
        # One standard error covers 68 % or, as errors grow with the scatter and never shrink, somewhat more: 73 %
        # expected. The gate is four standard deviations of a share of 200.
        share = np.mean(np.abs(score) < 1)
        assert 0.73 - 4 * 0.032 < share < 0.73 + 4 * 0.032
        assert abs(score.mean()) < 4 / np.sqrt(SETS)
    assert abs(reduced.mean() - 1) < 4 * np.sqrt(2 / 6 / SETS)


def test_scatter_beyond_the_errors_makes_them_grow():
    claimed = np.full(SIZES.size, 0.01)
    *scores, reduced = fits(4 * claimed, claimed)
    for score in scores:
        share = np.mean(np.abs(score) < 1)  # Student's t with six degrees of freedom: 64 %
        assert 0.644 - 4 * 0.034 < share < 0.644 + 4 * 0.034
    assert reduced.mean() > 10


def test_it_prints_its_numbers_and_survives_a_file(tmp_path):
    values = 2.0 * SIZES**-1.0 * (1 + 0.01 * np.array([1, -1, 1, -1, -1, 1, -1, 1]))
    law = power_law(SIZES, values, 0.02 * values)
    assert repr(law) == str(law) == "PowerLaw(c x^p, p = -1.0000(45), c = 2.000(48), chi2/dof = 2/6)"
    assert str(grokjax.io.load(grokjax.io.save(tmp_path / "law", law))) == str(law)


@pytest.mark.parametrize(
    ("sizes", "values", "errors", "message"),
    [
        ([1, 2], [1, 2], [0.1, 0.1], "`sizes` must be three different ones"),
        ([1, 2, 2], [1, 2, 2], [0.1, 0.1, 0.1], "`sizes` must be three different ones"),
        ([0, 1, 2], [1, 2, 3], [0.1, 0.1, 0.1], "`sizes` must be finite and above zero"),
        ([1, 2, 3], [1, -2, 3], [0.1, 0.1, 0.1], "`values` must be finite and above zero"),
        ([1, 2, 3], [1, np.nan, 3], [0.1, 0.1, 0.1], "`values` must be finite and above zero"),
        ([1, 2, 3], [1, 2, 3], [0.1, 0.0, 0.1], "`errors` must be finite and above zero"),
        ([1, 2, 3], [1, 2, 3], [0.1, np.inf, 0.1], "`errors` must be finite and above zero"),
        ([1, 2, 3], [1, 2, 3], [0.1, 2.0, 0.1], "`errors` must be smaller than the values"),
        ([1, 2, 3], [1, 2], [0.1, 0.1, 0.1], "`values` must be 1-d, one entry per size"),
        ([[1, 2, 3]], [[1, 2, 3]], [[0.1, 0.1, 0.1]], "`sizes` must be 1-d"),
    ],
)
def test_bad_input_is_refused(sizes, values, errors, message):
    with pytest.raises(ValueError, match=message):
        power_law(sizes, values, errors)


def test_without_errors_the_scatter_is_the_error():
    rng = np.random.default_rng(5)
    sizes = np.geomspace(10, 1000, 8)
    off = []
    for _ in range(200):
        found = power_law(sizes, 3 * sizes**-0.7 * np.exp(0.1 * rng.normal(size=8))).exponent
        off.append((found.mean + 0.7) / found.error)
    # Student's t with six degrees of freedom has a variance of 1.5.
    assert abs(np.mean(np.square(off)) - 1.5) < 5 * np.std(np.square(off)) / np.sqrt(200)
