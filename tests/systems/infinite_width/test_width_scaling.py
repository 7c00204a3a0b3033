"""From widths to exponents: fits on known powers, trained networks against theory, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax import Estimate, Status
from grokjax.systems import infinite_width as iw
from grokjax.systems.infinite_width import condensation
from grokjax.systems.infinite_width.scaling import slope


WIDTHS = (25, 75, 225)


@pytest.fixture(scope="session")
def scaled():
    """The lazy, critical and condensed regime; every test of this file reads from these networks."""
    network = iw.TwoLayer(gamma=jnp.array([0.5, 1.0, 1.75])[:, None], gamma_prime=jnp.array([[0.0, 0.5]]))
    return iw.simulate(jax.random.key(0), network, widths=WIDTHS, num_members=6, progress=False)


@pytest.mark.medium
def test_trained_networks_have_theorys_exponents(scaled):
    s, theory = scaled.exponent["input"], iw.predict(scaled.system).exponent["input"]
    assert scaled.converged.all()
    assert scaled.counts == f"{scaled.status.size} goal reached"
    # At widths below 225 slopes are up to 0.1 from their limit.
    assert (np.abs(s.mean - theory) < 0.1 + 4 * s.error).all()
    assert scaled.at(0, 0).regime["input"] == "linear"
    assert scaled.at(1, 0).regime["input"] == "critical"
    assert scaled.at(2, 0).regime["input"] == "condensed"
    table = grokjax.compare(iw.predict(scaled.system), scaled)
    assert len(table.rows) == 12
    assert "exponent['input'][0, 0]" in str(table)


@pytest.mark.medium
def test_condensation_of_trained_networks(scaled):
    final, first = scaled.measured.effective_neurons.mean[:, 0, -1], scaled.measured.effective_neurons_at_start.mean
    assert final[0] > 0.9 * first[0, 0, -1]
    assert final[2] < 5 < final[1] < 0.6 * first[1, 0, -1]
    assert scaled.measured.top_share.mean[2, 0, -1] > 0.9
    assert (
        np.asarray(scaled.measured.log_largest["input"].mean) >= scaled.measured.log_displacement["input"].mean - 1e-5
    ).all()


def test_a_run_shows_its_numbers(scaled):
    one = scaled.at(1, 0)
    assert "critical" in str(one)
    assert "goal reached" in str(one)
    low, high = one.confidence_interval("input")
    np.testing.assert_allclose(high - low, 2 * 1.96 * one.exponent["input"].error)
    assert scaled.local_exponent["input"].mean.shape == (3, 2, 2)
    assert scaled.between(75).widths == (75, 225)
    law = one.power_law("input")
    assert abs(law.exponent.mean - one.exponent["input"].mean) < 0.1
    np.testing.assert_allclose(law.prefactor.mean, one.displacement["input"].mean[0], rtol=0.5)


def test_slopes_of_known_powers():
    widths = np.array([10, 20, 80, 160])
    mean = 0.3 + np.array([[-0.5], [1.25]]) * np.log(widths)
    s = slope(widths, Estimate(mean, np.full(mean.shape, 0.01)))
    np.testing.assert_allclose(s.mean, [-0.5, 1.25])
    x = np.log(widths)
    np.testing.assert_allclose(s.error, 0.01 / np.sqrt(((x - x.mean()) ** 2).sum()))
    mean[0, 1] = np.nan  # a width without a converged network
    np.testing.assert_allclose(slope(widths, Estimate(mean, np.full(mean.shape, 0.01))).mean, [-0.5, 1.25])
    mean[0, 1:] = np.nan
    assert np.isnan(slope(widths, Estimate(mean, np.full(mean.shape, 0.01))).mean[0])


def test_errors_are_the_spread_of_repeated_runs():
    rng = np.random.default_rng(0)
    widths, true = np.array([50, 100, 200, 400]), np.array([0.3, 0.2, 0.1, 0.1])
    values = rng.normal(0, true[:, None], size=(2000, 4, 5))
    fits = slope(widths, Estimate(values.mean(-1), values.std(-1, ddof=1) / np.sqrt(5)))
    np.testing.assert_allclose(np.sqrt((fits.error**2).mean()), fits.mean.std(), rtol=0.05)


def test_histogram_and_effective_number():
    orientation = jnp.linspace(-jnp.pi, jnp.pi, 9001)[:-1]
    even = condensation.shares(orientation, jnp.ones(9000), True)
    np.testing.assert_allclose(condensation.effective_number(even), 90, rtol=1e-2)
    two = condensation.shares(jnp.array([0.5, 0.5, -2.0]), jnp.array([1.0, -1.0, 2.0]), True)
    np.testing.assert_allclose(condensation.effective_number(two), 2, rtol=1e-9)
    np.testing.assert_allclose(condensation.orientations(jnp.array([[1.0, 1.0], [-1.0, 0.0]])), [np.pi / 4, np.pi])
    np.testing.assert_allclose(condensation.orientations(jnp.array([[1.0, 1.0, 1.0]])), [0.0], atol=1e-3)
    matrix = np.random.default_rng(0).standard_normal((40, 30))
    np.testing.assert_allclose(condensation.operator_norm(jnp.asarray(matrix)), np.linalg.norm(matrix, 2), rtol=0.01)


def test_deep_networks_train():
    """Both layers of three are measured, in both norms; what networks put out fits the data."""
    network = iw.ThreeLayer(gamma_2=0.0, gamma_3=jnp.array([1.0, 2.1]), width=20)
    run = iw.train(jax.random.key(1), network, num_members=2, progress=False)
    assert (run.status == Status.REACHED).all()
    assert set(run.log_displacement) == {"layer1", "layer2"}
    assert set(run.log_operator) == {"layer2"}
    data = iw.four_points()
    outputs = iw.outputs(run, data.inputs[:, 0])
    assert outputs.shape == (2, 2, 4)
    assert np.mean((outputs - data.targets) ** 2) < 1e-5
    (_, first), (_, last) = iw.first_layer(run)
    assert first.shape == last.shape == (2, 2, 20)
    with pytest.raises(ValueError, match="run"):
        iw.outputs(run.without_states(), data.inputs)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"widths": (50, 100)}, "widths"),
        ({"widths": (50, 100, 100)}, "widths"),
        ({"widths": (1, 50, 100)}, "widths"),
        ({"widths": (50.5, 100, 200)}, "widths"),
        ({"data": ([0.0, 0.0], [1.0, 2.0])}, "never converge"),
        ({"data": [0.0, 0.0]}, "data"),
        ({"num_member": 3}, "num_members"),
        ({"num_members": 0}, "num_members"),
    ],
)
def test_bad_input(options, name):
    with pytest.raises(ValueError, match=name):
        iw.simulate(jax.random.key(0), iw.TwoLayer(gamma=1.0), **options)


def test_a_width_is_needed_to_train():
    with pytest.raises(ValueError, match="width"):
        iw.train(jax.random.key(0), iw.TwoLayer(gamma=1.0))


@pytest.mark.slow
@pytest.mark.parametrize(("gamma_prime", "border"), [(-0.5, 1.0), (0.0, 1.0), (0.5, 1.5), (1.0, 2.0)])
def test_measured_borders(gamma_prime, border):
    """Where S changes sign at widths from 800 on; .9945, .9929, 1.4955, 1.9956 in an independent calculation."""
    gamma = border + jnp.array([-0.1, 0.0, 0.1])
    network = iw.TwoLayer(gamma=gamma, gamma_prime=gamma_prime)
    widths = (800, 1600, 3200, 6400, 12800)
    run = iw.simulate(jax.random.key(7), network, widths=widths, num_members=10, progress=False)
    assert run.converged.all()
    independent = {-0.5: 0.9945, 0.0: 0.9929, 0.5: 1.4955, 1.0: 1.9956}[gamma_prime]
    assert abs(iw.zero_crossing(np.asarray(gamma), run.exponent["input"].mean) - independent) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("gamma_4", [1.5, 3.0])
def test_four_layers_follow_the_rule(gamma_4):
    network = iw.FourLayer(gamma_4=gamma_4)
    run = iw.simulate(jax.random.key(4), network, widths=(40, 80, 160, 320), num_members=4, progress=False)
    theory = iw.predict(network).exponent
    for layer, s in run.exponent.items():
        assert abs(s.mean - theory[layer]) < 0.15 + 3 * s.error


@pytest.mark.slow
def test_digits_have_two_layers_in_different_regimes():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn, the extra grokjax[data]")
    network = iw.ThreeLayer(gamma_2=jnp.array([0.0, 1.5]), gamma_3=jnp.array([2.1, 3.5]))
    run = iw.simulate(
        jax.random.key(5), network, widths=(50, 100, 200, 400), num_members=3, data=iw.digits(20), progress=False
    )
    assert run.at(0).regime == {"layer1": "condensed", "layer2": "linear"}
    assert run.at(1).regime == {"layer1": "linear", "layer2": "condensed"}
