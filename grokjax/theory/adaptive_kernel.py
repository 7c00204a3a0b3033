r"""The self-consistency equations of an adaptive kernel as one convex problem, and its solver.

A two-layer network in mean-field scaling obeys, to leading order in its width $N$,

$$ \delta = y - \frac{n}{\sigma^2}Q\,\delta,\qquad
   Q = \sigma_a^2\,\langle A(w)\rangle_S,\qquad
   S(w) = E_0(w) - C\,\delta^{\top}\!A(w)\,\delta , $$

for the discrepancy $\delta$ between target and mean output in orthonormal modes, with one neuron's kernel
$A(w) = g(w)g(w)^{\top}$, $g_k(w)=\langle h_k\,\phi(w\cdot x)\rangle_x$. These are the stationarity conditions of

$$ G(\delta) = \tfrac12|\delta|^2 - \delta\cdot y + m\,\log\big\langle e^{C\,\delta^{\top}\!A(w)\,\delta}
   \big\rangle_{\rm prior},\qquad C = \frac{n^2\sigma_a^2}{2N\sigma^4},\qquad m = \frac{N\sigma^2}{n}. $$

A log-sum-exp of convex functions is convex, so the Hessian of $G$ is at least the identity: the solution is unique,
damped Newton reaches it from $\delta=0$ at every parameter, and the distance to it is below $|\nabla G|$. That holds
for any quadrature of the average with positive weights. Metastability shows as several near-degenerate minima of $S$,
not as several roots.

With $C = \sigma_a^2/(2N\sigma^4)$, $m = N\sigma^2$ and $g_\mu(w)=\phi(w\cdot x_\mu)$ the same problem is the theory on
a finite data set ($\delta_\mu = \sigma^2 t_\mu$); with one mode and $A = |w_k|^2|v_k|^2$ it is that of modular
addition.

References:
    arXiv:2310.03789, equations (1)-(3) of section 3; the convex form is derived here.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ..status import AbstractSolution, iterative_status


class ConvexDual(eqx.Module):
    r"""$G(\delta)$ on quadrature nodes; every field is a leaf.

    Attributes:
        targets: $y$, coefficients of the target in orthonormal modes.
        neuron_kernels: $A(w)$ at each node, positive semi-definite.
        log_prior: log of the prior weight of each node; the weights add up to 1.
        coupling: $C$.
        multiplicity: $m$.

    Examples:
        >>> from grokjax import theory
        >>> z, weight = theory.normal_rule()  # one linear neuron w ~ N(0, 1) and one mode
        >>> strength = {"coupling": jnp.array(0.1), "multiplicity": jnp.array(2.0)}
        >>> problem = theory.ConvexDual(jnp.ones(1), z[:, None, None] ** 2, jnp.log(weight), **strength)
        >>> round(float(problem.value(jnp.zeros(1))), 3), jnp.round(problem.gradient(jnp.zeros(1)), 3).tolist()
        (0.0, [-1.0])
    """

    targets: Float[Array, " modes"]
    neuron_kernels: Float[Array, "nodes modes modes"]
    log_prior: Float[Array, " nodes"]
    coupling: Float[Array, ""]
    multiplicity: Float[Array, ""]

    def log_weights(self, discrepancy: Float[Array, " modes"]) -> Float[Array, " nodes"]:
        r"""Log weights of the nodes under $e^{-S}$, *not* normalised; they log-sum-exp to $\log Z$."""
        return self.log_prior + self.coupling * (self.neuron_kernels @ discrepancy) @ discrepancy

    def value(self, discrepancy: Float[Array, " modes"]) -> Scalar:
        r"""$G(\delta)$."""
        log_partition = jax.nn.logsumexp(self.log_weights(discrepancy))
        return discrepancy @ (discrepancy / 2 - self.targets) + self.multiplicity * log_partition

    def mean_kernel(self, discrepancy: Float[Array, " modes"]) -> Float[Array, "modes modes"]:
        r"""$\langle A\rangle_S$, the adaptive kernel in units of $\sigma_a^2$."""
        return jnp.tensordot(jax.nn.softmax(self.log_weights(discrepancy)), self.neuron_kernels, axes=1)

    def gradient(self, discrepancy: Float[Array, " modes"]) -> Float[Array, " modes"]:
        r"""$\nabla G = \delta - y + 2mC\,\langle A\rangle_S\,\delta$; note $2mC = n\sigma_a^2/\sigma^2$."""
        force = 2 * self.multiplicity * self.coupling * self.mean_kernel(discrepancy) @ discrepancy
        return discrepancy - self.targets + force

    def expansion(
        self, discrepancy: Float[Array, " modes"]
    ) -> tuple[Scalar, Float[Array, " modes"], Float[Array, "modes modes"]]:
        r"""Value, gradient and Hessian $I + 2mC\langle A\rangle + 4mC^2\,\mathrm{Cov}(A\delta)$ in one pass."""
        response = self.neuron_kernels @ discrepancy
        log_weights = self.log_prior + self.coupling * response @ discrepancy
        log_partition = jax.nn.logsumexp(log_weights)
        weights = jnp.exp(log_weights - log_partition)
        kernel = jnp.tensordot(weights, self.neuron_kernels, axes=1)
        mean = kernel @ discrepancy
        centred = response - mean[None]
        covariance = (weights[:, None] * centred).T @ centred
        force = 2 * self.multiplicity * self.coupling
        value = discrepancy @ (discrepancy / 2 - self.targets) + self.multiplicity * log_partition
        gradient = discrepancy - self.targets + force * mean
        hessian = jnp.eye(self.targets.size) + force * (kernel + 2 * self.coupling * covariance)
        return value, gradient, hessian


class DualSolution(AbstractSolution):
    r"""The minimum of a `ConvexDual`.

    Attributes:
        discrepancy: $\delta$.
        value: $G(\delta)$.
        residual: $|\nabla G(\delta)|$, a bound on the distance to the minimum on the given nodes.
        iterations: evaluations of $G$, backtracking included.
        status: solved where the residual fell below the tolerance.

    Examples:
        >>> from grokjax import theory
        >>> z, weight = theory.normal_rule()  # one linear neuron w ~ N(0, 1) and one mode
        >>> strength = {"coupling": jnp.array(0.1), "multiplicity": jnp.array(2.0)}
        >>> problem = theory.ConvexDual(jnp.ones(1), z[:, None, None] ** 2, jnp.log(weight), **strength)
        >>> solution = theory.minimise(problem)
        >>> bool(solution.converged), round(float(solution.discrepancy[0]), 3)
        (True, 0.693)
    """

    discrepancy: Float[Array, " modes"]
    value: Float[Array, ""]
    residual: Float[Array, ""]
    iterations: Int[Array, ""]
    status: Int[Array, ""]


class Evidence(NamedTuple):
    r"""The log of the prior average of $e^{-\sum(f-y)^2/2\sigma^2}$ at the saddle and around it, in nats.

    Attributes:
        leading: $s\,G$ at the minimum, of order $N$; at most 0.
        determinant: $-\frac12\log\det\nabla^2G$, of order one per mode, and not small.

    Examples:
        >>> from grokjax import theory
        >>> z, weight = theory.normal_rule()  # one linear neuron w ~ N(0, 1) and one mode
        >>> strength = {"coupling": jnp.array(0.1), "multiplicity": jnp.array(2.0)}
        >>> problem = theory.ConvexDual(jnp.ones(1), z[:, None, None] ** 2, jnp.log(weight), **strength)
        >>> delta = theory.minimise(problem).discrepancy
        >>> found = theory.adaptive_kernel.evidence(problem, delta, strength=2.0)
        >>> bool(found.leading < 0), bool(found.total == found.leading + found.determinant)
        (True, True)
    """

    leading: Scalar
    determinant: Scalar

    @property
    def total(self) -> Scalar:
        """Their sum; what is left is of order $1/N$."""
        return self.leading + self.determinant


def evidence(dual: Any, discrepancy: Float[Array, " modes"], strength: Any) -> Evidence:
    r"""The evidence of the data to one loop, $L=+sG_{\min}-\frac12\log\det\nabla^2G+O(1/N)$.

    The likelihood is a Gaussian integral over conjugate fields $it$; its saddle is on the real axis at
    $t=s\delta$, so the minimum of the convex $G$ enters with a plus sign.

    Args:
        dual: the problem, such as a `ConvexDual`.
        discrepancy: its solution.
        strength: $s$: $n/\sigma^2$ in orthonormal modes, $1/\sigma^2$ on a data set.

    Examples:
        >>> from grokjax import theory
        >>> z, weight = theory.normal_rule()  # one linear neuron w ~ N(0, 1) and one mode
        >>> strength = {"coupling": jnp.array(0.1), "multiplicity": jnp.array(2.0)}
        >>> problem = theory.ConvexDual(jnp.ones(1), z[:, None, None] ** 2, jnp.log(weight), **strength)
        >>> found = theory.adaptive_kernel.evidence(problem, jnp.zeros(1), strength=2.0)
        >>> round(float(found.leading), 3), round(float(found.determinant), 3)  # at zero: 0 and -log(1.4) / 2
        (0.0, -0.168)
    """
    value, _, hessian = dual.expansion(discrepancy)
    return Evidence(strength * value, -jnp.linalg.slogdet(hessian)[1] / 2)


@eqx.filter_jit
def minimise(
    dual: Any,
    *,
    start: Float[Array, " modes"] | None = None,
    tolerance: float = 1e-10,
    max_steps: int = 200,
) -> DualSolution:
    r"""Damped Newton with Armijo backtracking, from $\delta = 0$ unless `start` is given.

    The solution can be differentiated to any order in every leaf of `dual`: derivatives come from the implicit function
    theorem at the minimum, not from the iterations.

    Args:
        dual: the problem, a `ConvexDual` or another module with its targets, value, gradient and expansion.
        start: where to begin; changes the cost, not the answer.
        tolerance: largest accepted $|\nabla G|$, in units of $\max(1, |y|)$.
        max_steps: largest number of evaluations.

    Examples:
        >>> from grokjax import theory
        >>> z, weight = theory.normal_rule()  # one linear neuron w ~ N(0, 1) and one mode
        >>> strength = {"coupling": jnp.array(0.1), "multiplicity": jnp.array(2.0)}
        >>> problem = theory.ConvexDual(jnp.ones(1), z[:, None, None] ** 2, jnp.log(weight), **strength)
        >>> delta = theory.minimise(problem).discrepancy
        >>> bool(jnp.allclose(delta * (1 + 0.4 / (1 - 0.2 * delta**2)), 1.0))  # the equation in closed form
        True
    """
    scale = jnp.maximum(1.0, jnp.linalg.norm(jax.lax.stop_gradient(dual.targets)))
    frozen = jax.lax.stop_gradient(dual)

    def iterate(_, delta):
        def step(state):
            delta, value, gradient, direction, length, iterations = state
            trial = delta + length * direction
            new_value, new_gradient, hessian = frozen.expansion(trial)
            slack = 1e-14 * (1 + jnp.abs(value))
            accept = new_value <= value + 1e-4 * length * gradient @ direction + slack
            secant = gradient @ direction / ((gradient - new_gradient) @ direction)
            new_direction = -_solve_positive(hessian, new_gradient)
            new = (trial, new_value, new_gradient, new_direction, jnp.minimum(1, 4 * length))
            old = (delta, value, gradient, direction, length * jnp.clip(secant, 0.05, 0.5))
            return *jax.tree.map(lambda x, y: jnp.where(accept, x, y), new, old), iterations + 1

        def unfinished(state):
            _, _, gradient, _, length, iterations = state
            large = jnp.linalg.norm(gradient) > tolerance * scale
            return large & (iterations < max_steps) & (length > 1e-10)

        value, gradient, hessian = frozen.expansion(delta)
        first = (delta, value, gradient, -_solve_positive(hessian, gradient), jnp.ones(()), jnp.asarray(1))
        delta, _, _, _, _, iterations = jax.lax.while_loop(unfinished, step, first)
        return delta, iterations.astype(delta.dtype)  # a derivative passes through, so not an integer yet

    linear_solve = lambda linear, y: jnp.linalg.solve(jax.jacobian(linear)(y), y)
    start = jnp.zeros_like(dual.targets) if start is None else start
    delta, iterations = jax.lax.custom_root(lambda x: dual.gradient(x), start, iterate, linear_solve, has_aux=True)
    residual = jnp.linalg.norm(frozen.gradient(jax.lax.stop_gradient(delta)))
    iterations = jax.lax.stop_gradient(iterations).astype(int)
    status = iterative_status(residual, tolerance * scale, iterations, max_steps)
    return DualSolution(delta, dual.value(delta), residual, iterations, status)


def _solve_positive(matrix: Float[Array, "modes modes"], vector: Float[Array, " modes"]) -> Float[Array, " modes"]:
    """`matrix^-1 vector`; for a few modes by elimination, far cheaper under `vmap` than a library call."""
    size = vector.size
    if size > 6:
        return jax.scipy.linalg.solve(matrix, vector, assume_a="pos")
    table = jnp.concatenate([matrix, vector[:, None]], axis=1)
    rows = [table[i] for i in range(size)]
    for i in range(size):
        rows[i] = rows[i] / rows[i][i]
        for j in range(size):
            if j != i:
                rows[j] = rows[j] - rows[j][i] * rows[i]
    return jnp.stack([row[-1] for row in rows])
