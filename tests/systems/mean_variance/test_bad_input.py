"""Bad input is refused at the door, by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import mean_variance as mv


X = np.linspace(0, 1, 5)
Y = np.array([0.1, -1.0, 0.4, 1.2, -0.7])


@pytest.mark.parametrize(
    ("inputs", "targets", "name"),
    [
        (X[:2], Y[:2], "targets"),
        (np.array([0.0, 0.2, 0.2, 0.5, 1.0]), Y, "inputs"),
        (X, np.where(X > 0.5, np.nan, Y), "targets"),
        (X, np.full(5, 2.0), "targets"),
        (X[:4], Y, "inputs"),
        (np.array([0.0, np.inf, 0.2, 0.5, 1.0]), Y, "inputs"),
    ],
)
def test_unfit_data(inputs, targets, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        mv.MeanVariance(mv.RegressionData(inputs, targets), alpha=1.0, beta=1.0)
    if name == "targets":
        with pytest.raises(ValueError, match="`targets`"):
            mv.critical_alpha(jnp.asarray(targets))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan])
@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_strengths_are_positive(name, bad):
    with pytest.raises(ValueError, match=f"`{name}`"):
        mv.MeanVariance(mv.RegressionData(X, Y), **{"alpha": 1.0, "beta": 1.0, name: bad})


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 1.5, np.nan])
@pytest.mark.parametrize("name", ["rho", "gamma"])
def test_the_square_is_open(name, bad):
    data = mv.RegressionData(X, Y)
    with pytest.raises(ValueError, match=f"`{name}`"):
        mv.MeanVariance.from_square(data, **{"rho": 0.5, "gamma": 0.5, name: bad})
    axes = {"rho": [0.5], "gamma": [0.5], name: [0.5, bad]}
    with pytest.raises(ValueError, match=f"`{name}`"):
        mv.phase_diagram(mv.MeanVariance(data, alpha=1.0, beta=1.0), axes)


def test_other_doors():
    system = mv.MeanVariance(mv.RegressionData(X, Y), alpha=1.0, beta=1.0)
    with pytest.raises(ValueError, match="`theory`"):
        mv.predict(system, "exact")
    with pytest.raises(ValueError, match="truth"):
        mv.predict(system, "population")
    with pytest.raises(ValueError, match="`axes`"):
        mv.phase_diagram(system, {"rho": [0.5]})
    with pytest.raises(ValueError, match="`num_samples`"):
        mv.sine(2)
    with pytest.raises(ValueError, match="widht"):
        mv.simulate(jax.random.key(0), system, widht=3)
    with pytest.raises(ValueError, match="`name`"):
        mv.path(system.data, [0.5], "antidiagonal")
    rows = mv.MeanVariance(mv.RegressionData(np.ones((5, 2)) * X[:, None], Y), alpha=1.0, beta=1.0)
    with pytest.raises(ValueError, match="on a line"):
        mv.predict(rows)


def test_the_square_keeps_its_corners_in_any_precision():
    data = mv.RegressionData(X, Y)
    system = mv.MeanVariance.from_square(data, rho=1 - 1e-11, gamma=1 - 1e-11)
    np.testing.assert_allclose([system.alpha, system.beta], [1e-11, 1e-22], rtol=1e-4)
    with jax.enable_x64(False):
        single = mv.MeanVariance.from_square(data, rho=1 - 1e-11, gamma=0.25)
        assert single.alpha.dtype == jnp.float32
        np.testing.assert_allclose([single.alpha, single.beta], [2.5e-12, 7.5e-12], rtol=1e-4)
    np.testing.assert_allclose([system.replace(alpha=3.0, beta=1.0).rho], 0.2, rtol=1e-12)
    np.testing.assert_allclose([system.replace(alpha=3.0, beta=1.0).gamma], 0.75, rtol=1e-12)
