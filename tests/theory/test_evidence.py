r"""Sign and constants of the evidence to one loop, on a network whose evidence is a one-dimensional integral.

A two-layer linear network of width N has $f=v\cdot x$ with $v|c\sim N(0,cI/d)$, $c\sim\chi^2_N/N$.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gammaln

from grokjax.systems import modular_addition as ma, teacher_student as ts
from grokjax.theory.adaptive_kernel import evidence, minimise
from grokjax.theory.kernels import nngp_kernel


DIM, SAMPLES, NOISE = 20, 200, 0.9
SCALES = np.sqrt(200.0) * (1 + 0.05 * np.arange(1, DIM + 1))
TEACHER = np.where(np.arange(1, DIM + 1) % 2 == 1, 1.0, -1.0) / np.sqrt(DIM)


class LinearDual(eqx.Module):
    r"""$\frac12|\delta|^2-\delta\cdot y-\frac{N\sigma^2}2\log[1-\sum_ks_k^2\delta_k^2/(Nd\sigma^4)]$ in singular modes.

    The last mode is nothing but noise.
    """

    targets: jax.Array
    squares: jax.Array
    width: float

    def value(self, discrepancy):
        inside = 1 - self.squares @ discrepancy**2 / (self.width * DIM * NOISE**2)
        potential = jnp.where(inside > 0, -jnp.log(jnp.where(inside > 0, inside, 1.0)), jnp.inf)
        return discrepancy @ (discrepancy / 2 - self.targets) + self.width * NOISE / 2 * potential

    def gradient(self, discrepancy):
        return jax.grad(self.value)(discrepancy)

    def expansion(self, discrepancy):
        return self.value(discrepancy), self.gradient(discrepancy), jax.hessian(self.value)(discrepancy)


def exact(width):
    log_c = np.linspace(-12 / np.sqrt(width / 2) - 3 * (width < 50), 12 / np.sqrt(width / 2), 20001)
    c = np.exp(log_c)
    log_p = width / 2 * (np.log(width / 2) + log_c - c) - gammaln(width / 2)
    ratio = SCALES**2 * c[:, None] / DIM / NOISE
    given = -0.5 * np.log1p(ratio).sum(1) - 4.5 / NOISE - 0.5 * (SCALES**2 * TEACHER**2 / NOISE / (1 + ratio)).sum(1)
    top = (log_p + given).max()
    return top + np.log(np.exp(log_p + given - top).sum() * (log_c[1] - log_c[0]))


@pytest.mark.medium
@pytest.mark.parametrize(
    ("width", "whole", "leading", "determinant"),
    [
        (10, -47.688206, -11.427052, -39.687493),
        (1000, -47.168217, -14.504528, -32.761773),
        (10000, -47.160785, -14.578736, -32.592128),
    ],
)
def test_a_linear_network_of_any_width(width, whole, leading, determinant):
    dual = LinearDual(jnp.append(SCALES * TEACHER, 3.0), jnp.append(SCALES**2, 0.0), float(width))
    solution = minimise(dual)
    assert bool(solution.converged)
    found = evidence(dual, solution.discrepancy, 1 / NOISE)
    assert exact(width) == pytest.approx(whole, abs=1e-6)
    assert float(found.leading) == pytest.approx(leading, abs=1e-5)
    assert float(found.determinant) == pytest.approx(determinant, abs=1e-5)


def test_what_is_left_is_of_order_one_over_the_width():
    rest = []
    for width in (1000.0, 10_000.0):
        dual = LinearDual(jnp.append(SCALES * TEACHER, 3.0), jnp.append(SCALES**2, 0.0), width)
        rest.append(width * (exact(width) - float(evidence(dual, minimise(dual).discrepancy, 1 / NOISE).total)))
    np.testing.assert_allclose(rest, [98.1, 100.8], atol=0.1)


@pytest.mark.medium
def test_on_a_data_set_a_wide_network_is_its_gaussian_process():
    system = ts.TeacherStudent.at_scale(1 / 64).replace(noise_variance=0.3, width=30_000.0)
    n, d = int(system.num_samples), int(system.input_dim)
    x = jax.random.normal(jax.random.key(0), (n, d))
    z = x[:, 0]
    y = z - 0.3 * (z**3 - 3 * z)
    found = ts.predict(system, theory="data", inputs=x, targets=y, num_nodes=4)
    kernel = nngp_kernel("erf", x, x, weight_variance=0.5, readout_variance=float(system.readout_variance))
    whole = np.asarray(kernel) / 0.3 + np.eye(n)
    fit = -0.5 * np.asarray(y) @ np.linalg.solve(whole, np.asarray(y)) / 0.3
    determinant = -0.5 * np.linalg.slogdet(whole)[1]
    assert float(found.log_evidence - found.determinant) == pytest.approx(fit, rel=0.03)
    assert float(found.determinant) == pytest.approx(determinant, rel=0.03)


def test_modular_addition_knows_its_determinant_on_the_whole_table():
    system = ma.ModularAddition(prime=11, width=1e7, noise_variance=1e-2, readout_variance=1e-3, sextic_decay=3.0)
    found = ma.predict(system)
    assert float(found.determinant) < 0
    with pytest.warns(ma.LeadingOrder):
        part = ma.predict(system.replace(training_fraction=0.5))
    assert float(part.determinant) == 0
    assert float(found.log_evidence) < float(found.log_evidence - found.determinant) <= 0
