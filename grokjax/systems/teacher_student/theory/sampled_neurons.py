r"""One neuron in all its dimensions on a data set: importance sampling of $w_\perp$ at every alignment $q$.

At each $q$ a Gaussian stands at the conditional minimum of the action, with its curvature; proposals lie along
orthogonal directions, in both senses. They are a fixed rule of quadrature, the same for all data sets of a dimension.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ....networks import activation_function
from ....tasks import hermite
from ....theory.gaussian import gauss_legendre_panels
from ..quadrature import log_prior_density
from ..system import SIDE_THRESHOLD, TeacherStudent


EDGES = (0.0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.1, 1.4, 2.0)  # beyond the threshold at weight_variance = 1/2
INFLATION, CLIP = 1.05, 0.25  # of the proposal's variance; smallest curvature in units of the prior's


class Samples(eqx.Module):
    """A data set in the teacher's frame, and the rule for directions.

    Attributes:
        along: $z_\\mu$.
        across: the other coordinates.
        targets: $y$.
        rays: proposal directions at every q, whitened.
        misfit: relative mean square that the teacher leaves of the targets.
    """

    along: Float[Array, " n"]
    across: Float[Array, "n others"]
    targets: Float[Array, " n"]
    rays: Float[Array, "q rays others"]
    misfit: Float[Array, ""]


def proposal_rays(dimension: int, num_blocks: int) -> np.ndarray:
    """Orthogonal directions of chi-distributed lengths, in both senses, for each of the nodes over q."""
    rng = np.random.default_rng(0)  # nodes of a rule: the same for all data sets and systems of this dimension
    rule = []
    for _ in range(3 * (len(EDGES) - 1)):
        blocks = []
        for _ in range(num_blocks):
            block = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
            block = block * np.sqrt(rng.chisquare(dimension, size=dimension))[:, None]
            blocks += [block, -block]
        rule.append(np.concatenate(blocks))
    return np.stack(rule)


def teacher_direction(
    system: TeacherStudent, inputs: Float[Array, "n d"], targets: Float[Array, " n"]
) -> tuple[Float[Array, " d"], Float[Array, ""]]:
    """The unit vector whose teacher fits the targets best, by Levenberg-Marquardt, and the relative misfit.

    Args:
        system: gives the teacher's components.
        inputs: rows.
        targets: one for each.
    """
    outputs = lambda z: sum(c * hermite(k, z) for k, c in system.teacher.items())
    slopes = lambda z: sum((c * k * hermite(k - 1, z) for k, c in system.teacher.items()), start=jnp.zeros_like(z))
    misfit = lambda w: jnp.mean((targets - outputs(inputs @ w)) ** 2)

    def step(_, carry):
        w, damping = carry
        z = inputs @ w
        design = slopes(z)[:, None] * inputs
        gram = design.T @ design
        move = jnp.linalg.solve(gram + damping * jnp.diag(jnp.diag(gram)), design.T @ (targets - outputs(z)))
        trial = (w + move) / jnp.linalg.norm(w + move)
        better = misfit(trial) < misfit(w)
        return jnp.where(better, trial, w), jnp.where(better, damping / 5, damping * 4)

    start = inputs.T @ targets
    w, _ = jax.lax.fori_loop(0, 40, step, (start / jnp.linalg.norm(start), jnp.asarray(0.1)))
    return w, misfit(w) / jnp.mean(targets**2)


def in_teacher_frame(system: TeacherStudent, inputs: Array, targets: Array, rays: Array) -> Samples:
    direction, misfit = jax.lax.stop_gradient(teacher_direction(system, inputs, targets))
    first = jnp.eye(direction.size)[0]
    mirror = direction - jnp.where(direction[0] > 0, -1.0, 1.0) * first  # a reflection takes an axis to the teacher
    across = inputs - 2 * jnp.outer(inputs @ mirror, mirror) / (mirror @ mirror)
    return Samples(inputs @ direction, across[:, 1:], targets, rays, misfit)


def alignments(system: TeacherStudent) -> tuple[Array, Array]:
    """Nodes and weights over q; the side threshold is an edge."""
    edges = jnp.asarray(EDGES)
    scale = jax.lax.stop_gradient(jnp.sqrt(2 * system.weight_variance))
    threshold = system.side_threshold
    outer = threshold + (edges - SIDE_THRESHOLD) * scale
    edges = jnp.where(edges > SIDE_THRESHOLD, outer, edges * (threshold / SIDE_THRESHOLD))
    return gauss_legendre_panels(edges, 3)


def proposal(system, samples: Samples, q: Array, centre: Array, force: Array, strength: Array):
    """The conditional minimum of the action at q, from a start near it, and the eigenbasis of its curvature there."""
    activation = activation_function(system.activation)
    slope, stiffness = jax.vmap(jax.grad(activation)), system.input_dim / system.weight_variance
    bend = jax.vmap(jax.grad(jax.grad(activation)))

    def action(v):
        return stiffness * v @ v / 2 - strength / 2 * (force @ activation(q * samples.along + samples.across @ v)) ** 2

    def curvature(v):
        field = q * samples.along + samples.across @ v
        pull, first = force @ activation(field), samples.across.T @ (force * slope(field))
        second = (samples.across * (force * bend(field))[:, None]).T @ samples.across
        hessian = stiffness * jnp.eye(v.size) - strength * (jnp.outer(first, first) + pull * second)
        values, basis = jnp.linalg.eigh(hessian)
        return stiffness * v - strength * pull * first, jnp.maximum(values, CLIP * stiffness), basis

    def step(_, v):
        gradient, values, basis = curvature(v)
        move = -basis @ ((basis.T @ gradient) / values)
        lengths = jnp.array([1.0, 0.5, 0.2, 0.05, 0.0])
        return v + lengths[jnp.argmin(jax.vmap(lambda length: action(v + length * move))(lengths))] * move

    centre = jax.lax.fori_loop(0, 2, step, centre)
    _, values, basis = curvature(centre)
    return centre, values / INFLATION, basis


def sampled_nodes(system: TeacherStudent, samples: Samples, force: Array, centres: Array, typical: Array):
    """Hidden features of all nodes, their q and norm, log weights of prior over proposal, and the renewed centres."""
    alignment, weight = alignments(system)
    stiffness = system.input_dim / system.weight_variance
    strength = system.readout_variance / system.width / typical
    activation = activation_function(system.activation)

    def at(entry):
        q, weight, centre, rays = entry
        centre, values, basis = proposal(system, samples, q, centre, force, strength)
        across = (
            centre[None] + (rays @ basis / jnp.sqrt(values)[None]) @ basis.T
        )  # symmetric, so that nodes move continuously
        norm = jnp.sum(across**2, axis=1)
        log_proposal = -jnp.sum(rays**2, axis=1) / 2 + jnp.sum(jnp.log(values)) / 2
        prior = -stiffness * norm / 2 + (system.input_dim - 1) / 2 * jnp.log(stiffness)
        log_weight = prior - log_proposal + log_prior_density(system, q) + jnp.log(2 * weight / len(rays))
        hidden = activation(q * samples.along[None] + across @ samples.across.T)
        return hidden, norm, log_weight, centre

    hidden, norm, log_weight, renewed = jax.lax.map(at, (alignment, weight, centres, samples.rays))
    q = jnp.broadcast_to(alignment[:, None], norm.shape)
    return hidden.reshape(norm.size, -1), q.ravel(), norm.ravel(), log_weight.ravel(), renewed
