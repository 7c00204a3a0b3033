"""Coordinates, exponent maps, borders and the lazy prefactor against the published table and independent formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import infinite_width as iw
from grokjax.systems.infinite_width.theory.budget import budget_exponents, common_growth
from grokjax.systems.infinite_width.theory.lazy import arc_cosine_kernels


# (alpha, output, input) as powers of the width, and where the scheme sits: gamma, gamma', regime.
TWO_LAYERS = [
    ((0.0, -0.5, 0.0), (0.5, 0.5), "linear"),  # LeCun, He, PyTorch
    ((0.5, 0.0, 0.0), (0.5, 0.0), "linear"),  # NTK
    ((0.0, -0.5, -0.5), (1.0, 0.0), "critical"),  # Xavier
    ((1.0, 0.0, 0.0), (1.0, 0.0), "critical"),  # mean-field
    ((0.0, -0.8, 0.0), (0.8, 0.8), "linear"),  # a small read-out alone never condenses
    ((0.0, -0.6, -0.6), (1.2, 0.0), "condensed"),  # all layers small
]


@pytest.mark.parametrize(("powers", "place", "regime"), TWO_LAYERS)
def test_two_layer_schemes(powers, place, regime):
    alpha, output, first = powers
    network = iw.coordinates(alpha=alpha, output_std=output, input_std=first)
    np.testing.assert_allclose([network.gamma, network.gamma_prime], place, atol=1e-12)
    assert iw.predict(network).regime == {"input": regime}


def test_named_schemes():
    places = {name: iw.initialisation(name, 3) for name in iw.INITIALISATIONS[3]}
    expected = {"LeCun": (0.5, 1.0), "NTK": (0.0, 1.0), "Xavier": (0.0, 1.5), "mean-field": (0.0, 1.5)}
    for name, place in expected.items():
        np.testing.assert_allclose([places[name].gamma_2, places[name].gamma_3], place)
        assert places[name].gamma_1 == 0
    assert iw.predict(places["two averages"]).regime == {"layer1": "condensed", "layer2": "linear"}
    for name in iw.INITIALISATIONS[2]:
        assert iw.predict(iw.initialisation(name)).exponent["input"] <= 0
    assert iw.predict(iw.small_initialisation(0.9, depth=3)).regime == {"layer1": "condensed", "layer2": "linear"}
    assert iw.predict(iw.small_initialisation(1.1, depth=3)).regime == {"layer1": "condensed", "layer2": "condensed"}
    four = iw.coordinates(alpha=1.0, input_std=-0.1, hidden_std=(-0.2, -0.3), output_std=-0.4)
    np.testing.assert_allclose(
        [four.gamma_4, four.gamma_3, four.gamma_2, four.gamma_1], [2.0, 0.3, -0.1, -0.2], atol=1e-12
    )


@pytest.mark.parametrize(
    ("place", "exponents"),
    [
        ((0, 0, 1), (-1 / 2, -1)), ((0, 0.5, 1), (-3 / 2, -1)), ((0, 0, 1.5), (0, -1 / 2)), ((0, 0, 2.1), (0.2, -0.3)),
        ((0, 1, 2), (-1.5, -0.25)), ((0, 1.5, 3.5), (-1, 0.5)), ((0, 0, 3.6), (0.7, 0.2)), ((0, 0.5, 2.5), (0, 0)),
        ((0, -0.5, 2.5), (2 / 3, -1 / 3)), ((0, 0.5, 3.5), (1 / 3, 1 / 3)), ((0.5, 0, 2), (0, 0)),
        ((-0.5, 0.5, 2), (0, -0.5)), ((0.5, -0.5, 2.5), (0.5, 0)), ((-0.5, 0, 3), (2 / 3, -1 / 3)),
    ],
)  # fmt: skip
def test_three_layer_table(place, exponents):
    g1, g2, g3 = place
    found = iw.predict(iw.ThreeLayer(gamma_1=g1, gamma_2=g2, gamma_3=g3))
    np.testing.assert_allclose(list(found.exponent.values()), exponents, atol=1e-9)
    # One rank-O(n) update weighs sqrt(m) more in operator norm than in Frobenius norm.
    np.testing.assert_allclose(found.operator_exponent["layer2"], found.exponent["layer2"] + 0.5)


def test_closed_forms_are_the_norm_budget():
    gamma, ratio = jnp.linspace(-0.5, 4.5, 101)[:, None], jnp.linspace(-2.5, 2.5, 101)[None]
    two = iw.predict(iw.TwoLayer(gamma=gamma, gamma_prime=ratio)).exponent["input"]
    np.testing.assert_allclose(two, iw.two_layer_exponents(gamma, ratio), atol=1e-9)
    three = iw.predict(iw.ThreeLayer(gamma_3=gamma, gamma_2=ratio)).exponent
    expected = iw.three_layer_exponents(ratio, gamma)
    for layer in three:
        np.testing.assert_allclose(three[layer], expected[layer], atol=1e-9)


def test_exponents_are_continuous():
    gamma, ratio = jnp.linspace(0, 4, 401)[:, None], jnp.linspace(-2, 2, 401)[None]
    for s in iw.predict(iw.FourLayer(gamma_4=gamma, gamma_3=ratio, gamma_2=-0.3)).exponent.values():
        for axis in (0, 1):
            assert np.abs(np.diff(s, axis=axis)).max() < 2.01 * 0.01 + 1e-9  # slopes are at most 2


def test_common_growth_solves_the_budget():
    starts = np.random.default_rng(0).normal(size=(4, 200))
    divisor = starts.sum(axis=0) / 2 + np.random.default_rng(1).exponential(size=200)
    growth = common_growth(jnp.asarray(starts), jnp.asarray(divisor))
    np.testing.assert_allclose(np.maximum(starts, growth).sum(axis=0) / 2, divisor, rtol=1e-9)


def test_borders_are_where_exponents_vanish():
    ratio = jnp.linspace(-1.5, 2.5, 81)
    for gamma_3, layer in ((iw.first_layer_border(ratio), "layer1"), (iw.second_layer_border(ratio), "layer2")):
        at = lambda shift, gamma_3=gamma_3, layer=layer: np.asarray(
            iw.predict(iw.ThreeLayer(gamma_2=ratio, gamma_3=gamma_3 + shift)).exponent[layer]
        )
        np.testing.assert_allclose(at(0.0), 0, atol=1e-9)
        assert (at(-0.01) < 0).all()
        assert (at(0.01) > 0).all()
    gamma = iw.two_layer_border(ratio)
    np.testing.assert_allclose(iw.predict(iw.TwoLayer(gamma=gamma, gamma_prime=ratio)).exponent["input"], 0, atol=1e-9)


def test_output_at_the_start_limits_the_decay():
    """Without centring the error at the start is m^(1/2 - gamma), and so S stops falling."""
    at = lambda gamma, centred: iw.predict(iw.TwoLayer(gamma=gamma, centred=centred)).exponent["input"]
    np.testing.assert_allclose([at(0.1, False), at(0.1, True), at(0.7, False)], [-0.5, -0.9, -0.3], atol=1e-9)


def test_four_layers_are_critical_at_two():
    np.testing.assert_allclose(iw.predict(iw.FourLayer(gamma_4=2.0)).exponent["layer1"], 0, atol=1e-9)
    found = iw.predict(iw.FourLayer(gamma_4=3.0)).exponent
    np.testing.assert_allclose(list(found.values()), [0.25, -0.25, -0.25], atol=1e-9)


def test_derivatives_of_exponents():
    slope = jax.grad(lambda gamma: budget_exponents(iw.TwoLayer(gamma=gamma)).exponent["input"])
    np.testing.assert_allclose([slope(0.5), slope(1.5)], [1.0, 0.5])


def test_lazy_prefactors():
    four, three = iw.four_points(), iw.three_points()
    found = [[iw.lazy_prefactor(d.inputs, d.targets, sign) for sign in (0, 1, -1)] for d in (four, three)]
    np.testing.assert_allclose(found, [[1.14677, 4.708, 1.577], [0.95106, 4.849, 1.394]], rtol=5e-4)
    # Twice the targets, twice the way; a sample given twice changes nothing.
    np.testing.assert_allclose(iw.lazy_prefactor(four.inputs, 2 * four.targets), 2 * 1.14677, rtol=1e-5)
    twice = np.concatenate([four.inputs, four.inputs[:1]]), np.append(four.targets, four.targets[0])
    np.testing.assert_allclose(iw.lazy_prefactor(*twice), 1.146766, rtol=1e-5)


def test_arc_cosine_kernels_are_averages_over_weights():
    x = np.array([[1.0, 0.3], [-0.4, 1.0], [0.2, -2.0]])
    z = np.random.default_rng(0).standard_normal((400_000, 2)) @ x.T
    active = z > 0
    readout = np.einsum("ki,kj->kij", z * active, z * active)
    weights = np.einsum("ki,kj->kij", active, active) * (x @ x.T)
    for exact, samples in zip(arc_cosine_kernels(x), (readout, weights), strict=True):
        error = samples.std(axis=0) / np.sqrt(len(z))
        assert (np.abs(samples.mean(axis=0) - exact) < 5 * error + 1e-12).all()


def test_phase_diagram():
    diagram = iw.phase_diagram(iw.ThreeLayer(gamma_3=1.0), gamma_2=[0.0, 1.5], gamma_3=[1.0, 3.5])
    expected = [["linear / linear", "condensed / condensed"], ["linear / linear", "linear / condensed"]]
    np.testing.assert_array_equal(diagram.names(), expected)
    with pytest.raises(ValueError, match="gamma_prime"):
        iw.phase_diagram(iw.ThreeLayer(gamma_3=1.0), gamma_prime=[0.0])


def test_regimes_of_measured_exponents():
    np.testing.assert_array_equal(iw.classify([-0.2, 0.05, 0.2], tolerance=0.1), [0, 1, 2])
    assert iw.zero_crossing([0.0, 1.0, 2.0], [-1.0, np.nan, 1.0]) == 1.0
    assert np.isnan(iw.zero_crossing([0.0, 1.0], [1.0, 2.0]))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: iw.TwoLayer(gamma=np.inf), "gamma"),
        (lambda: iw.TwoLayer(gamma=1.0, gamma_prime=np.nan), "gamma_prime"),
        (lambda: iw.ThreeLayer(gamma_3=np.array([1.0, np.nan])), "gamma_3"),
        (lambda: iw.coordinates(alpha=np.nan, input_std=0, output_std=0), "gamma"),
        (lambda: iw.coordinates(alpha=0, input_std=0, output_std=0, hidden_std=(0, 0, 0)), "hidden_std"),
        (lambda: iw.initialisation("Kaiming"), "name"),
        (lambda: iw.initialisation("NTK", depth=5), "depth"),
        (lambda: iw.lazy_prefactor([0.0, 0.0], [1.0, 2.0]), "targets"),
        (lambda: iw.lazy_prefactor([0.0, 1.0], [1.0]), "targets"),
        (lambda: iw.lazy_prefactor([0.0, np.nan], [1.0, 1.0]), "inputs"),
        (lambda: iw.lazy_prefactor([0.0, 1.0], [1.0, 1.0], np.nan), "gamma_prime"),
        (lambda: iw.DataSet([[0.0, 1.0], [0.0, 1.0]], [1.0, -1.0]), "never converge"),
        (lambda: iw.DataSet([0.0, 1.0], [0.0, 0.0]), "targets"),
        (lambda: iw.phase_diagram(iw.TwoLayer(gamma=1.0)), "axes"),
    ],
)
def test_bad_input(make, name):
    with pytest.raises(ValueError, match=name):
        make()


def test_digits_are_a_data_set():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn, the extra grokjax[data]")
    digits = iw.digits(20)
    assert digits.inputs.shape == (20, 64)
    assert np.abs(digits.targets).max() == 1
    assert iw.lazy_prefactor(digits.inputs, digits.targets) > 0
