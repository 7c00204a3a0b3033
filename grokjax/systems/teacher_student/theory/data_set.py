r"""Theory on a given data set: the convex dual on its $n$ samples, with read-out fluctuations.

With $\phi_\mu=\phi(w\cdot x_\mu)$, $c=\sigma_a^2/N$ and $L(w) = 1+c\,\phi^{\top}H^{-1}\phi$, $H$ the Hessian at the
solution,

$$ G(t)=\tfrac{\sigma^2}2|t|^2-t\cdot y+N\log\Big\langle L^{-1/2}e^{\frac c2(t\cdot\phi)^2/L}\Big\rangle_{\rm prior}. $$

The average is over $d$ dimensions: $q$ on panels that end at the side threshold, and at each $q$ importance sampling of
$w_\perp$ from a Gaussian at the conditional minimum of the action with its curvature, along orthogonal directions in
both senses. Newton steps on $t$ may change log weights by a few units only; nodes are renewed in between. The
directions are a fixed rule of quadrature. Where few of its nodes carry the weight the status is unreliable: there a
wide ensemble (`system.at_width(4)`) on the same data takes its place.

The teacher's direction, which the order parameters refer to, is fitted to the data; with as many samples as dimensions
it is exact for targets without noise; with label noise it is what the data say.

References:
    extends arXiv:2310.03789, equations of section 3; derived here.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...._checks import argument_error, check_finite, is_concrete
from ....status import Status, choose_status
from ....theory.adaptive_kernel import Evidence
from ....theory.gaussian import normalised_hermite
from ..quadrature import by_degree, is_even, is_odd, neuron_features, normalised_targets
from ..system import TeacherStudent
from .result import Prediction, Range
from .sampled_neurons import Samples, alignments, in_teacher_frame, proposal_rays, sampled_nodes


NUM_STEPS, TRUST = 3, 4.0  # Newton steps between renewals; the largest change of a log weight that matters
EVIDENCE_STEPS = 8  # renewals after the back-action is left out: the force moves by a few parts in a hundred
FEWEST_NODES = 40.0  # effective nodes of specialised neurons below which the sampling has failed
LARGEST_MISFIT = 0.05  # of the fitted teacher, relative, beyond that of the label noise


class DataLaw(eqx.Module):
    """The law of a neuron's alignment on a data set: log densities on the panels' nodes, linear in between.

    Attributes:
        system: the parameters.
        nodes: $q>0$.
        log_densities: there.
    """

    system: TeacherStudent
    nodes: Float[Array, " q"]
    log_densities: Float[Array, " q"]

    def log_density(self, alignment: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """Log density at `alignment`, on the whole line."""
        return jnp.interp(jnp.abs(alignment), self.nodes, self.log_densities)


class Point(eqx.Module):
    """The state of the iteration.

    Attributes:
        force: $t$.
        response: $H^{-1}$.
        centres: conditional minima of the action at every q.
        typical: L of specialised neurons, for the proposals.
        change, previous: of the order parameters.
    """

    force: Float[Array, " n"]
    response: Float[Array, "n n"]
    centres: Float[Array, "q others"]
    typical: Float[Array, ""]
    previous: Float[Array, " numbers"]
    change: Float[Array, ""]


def on_data_set(
    system: TeacherStudent, inputs: Any, targets: Any, num_blocks: int, tolerance: float, max_steps: int
) -> Prediction:
    """The theory on one or several data sets; see `predict`.

    Raises:
        ValueError: the data do not fit the system, or the teacher's direction cannot be fitted to them.
    """
    if inputs is None or targets is None:
        name = "inputs" if inputs is None else "targets"
        raise argument_error(name, "one of a data set", "nothing", "Give inputs=X and targets=y.")
    check_finite("inputs", inputs)
    check_finite("targets", targets)
    inputs, targets = jnp.asarray(inputs, float), jnp.asarray(targets, float)
    _check(system, inputs, targets)
    rays = jnp.asarray(proposal_rays(inputs.shape[-1] - 1, num_blocks))
    solve = lambda system, x, y: _solve(system, x, y, rays, tolerance, max_steps)
    shape = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(system)))
    if inputs.ndim == 3:
        if shape not in ((), inputs.shape[:1]):
            raise argument_error(
                "system", f"of shape () or {inputs.shape[:1]}", shape, "One point, or one for each set."
            )
        shape = inputs.shape[:1]
    if not shape:
        return solve(system, inputs, targets)
    points = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), system)
    if inputs.ndim == 2:
        return jax.lax.map(lambda point: solve(point, inputs, targets), points)
    return jax.lax.map(lambda point: solve(*point), (points, inputs, targets))


def _check(system: TeacherStudent, inputs: Array, targets: Array) -> None:
    if inputs.ndim not in (2, 3) or targets.shape != inputs.shape[:-1]:
        got = f"inputs of shape {inputs.shape} and targets of shape {targets.shape}"
        name = "targets" if inputs.ndim in (2, 3) else "inputs"
        raise argument_error(name, "one for each of the inputs (n, d) or (sets, n, d)", got, "Match them.")
    samples, dimension = inputs.shape[-2:]
    for name, size in (("num_samples", samples), ("input_dim", dimension)):
        value = getattr(system, name)
        if is_concrete(value) and (np.asarray(value) != size).any():
            remedy = f"The system says {np.asarray(value).tolist()}; use system.replace({name}={size})."
            raise argument_error("inputs", f"of the system's {name}", size, remedy)
    if dimension < 3:
        raise argument_error("inputs", "of at least 3 dimensions", dimension, "The directions are sampled.")
    if samples < dimension:
        remedy = "The teacher's direction is fitted to them."
        raise argument_error("inputs", f"of at least {dimension} samples in as many dimensions", samples, remedy)
    odd = is_even(system) and next(iter(system.teacher)) % 2 == 1
    if not odd or not is_odd(system.activation):
        raise argument_error("system", "with an odd teacher and activation", system.teacher, "Only |q| is integrated.")


def _newton(system: TeacherStudent, targets: Array, features: Array, log_weights: Array, force: Array):
    """A few steps on t, each as long as trust and descent allow; the weights and the Hessian's inverse at the end."""
    noise, width, c = system.noise_variance, system.width, system.readout_variance / system.width
    lengths = 0.7 ** jnp.arange(24)

    def step(_, force):
        field = features @ force
        exponent = log_weights + c / 2 * field**2
        mass = jax.nn.softmax(exponent)
        mean = (mass * field) @ features
        gradient = noise * force - targets + width * c * mean
        hessian = _hessian(system, features, mass, field, mean)
        move = -jax.scipy.linalg.solve(hessian, gradient, assume_a="pos")
        along = features @ move

        def trial(length):
            new = field + length * along
            log_mass = log_weights + c / 2 * new**2
            matters = jnp.maximum(mass, jax.nn.softmax(log_mass)) > 1e-3 / mass.size
            change = jnp.max(jnp.where(matters, jnp.abs(c / 2 * (new**2 - field**2)), 0.0))
            at = force + length * move
            value = noise / 2 * at @ at - at @ targets + width * jax.nn.logsumexp(log_mass)
            return value, change

        values, changes = jax.lax.map(trial, jnp.concatenate([lengths, jnp.zeros(1)]))
        good = (changes[:-1] < TRUST) & (values[:-1] <= values[-1] + 1e-4 * lengths * (gradient @ move) + 1e-9)
        return force + jnp.where(jnp.any(good), lengths[jnp.argmax(good)], 0.0) * move

    force = jax.lax.fori_loop(0, NUM_STEPS, step, force)
    field = features @ force
    mass = jax.nn.softmax(log_weights + c / 2 * field**2)
    hessian = _hessian(system, features, mass, field, (mass * field) @ features)
    return force, mass, field, jnp.linalg.inv(hessian)


