"""Every construction against its list of units: counts, depth, values, and the exact numbers that are known of it.

Tolerances are rounding: values are of order one, and lists of up to a thousand units add up in another order.
"""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import approximation as ap
from grokjax.systems.approximation.constructions import codes
from grokjax.systems.approximation.constructions.sup_norm import points


kink, parabola = (lambda x: abs(x - 1 / 3)), (lambda x: x**2 / 2)
wave = lambda order: lambda x: jnp.sin(2 * jnp.pi * x) / (2 * jnp.pi) ** order


def agrees_with_its_units(network, tolerance=1e-13, dim=1):
    """Formula against count, call against list, numpy against jax; returns the count."""
    units = network.to_units()
    assert network.num_weights == units.num_weights
    assert network.depth == units.depth
    x = points(network, dim=dim, num_uniform=200)
    np.testing.assert_allclose(network(x), units(x), atol=tolerance)
    return units.num_weights, units.depth


@pytest.mark.parametrize("m", [1, 3, 6])
def test_squarer(m):
    net = ap.squarer(m)
    assert agrees_with_its_units(net) == (8 * m, m + 1)
    assert len(net.to_units().units) == 2 * m + 1  # with the output
    odd, even = (2 * np.arange(2**m) + 1) / 2 ** (m + 1), np.arange(2**m + 1) / 2**m
    np.testing.assert_array_equal(net(odd) - odd**2, 4.0 ** -(m + 1))
    np.testing.assert_array_equal(net(even), even**2)
    error = net(np.random.default_rng(0).random(1000)) - np.random.default_rng(0).random(1000) ** 2
    assert (error >= 0).all()
    assert (error <= 4.0 ** -(m + 1)).all()


def test_product():
    net = ap.product(6)
    axis = np.linspace(-1, 1, 257)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    units = net.to_units()
    assert (net.num_weights, net.depth, units.num_weights, units.depth) == (159, 8, 159, 8)
    np.testing.assert_allclose(net(x), units(x), atol=1e-14)
    error = np.abs(net(x) - x.prod(axis=1))
    assert 2.43e-4 < error.max() <= 4.0**-6
    assert np.abs(net(x)[x.prod(axis=1) == 0]).max() < 1e-14
    wide = ap.product(6, radius=3.0)
    assert np.abs(wide(3 * x) - 9 * x.prod(axis=1)).max() <= 9 * 4.0**-6


@pytest.mark.parametrize(
    ("dim", "cells", "expected"), [(1, 16, (49, 2)), (2, 5, (10 * 36 + 6 * 11 + 1, 4)), (3, 2, (None, 5))]
)
def test_interpolant(dim, cells, expected):
    f = ap.target("kink", 1, dim)
    weights, depth = agrees_with_its_units(ap.interpolant(f, cells, dim), dim=dim)
    assert depth == expected[1]
    assert expected[0] in (weights, None)


def test_exact_errors_of_interpolation():
    n = 64
    assert ap.sup_error(ap.interpolant(kink, n), kink) == pytest.approx(4 / 9 / n, rel=1e-12)
    root = ap.target("kink", 0.5)
    assert ap.sup_error(ap.interpolant(root, n), root) == pytest.approx(0.6570657 / 8, rel=1e-6)
    assert ap.sup_error(ap.interpolant(parabola, n), parabola) == pytest.approx(1 / (8 * n**2), rel=1e-9)
    cone, bowl = ap.target("kink", 1, 2), ap.target("parabola", 2, 2)
    assert ap.sup_error(ap.interpolant(cone, 16, 2), cone) == pytest.approx(0.6285394 / 16, rel=1e-6)
    assert ap.sup_error(ap.interpolant(bowl, 16, 2), bowl) == pytest.approx(1 / (4 * 16**2), rel=1e-9)


def test_shallow_weights_are_linear_in_the_function():
    f, g = kink, parabola
    both = ap.interpolant(lambda x: f(x) + g(x), 16).values
    np.testing.assert_allclose(both, ap.interpolant(f, 16).values + ap.interpolant(g, 16).values, atol=1e-15)


