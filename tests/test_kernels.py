"""Fused gradients, interpreted on a CPU, against autodiff; and what they refuse."""

import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Design, Posterior, UnderdampedLangevin, ensemble, kernels
from grokjax.driver import first_positions
from grokjax.kernels import reference, tpu, triton
from grokjax.networks import TwoLayer
from grokjax.observables import Series, measure_energy
from grokjax.precision import precisions_of
from grokjax.samplers.stiffness import largest_curvature
from grokjax.systems import teacher_student as ts


UNROUNDED = (3, 40, 150, 21)  # members, units, samples, inputs: each needs padding
ROUND = (1, 32, 128, 32)
SMALL = triton.Tiles(units=32, samples=64, residual_units=16, residual_samples=32)
INTERPRETED = {
    "gpu": functools.partial(triton.energy_and_gradient, interpret=True, tiles=SMALL),
    "tpu": functools.partial(tpu.energy_and_gradient, interpret=True, precision="highest"),
}


@pytest.fixture(autouse=True, scope="module")
def float32():
    """Kernels compute in float32."""
    with jax.enable_x64(False):
        yield


def members(shape, seed=0):
    count, units, samples, dim = shape
    keys = jax.random.split(jax.random.key(seed), 4)
    W = jax.random.normal(keys[0], (count, units, dim)) * math.sqrt(0.5 / dim)
    a = jax.random.normal(keys[1], (count, units)) * math.sqrt(1 / units)
    X = jax.random.normal(keys[2], (count, samples, dim))
    return W, a, X, X[..., 0] + 0.1 * jax.random.normal(keys[3], (count, samples))


def largest_error(found, expected):
    return max(
        float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b)))
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    )


@pytest.mark.parametrize("kernel", INTERPRETED)
@pytest.mark.parametrize("shape", [UNROUNDED, ROUND])
def test_kernels_equal_autodiff(kernel, shape):
    W, a, X, y = members(shape)
    expected = jax.vmap(reference.energy_and_gradient)(W, a, X, y)
    padded = jax.vmap(lambda x, y: kernels.padded(x, y[None]))(X, y)
    assert largest_error(jax.jit(jax.vmap(INTERPRETED[kernel]))(W, a, *padded), expected) < 2e-6


@pytest.mark.parametrize("kernel", INTERPRETED)
def test_members_may_share_their_data(kernel):
    W, a, X, y = members(UNROUNDED)
    expected = jax.vmap(reference.energy_and_gradient, in_axes=(0, 0, None, None))(W, a, X[0], y[0])
    shared = jax.jit(jax.vmap(INTERPRETED[kernel], in_axes=(0, 0, None, None)))
    assert largest_error(shared(W, a, *kernels.padded(X[0], y[:1])), expected) < 2e-6


def test_three_products_of_bfloat16_are_float32_and_one_is_not():
    """The TPU's kernel rounds when interpreted, too."""
    W, a, X, y = (leaf[0] for leaf in members(ROUND))
    expected = reference.energy_and_gradient(W, a, X, y)
    error = lambda precision: largest_error(
        tpu.energy_and_gradient(W, a, X, y, interpret=True, precision=precision), expected
    )
    assert error("bf16x3") < 2e-5
    assert 2e-4 < error("bf16") < 2e-2


def test_parts_cover_the_inputs():
    for dim in range(16, 400, 16):
        parts = triton.parts_of(dim)
        assert sum(size for _, size in parts) == dim
        assert all(size & (size - 1) == 0 and at % size == 0 for at, size in parts)


@pytest.fixture(scope="module")
def problems():
    """The same networks with and without the kernel."""
    system = ts.TeacherStudent(
        width=24,
        num_samples=60,
        input_dim=10,
        noise_variance=0.2,
        readout_variance=0.05,
        weight_variance=0.5,
        teacher={1: 1.0, 3: -0.3},
    )
    draw = lambda how: first_positions(jax.random.key(0), system, ts.Students(gradient=how), Design(num_members=4))
    return {how: draw(how) for how in ("xla", "fused")}


def run(problem, positions, **options):
    return ensemble.run(
        jax.random.key(1),
        UnderdampedLangevin(0.1, 1.0),
        problem.target,
        positions,
        num_steps=40,
        record_every=4,
        num_chunks=2,
        observables={"energy": Series(measure_energy)},
        progress=False,
        **options,
    )