def _hessian(system: TeacherStudent, features: Array, mass: Array, field: Array, mean: Array) -> Array:
    width, c = system.width, system.readout_variance / system.width
    weighted = features * jnp.sqrt(mass * (1 + c * field**2))[:, None]
    hessian = width * c * (weighted.T @ weighted) - width * c**2 * jnp.outer(mean, mean)
    return hessian + system.noise_variance * jnp.eye(mean.size)


def _renew(system: TeacherStudent, samples: Samples, point: Point, back_action: bool = True):
    """Nodes at the present force, Newton steps on them, and what is measured there."""
    hidden, q, norm, log_weights, centres = sampled_nodes(system, samples, point.force, point.centres, point.typical)
    c = system.readout_variance / system.width
    level = 1 + back_action * c * jnp.sum((hidden @ point.response) * hidden, axis=1)
    features = hidden / jnp.sqrt(level)[:, None]
    force, mass, field, response = _newton(
        system, samples.targets, features, log_weights - jnp.log(level) / 2, point.force
    )
    is_side = q > system.side_threshold
    side_weight = mass @ is_side
    teacher = neuron_features(system, q, norm)
    overlap = system.readout_variance * (mass * field / jnp.sqrt(level)) @ teacher
    numbers = jnp.append(overlap, 10 * side_weight)
    side_level = (mass * is_side) @ level / jnp.maximum(side_weight, 1e-300)
    typical = jnp.where(side_weight > 1e-4, side_level, mass @ level)
    log_partition = jax.nn.logsumexp(log_weights - jnp.log(level) / 2 + c / 2 * (features @ force) ** 2)
    log_partition = log_partition - jax.nn.logsumexp(log_weights)  # the rule's own mass of the prior
    new = Point(force, response, centres, typical, numbers, jnp.max(jnp.abs(numbers - point.previous)))
    effective = side_weight**2 / jnp.maximum((mass * is_side) @ (mass * is_side), 1e-300)
    return new, (overlap, side_weight, mass, effective, side_level, log_partition)