def test_digits_jump_where_the_function_barely_moves():
    tilted = lambda x: kink(x) - 1e-9 * np.sin(np.pi * 16 * x)
    a, b = ap.two_scale(kink, 8, 8), ap.two_scale(tilted, 8, 8)
    np.testing.assert_allclose(a.values, b.values, atol=1e-8)
    assert np.abs(a.encoding - b.encoding).max() > 0.1


@pytest.mark.parametrize("activation", ["relu", "relu2"])
@pytest.mark.parametrize(("order", "cells"), [(1, 8), (2, 7), (3, 16)])
def test_taylor_patches(order, cells, activation):
    net = ap.taylor(wave(order), cells, order, activation=activation)
    _, depth = agrees_with_its_units(net)
    assert activation == "relu" or depth == np.ceil(order) + 4


def test_taylor_counts_and_bound():
    x = lambda x: jnp.sin(2 * jnp.pi * x)
    derivatives = (
        x,
        lambda t: 2 * np.pi * np.cos(2 * np.pi * t),
        lambda t: -((2 * np.pi) ** 2) * np.sin(2 * np.pi * t),
    )
    for cells, weights, depth in ((64, 3015, 58), (1024, 11583, 76), (4096, 36603, 85), (8192, 69665, 91)):
        net = ap.taylor(derivatives, cells, 3)
        assert (net.num_weights, net.depth) == (weights, depth)
    net = ap.taylor(x, 64, 3)
    assert 3.95 < ap.sup_error(net, x) * 64**3 < 3.99 < (2 * np.pi) ** 3 / 48
    assert ap.sup_error(ap.taylor(derivatives, 64, 3), x) == pytest.approx(ap.sup_error(net, x), rel=1e-9)


@pytest.mark.parametrize(("cells", "fine"), [(2, 3), (8, 5), (12, 7), (64, 24)])
def test_two_scale(cells, fine):
    net, hats = ap.two_scale(kink, cells, fine), int(np.ceil(np.log2(cells)))
    expected = (6 * cells + 14 * fine + 6 * hats + 19, max(3 * fine + 6, hats + fine + 4))
    assert agrees_with_its_units(net) == expected
    exact = ap.two_scale(kink, cells, fine, backend="exact")
    x = points(net)
    np.testing.assert_allclose(net(x), exact(x), atol=3e-15)
    if cells in (2, 8, 64):
        assert ap.sup_error(net, kink) * cells * fine == pytest.approx(4 / 3, abs=1e-10)
        assert float(net.step) * cells * fine == pytest.approx(4 / 3, abs=1e-10)


def test_one_network_in_jax():
    """One compiled program: scan over digits, look-up of the cell."""
    net, x = ap.two_scale(kink, 8, 5), np.linspace(0, 1, 257)
    np.testing.assert_allclose(net(jnp.asarray(x)), net(x), atol=1e-15)


def test_codes():
    """Idle cells toggle between 0 and one step; odd cells are stored in reverse."""
    net = ap.two_scale(kink, 4, 6)
    digits = np.asarray(net.digits)
    np.testing.assert_array_equal(digits[[0, 2, 3]], [[1, 0, 1, 0, 1, 0]] * 3)
    np.testing.assert_array_equal(net.encoding[[0, 2, 3]], 2 / 3 * (1 - 4.0**-3))
    np.testing.assert_array_equal(codes.decode(net.encoding, 6), digits)
    np.testing.assert_array_equal(codes.decode(codes.as_integers(digits), 6), digits)


@pytest.mark.parametrize(("dtype", "holds", "breaks"), [(np.float32, 24, 25), (np.float64, 53, 55)])
def test_a_mantissa_holds_so_many_digits(dtype, holds, breaks):
    rng = np.random.default_rng(0)
    for count, fine in ((holds, True), (breaks, False)):
        digits = rng.integers(0, 2, (200, count)).astype(np.uint8)
        numbers = np.array([Fraction(number, 2**count) for number in codes.as_integers(digits)]).astype(dtype)
        decoded = codes.decode(np.minimum(numbers, np.nextafter(dtype(1), dtype(0))), count)
        assert (decoded == digits).all() == fine
    digits = rng.integers(0, 2, (5, 300)).astype(np.uint8)
    np.testing.assert_array_equal(codes.decode(codes.as_integers(digits), 300), digits)


