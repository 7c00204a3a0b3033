"""Theory against independent quadrature, finite differences, the paper's numbers and closed forms."""

import itertools

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize, special

from grokjax.systems import modular_addition as ma
from grokjax.systems.modular_addition.figures import paper_system
from grokjax.systems.modular_addition.pair_measure import pair_nodes
from grokjax.systems.modular_addition.theory import convex_dual, readout_coherence


BASE = ma.ModularAddition(prime=11, width=500, noise_variance=5e-4, readout_variance=1e-4 / 121, sextic_decay=3.0)


def reference(prime, width, noise, readout, decay):
    """The self-consistent a, <XV> and side weight: adaptive quadrature over s, the integral over d in closed form."""
    well = np.sqrt(3 / decay)
    sharpness = prime * well
    bare = readout * prime**2 * well / (width * noise**2)

    def moments(strength):
        top = 2 * (2 * strength + np.sqrt(max(4 * strength**2 - 3, 0))) / 3
        floor = min(0, sharpness * (top + top**3 / 4 - strength * top**2))

        def integrand(s, which):
            stiffness = sharpness * (0.75 * s + strength)
            half = s * np.sqrt(stiffness)
            mass = np.sqrt(np.pi / stiffness) * special.erf(half)
            if which == "side":
                mass = np.sqrt(np.pi / stiffness) * special.erf(max(s - 1, 0) * np.sqrt(stiffness))
            if which == "moment":
                square = mass / (2 * stiffness) - s * np.exp(-(half**2)) / stiffness
                mass = (s**2 * mass - square) / 4
            return mass * np.exp(floor - sharpness * (s + s**3 / 4 - strength * s**2))

        points = sorted(
            {1.0, 1 / sharpness, 10 / sharpness, top, top - 3 / np.sqrt(sharpness), top + 3 / np.sqrt(sharpness)}
        )
        edges = [0.0, *[p for p in points if p > 0], top + 12 / np.sqrt(sharpness) + 40 / sharpness]

        def total(which):  # full_output silences warnings about pieces that are zero to rounding
            pieces = [
                integrate.quad(integrand, low, high, args=(which,), limit=200, epsabs=0, epsrel=1e-11, full_output=1)[0]
                for low, high in itertools.pairwise(edges)
            ]
            return sum(pieces)

        norm = total("norm")
        return well**2 * total("moment") / norm, total("side") / norm

    def closure(a):
        return a * (1 + 4 * prime**2 * readout * moments(bare * a**2)[0] / noise) - 1

    a = optimize.brentq(closure, 1e-6, 1, xtol=1e-13)
    return (a, *moments(bare * a**2))


@pytest.mark.parametrize(
    "arguments",
    [
        (11, 500, 6e-4, 1e-4 / 121, 3.0),
        (11, 500, 5e-4, 1e-4 / 121, 3.0),
        (11, 500, 4e-4, 1e-4 / 121, 3.0),
        (11, 500, 1e-4, 1e-4 / 121, 3.0),
        (5, 200, 6e-4, 4e-6, 3.0),
        (101, 500, 4e-4, 1e-8, 3.0),
        (1009, 500, 4e-4, 1e-4 / 1009**2, 3.0),
        (1009, 500, 3e-3, 1e-4 / 1009**2, 1e-2),
    ],
)
def test_exact_theory_equals_adaptive_quadrature(arguments):
    prime, width, noise, readout, decay = arguments
    a, moment, side = reference(*arguments)
    found = ma.predict(
        ma.ModularAddition(prime=prime, width=width, noise_variance=noise, readout_variance=readout, sextic_decay=decay)
    )
    assert found.converged
    np.testing.assert_allclose(found.discrepancy, a, rtol=1e-7)
    np.testing.assert_allclose(found.overlap_moment, moment, rtol=2e-6)
    np.testing.assert_allclose(found.side_weight, side, rtol=2e-6, atol=1e-12)
    np.testing.assert_allclose(found.target_eigenvalue, 4 * prime**2 * readout * moment, rtol=2e-6)


def test_table_of_the_base_point():
    """Discrepancy and <XV> as tabulated; side weights to the digits of two brute-force grids of different spacing."""
    found = ma.predict(BASE.replace(noise_variance=np.array([6e-4, 5e-4, 4e-4, 3e-4, 2e-4, 1e-4])))
    np.testing.assert_allclose(found.discrepancy, [0.9913, 0.9759, 0.8474, 0.6509, 0.4410, 0.2240], atol=1e-4)
    np.testing.assert_allclose(found.overlap_moment[:3], [0.01320, 0.03086, 0.1801], atol=1e-4)
    np.testing.assert_allclose(found.side_weight, [5.2e-4, 0.01692, 0.23359, 0.50583, 0.73244, 0.89518], atol=1e-5)


def test_side_weight_by_brute_force():
    """A midpoint grid with cells that end at x*/2, halved twice: converges to the same number as the panels."""
    found = ma.predict(BASE.replace(noise_variance=4e-4))
    grids = []
    for cells in (300, 600, 1200):
        x = (np.arange(cells) + 0.5) * 3.0 / cells
        law = np.exp(np.asarray(found.law.log_density(*jnp.meshgrid(x, x, indexing="ij")))) * (3.0 / cells) ** 2
        np.testing.assert_allclose(law.sum(), 1, rtol=2e-3)  # the normalisation of the law
        grids.append(law[np.ix_(x > 0.5, x > 0.5)].sum() / law.sum())
    np.testing.assert_allclose(grids[-1] + (grids[-1] - grids[-2]) / 3, found.side_weight, rtol=1e-6)


