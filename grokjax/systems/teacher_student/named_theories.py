r"""Two named theories of feature learning beside the mean field: a Gaussian law of weights, and a rescaled kernel.

**Gaussian feature learning** (GFL) takes the law of a neuron's alignment for Gaussian, $q\sim N(0,v)$, and chooses the
best: $v$ maximises $C\langle(\delta\cdot g)^2\rangle_v - \mathrm{KL}(v\,|\,\sigma_w^2/d)$,

$$ \frac1v = \frac d{\sigma_w^2} - 2C\,\frac{d}{dv}\langle(\delta\cdot g)^2\rangle_v ,\qquad
   \delta = \Big(1+\frac n{\sigma^2}Q(v)\Big)^{-1}y,\quad Q = \sigma_a^2\langle gg^\top\rangle_v . $$

It is the mean field without droplets: one centre, whose width adapts.

**Kernel rescaling** keeps all features and lets one number multiply the kernel of the lazy network, $K\to sK$, with $s$
at the minimum of

$$ \frac N2(s-1-\log s) + \frac n2\sum_k\frac{y_k^2}{ns\lambda_k+\sigma^2}
   + \frac{d-1}2\log\Big(1+\frac{ns\lambda_1}{\sigma^2}\Big) + \frac{ns}{2\sigma^2}\tau , $$

whose last two terms are the determinant: the other linear modes, and all modes of higher degree together, with trace
$\tau$. It learns each mode as a lazy network with another variance of the read-out would.

References:
    GFL: arXiv:2112.15383, as named in arXiv:2310.03789, section 3. Rescaling: arXiv:2012.04030, for one hidden layer;
    in the modes of the data's law here.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._checks import check_double, check_instance
from ..._tree import over_points
from ...networks import activation_function
from ...status import AbstractSolution
from ...theory.gaussian import normal_rule
from ...theory.roots import Root, bisect, newton_root
from .order_parameters import OrderParameters
from .quadrature import by_degree, neuron_features, normalised_targets
from .system import TeacherStudent
from .theory.mean_field import coupling


LARGEST_CHANGE = 8.0  # of the logarithm of a variance


class NamedPrediction(AbstractSolution):
    r"""What a named theory says.

    Attributes:
        order_parameters: learned coefficients, and the side weight of its Gaussian law of alignments.
        adapted: of GFL $v$ over its prior value, of rescaling $s$: 1 in a lazy network.
        residual: of the equation solved.
        status: how the solver ended.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> found = ts.rescaled_kernel(system)
        >>> round(float(found.adapted), 1), bool(found.converged)
        (3.6, True)
    """

    order_parameters: OrderParameters
    adapted: Float[Array, "*points"]
    residual: Float[Array, "*points"]
    status: Int[Array, "*points"]


def gaussian_features(system: TeacherStudent) -> NamedPrediction:
    """Gaussian feature learning: the best Gaussian law of a neuron's alignment.

    Args:
        system: fields of shape (point,) make a sweep.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> found = ts.gaussian_features(system)
        >>> round(float(found.adapted), 1)  # variance along the teacher, over that of the prior
        4.7
    """
    return _solved(_gaussian_features, system)


def rescaled_kernel(system: TeacherStudent) -> NamedPrediction:
    """Kernel rescaling: the lazy network with the best variance of its read-out; else as `gaussian_features`.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> found = ts.rescaled_kernel(system)
        >>> lazy = ts.lazy_baseline(system.replace(readout_variance=system.readout_variance * found.adapted))
        >>> bool(jnp.isclose(lazy.overlap[1], found.order_parameters.overlap[1]))
        True
    """
    return _solved(_rescaled_kernel, system)


def _solved(one: Callable[[TeacherStudent], NamedPrediction], system: TeacherStudent) -> NamedPrediction:
    check_instance("system", system, TeacherStudent)
    check_double("theory", system)
    return over_points(one, system)


def _moments(system: TeacherStudent, variance: Float[Array, ""]) -> Float[Array, "modes modes"]:
    r"""$\langle gg^\top\rangle$ of $q\sim N(0,v)$ at the mean norm of the rest."""
    z, weight = normal_rule(6)
    features = neuron_features(system, jnp.sqrt(variance) * z, jnp.full_like(z, system.weight_variance))
    return features.T @ (weight[:, None] * features)


def _lazy_kernel(system: TeacherStudent, prior: Float[Array, ""]) -> Float[Array, "modes modes"]:
    """Of fixed features, diagonal since their law has no direction."""
    return system.readout_variance * jnp.diag(jnp.diag(_moments(system, prior)))


def _missing(system: TeacherStudent, kernel: Float[Array, "modes modes"]) -> Float[Array, " modes"]:
    """The discrepancy at a kernel in modes."""
    ridge = jnp.eye(len(kernel)) + system.num_samples / system.noise_variance * kernel
    return jnp.linalg.solve(ridge, normalised_targets(system))


def _order_parameters(system: TeacherStudent, missing: Array, variance: Float[Array, ""]) -> OrderParameters:
    left = by_degree(system, missing)
    side = jax.scipy.special.erfc(system.side_threshold / jnp.sqrt(2 * variance))
    return OrderParameters({k: c - left[k] for k, c in system.teacher.items()}, side)


@eqx.filter_jit
def _gaussian_features(system: TeacherStudent) -> NamedPrediction:
    prior = system.weight_variance / system.input_dim

    def excess(system, log_ratio):  # below zero at the prior, above where the gain is used up
        prior = system.weight_variance / system.input_dim
        variance = prior * jnp.exp(log_ratio)
        delta = _missing(system, system.readout_variance * _moments(system, variance))
        gain = jax.grad(lambda v: delta @ _moments(system, v) @ delta)(variance)
        return jnp.exp(log_ratio) * (1 - 2 * coupling(system) * prior * gain) - 1

    root = _root(excess, system, 0.0)
    variance = prior * jnp.exp(root.position)
    missing = _missing(system, system.readout_variance * _moments(system, variance))
    found = _order_parameters(system, missing, variance)
    return NamedPrediction(found, jnp.exp(root.position), root.residual, root.status)


@eqx.filter_jit
def _rescaled_kernel(system: TeacherStudent) -> NamedPrediction:
    prior = system.weight_variance / system.input_dim

    def slope(system, log_scale):
        n, prior = system.num_samples, system.weight_variance / system.input_dim
        kernel = _lazy_kernel(system, prior)
        linear = system.readout_variance * _moments(system.replace(teacher={1: 1.0}), prior)[0, 0]
        tail = system.readout_variance * _square(system) - system.input_dim * linear

        def energy(log_scale):
            s = jnp.exp(log_scale)
            fit = n / (2 * system.noise_variance) * normalised_targets(system) @ _missing(system, s * kernel)
            rest = (system.input_dim - 1) / 2 * jnp.log1p(n * s * linear / system.noise_variance)
            return system.width / 2 * (s - 1 - log_scale) + fit + rest + n * s * tail / (2 * system.noise_variance)

        return jax.grad(energy)(log_scale) / system.width

    root = _root(slope, system, -LARGEST_CHANGE)
    kernel = _lazy_kernel(system, prior)
    scale = jnp.exp(root.position)
    found = _order_parameters(system, _missing(system, scale * kernel), prior)
    return NamedPrediction(found, scale, root.residual, root.status)


def _root(function: Any, system: TeacherStudent, lower: float) -> Root:
    """Where a function of (system, logarithm) rises through zero, with derivatives in the system."""
    frozen = jax.lax.stop_gradient(system)
    start = bisect(lambda x: function(frozen, x) < 0, jnp.asarray(lower), jnp.asarray(LARGEST_CHANGE), 40)
    return newton_root(lambda x: function(system, x), start, tolerance=1e-8)


def _square(system: TeacherStudent) -> Float[Array, ""]:
    r"""$\langle\phi^2\rangle$ of a hidden unit at the mean norm: the trace of the lazy kernel."""
    z, weight = normal_rule(10)
    activation = activation_function(system.activation)
    return weight @ activation(jnp.sqrt(system.weight_variance) * z) ** 2
