"""Pairs of networks: the loss, the stages of training, and what a run reports."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Status
from grokjax.systems import mean_variance as mv
from grokjax.systems.mean_variance.networks import Features, Loss, Objective, random_pair
from grokjax.systems.mean_variance.training import two_stage


def loss_of(alpha=0.1, beta=0.2, discount=0.0, models_variance=False, n=12):
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.standard_normal((1, n))), jnp.asarray(rng.standard_normal(n))
    numbers = (jnp.asarray(each, float) for each in (alpha, beta, discount))
    return Loss(x, y, jnp.ones(n), Objective(*numbers, jnp.asarray(models_variance)))


PAIR = random_pair(jax.random.key(0), 1, 5, 2, "he", jnp.float64)
ON, OFF = jnp.asarray(True), jnp.asarray(False)


def plain(loss, pair):
    """The regularised likelihood as it stands in the paper."""
    mean, precision = loss.predict(pair, loss.features)
    likelihood = jnp.mean(precision * (mean - loss.targets) ** 2 - jnp.log(precision)) / 2
    return likelihood + loss.objective.alpha * pair.mean.penalty() + loss.objective.beta * pair.precision.penalty()


def test_the_loss_is_the_papers_and_each_gradient_has_its_own_scale():
    loss = loss_of()
    np.testing.assert_allclose(loss(PAIR), plain(loss, PAIR), rtol=1e-12)
    ours, theirs = jax.grad(loss)(PAIR), jax.grad(lambda pair: plain(loss, pair))(PAIR)
    for scaled, full, strength in ((ours.mean, theirs.mean, 0.1), (ours.precision, theirs.precision, 0.2)):
        for one, other in zip(jax.tree.leaves(scaled), jax.tree.leaves(full), strict=True):
            np.testing.assert_allclose(one * (1 + strength), other, rtol=1e-10, atol=1e-14)


def test_losses_of_the_square_and_of_the_strengths_are_multiples():
    rho, gamma = 0.7, 0.3
    alpha, beta = mv.MeanVariance.from_square(mv.sine(8), rho=rho, gamma=gamma), None
    alpha, beta = alpha.alpha, alpha.beta
    loss = loss_of(alpha, beta)
    mean, precision = loss.predict(PAIR, loss.features)
    likelihood = jnp.mean(precision * (mean - loss.targets) ** 2 - jnp.log(precision)) / 2
    penalties = gamma * PAIR.mean.penalty() + (1 - gamma) * PAIR.precision.penalty()
    np.testing.assert_allclose(rho * loss(PAIR), rho * likelihood + (1 - rho) * penalties, rtol=1e-12)


def test_the_mean_alone_is_ridge_regression_and_leaves_the_precision():
    loss = loss_of()
    gradient = jax.grad(loss.joint)(PAIR, OFF)
    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(gradient.precision))
    residual = PAIR.mean(loss.features) - loss.targets
    expected = jnp.mean(residual**2) / 2 + 0.1 * PAIR.mean.penalty()
    np.testing.assert_allclose(loss.joint(PAIR, OFF), expected, rtol=1e-12)


def test_beta_nll_is_the_published_gradient():
    loss = loss_of(0.0, 0.0, discount=0.5, models_variance=True)

    def published(pair):
        mean, precision = loss.predict(pair, loss.features)
        v = 1 / precision
        return jnp.mean(((loss.targets - mean) ** 2 / v + jnp.log(v)) / 2 * jax.lax.stop_gradient(v) ** 0.5)

    for one, other in zip(
        jax.tree.leaves(jax.grad(loss)(PAIR)), jax.tree.leaves(jax.grad(published)(PAIR)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-14)


def test_corners_of_the_square_train_in_thirty_two_bits():
    """At rho = gamma = 1e-11 the gradient of the mean would be 1e-11, below what Adam sees."""
    for rho, gamma in ((1e-11, 1e-11), (1 - 1e-11, 1 - 1e-11), (1 - 1e-11, 1e-11)):
        system = mv.MeanVariance.from_square(mv.sine(8), rho=rho, gamma=gamma)
        strengths = (float(system.alpha), float(system.beta))
        loss = jax.tree.map(lambda x: x.astype(jnp.float32) if x.dtype == jnp.float64 else x, loss_of(*strengths))
        pair = jax.tree.map(lambda x: x.astype(jnp.float32), PAIR)
        gradient = jax.grad(loss)(pair)
        for network in (gradient.mean, gradient.precision):
            size = np.sqrt(sum(float(jnp.sum(leaf**2)) for leaf in jax.tree.leaves(network)))
            assert 1e-3 < size < 1e3


def test_stages_batches_and_clipping_of_the_trainer():
    loss, key = loss_of(n=40), jax.random.key(1)
    options = {"learning_rate": (1e-3, 1e-2), "half_cycle": 5.0}

    @eqx.filter_jit
    def trained(trainer):
        advance = lambda state, k: (trainer.step(k, loss, state), None)
        return jax.lax.scan(advance, trainer.init(key, loss, PAIR), jax.random.split(key, 6))[0]

    alone, both = trained(two_stage(100, **options)), trained(two_stage(3, **options))
    same = lambda a, b: all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))
    assert same(alone.position.precision, PAIR.precision)
    assert not same(alone.position.mean, PAIR.mean)
    assert not same(both.position.precision, PAIR.precision)
    assert int(both.steps) == 6
    start = lambda k: two_stage(0, batch_size=8, **options).init(k, loss, PAIR).gradient.mean.weights[0]
    drawn = jax.jit(jax.vmap(start))(jax.random.split(key, 4000))
    error = jnp.std(drawn, axis=0) / len(drawn) ** 0.5
    off = jnp.abs(jnp.mean(drawn, axis=0) - jax.grad(loss)(PAIR).mean.weights[0])
    assert (off < 5 * error + 1e-12).all()
    assert error.max() < 0.02


def test_clipping_is_per_member():
    from grokjax.systems.mean_variance.training import clipped_adam

    optimiser = clipped_adam(1e-3, 1e-2, 10.0, 1.0)
    gradients = jnp.asarray([[3.0, 4.0], [0.03, 0.04]])
    state = jax.vmap(lambda g: optimiser.update(g, optimiser.init(g))[1])(gradients)
    moments = jax.tree.leaves(state[1][0].mu)[0]
    np.testing.assert_allclose(moments, 0.1 * np.array([[0.6, 0.8], [0.03, 0.04]]), rtol=1e-6)


def test_the_rate_is_triangular_and_halves():
    from grokjax.systems.mean_variance.training import clipped_adam

    optimiser, gradient = clipped_adam(0.0, 1.0, 4.0, 1e9), jnp.ones(1)

    def step(state, _):
        update, state = optimiser.update(gradient, state)
        return state, -update[0]

    _, rates = jax.lax.scan(step, optimiser.init(gradient), None, length=16)
    peak = [0, 1, 2, 3, 4, 3, 2, 1]
    np.testing.assert_allclose(rates, np.array([*peak, *(0.5 * np.array(peak))]) / 4, atol=1e-6)


def test_features_are_standardised_or_random_waves():
    x = jnp.asarray([[1.0], [3.0]])
    standard = Features(jnp.asarray([2.0]), jnp.asarray([1.0]), None)
    np.testing.assert_allclose(standard(x), [[-1.0, 1.0]])
    waves = Features(jnp.asarray([2.0]), jnp.asarray([1.0]), jnp.asarray([[0.25]]))
    np.testing.assert_allclose(waves(x), [[0.0, 0.0], [-1.0, 1.0]], atol=1e-12)


@pytest.fixture(scope="module")
def run():
    """Two points of 12 inputs: a flat fit and a learned one."""
    system = mv.MeanVariance(mv.sine(24, num_test=10), alpha=jnp.asarray([1.0, 1e-3]), beta=0.1)
    options = {"width": 16, "num_members": 3, "num_steps": 800, "progress": False}
    return mv.simulate(jax.random.key(0), system, **options)


@pytest.mark.medium
def test_a_run_reports_what_the_theory_does(run):
    predicted = mv.predict(mv.MeanVariance(run.system.data, alpha=run.system.alpha, beta=0.1))
    structure = lambda tree: {jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(tree)}
    of_run = {name.rsplit(".", 1)[0] for name in structure(run.order_parameters)}
    assert of_run == structure(predicted.order_parameters)
    assert run.mse.mean.shape == run.test.nll.error.shape == (2,)
    assert run.status.shape == (2, 3)
    assert set(np.unique(run.status)) <= {Status.OUT_OF_STEPS, Status.COLLAPSED}
    assert run.experiment.mean_steps == 320
    assert run.experiment.half_cycle == 200
    spread = mv.seed_spread(run)
    np.testing.assert_allclose(spread.mse, run.mse.error * np.sqrt(3))


@pytest.mark.medium
def test_a_strong_penalty_flattens_the_mean(run):
    r"""All weights of the mean decay to zero, and what is left is the variance of the targets, one.

    On [0, 1] a mean $f$ has $|\mathrm{mse}-1|\le2\,\mathrm{sd}(f)+\mathrm{var}(f)+\langle f\rangle^2$ with
    $\mathrm{sd}(f)\le\sqrt D/\pi$ (Poincare), so that D = 1e-10 allows 6.4e-6, and as much again for the bias.
    """
    assert run.mean_energy.mean[0] < 1e-10
    assert abs(run.mse.mean[0] - 1) < 1e-5
    assert run.mean_energy.mean[1] > 1
    assert run.fitted.mean[1] > 0.2
    assert run.chi2.mean[1] < 1  # as the identity of the theory has it at a stationary point


def test_a_mean_through_the_data_has_collapsed():
    from grokjax.systems.mean_variance.order_parameters import OrderParameters

    fitted = np.array([[0.5, 0.99], [0.2, 1.0]])
    measured = OrderParameters(*[None] * 8, fitted, None, None, None)
    assert (mv.Networks().outcome(measured, {}) == np.where(fitted > 0.98, Status.COLLAPSED, Status.OUT_OF_STEPS)).all()


@pytest.mark.slow
def test_the_border_of_networks_is_an_iso_alpha_line():
    """Inputs on [-1, 1] as in the paper: flat from alpha = .09 on, rough up to .0556, whatever beta is."""
    data = mv.sine(64)
    data = mv.RegressionData(2 * data.inputs - 1, data.targets)
    alphas, betas = jnp.asarray([0.0316, 0.0556, 0.09, 0.178]), jnp.asarray([2e-3, 1.0, 100.0])
    system = mv.MeanVariance(data, alpha=alphas[:, None], beta=betas[None])
    run = mv.simulate(jax.random.key(0), system, num_members=2, standardise=False, progress=False)
    energy = np.asarray(run.mean_energy.mean)
    assert (energy[:2] > 0.1).all()
    assert (energy[2:] < 1e-10).all()
