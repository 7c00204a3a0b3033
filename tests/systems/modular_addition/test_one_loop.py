"""One loop of finite width: the determinant in Fourier modes against the whole matrix, and the networks' numbers."""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import modular_addition as ma
from grokjax.systems.modular_addition.one_loop import log_determinant


SYSTEM = ma.ModularAddition(
    prime=11, width=500, noise_variance=np.array([5e-4, 4e-4]), readout_variance=1e-4 / 121, sextic_decay=3.0
)


@pytest.mark.medium
def test_the_discrepancy_of_networks():
    one = ma.predict(SYSTEM, width_correction=True)
    np.testing.assert_allclose(one.discrepancy, [0.9790, 0.8606], atol=3e-4)  # by sampled neurons: .9790(3), .8606(10)
    lead, four = ma.predict(SYSTEM), ma.predict(SYSTEM.at_width(4), width_correction=True)
    np.testing.assert_allclose(four.discrepancy - lead.discrepancy, (one.discrepancy - lead.discrepancy) / 4, rtol=1e-6)
    # Networks have 0.0129(2) and 0.2124(5) specialised pairs; the leading order says 0.0169 and 0.2336.
    np.testing.assert_allclose(one.side_weight, [0.0129, 0.2124], atol=0.0015)


def test_the_blocks_are_the_whole_determinant():
    prime, count, a = 5, 60_000, 0.9
    system = ma.ModularAddition(prime=prime, width=50, noise_variance=0.02, readout_variance=1e-3, sextic_decay=3.0)
    rng = np.random.default_rng(0)
    pairs = (prime - 1) // 2
    x = rng.gamma(2.0, 0.2, (count, pairs))  # any law of one pair, symmetric in X and V, will do
    v = rng.gamma(2.0, 0.2, (count, pairs)) * (0.5 + x)
    flip = rng.random((count, pairs)) < 0.5
    x, v = np.where(flip, v, x), np.where(flip, x, v)
    n, k = np.arange(prime), np.arange(1, pairs + 1)

    def wave(power):
        phase = rng.uniform(0, 2 * np.pi, power.shape)
        modes = 2 * np.sqrt(power)[:, :, None] * np.cos(2 * np.pi * k[:, None] * n / prime + phase[:, :, None])
        return modes.sum(axis=1) + rng.normal(size=(count, 1)) / np.sqrt(prime)

    w, u = wave(x), wave(v)
    phi = ((w[:, :, None] + u[:, None, :]) ** 2).reshape(count, -1)
    label = np.add.outer(n, n).ravel() % prime
    y = (label[None] == n[:, None]) - 1 / prime
    noise, readout, width = 0.02, 1e-3, 50.0
    force = phi @ y.T * a / noise
    product = (phi[:, :, None] * force[:, None, :]).reshape(count, -1)
    c = readout / width
    hessian = width * c**2 * np.cov(product.T, bias=True) + np.kron(readout * phi.T @ phi / count, np.eye(prime))
    hessian[np.diag_indices(len(hessian))] += noise
    sampled = np.linalg.slogdet(hessian)[1]
    found = float(
        log_determinant(system, jnp.asarray(a), lambda i, j: jnp.asarray((x**i * v**j + x**j * v**i).mean() / 2))
    )
    assert abs(found - sampled) < 0.02 * abs(len(hessian) * np.log(noise) - sampled)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"training_fraction": 0.5}, {}, "training_fraction"),
        ({"prime": 3}, {}, "prime"),
        ({}, {"convention": "paper"}, "convention"),
    ],
)
def test_bad_arguments(change, options, message):
    with pytest.raises(ValueError, match=message):
        ma.predict(SYSTEM.replace(**change), width_correction=True, **options)