@pytest.mark.parametrize(("cells", "fine"), [(8, 5), (12, 7), (32, 30)])
def test_second_order(cells, fine):
    f = ap.target("sine", 2)
    net, hats = ap.two_scale_smooth(f, cells, fine), int(np.ceil(np.log2(cells)))
    leading = int(np.ceil(np.log2(fine / 2 + 2)))
    weights, depth = agrees_with_its_units(net)
    assert weights == 6 * cells + 14 * fine + 11 * leading + 6 * hats + 18
    assert depth == 3 * (fine + leading) + 6
    exact = ap.two_scale_smooth(f, cells, fine, backend="exact")
    np.testing.assert_allclose(net(points(net)), exact(points(net)), atol=1e-14)
    assert ap.sup_error(net, f) * (cells * fine) ** 2 < 4.92 + 1 / 8


def test_the_second_order_coder_is_stable():
    """Random second differences of full size: |value| < 2.46 and |slope| < 1.74 steps, for any length of a cell."""
    rng = np.random.default_rng(1)
    bends = rng.choice([-1.0, 1.0], (400, 63))
    rows = np.cumsum(np.cumsum(bends, axis=1), axis=1)
    rows = np.concatenate([np.zeros((400, 1)), rows], axis=1)
    rows -= np.linspace(0, 1, 64) * rows[:, -1:]
    digits = codes.second_order(rows, 2.0, 6)
    slope = (digits[:, :6] @ 2.0 ** np.arange(5, -1, -1) - 32)[:, None] + np.cumsum(2.0 * digits[:, 6:] - 1, axis=1)
    value = np.concatenate([np.zeros((400, 1)), np.cumsum(slope, axis=1)], axis=1)
    assert np.abs(value - rows / 2).max() < 2.46
    assert np.abs(slope - np.diff(rows, axis=1) / 2).max() < 1.74


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("cells", "fine"), [(2, 3), (8, 5), (12, 7)])
def test_fixed_width(order, cells, fine):
    f = ap.target(("kink", "sine")[order - 1], order)
    net, hats = ap.fixed_width(f, cells, fine, order=order), int(np.ceil(np.log2(cells)))
    digits = fine if order == 1 else fine + int(np.ceil(np.log2(fine / 2 + 2)))
    wide = (ap.two_scale, ap.two_scale_smooth)[order - 1](f, cells, fine)
    x = points(net)
    np.testing.assert_allclose(net(x), wide(x), atol=4e-15)
    if cells == 8:
        depth = cells + hats + 3 * digits + 5
        assert agrees_with_its_units(net) == (56 * (depth - 2) + 22, depth)
        assert net.matrices.shape[1:] == (7, 7)


def test_one_architecture_adapts_to_the_smoothness():
    """Width 7 and 60 layers hold first-order and second-order digits alike, and both approximate as they should."""
    rough, smooth = ap.target("kink"), ap.target("sine", 2)
    nets = ap.fixed_width(rough, 12, 12, depth=60), ap.fixed_width(smooth, 12, 9, order=2, depth=60)
    assert nets[0].num_weights == nets[1].num_weights == 56 * 58 + 22
    assert ap.sup_error(nets[0], rough) < 3 / 144
    assert ap.sup_error(nets[1], smooth) < 5.05 / 108**2


@pytest.mark.parametrize(("order", "cells", "fine"), [(2, 4, 4), (2.5, 5, 12), (3, 8, 8)])
def test_coded_taylor_data(order, cells, fine):
    f = wave(order)
    net = ap.taylor_code(f, cells, fine, order)
    agrees_with_its_units(net, 1e-11)
    exact = ap.taylor_code(f, cells, fine, order, backend="exact")
    assert ap.sup_error(net, f) == pytest.approx(ap.sup_error(exact, f), rel=1e-3)
    assert ap.sup_error(exact, f) * (cells * fine) ** order < 6.7 * max(1.0, float(net.norm))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("wave", "m"), [("triangle", 2), ("triangle", 4), ("sine", 3)])
