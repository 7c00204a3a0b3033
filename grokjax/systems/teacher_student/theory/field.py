r"""Theory averaged over data sets: finite width and finite data, without a fitted number.

With $x = zw^*+x_\perp$ a neuron is its alignment $q$, tilts $p$ towards two random directions of the data, and the rest
$R$ of its squared norm. The mean force per sample $t(x)=\delta(x)/\kappa(z)$ acts through odd profiles of $z$ and
through the random vectors $\sum_\mu t_\mu b_a(z_\mu)x_{\perp,\mu}$ (`profiles`). With features $g$, coefficients $o$ of
$F$ and $\beta_ap$ of $E$,

$$ \frac Gn = \tfrac12\tau^{\top}W^{-1}\tau-\tau\cdot y
   +\frac Nn\log\Big\langle L^{-1/2}e^{\frac{cn^2}2(g\cdot\tau)^2/L}\Big\rangle,\quad
   c=\frac{\sigma_a^2}N,\quad W=\langle oo^{\top}/\kappa\rangle_z,\ \langle bb^{\top}/\kappa\rangle_z, $$

the vectors' targets being a Cholesky factor of $\Gamma=\frac{d-1}n\langle D\,bb^{\top}/\kappa^2\rangle_z$ with the
squared discrepancy $D(z)$, which has the variance of the label noise, too. Self-consistent with it are the ridge

$$ \kappa(z)=\sigma^2+T(z)+o^{\top}M_oo+b^{\top}\big[\textstyle\sum_uM_{uu}+(d-3)M_r\big]b,\qquad
   M=(K^{-1}+nW)^{-1}, $$

$K$ the Hessian's kernel and $T$ its trace over what no profile follows, and

$$ L = 1+cn\big[g^{\top}H^{-1}g+R\,\beta^{\top}(W_b^{-1}+n\Lambda)^{-1}\beta+V[1/\kappa]\big]-cn\,V[D/\kappa^2]: $$

the width's read-out fluctuations, and against them the random field of the data in all directions that no profile
follows (the *rest*), averaged as a Gaussian. Where the rest wins, $L$ runs away and there is no solution. Last, the odd
modes carry sampling noise of covariance $\langle D\,oo^{\top}/\kappa^2\rangle/n$, averaged by sigma points. On the
coordinates $z_\mu$ of a data set in place of the Gaussian average (quenched) only that of the labels is left.

In the code $\tau=S\delta$ with $W=SS^{\top}$, which makes it the convex dual of `feature_dual`.

References:
    extends arXiv:2310.03789; derived here.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ....theory.adaptive_kernel import minimise
from ..quadrature import log_prior_density, normalised_targets
from ..system import TeacherStudent
from .feature_dual import FeatureDual
from .neurons import Field, Nodes, neurons
from .profiles import NUM_EVEN, NUM_REMAINDERS


SMALLEST_LEVEL = 0.05  # L below it has run away; the bound keeps the iteration finite


class Around(eqx.Module):
    r"""What one neuron feels of the rest: the unknowns of the self-consistency.

    Attributes:
        force: $\tau$.
        ridge: $\kappa(z)$.
        remaining: $\Lambda$.
        response: $H^{-1}$.
        noise: $\Gamma$.
        excess: $D/\kappa^2$.
    """

    force: Float[Array, " modes"]
    ridge: Float[Array, " z"]
    remaining: Float[Array, "even even"]
    response: Float[Array, "modes modes"]
    noise: Float[Array, "even even"]
    excess: Float[Array, " z"]


class Frame(eqx.Module):
    """What the ridge fixes: Cholesky factors of W, and the dual's targets.

    Attributes:
        whole: $S$ of all modes.
        odd: $S$ of the odd ones.
        gram: $W_b$.
        targets: $S^{\\top}y$.
    """

    whole: Float[Array, "modes modes"]
    odd: Float[Array, "odd odd"]
    gram: Float[Array, "even even"]
    targets: Float[Array, " modes"]


def frame(setup: Field, around: Around) -> Frame:
    """See `Frame`."""
    odd_at, even_at, weights = setup.made.odd_at, setup.made.even_at, setup.coordinates.weights / around.ridge
    gram = (even_at * weights[None]) @ even_at.T
    odd = jnp.linalg.cholesky((odd_at * weights[None]) @ odd_at.T)
    even = jnp.linalg.cholesky(gram)
    noise = jnp.linalg.cholesky(around.noise + 1e-14 * jnp.trace(around.noise) * jnp.eye(NUM_EVEN))
    whole = jax.scipy.linalg.block_diag(odd, jnp.kron(even, jnp.eye(2)))
    vectors = jax.scipy.linalg.solve_triangular(even, noise, lower=True).ravel()
    return Frame(whole, odd, gram, jnp.concatenate([odd.T @ teacher_targets(setup), vectors]))


def teacher_targets(setup: Field) -> Float[Array, " odd"]:
    """The teacher in the odd profiles."""
    return jnp.concatenate([normalised_targets(setup.system), jnp.zeros(NUM_REMAINDERS)])


def overfit(setup: Field, nodes: Nodes, around: Around) -> Float[Array, " nodes"]:
    r"""$cnV[D/\kappa^2]$, the annealed gain from the rest of the random field."""
    system, weights = setup.system, setup.coordinates.weights
    scale = system.readout_variance / system.width * system.num_samples
    return setup.rest * scale * nodes.spread(nodes.response.rest @ (weights * around.excess))


def level(setup: Field, nodes: Nodes, around: Around, gram: Float[Array, "even even"]) -> Float[Array, " nodes"]:
    r"""$L$ at every node, not bounded."""
    system = setup.system
    n, c = system.num_samples, system.readout_variance / system.width
    remaining = jnp.linalg.inv(jnp.linalg.inv(gram) + n * around.remaining)
    fluctuations = jnp.sum(nodes.features * (around.response @ nodes.features), axis=0)
    fluctuations += nodes.remaining * jnp.sum(nodes.even * (remaining @ nodes.even), axis=0)
    fluctuations += nodes.spread(nodes.response.rest @ (setup.coordinates.weights / around.ridge))
    return 1 + c * n * fluctuations - overfit(setup, nodes, around)


def dual(setup: Field, nodes: Nodes, around: Around, fixed: Frame) -> tuple[FeatureDual, Float[Array, " nodes"]]:
    """The convex problem at given surroundings, and the bounded L of its nodes."""
    system = setup.system
    bounded = jnp.maximum(level(setup, nodes, around, fixed.gram), SMALLEST_LEVEL)
    problem = FeatureDual(
        targets=fixed.targets,
        features=fixed.whole.T @ nodes.features / jnp.sqrt(bounded)[None],
        log_prior=nodes.log_prior - jnp.log(bounded) / 2,
        coupling=system.readout_variance / system.width * system.num_samples**2 / 2,
        multiplicity=system.width / system.num_samples,
    )
    return problem, bounded


def squared_discrepancy(setup: Field, learned: Float[Array, " modes"]) -> tuple[Float[Array, " z"], Float[Array, " z"]]:
    """The square of the mean discrepancy at each coordinate; the variance around it, of the vectors and the labels."""
    num_odd = setup.made.odd.shape[0]
    mean = (teacher_targets(setup) - learned[:num_odd]) @ setup.made.odd_at
    vectors = learned[num_odd:].reshape(NUM_EVEN, 2).T @ setup.made.even_at
    return mean**2, jnp.sum(vectors**2, axis=0) + setup.system.label_noise


def update(setup: Field, nodes: Nodes, around: Around, solve: bool) -> Around:
    """The right-hand sides of the self-consistency, at the given force or (`solve`) that of the convex dual."""
    system, made, weights = setup.system, setup.made, setup.coordinates.weights
    n, readout, num_odd = system.num_samples, system.readout_variance, setup.made.odd.shape[0]
    fixed = frame(setup, around)
    problem, bounded = dual(setup, nodes, around, fixed)
    delta = jax.scipy.linalg.solve_triangular(fixed.whole, around.force, lower=True)
    if solve:
        delta = minimise(problem, start=delta, tolerance=1e-9).discrepancy
    _, gradient, hessian = problem.expansion(delta)
    field = problem.field(delta)
    mass = jax.nn.softmax(problem.log_prior + problem.coupling * field**2)
    learned = readout * n * nodes.features @ (mass * field / jnp.sqrt(bounded))
    answer = mass / bounded * (1 + 2 * problem.coupling * field**2)
    remaining = readout * (nodes.even * (answer * nodes.remaining)[None]) @ nodes.even.T / (system.input_dim - 3)
    mean, variance = squared_discrepancy(setup, learned)
    noise = (
        (system.input_dim - 1)
        / n
        * (made.even_at * (weights * (mean + variance) / around.ridge**2)[None])
        @ made.even_at.T
    )

    inverse = jnp.linalg.inv(hessian)
    outer = jax.scipy.linalg.solve_triangular(fixed.whole, jnp.eye(len(inverse)), lower=True)
    absorbed = outer.T @ (jnp.eye(len(inverse)) - inverse) @ outer / n
    vectors = jnp.einsum("aubu->ab", absorbed[num_odd:, num_odd:].reshape(NUM_EVEN, 2, NUM_EVEN, 2))
    vectors += (system.input_dim - 3) * remaining @ jnp.linalg.inv(jnp.eye(NUM_EVEN) + n * fixed.gram @ remaining)
    trace = readout * jnp.einsum("qr,qrz->z", nodes.gather(answer), nodes.response.rest)
    ridge = system.noise_variance + trace + jnp.sum(made.even_at * (vectors @ made.even_at), axis=0)
    if not setup.coordinates.quenched:
        ridge += jnp.sum(made.odd_at * (absorbed[:num_odd, :num_odd] @ made.odd_at), axis=0)
    force = fixed.whole @ (delta if solve else delta - gradient)
    response = fixed.whole @ inverse @ fixed.whole.T
    return Around(force, ridge, remaining, response, noise, (mean + variance) / around.ridge**2)


def first_guess(setup: Field) -> Around:
    """Bare noise, no response yet, and most of the higher components unlearned."""
    system, made = setup.system, setup.made
    num_odd, n = made.odd.shape[0], system.num_samples
    ridge = 1.3 * system.noise_variance + jnp.zeros(setup.coordinates.z.size)
    share = jnp.asarray([0.3 if degree == 1 else 0.9 for degree in system.teacher])
    left = jnp.concatenate([share * normalised_targets(system), jnp.zeros(NUM_REMAINDERS)]) @ made.odd_at
    excess = (left**2 + system.label_noise) / ridge**2
    noise = (system.input_dim - 1) / n * (made.even_at * (setup.coordinates.weights * excess)[None]) @ made.even_at.T
    modes = num_odd + 2 * NUM_EVEN
    start = Around(jnp.zeros(modes), ridge, 1e-5 * jnp.eye(NUM_EVEN), jnp.zeros((modes, modes)), noise, 0.1 * excess)
    fixed = frame(setup, start)
    return eqx.tree_at(lambda a: a.response, start, fixed.whole @ fixed.whole.T * 0.3)


class FieldLaw(eqx.Module):
    """The law of one neuron's alignment: a mixture over sigma points of the sampling noise.

    Attributes:
        setup: what was solved.
        around: the solution.
        points: dual solutions, one row per sigma point.
        log_partitions: of their normalisations.
    """

    setup: Field
    around: Around
    points: Float[Array, "points modes"]
    log_partitions: Float[Array, " points"]

    @property
    def system(self) -> TeacherStudent:
        """The parameters."""
        return self.setup.system

    @eqx.filter_jit
    def log_density(self, alignment: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """Log of the normalised density at `alignment`, on the whole line."""
        fixed = frame(self.setup, self.around)

        def at(q):
            nodes = neurons(self.setup, q[None], log_prior_density(self.system, q[None]))
            problem, _ = dual(self.setup, nodes, self.around, fixed)
            each = jax.vmap(lambda delta: jax.nn.logsumexp(problem.log_weights(delta)))(self.points)
            return jax.nn.logsumexp(each - self.log_partitions) - math.log(len(self.points))

        return jax.lax.map(at, jnp.abs(alignment).ravel()).reshape(alignment.shape)