@pytest.mark.medium
@pytest.mark.parametrize("kernel", ["gpu", pytest.param("tpu", marks=pytest.mark.slow)])
def test_a_run_with_a_kernel_is_the_run_without(kernel, problems, monkeypatch):
    calls = []

    def interpreted(W, a, X, y):
        calls.append(X.shape)
        return INTERPRETED[kernel](W, a, X, y)

    monkeypatch.setattr(kernels, "_in_xla", interpreted)
    monkeypatch.setattr(kernels, "PLATFORMS", ("cpu",))
    jax.clear_caches()
    fused, plain = run(*problems["fused"]), run(*problems["xla"])
    jax.clear_caches()
    assert set(calls) == {(128, 16)}
    np.testing.assert_allclose(fused.results["energy"], plain.results["energy"], rtol=2e-6)
    np.testing.assert_allclose(fused.states.position.read_in, plain.states.position.read_in, atol=1e-5)
    assert "in fused kernels" in fused.precision
    assert max(fused.force_error.rms.values()) < 1e-5


def test_inputs_are_padded_once_a_chunk_and_not_at_every_step(problems):
    target, _ = problems["fused"][0].target, None
    one = jax.tree.map(lambda leaf: leaf[0], target)
    position = jax.tree.map(lambda leaf: leaf[0], problems["fused"][1])
    pads = lambda target: str(jax.make_jaxpr(jax.grad(target))(position)).count("pad[")
    assert pads(one) - pads(one.prepared()) == 2  # inputs and targets
    assert one.prepared().packed[0].shape == (128, 16)
    assert one.in_plain_xla.prepared() == one.in_plain_xla


def test_second_derivatives_are_refused_and_taken_without_the_kernel(problems):
    (problem, positions), (plain, _) = problems["fused"], problems["xla"]
    one, other = (jax.tree.map(lambda leaf: leaf[0], each.target) for each in (problem, plain))
    position = jax.tree.map(lambda leaf: leaf[0], positions)
    square = lambda target: jax.grad(lambda x: jnp.sum(jax.grad(target)(x).read_in ** 2))(position)
    with pytest.raises(ValueError, match=r"`compute` must be \"xla\" where a second derivative .*in_plain_xla"):
        square(one)
    assert largest_error(square(one.in_plain_xla), square(other)) < 1e-6
    curvature = largest_curvature(jax.random.key(0), one, position)
    np.testing.assert_allclose(curvature, largest_curvature(jax.random.key(0), other, position), rtol=1e-5)


def test_what_there_is_no_kernel_for(problems):
    with pytest.raises(
        ValueError, match=r'`compute` must be "xla" on a cpu, but got \'fused\'. Fused kernels are for gpu'
    ):
        run(*problems["fused"])

    def posterior(activation=jax.lax.erf, outputs=1, dtype=jnp.float32, **options):
        scales = TwoLayer(jnp.ones((), dtype), jnp.ones((), dtype), activation)
        data = jnp.zeros((5, 3), dtype), jnp.zeros((outputs, 5), dtype)
        return Posterior(*data, jnp.ones((), dtype), scales, **{"compute": "fused", **options})

    bad = {
        "activations other than erf": {"activation": jnp.tanh},
        "several outputs": {"outputs": 2},
        "members in another dtype": {"dtype": jnp.float16},
        "rows in tiles": {"row_tile": 2},
        "likelihoods other": {"likelihood": lambda f, y: jnp.sum(f - y)},
    }
    assert posterior().compute == "fused"
    for expected, options in bad.items():
        with pytest.raises(ValueError, match=f'`compute` must be "xla" for {expected}'):
            posterior(**options)
    with pytest.raises(ValueError, match='`compute` must be one of "auto", "xla", "fused"'):
        posterior(compute="fast")
    with pytest.raises(ValueError, match='`compute` must be "xla" for networks other than TwoLayer'):
        Posterior.of(eqx.nn.Linear(3, 1, key=jax.random.key(0)), jnp.zeros((5, 3)), jnp.zeros((1, 5)), compute="fused")


def test_float32_is_bf16x3_in_kernels():
    assert kernels.kernel_precision("highest", "gpu") == kernels.kernel_precision("highest", "tpu") == "bf16x3"
    assert kernels.kernel_precision("tf32", "gpu") == "tf32"
    for platform, has in {"gpu": triton.PRECISIONS, "tpu": tpu.PRECISIONS}.items():
        assert {kernels.kernel_precision(name, platform) for name in precisions_of(platform)} <= set(has)