def _evidence(system: TeacherStudent, samples: Samples, point: Point) -> Evidence:
    """The dual without back-action (its one loop is the determinant), from a solution with it."""
    plain = eqx.tree_at(lambda p: p.typical, point, jnp.ones(()))
    renew = lambda _, p: eqx.tree_at(lambda p: p.typical, _renew(system, samples, p, False)[0], jnp.ones(()))
    plain = jax.lax.fori_loop(0, EVIDENCE_STEPS, renew, plain)
    plain, measured = _renew(system, samples, plain, False)
    t, noise = plain.force, system.noise_variance
    leading = noise / 2 * t @ t - t @ samples.targets + system.width * measured[-1]
    return Evidence(leading, jnp.linalg.slogdet(noise * plain.response)[1] / 2)


@eqx.filter_jit
def _solve(system: TeacherStudent, inputs: Array, targets: Array, rays: Array, tolerance: float, max_steps: int):
    samples = in_teacher_frame(system, inputs, targets, rays)
    n, num_q = targets.size, len(rays)
    start = Point(
        jnp.zeros(n),
        jnp.zeros((n, n)),
        jnp.zeros((num_q, rays.shape[-1])),
        jnp.ones(()),
        jnp.zeros(len(system.teacher) + 1),
        jnp.asarray(jnp.inf),
    )
    step = lambda carry: (_renew(system, samples, carry[0])[0], carry[1] + 1)
    unfinished = lambda carry: (carry[0].change > tolerance) & (carry[1] < max_steps)
    point, iterations = jax.lax.while_loop(unfinished, step, (start, jnp.asarray(0)))
    change = point.change
    point, (overlap, side_weight, mass, effective, side_level, _) = _renew(system, samples, point)
    found = _evidence(system, samples, point)

    alignment, weight = alignments(system)
    density = mass.reshape(num_q, -1).sum(axis=1) / (2 * weight)
    squared = (system.noise_variance * point.force) ** 2
    basis = normalised_hermite([k - 1 for k in system.teacher], samples.along) ** 2
    ratio = (system.input_dim - 1) / n * jnp.mean(squared[:, None] * basis, axis=0) / normalised_targets(system) ** 2
    expected = system.label_noise / jnp.mean(targets**2)
    few = (effective < FEWEST_NODES) & (side_weight > 0.1 / system.width)
    status = choose_status(
        (~jnp.isfinite(change), Status.NOT_FINITE),
        (few | (samples.misfit > LARGEST_MISFIT + expected), Status.UNRELIABLE),
        (change <= tolerance, Status.SOLVED),
        otherwise=Status.OUT_OF_STEPS,
    )
    learned = by_degree(system, overlap)
    return Prediction(
        discrepancy={k: system.teacher[k] - learned[k] for k in system.teacher},
        overlap=learned,
        side_weight=side_weight,
        log_evidence=found.total,
        kernel=None,
        residual=change,
        quadrature_error=side_weight / jnp.sqrt(effective),
        iterations=iterations,
        status=status,
        law=DataLaw(system, alignment, jnp.log(density)),
        range=Range(
            noise_to_signal={k: ratio[i] for i, k in enumerate(system.teacher)},
            rest_exponent=jnp.zeros(()),
            effective_samples=jnp.sum(point.force**2) ** 2 / jnp.sum(point.force**4),
            readout_fluctuation=side_level - 1,
            largest_noise=jnp.asarray(jnp.inf),
        ),
        theory=("data",),
        chosen=jnp.zeros((), int),
        determinant=found.determinant,
    )
