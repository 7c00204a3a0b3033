r"""Theory beyond mean field: three corrections of finite width, dimension and number of samples, none of them fitted.

- `norm`: the perpendicular norm $r$ fluctuates, $r\sim(\sigma_w^2/d)\,\chi^2$.
- `readout`: a neuron feels its own back-action on the rest of the network. With all read-outs integrated out and one
  neuron singled out (cavity), $M = (Q+\kappa)^{-1}$ and $L(w) = 1 + \frac{\sigma_a^2}{N}\phi^{\top}M\phi$,
  $$ S = E_0 - \frac{\sigma_a^2}{2N}\frac{(t\cdot\phi)^2}{L} + \frac12\log L,\qquad
     Q = \sigma_a^2\langle\phi\phi^{\top}/L\rangle_S,\qquad t = My . $$
- `sample`: $n$ samples renormalise the ridge,
  $\kappa = \sigma^2 + \lambda_{\rm tail} + \sum_i\frac{\lambda_i\kappa}{\kappa+n\lambda_i}$, and mark a random linear
  direction $e_\perp$: a further mode with target $y_\perp=\sqrt{(d-1)E/n}$ towards which specialised neurons tilt, $E$
  being the generalisation error.

In mode space $t\cdot\phi = \frac n\kappa\,\delta\cdot g$, $\delta = \frac\kappa n(Q+\frac\kappa n)^{-1}y$, and, with
the $d_r$ remaining linear directions each of eigenvalue $\lambda_r$ and a neuron's overlap $|g_r|^2$ with them,
$v=\langle\phi^2\rangle$,
$$ \phi^{\top}M\phi = \frac n\kappa\Big[v - g^{\top}\big(1-\tfrac\kappa n(Q+\tfrac\kappa n)^{-1}\big)g
   - \frac{|g_r|^2\lambda_r}{\lambda_r+\kappa/n}\Big]. $$
At given $L$, $\kappa$ and $E$ this is the convex dual again, with features $g/\sqrt L$; those three are iterated to
self-consistency.

References:
    extends arXiv:2310.03789; derived here. For the ridge see arXiv:2006.09796.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ...networks import activation_function
from ...status import iterative_status
from ...theory.adaptive_kernel import ConvexDual, minimise
from ...theory.gaussian import second_moment
from .quadrature import log_prior_density, neuron_features, norm_rule, normalised_targets
from .system import TeacherStudent


CORRECTIONS = ("norm", "readout", "sample")
ROUND_OFF = 1e-9
"""A relative change below it that no longer falls is round-off; changes of solved points reach 1e-12."""


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
        kernel: $Q$ in these modes.
        rest: $\lambda_r$.
        ridge: $\kappa$.
        error: $E$.
    """

    discrepancy: Float[Array, " modes"]
    kernel: Float[Array, "modes modes"]
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
    r"""$y$ of every mode; $y_\perp = \sqrt{(d-1)E/n}$ comes last."""
    modes = normalised_targets(setup.system)
    if "sample" not in setup.corrections:
        return modes
    tilt = jnp.sqrt((setup.system.input_dim - 1) * error / setup.system.num_samples)
    return jnp.append(modes, tilt)


def back_action(setup: FiniteSize, nodes: Neurons, around: Surroundings) -> Float[Array, " nodes"]:
    """$L$ at every node; 1 without the correction `readout`."""
    if "readout" not in setup.corrections:
        return jnp.ones_like(nodes.total)
    system = setup.system
    ridge = around.ridge / system.num_samples
    size = around.kernel.shape[0]
    unlearned = ridge * jnp.linalg.inv(around.kernel + ridge * jnp.eye(size))
    learned = jnp.sum(nodes.features * (nodes.features @ (jnp.eye(size) - unlearned)), axis=1)
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
    weights = jax.nn.softmax(problem.log_weights(delta))
    kernel = readout * problem.mean_kernel(delta)
    per_level = weights / back_action(setup, nodes, around)
    directions = system.input_dim - 1 - sample
    rest = readout * per_level @ nodes.rest / directions
    ridge, error = system.noise_variance, jnp.zeros(())
    if sample:
        tail = readout * per_level @ (nodes.total - jnp.sum(nodes.features**2, axis=1) - nodes.rest)
        shrunk = around.ridge * kernel @ jnp.linalg.inv(around.ridge * jnp.eye(delta.size) + n * kernel)
        ridge = ridge + tail + jnp.trace(shrunk) + directions * rest * around.ridge / (around.ridge + n * rest)
        tilted = targets(setup, around.error)[-1] - delta[-1]
        error = jnp.sum(delta[:-1] ** 2) + tilted**2
    if not solve:
        delta = delta - problem.gradient(delta)
    return Surroundings(delta, kernel, rest, ridge, error)


def solve(setup: FiniteSize, nodes: Neurons, *, tolerance: float, max_steps: int):
    """Self-consistent surroundings, the relative change that one more iteration makes, the iterations and the status.

    An iteration that cannot come closer for round-off is solved. Differentiable, implicitly.
    """

    def distance(left, right):
        difference = lambda a, b: jnp.max(jnp.abs(a - b)) / (1e-12 + jnp.max(jnp.abs(a)))
        return jnp.max(jnp.stack(jax.tree.leaves(jax.tree.map(difference, left, right))))

    frozen, frozen_nodes = jax.lax.stop_gradient((setup, nodes))

    def iterate(_, around):
        def unfinished(state):
            _, change, previous, iterations = state
            at_round_off = (change < ROUND_OFF) & (change >= previous)
            return (change > tolerance / 10) & ~at_round_off & (iterations < max_steps)

        def step(state):
            around, change, _, iterations = state
            new = update(frozen, frozen_nodes, around, solve=True)
            return new, distance(new, around), change, iterations + 1

        start = (around, jnp.asarray(jnp.inf), jnp.asarray(jnp.inf), jnp.zeros(()))
        around, _, _, iterations = jax.lax.while_loop(unfinished, step, start)
        return around, iterations

    def residual(around):
        return jax.tree.map(jnp.subtract, update(setup, nodes, around, solve=False), around)

    def linear_solve(linear, right):
        flat, unravel = ravel_pytree(right)
        column = lambda unit: ravel_pytree(linear(unravel(unit)))[0]
        return unravel(jnp.linalg.solve(jax.lax.map(column, jnp.eye(flat.size)).T, flat))

    start = first_guess(frozen, frozen_nodes)
    around, iterations = jax.lax.custom_root(residual, start, iterate, linear_solve, has_aux=True)
    settled, iterations = jax.lax.stop_gradient((around, iterations.astype(int)))
    left = distance(update(frozen, frozen_nodes, settled, solve=True), settled)
    accepted = jnp.where(iterations < max_steps, jnp.maximum(tolerance, ROUND_OFF), tolerance)
    return around, left, iterations, iterative_status(left, accepted, iterations, max_steps)


def first_guess(setup: FiniteSize, nodes: Neurons) -> Surroundings:
    """The prior's kernel, the bare noise, and half of the teacher unlearned."""
    weights = jnp.exp(nodes.log_prior)
    kernel = (weights[:, None] * nodes.features).T @ nodes.features * setup.system.readout_variance
    power = normalised_targets(setup.system)
    rest = setup.system.readout_variance * weights @ nodes.rest / (setup.system.input_dim - 1)
    error = power @ power / 2
    return Surroundings(jnp.zeros_like(targets(setup, error)), kernel, rest, setup.system.noise_variance, error)