def test_periodic_in_exact_rationals(shared, wave, m):
    """The list of units, run literally on rationals, is the interpolant of the table; zones stay below the storage."""
    bits = m + 2
    net = ap.periodic(kink, m, bits, shared=shared, wave=wave)
    units = net.to_units()
    expected = 32 * m + 22 * bits - 14 if shared else 12 * m * bits + 18 * bits + 20 * m - 10
    assert (net.num_weights, net.depth) == (units.num_weights, units.depth) == (expected, {2: 13, 3: 16, 4: 19}[m])
    x = [Fraction(i, 3 * 2**m) for i in range(3 * 2**m + 1)]
    literal = units(np.array(x, dtype=object))
    np.testing.assert_allclose(literal.astype(float), net(np.array([float(t) for t in x])), atol=1e-15)
    zones = [Fraction(n, 2**m) - Fraction(net.zone) * Fraction(k, 4) for n in range(1, 2**m) for k in (1, 2, 3)]
    off = units(np.array(zones, dtype=object)).astype(float) - net(np.array([float(t) for t in zones]))
    assert np.abs(off).max() <= 2.0**-bits


def test_periodic_errors_and_rates():
    for m in (3, 10, 18):
        assert ap.sup_error(ap.periodic(kink, m, m + 2), kink) == pytest.approx(5 / 12 * 2.0**-m, rel=1e-9)
        error = ap.sup_error(ap.periodic(parabola, m, 2 * m + 2), parabola)
        assert error == pytest.approx(3 / 8 * 4.0**-m, rel=1e-4)
    assert [ap.periodic(kink, 18, b).num_weights for b in (11, 20, 38)] == [804, 1002, 1398]
    assert ap.periodic(kink, 18, 20).encoding_bits == 40 * (2**17 + 1)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ap.interpolant(kink, 0), "num_cells"),
        (lambda: ap.interpolant(kink, 4, 0), "dim"),
        (lambda: ap.taylor(wave(3), 8, 0), "order"),
        (lambda: ap.taylor(lambda x: np.sin(np.asarray(x)), 8, 3), "f"),
        (lambda: ap.taylor((np.sin,), 8, 3), "f"),
        (lambda: ap.taylor(wave(3), 2**21, 3), "num_cells"),
        (lambda: ap.taylor(wave(3), 8, 3, activation="tanh"), "activation"),
        (lambda: ap.two_scale(kink, 64, 48), "num_fine"),
        (lambda: ap.two_scale(kink, 1, 8), "num_cells"),
        (lambda: ap.two_scale(kink, 8, 8, backend="float32"), "backend"),
        (lambda: ap.two_scale_smooth(kink, 64, 44), "num_fine"),
        (lambda: ap.fixed_width(kink, 64, 48), "num_fine"),
        (lambda: ap.fixed_width(kink, 8, 8, order=3), "order"),
        (lambda: ap.fixed_width(kink, 8, 8, depth=20), "depth"),
        (lambda: ap.taylor_code(wave(3), 8, 7, 3), "num_fine"),
        (lambda: ap.taylor_code(wave(3), 8, 64, 3), "num_fine"),
        (lambda: ap.taylor_code(wave(1), 8, 8, 1), "order"),
        (lambda: ap.periodic(kink, 1, 8), "num_digits"),
        (lambda: ap.periodic(lambda x: 2 * x, 3, 8), "f"),
        (lambda: ap.periodic(kink, 9, 8).to_units(), "num_digits"),
        (lambda: ap.squarer(0), "num_hats"),
        (lambda: ap.product(3, radius=-1.0), "radius"),
        (lambda: ap.product(3)(np.full((1, 2), 1.5)), "x"),
        (lambda: ap.two_scale(kink, 8, 5)(np.array([0.5, 1.1])), "x"),
        (lambda: ap.two_scale(kink, 8, 5)(np.zeros((3, 1))), "x"),
        (lambda: ap.interpolant(ap.target("kink", 1, 2), 4, 2)(np.array([[0.2, -0.1]])), "x"),
        (lambda: ap.two_scale(lambda x: x[:-1], 8, 5), "f"),
        (lambda: ap.two_scale(lambda x: np.where(x > 0.4, np.nan, x), 8, 5), "f"),
        (lambda: ap.sup_error(ap.interpolant(kink, 4), lambda x: 1.0), "f"),
        (lambda: ap.target("zigzag", 1, 2), "target"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        call()
