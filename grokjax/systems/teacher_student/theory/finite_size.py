r"""Theory beyond mean field: three corrections of finite width, dimension and number of samples, none of them fitted.

- `norm`: the perpendicular norm $r$ fluctuates, $r\sim(\sigma_w^2/d)\,\chi^2$.
- `readout`: a neuron feels its own back-action on the rest of the network. One loop around the saddle of the dual,
  with $M$ the inverse of its *Hessian* $\kappa + Q + \ldots$ (not of $\kappa + Q$: the field that a neuron feels
  fluctuates, too, which cancels part of the back-action) and $L(w) = 1 + \frac{\sigma_a^2}{N}\phi^{\top}M\phi$,
  $$ S = E_0 - \frac{\sigma_a^2}{2N}\frac{(t\cdot\phi)^2}{L} + \frac12\log L,\qquad
     Q = \sigma_a^2\langle\phi\phi^{\top}/L\rangle_S,\qquad (Q+\kappa)t = y . $$
- `sample`: $n$ samples renormalise the ridge,
  $\kappa = \sigma^2 + \lambda_{\rm tail} + \sum_i\frac{\lambda_i\kappa}{\kappa+n\lambda_i}$, and mark a random linear
  direction $e_\perp$: a further mode with target $y_\perp=\sqrt{(d-1)(E+v)/n}$ towards which specialised neurons tilt,
  $E$ being the generalisation error and $v$ the variance of label noise. Here $\lambda_i$ are eigenvalues of the
  Hessian's kernel, in which a neuron weighs $1+\frac{\sigma_a^2}{N}(t\cdot\phi)^2/L$ times as much: a specialised
  neuron answers many times more strongly than $Q$ says.

In mode space $t\cdot\phi = \frac n\kappa\,\delta\cdot g$, $\delta = \frac\kappa n(Q+\frac\kappa n)^{-1}y$, and, with
the $d_r$ remaining linear directions each of eigenvalue $\lambda_r$ and a neuron's overlap $|g_r|^2$ with them,
$v=\langle\phi^2\rangle$ and $H$ the Hessian of the dual in these modes,
$$ \phi^{\top}M\phi = \frac n\kappa\Big[v - g^{\top}\big(1-H^{-1}\big)g
   - \frac{|g_r|^2\lambda_r}{\lambda_r+\kappa/n}\Big]. $$
At given $L$, $\kappa$ and $E$ this is the convex dual again, with features $g/\sqrt L$; those three are iterated to
self-consistency.

References:
    extends arXiv:2310.03789; derived here. For the ridge see arXiv:2006.09796.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ....networks import activation_function
from ....theory.adaptive_kernel import ConvexDual, minimise
from ....theory.gaussian import second_moment
from ..quadrature import (
    alignment_rule,
    by_degree,
    log_prior_density,
    neuron_features,
    norm_rule,
    normalised_targets,
)
from ..system import TeacherStudent
from .result import Prediction, discrepancy_range
from .self_consistent import self_consistent


CORRECTIONS = ("norm", "readout", "sample")


class FiniteSize(eqx.Module):
    """What is solved: the system, which corrections, and the sizes of the quadrature.

    Attributes:
        system: the parameters; its teacher has a linear mode, if only with coefficient 0.
        corrections: some of `CORRECTIONS`.
        perpendicular: treatment of the perpendicular norm, as in `quadrature`.
        num_norms: nodes over the norm.
        num_tilts: nodes over the alignment with the random direction.
    """

    system: TeacherStudent
    corrections: tuple[str, ...] = eqx.field(static=True)
    perpendicular: str = eqx.field(static=True)
    num_norms: int = eqx.field(static=True)
    num_tilts: int = eqx.field(static=True)


class Surroundings(eqx.Module):
    r"""What one neuron feels of the rest: the unknowns of the self-consistency.

    Attributes:
        discrepancy: $\delta$, orthonormal modes; the last one is $e_\perp$ with the correction `sample`.
        hessian: $H$ of the dual in these modes, 1 plus the Hessian's kernel over $\kappa/n$.
        rest: $\lambda_r$.
        ridge: $\kappa$.
        error: $E$.
    """

    discrepancy: Float[Array, " modes"]
    hessian: Float[Array, "modes modes"]
    rest: Float[Array, ""]
    ridge: Float[Array, ""]
    error: Float[Array, ""]


class Neurons(eqx.Module):
    r"""Nodes over one neuron's prior: $g$, $|g_r|^2$, $v$ and log weight."""

    features: Float[Array, "*nodes modes"]
    rest: Float[Array, "*nodes"]
    total: Float[Array, "*nodes"]
    log_prior: Float[Array, "*nodes"]


