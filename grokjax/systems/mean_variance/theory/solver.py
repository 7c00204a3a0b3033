r"""Minima of the free energy, by exact blocks, and the Newton step that finishes them.

$$ F[\mu,\Lambda] = \frac1n\sum_i\tfrac12\big[\Lambda_i s_i^2-\log\Lambda_i\big] + \alpha D(\mu) + \beta D(\Lambda), $$

where $s^2=(\mu-y)^2$ for one datum per site (`"lattice"`), $(\mu-m)^2+f^2$ for all data (`"population"`), and
$(\mu-y)^2+(A^{-1})_{ii}$ where the mean is integrated out (`"marginal"`, $A=\mathrm{diag}\,\Lambda+2\alpha nK$).

$F$ is convex in each field and not in both. A sweep minimises over $\mu$ exactly and takes Newton steps in $\Lambda$:
$2nF$ is standard self-concordant there, so that a step of length $1/(1+\delta)$ at Newton decrement $\delta$ keeps
$\Lambda$ positive and goes down, without a line search. The marginal theory's extra term is concave in $\Lambda$, and
its tangent a bound: the same sweep goes down. Near a minimum a Newton step in both fields is tried, and taken if the
Hessian is positive and the residual falls.

No global minimum exists (through the data at $\Lambda\to\infty$, $F\to-\infty$). All fits are local minima, and a sweep
that leaves them ends with `Status.COLLAPSED`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Scalar

from ....status import AbstractSolution, Status, choose_status
from .lattice import Lattice, Pairs, Pairs3, Sites, inverse_diagonal, log_determinant, solve_pairs, solve_path


NEWTON_STEPS = 2  # in the precision, per sweep; with one the collapse takes twice as many sweeps
NEWTON_FROM = 0.1  # change of a sweep below which both fields are tried together; farther out it is refused anyway
COLLAPSED_PRECISION = 1e10  # no standard deviation below 1e-5 of the targets' is a fit


class Fields(eqx.Module):
    """Mean and precision on the sites.

    Attributes:
        mean: $\\mu$.
        precision: $\\Lambda$.
    """

    mean: Sites
    precision: Sites


class FreeEnergy(eqx.Module):
    """The free energy of one data set at one pair of strengths.

    Attributes:
        lattice: the sites.
        target: what the mean is drawn to, $y$ or $m$.
        variance: $f^2$ of the population, zero for one datum per site.
        alpha: strength of the mean's Dirichlet energy.
        beta: strength of the precision's.
        marginal: whether the mean is integrated out.
    """

    lattice: Lattice
    target: Sites
    variance: Sites
    alpha: Scalar
    beta: Scalar
    marginal: bool = eqx.field(static=True, default=False)

    def __call__(self, fields: Fields) -> Scalar:
        """$F$, with $\\frac1{2n}\\log\\det A$ in the marginal theory."""
        square = (fields.mean - self.target) ** 2 + self.variance
        likelihood = jnp.mean(fields.precision * square - jnp.log(fields.precision)) / 2
        energy = self.alpha * self.lattice.energy(fields.mean) + self.beta * self.lattice.energy(fields.precision)
        if self.marginal:
            energy += log_determinant(fields.precision, self.mean_stiffness) / (2 * self.lattice.num_sites)
        return likelihood + energy

    @property
    def mean_stiffness(self) -> Array:
        r"""$2\alpha nk_e$."""
        return 2 * self.alpha * self.lattice.num_sites * self.lattice.stiffness

    @property
    def precision_stiffness(self) -> Array:
        r"""$4\beta nk_e$."""
        return 4 * self.beta * self.lattice.num_sites * self.lattice.stiffness

    def square(self, fields: Fields) -> Sites:
        """$s^2$, what $1/\\Lambda$ is fitted to."""
        square = (fields.mean - self.target) ** 2 + self.variance
        return square + inverse_diagonal(fields.precision, self.mean_stiffness) if self.marginal else square

    def residual(self, fields: Fields) -> Pairs:
        r"""$n\nabla F$, site by site: zero at stationary points."""
        n, precision = self.lattice.num_sites, fields.precision
        pull = precision * (fields.mean - self.target) + 2 * self.alpha * n * self.lattice.force(fields.mean)
        spread = (self.square(fields) - 1 / precision) / 2 + 2 * self.beta * n * self.lattice.force(precision)
        return jnp.stack([pull, spread], axis=1)

    def hessian(self, fields: Fields) -> tuple[Pairs3, Array]:
        r"""$n\nabla^2F$ of both fields, in the form of `solve_pairs` (without the marginal theory's determinant)."""
        r, precision = fields.mean - self.target, fields.precision
        blocks = jnp.stack([precision, r, precision**-2 / 2], axis=1)
        return blocks, jnp.stack([self.mean_stiffness, self.precision_stiffness / 2], axis=1)

    def identities(self, fields: Fields) -> Float[Array, "4"]:
        r"""What vanishes at every stationary point.

        $\langle\Lambda r\rangle$, $\langle s^2\rangle-\langle1/\Lambda\rangle$,
        $\langle\Lambda s^2\rangle-1+4\beta D(\Lambda)$, $\langle\Lambda r\mu\rangle+2\alpha D(\mu)$.
        """
        r, precision, square = fields.mean - self.target, fields.precision, self.square(fields)
        return jnp.stack([
            jnp.mean(precision * r),
            jnp.mean(square) - jnp.mean(1 / precision),
            jnp.mean(precision * square) - 1 + 4 * self.beta * self.lattice.energy(precision),
            jnp.mean(precision * r * fields.mean) + 2 * self.alpha * self.lattice.energy(fields.mean),
        ])  # fmt: skip

    def with_best_mean(self, precision: Sites) -> Fields:
        """The minimum over the mean at some precision."""
        return Fields(solve_path(precision, self.mean_stiffness, precision * self.target), precision)

    def cold(self) -> Fields:
        """A flat mean and a unit precision, then the best of the latter."""
        flat = Fields(jnp.zeros_like(self.target), jnp.ones_like(self.target))
        return self.improve_precision(flat, NEWTON_STEPS)

    def improve_precision(self, fields: Fields, num_steps: int) -> Fields:
        """Damped Newton steps in the precision at a fixed mean; they never leave it below zero.

        Args:
            fields: where to start.
            num_steps: how many.
        """
        square, stiffness = self.square(fields), self.precision_stiffness

        def step(_, precision):
            new = solve_path(precision**-2, stiffness, 2 / precision - square)
            change = new - precision
            bend = jnp.diff(change)
            # Stiff edges turn rounding into a large decrement, and steps into none: bends below rounding count as none.
            rounding = 4 * jnp.finfo(new.dtype).eps * (new[1:] + precision[1:])
            bend = jnp.where(jnp.abs(bend) > rounding, bend, 0.0)
            decrement2 = jnp.sum((change / precision) ** 2) + jnp.sum(stiffness * bend**2)
            length = jnp.where(decrement2 < 1 / 16, 1.0, 1 / (1 + jnp.sqrt(decrement2)))
            return precision + length.astype(change.dtype) * change

        return Fields(fields.mean, jax.lax.fori_loop(0, num_steps, step, fields.precision))

    def newton(self, fields: Fields) -> tuple[Fields, Bool[Array, ""]]:
        """One Newton step in both fields, and whether it may be trusted: a positive Hessian, a positive precision."""
        step, positive = solve_pairs(*self.hessian(fields), -self.residual(fields))
        new = Fields(fields.mean + step[:, 0], fields.precision + step[:, 1])
        return new, positive & jnp.all(new.precision > 0)


class Minimum(AbstractSolution):
    """Where a minimisation ended.

    Attributes:
        fields: mean and precision; finite whatever the status.
        iterations: sweeps.
        change: of the last sweep, in $\\mu$ and $\\log\\Lambda$.
        status: solved, collapsed, out of steps, or not finite.
    """

    fields: Fields
    iterations: Int[Array, ""]
    change: Scalar
    status: Int[Array, ""]


def minimise(energy: FreeEnergy, start: Fields, *, tolerance: float = 1e-10, max_sweeps: int = 4000) -> Minimum:
    """The local minimum below a start, without derivatives (see `differentiable`).

    Args:
        energy: what is minimised, in any precision.
        start: first fields.
        tolerance: largest change of $\\mu$ and $\\log\\Lambda$ in the last step.
        max_sweeps: most sweeps; close to a fold they converge slowly, until Newton's steps take over.
    """
    energy, start = jax.lax.stop_gradient((energy, start))
    size = lambda fields: _norm(energy, fields)

    def sweep(state):
        old, _, iterations = state
        new = energy.improve_precision(energy.with_best_mean(old.precision), NEWTON_STEPS)
        new = Fields(new.mean, jnp.minimum(new.precision, COLLAPSED_PRECISION))
        change = _change(old, new)
        if not energy.marginal:
            trial, trusted = energy.newton(new)
            better = trusted & (change < NEWTON_FROM) & (size(trial) < size(new) / 2)
            change = jnp.where(better, _change(new, trial), change)
            new = jax.tree.map(lambda a, b: jnp.where(better, a, b), trial, new)
        return new, change, iterations + 1

    def unfinished(state):
        fields, change, iterations = state
        collapsed = jnp.max(fields.precision) >= COLLAPSED_PRECISION
        return (change > tolerance) & (iterations < max_sweeps) & ~collapsed

    infinite = jnp.asarray(jnp.inf, start.precision.dtype)
    fields, change, iterations = jax.lax.while_loop(unfinished, sweep, (start, infinite, jnp.zeros((), int)))
    status = choose_status(
        (jnp.max(fields.precision) >= COLLAPSED_PRECISION, Status.COLLAPSED),
        (~jnp.isfinite(change), Status.NOT_FINITE),
        (change > tolerance, Status.OUT_OF_STEPS),
    )
    return Minimum(fields=fields, iterations=iterations, change=change, status=status)


def differentiable(energy: FreeEnergy, minimum: Minimum) -> Fields:
    r"""The fields of a minimum with their derivatives in everything that the energy holds.

    $x^*-H^{-1}\nabla F(x^*,\theta)$, with $x^*$ and $H$ held fixed, has the value of $x^*$ and the derivative
    $-H^{-1}\partial_\theta\nabla F$ of the stationary point. A collapsed fit has none, and keeps its fields.

    Args:
        energy: what was minimised.
        minimum: where it ended.
    """
    fixed = jax.lax.stop_gradient(minimum.fields)
    right = -energy.residual(fixed)
    if energy.marginal:
        step = _dense_step(jax.lax.stop_gradient(energy), fixed, right)
    else:
        step, _ = solve_pairs(*jax.lax.stop_gradient(energy.hessian(fixed)), right)
    step = jnp.where(minimum.converged, step, 0.0)
    return Fields(fixed.mean + step[:, 0], fixed.precision + step[:, 1])


def dense_hessian(energy: FreeEnergy, fields: Fields) -> Float[Array, "unknowns unknowns"]:
    r"""$n\nabla^2F$ of mean and precision, in full, as the marginal theory needs it."""
    n = energy.lattice.num_sites
    flat = lambda x: energy.residual(Fields(x[:n], x[n:])).T.ravel()
    return jax.jacfwd(flat)(jnp.concatenate([fields.mean, fields.precision]))


def _dense_step(energy: FreeEnergy, fields: Fields, right: Pairs) -> Pairs:
    step = jnp.linalg.solve(dense_hessian(energy, fields), right.T.ravel())
    return step.reshape(2, -1).T


def _change(old: Fields, new: Fields) -> Scalar:
    return jnp.maximum(
        jnp.max(jnp.abs(new.mean - old.mean)), jnp.max(jnp.abs(jnp.log(new.precision) - jnp.log(old.precision)))
    )


def _norm(energy: FreeEnergy, fields: Fields) -> Scalar:
    """Of the residual, each part in the units of its own curvature."""
    pull, spread = energy.residual(fields).T
    return jnp.sqrt(jnp.sum(pull**2 / fields.precision) + jnp.sum(2 * (spread * fields.precision) ** 2))