def test_figure_3_as_printed():
    found = ma.predict(paper_system(np.array([0.227, 0.2, 0.18, 0.175])), convention="paper")
    assert found.converged.all()
    np.testing.assert_allclose(found.discrepancy, [0.96179, 0.84740, 0.76267, 0.74253], atol=1e-5)
    borders = ma.transitions(paper_system(), "paper")
    np.testing.assert_allclose([borders.start, borders.end], [0.236015, 0.176015], atol=1e-6)


def test_without_data_the_eigenvalue_is_the_lazy_one():
    found = ma.predict(BASE.replace(noise_variance=1.0, sextic_decay=1e-6))
    np.testing.assert_allclose(found.target_eigenvalue, ma.nngp_eigenvalues(BASE)[0][-1], rtol=1e-3)
    np.testing.assert_allclose(found.target_eigenvalue, 4 * BASE.readout_variance, rtol=1e-3)


def test_closure_holds_and_discrepancy_is_the_minimum():
    for noise in (6e-4, 4e-4, 1e-4):
        system = BASE.replace(noise_variance=noise)
        found = ma.predict(system)
        np.testing.assert_allclose(found.discrepancy, noise / (noise + found.target_eigenvalue), rtol=1e-9)
        dual = convex_dual(system, pair_nodes(system))
        values = [dual.value(jnp.array([float(found.discrepancy) + step])) for step in (-1e-3, 0.0, 1e-3)]
        assert values[1] < min(values[0], values[2])


@pytest.mark.slow
def test_derivatives_by_finite_differences():
    def outputs(system):
        found = ma.predict(system)
        return jnp.stack([found.discrepancy, found.side_weight])

    derivatives = jax.jacrev(outputs)(BASE)
    compiled = jax.jit(outputs)  # a traced prime need not be one
    for name in set(vars(BASE)) - {"regulariser"}:
        value = float(getattr(BASE, name))
        moved = lambda step, name=name, value=value: eqx.tree_at(
            lambda system: getattr(system, name), BASE, jnp.asarray(value * (1 + step))
        )
        numeric = (compiled(moved(1e-5)) - compiled(moved(-1e-5))) / (2e-5 * value)
        np.testing.assert_allclose(getattr(derivatives, name), numeric, rtol=1e-5, err_msg=name)


def test_training_fraction_scales_the_noise():
    with pytest.warns(ma.LeadingOrder):
        half = ma.predict(BASE.replace(training_fraction=0.5, noise_variance=2e-4))
    whole = ma.predict(BASE.replace(noise_variance=4e-4))
    np.testing.assert_allclose(half.discrepancy, whole.discrepancy, rtol=1e-12)


def test_sweep_equals_points_and_traces_once():
    noises = np.array([6e-4, 4e-4])
    swept = ma.predict(BASE.replace(noise_variance=noises))
    for i, noise in enumerate(noises):
        one = ma.predict(BASE.replace(noise_variance=noise))
        chex.assert_trees_all_close(jax.tree.map(lambda x, i=i: x[i], swept.order_parameters), one.order_parameters)

    chex.clear_trace_counter()
    traced = jax.jit(chex.assert_max_traces(lambda system: ma.predict(system).discrepancy, n=1))
    for noise in noises:
        traced(BASE.replace(noise_variance=noise))


def test_wells_and_mixture():
    """Closed-form saddle against the gradient of the action, and its weight against the law where wells are sharp."""
    system = ma.ModularAddition(
        prime=211, width=500, noise_variance=3e-4, readout_variance=1e-4 / 211**2, sextic_decay=3.0
    )
    found = ma.predict(system)
    wells = found.law.wells()
    action = lambda z: found.law.action(z[0], z[1])
    point = jnp.array([wells.position, wells.position])
    assert bool(wells.exists)
    np.testing.assert_allclose(jax.grad(action)(point) / system.prime, 0, atol=1e-12)
    curvature = np.linalg.eigvalsh(jax.hessian(action)(point))
    np.testing.assert_allclose([wells.width_along**-2, wells.width_across**-2], curvature, rtol=1e-10)
    np.testing.assert_allclose(wells.gap, action(point), rtol=1e-12)
    np.testing.assert_allclose(wells.weight, found.side_weight, rtol=0.02)


def test_phase_coherence_by_monte_carlo():
    """Read-out modes are Gaussian around the response to the data; 40 000 draws at two strengths."""
    rng = np.random.default_rng(0)
    for moment in (0.01, 0.2):
        discrepancy = jnp.array(0.9)
        expected = readout_coherence(BASE, discrepancy, jnp.array(moment))
        variance = float(BASE.readout_variance / (BASE.width * BASE.prime))
        mean = 2 * 11 * float(BASE.readout_variance) * 0.9 * np.sqrt(moment) / (500 * 5e-4)
        noise = rng.normal(size=(2, 40_000)) * np.sqrt(variance / 2)
        cosine = np.cos(np.arctan2(noise[1], mean + noise[0]))
        assert abs(cosine.mean() - expected) < 5 * cosine.std() / np.sqrt(cosine.size)