class FiniteSizeLaw(eqx.Module):
    """The law of one neuron's alignment with the corrections.

    Attributes:
        setup: what was solved.
        surroundings: the solution.
        log_partition: log of the normalisation, relative to the prior.
    """

    setup: FiniteSize
    surroundings: Surroundings
    log_partition: Float[Array, ""]

    @property
    def system(self) -> TeacherStudent:
        """The parameters."""
        return self.setup.system

    @property
    def discrepancy(self) -> Float[Array, " modes"]:
        """Orthonormal discrepancy in the teacher's modes and, last, the tilt."""
        return self.surroundings.discrepancy

    @eqx.filter_jit
    def log_density(self, alignment: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """Log of the normalised density at `alignment`, on the whole line."""

        def at(q):
            nodes = neurons(self.setup, q[None], log_prior_density(self.system, q[None]))
            problem = dual(self.setup, nodes, self.surroundings)
            return jax.nn.logsumexp(problem.log_weights(self.discrepancy)) - self.log_partition

        return jax.lax.map(at, alignment.ravel(), batch_size=32).reshape(alignment.shape)


def neurons(setup: FiniteSize, alignment: Float[Array, " points"], log_prior: Float[Array, " points"]) -> Neurons:
    """All nodes (alignment, tilt, norm), flattened, for the given alignments and their log weights."""
    system, sample = setup.system, "sample" in setup.corrections
    norm, log_norm = norm_rule(system, setup.perpendicular, setup.num_norms, removed=1 + sample)
    tilt, log_tilt = _tilt_rule(system, setup.num_tilts) if sample else (jnp.zeros(1), jnp.zeros(1))
    q, p, r = (grid.ravel() for grid in jnp.meshgrid(alignment, tilt, norm, indexing="ij"))
    weights = log_prior[:, None, None] + log_tilt[None, :, None] + log_norm[None, None]
    scale = jnp.sqrt(q**2 + p**2 + r)
    linear = neuron_features(system.replace(teacher={1: 1.0}), scale, jnp.zeros_like(scale))[:, 0] / scale
    features = neuron_features(system, q, p**2 + r)
    if sample:
        features = jnp.concatenate([features, (p * linear)[:, None]], axis=1)
    total = second_moment(activation_function(system.activation), scale)
    return Neurons(features, r * linear**2, total, weights.ravel())


def _tilt_rule(system: TeacherStudent, num_tilts: int) -> tuple[Float[Array, " tilts"], Float[Array, " tilts"]]:
    """Trapezoidal rule for the alignment with the random direction, wide enough for tilted droplets."""
    variance = system.weight_variance / system.input_dim
    reach = jax.lax.stop_gradient(9 * jnp.sqrt(variance) + 0.7 * jnp.sqrt(system.weight_variance))
    tilt = jnp.linspace(-reach, reach, num_tilts)
    return tilt, log_prior_density(system, tilt) + jnp.log(2 * reach / (num_tilts - 1))


def targets(setup: FiniteSize, error: Float[Array, ""]) -> Float[Array, " modes"]:
    r"""$y$ of every mode; $y_\perp = \sqrt{(d-1)(E+v)/n}$ comes last."""
    modes = normalised_targets(setup.system)
    if "sample" not in setup.corrections:
        return modes
    noise = error + setup.system.label_noise
    tilt = jnp.sqrt((setup.system.input_dim - 1) * noise / setup.system.num_samples)
    return jnp.append(modes, tilt)


def back_action(setup: FiniteSize, nodes: Neurons, around: Surroundings) -> Float[Array, " nodes"]:
    """$L$ at every node; 1 without the correction `readout`."""
    if "readout" not in setup.corrections:
        return jnp.ones_like(nodes.total)
    system = setup.system
    ridge = around.ridge / system.num_samples
    learned = jnp.eye(around.hessian.shape[0]) - jnp.linalg.inv(around.hessian)
    learned = jnp.sum(nodes.features * (nodes.features @ learned), axis=1)
    bracket = nodes.total - learned - nodes.rest * around.rest / (around.rest + ridge)
    return 1 + system.readout_variance / system.width * bracket / ridge


def dual(setup: FiniteSize, nodes: Neurons, around: Surroundings) -> ConvexDual:
    """The convex problem for the discrepancy at given surroundings."""
    system = setup.system
    level = back_action(setup, nodes, around)
    return ConvexDual(
        targets=targets(setup, around.error),
        neuron_kernels=nodes.features[:, :, None] * nodes.features[:, None, :] / level[:, None, None],
        log_prior=nodes.log_prior - jnp.log(level) / 2,
        coupling=system.num_samples**2 * system.readout_variance / (2 * system.width * around.ridge**2),
        multiplicity=system.width * around.ridge / system.num_samples,
    )


def update(setup: FiniteSize, nodes: Neurons, around: Surroundings, solve: bool) -> Surroundings:
    """The right-hand sides of the self-consistency, at the given discrepancy or (`solve`) that of the convex dual."""
    system, sample = setup.system, "sample" in setup.corrections
    n, readout = system.num_samples, system.readout_variance
    problem = dual(setup, nodes, around)
    delta = around.discrepancy
    if solve:
        delta = minimise(problem, start=delta, tolerance=1e-11).discrepancy
    log_weights = problem.log_weights(delta)
    _, gradient, hessian = problem.expansion(delta)
    exponent = 2 * (log_weights - problem.log_prior)
    response = jax.nn.softmax(log_weights) * (1 + exponent) / back_action(setup, nodes, around)
    directions = system.input_dim - 1 - sample
    rest = readout * response @ nodes.rest / directions
    ridge, error = system.noise_variance, jnp.zeros(())
    if sample:
        tail = readout * response @ (nodes.total - jnp.sum(nodes.features**2, axis=1) - nodes.rest)
        learned = around.ridge * jnp.trace(jnp.eye(delta.size) - jnp.linalg.inv(hessian))
        ridge = ridge + tail + learned / n + directions * rest * around.ridge / (around.ridge + n * rest)
        tilted = targets(setup, around.error)[-1] - delta[-1]
        error = jnp.sum(delta[:-1] ** 2) + tilted**2
    if not solve:
        delta = delta - gradient
    return Surroundings(delta, hessian, rest, ridge, error)


def solve(setup: FiniteSize, nodes: Neurons, *, tolerance: float, max_steps: int):
    """Self-consistent surroundings, the change by one more iteration, the iterations and the status."""
    step = lambda parameters, around, solve: update(parameters[0], parameters[1], around, solve)
    start = first_guess(*jax.lax.stop_gradient((setup, nodes)))
    return self_consistent(step, (setup, nodes), start, tolerance=tolerance, max_steps=max_steps)


def first_guess(setup: FiniteSize, nodes: Neurons) -> Surroundings:
    """The prior's kernel, the bare noise, and half of the teacher unlearned."""
    system, weights = setup.system, jnp.exp(nodes.log_prior)
    kernel = (weights[:, None] * nodes.features).T @ nodes.features * system.readout_variance
    hessian = jnp.eye(len(kernel)) + system.num_samples / system.noise_variance * kernel
    power = normalised_targets(system)
    rest = system.readout_variance * weights @ nodes.rest / (system.input_dim - 1)
    error = power @ power / 2
    return Surroundings(jnp.zeros_like(targets(setup, error)), hessian, rest, system.noise_variance, error)


@eqx.filter_jit
def finite_size(
    system: TeacherStudent,
    perpendicular: str,
    corrections: tuple[str, ...],
    num_nodes: int,
    num_norms: int,
    num_tilts: int,
    tolerance: float,
    max_steps: int,
) -> Prediction:
    """The theory with these corrections at one point; see `predict`."""
    given = tuple(system.teacher)
    if 1 not in system.teacher:  # the linear mode is special here: with no target it is still a learnable direction
        system = system.replace(teacher={1: 0.0, **system.teacher})
    setup = FiniteSize(system, corrections, perpendicular, num_norms, num_tilts)
    alignment, log_prior = alignment_rule(system, num_nodes)
    nodes = neurons(setup, alignment, log_prior)
    around, change, iterations, status = solve(setup, nodes, tolerance=tolerance, max_steps=max_steps)
    problem = dual(setup, nodes, around)
    log_weights = problem.log_weights(around.discrepancy)
    log_partition = jax.nn.logsumexp(log_weights)
    weights = jnp.exp(log_weights - log_partition).reshape(alignment.size, -1)
    is_side = jnp.abs(alignment) > system.side_threshold
    side_weight = weights.sum(axis=1) @ is_side
    excess = (weights * (back_action(setup, nodes, around) - 1).reshape(weights.shape)).sum(axis=1) @ is_side
    finer = dual(setup, neurons(setup, *alignment_rule(system, 2 * num_nodes)), around)
    missing = by_degree(system, around.discrepancy)
    return Prediction(
        discrepancy={k: missing[k] for k in given},
        overlap={k: system.teacher[k] - missing[k] for k in given},
        side_weight=side_weight,
        log_evidence=None,
        kernel=system.readout_variance * problem.mean_kernel(around.discrepancy),
        residual=change,
        quadrature_error=jnp.linalg.norm(finer.gradient(around.discrepancy)),
        iterations=iterations,
        status=status,
        law=FiniteSizeLaw(setup, around, log_partition),
        range=discrepancy_range(system, around.discrepancy[: len(system.teacher)], excess / side_weight),
        theory=("finite_size",),
        chosen=jnp.zeros((), int),
    )
