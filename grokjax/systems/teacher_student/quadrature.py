r"""One neuron of the student: its features, its prior, and the nodes on which theory averages over it.

By rotation symmetry a neuron enters through its alignment $q = w\cdot w^*$ and the squared norm of the rest,
$r = |w_\perp|^2$. With $s^2 = q^2 + r$ its overlap with the teacher's modes is

$$ g_k = (q/s)^k\,\langle\phi(sz)\,h_k(z)\rangle_z, \qquad
   g_k^{\rm erf} = \frac{\mathrm{erf}^{(k)}(0)}{\sqrt{k!}}\,\Big(\frac{q}{\sqrt{1+2s^2}}\Big)^{k} . $$

The closed form comes from $\sum_k \frac{t^k}{k!}\langle\phi(sz)He_k(z)\rangle = \langle\phi(s(z+t))\rangle =
\mathrm{erf}(st/\sqrt{1+2s^2})$.

References:
    arXiv:2310.03789, equations of section 4.1 (erf, $k = 1, 3$).
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from ..._checks import argument_error
from ...networks import activation_function
from ...theory.gaussian import PANEL_ORDER, gauss_legendre_panels, hermite_coefficients, is_erf
from .system import TeacherStudent


PERPENDICULAR = ("mean", "finite", "chi2")
"""Treatments of $r$: its large-$d$ mean, its mean at finite $d$, its whole law."""


def neuron_features(
    system: TeacherStudent, alignment: Float[Array, "*points"], norm: Float[Array, "*points"]
) -> Float[Array, "*points modes"]:
    r"""$g_k(q, r)$ for every degree of the teacher.

    Args:
        system: gives the activation and the degrees.
        alignment: $q$.
        norm: $r$.
    """
    degrees = tuple(system.teacher)
    scale = jnp.sqrt(alignment**2 + norm)
    activation = activation_function(system.activation)
    if is_erf(activation):
        ratio = alignment / jnp.sqrt(1 + 2 * scale**2)
        return jnp.stack([_erf_derivative(k) / math.sqrt(math.factorial(k)) * ratio**k for k in degrees], axis=-1)
    powers = jnp.stack([(alignment / scale) ** k for k in degrees], axis=-1)
    return powers * hermite_coefficients(activation, scale, degrees)


def _erf_derivative(order: int) -> float:
    """The derivative of erf at zero, from its Taylor series."""
    if order % 2 == 0:
        return 0.0
    half = order // 2
    return 2 / math.sqrt(math.pi) * (-1) ** half * math.factorial(2 * half) / math.factorial(half)


def normalised_targets(system: TeacherStudent) -> Float[Array, " modes"]:
    r"""$y_k = c_k\sqrt{k!}$, the teacher in orthonormal modes."""
    return jnp.stack([c * math.sqrt(math.factorial(k)) for k, c in system.teacher.items()])


def by_degree(system: TeacherStudent, modes: Float[Array, " modes"]) -> dict[int, Scalar]:
    r"""Orthonormal coefficients $\delta_k$ as $\{k: \delta_k/\sqrt{k!}\}$, coefficients of $He_k$."""
    return {k: modes[i] / math.sqrt(math.factorial(k)) for i, k in enumerate(system.teacher)}


def is_even(system: TeacherStudent) -> bool:
    """Whether the action does not change under q to -q: all degrees of the teacher have one parity."""
    return len({degree % 2 for degree in system.teacher}) == 1


def is_odd(activation: Any) -> bool:
    """Whether an activation is an odd function, tried at a few points."""
    function = activation_function(activation)
    with jax.ensure_compile_time_eval():
        x = jnp.linspace(0.1, 3.0, 7)
        return bool(jnp.allclose(function(x), -function(-x), atol=1e-6))


def alignment_reach(system: TeacherStudent) -> Scalar:
    r"""The largest $|q|$ that carries mass.

    A lone mode $k$ specialises at $q^2 = (k-1)(1+2\sigma_w^2)/2$ (erf); taken twice, plus ten prior deviations.
    """
    well = jnp.sqrt(max(max(system.teacher) - 1, 1) * (0.5 + system.weight_variance))
    return 2 * well + 10 * jnp.sqrt(system.weight_variance / system.input_dim)


def alignment_rule(system: TeacherStudent, num_nodes: int) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    """Nodes $q$ and log weights of the prior $N(0, \\sigma_w^2/d)$, with panels that end at the side threshold.

    Half of the line suffices for an even action; otherwise the rule is mirrored.
    """
    panels = num_nodes // PANEL_ORDER
    if panels < 4 or num_nodes % PANEL_ORDER:
        raise argument_error(
            "num_nodes", f"a multiple of {PANEL_ORDER}, at least {4 * PANEL_ORDER}", num_nodes, "Try 640."
        )
    inner = max(2, panels // 5)
    reach = jax.lax.stop_gradient(alignment_reach(system))
    outer = system.side_threshold + (reach - system.side_threshold) * jnp.linspace(0, 1, panels - inner + 1)
    edges = jnp.concatenate([jnp.linspace(0, system.side_threshold, inner + 1)[:-1], outer])
    nodes, weights = gauss_legendre_panels(edges)
    log_weights = jnp.log(weights) + log_prior_density(system, nodes)
    if is_even(system):
        return nodes, log_weights + math.log(2)
    return jnp.concatenate([-nodes[::-1], nodes]), jnp.concatenate([log_weights[::-1], log_weights])


def log_prior_density(system: TeacherStudent, alignment: Float[Array, "*points"]) -> Float[Array, "*points"]:
    """Log density of $q$ under the prior."""
    variance = system.weight_variance / system.input_dim
    return -(alignment**2) / (2 * variance) - jnp.log(2 * math.pi * variance) / 2


def norm_rule(
    system: TeacherStudent, perpendicular: str, num_norms: int, removed: int = 1
) -> tuple[Float[Array, " norms"], Float[Array, " norms"]]:
    r"""Nodes $r$ and their log prior weights.

    `chi2` integrates $r\sim(\sigma_w^2/d)\,\chi^2_{d-1}$ by the trapezoidal rule in $\log r$, spectrally accurate, with
    weights that keep their relative accuracy far in the tail, where specialised neurons sit.

    Args:
        system: the parameters.
        perpendicular: one of `PERPENDICULAR`.
        num_norms: nodes for `"chi2"`.
        removed: directions that $r$ leaves out; 1 for the teacher's own.
    """
    if perpendicular == "mean":
        return system.weight_variance[None], jnp.zeros(1)
    freedom = system.input_dim - removed
    if perpendicular == "finite":
        return (system.weight_variance * freedom / system.input_dim)[None], jnp.zeros(1)
    return chi_squared_rule(freedom, system.weight_variance / system.input_dim, num_norms)


def chi_squared_rule(
    freedom: Scalar, scale: Scalar, num_nodes: int
) -> tuple[Float[Array, " norms"], Float[Array, " norms"]]:
    r"""Nodes and log weights of `scale` $\chi^2_\nu$; $x=\log(\chi^2/\nu)$ has density $\propto e^{\nu(x-e^x)/2}$."""
    width = jnp.sqrt(2 / jax.lax.stop_gradient(freedom))
    x = jnp.linspace(-1.2 - 7 * width - 10 * width**4, 7 * width + width**2, num_nodes)
    log_weights = freedom / 2 * (x - jnp.exp(x))
    return scale * freedom * jnp.exp(x), log_weights - jax.nn.logsumexp(log_weights)


class NeuronNodes(eqx.Module):
    """Quadrature nodes over one neuron's prior, flattened over (alignment, norm).

    Attributes:
        alignment: $q$ of each node.
        norm: $r$ of each node.
        features: $g_k$ of each node.
        log_prior: log prior weight of each node.
    """

    alignment: Float[Array, " nodes"]
    norm: Float[Array, " nodes"]
    features: Float[Array, "nodes modes"]
    log_prior: Float[Array, " nodes"]


def neuron_nodes(system: TeacherStudent, perpendicular: str, num_nodes: int, num_norms: int) -> NeuronNodes:
    """The product rule over alignment and norm.

    Raises:
        ValueError: `num_nodes` is not a multiple of 16 or too small.
    """
    alignment, log_alignment = alignment_rule(system, num_nodes)
    norm, log_norm = norm_rule(system, perpendicular, num_norms)
    q, r = (grid.ravel() for grid in jnp.meshgrid(alignment, norm, indexing="ij"))
    log_prior = (log_alignment[:, None] + log_norm[None]).ravel()
    return NeuronNodes(q, r, neuron_features(system, q, r), log_prior)
