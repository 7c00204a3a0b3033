"""Exact escape times and rates against their table, the Klein-Kramers operator, and the work of loops."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from grokjax.theory.escape import langer_rate, mean_passage_time
from grokjax.theory.fokker_planck import loop_work


def well(height):
    return lambda x: height * (x**2 - 1) ** 2 - x / 4


def stationary(height):
    return np.sort(np.roots([4 * height, 0, -4 * height, -0.25]).real)


@pytest.mark.parametrize(("height", "time", "eyring"), [(3.0, 7.10577, 5.91219), (6.0, 63.7865, 58.7496)])
def test_overdamped(height, time, eyring):
    a, saddle, c = (jnp.asarray(x) for x in stationary(height))
    assert float(mean_passage_time(well(height), a, c, -3.0)) == pytest.approx(time, rel=2e-6)
    assert float(1 / langer_rate(well(height), a, saddle)) == pytest.approx(eyring, rel=1e-5)
    half = float(mean_passage_time(well(height), a, saddle, -3.0)) / time
    assert half == pytest.approx(0.5, abs=0.05)  # at the saddle half of all come back


def slowest_rate(height, friction, num_nodes, num_modes):
    """Of the Klein-Kramers operator: Hermite functions of the velocity, a staggered grid in space."""
    x = np.linspace(-2.0, 2.0, num_nodes)
    h, v = x[1] - x[0], well(height)
    at, between = v(x), v((x[1:] + x[:-1]) / 2)
    left, right = np.exp((at[:-1] - between) / 2), np.exp((at[1:] - between) / 2)
    to_middles = sp.diags([-left, right], [0, 1], shape=(num_nodes - 1, num_nodes)) / h
    to_nodes = sp.diags([1 / left, -1 / right], [0, -1], shape=(num_nodes, num_nodes - 1)) / h
    blocks = [[None] * num_modes for _ in range(num_modes)]
    for m in range(num_modes):
        blocks[m][m] = friction * m * sp.eye(num_nodes - m % 2)
        if m + 1 < num_modes:
            step = np.sqrt(m + 1) * (to_nodes if m % 2 else to_middles)
            blocks[m + 1][m], blocks[m][m + 1] = step, -step.T
    operator = sp.bmat(blocks).tocsc()
    return np.sort(sla.eigs(operator, k=3, sigma=-1e-6, which="LM", return_eigenvectors=False).real)[1]


@pytest.mark.parametrize(("friction", "rate", "ratio"), [(1.0, 0.0041207, 0.812), (10.0, 0.0021678, 0.946)])
def test_underdamped(friction, rate, ratio):
    """The slowest rate is that of both ways together; Kramers' rate is above it, most of all in the turnover."""
    a, saddle, c = (jnp.asarray(x) for x in stationary(6.0))
    coarse, fine = (slowest_rate(6.0, friction, nodes, 40) for nodes in (80, 160))
    exact = (4 * fine - coarse) / 3
    assert exact == pytest.approx(rate, rel=3e-3)
    kramers = float(langer_rate(well(6.0), a, saddle, friction) + langer_rate(well(6.0), c, saddle, friction))
    assert exact / kramers == pytest.approx(ratio, abs=3e-3)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("size", "works"),
    [
        (50, (20.48, 3.868, 0.4335, 0.04348, 0.00435, 0.00043)),
        (200, (98.38, 69.32, 27.01, 8.162, 1.279, 0.1325)),
    ],
)
def test_the_work_of_slow_loops_is_in_proportion_to_their_rate(size, works):
    root = size**0.5
    energy = lambda theta, b: theta**2 / 2 + b * size / 2 * ((theta / root) ** 3 - 1) ** 2
    nodes = jnp.linspace(-1.0, 1.4, 300) * root
    found = [float(loop_work(energy, nodes, 0.4, 2.5, rate)) for rate in (0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)]
    np.testing.assert_allclose(found, works, rtol=2e-3, atol=6e-6)
    assert np.log10(found[-2] / found[-1]) == pytest.approx(1, abs=0.02)  # A ~ r


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`end` must be above start"):
        mean_passage_time(well(3.0), 1.0, -1.0, -3.0)
    with pytest.raises(ValueError, match="`friction`"):
        langer_rate(well(3.0), jnp.asarray(-1.0), jnp.asarray(0.0), friction=-1.0)
