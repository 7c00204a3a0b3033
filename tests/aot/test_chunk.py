"""The program of a chunk, as the compilers of an H100 and of a TPU v5e make it."""

import math
import re

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import SingleDeviceSharding


pytestmark = pytest.mark.aot
TARGETS = [("h100", 1), ("h100", 4), ("v5e", 1), ("v5e", 4)]
# Of 8 networks at beta = 1/8, operands and outputs of all kernels of a step; another compiler moves them.
BYTES = {"h100": 12_993_176, "v5e": 8_051_008}


@pytest.fixture(params=TARGETS, ids=lambda param: f"{param[0]}-{param[1]}")
def chunk(request, compiled):
    return (*request.param, *compiled(*request.param))


def test_states_take_the_memory_of_the_old_ones(chunk):
    _, count, lowered, program, _ = chunk
    assert program.memory_analysis().alias_size_in_bytes >= lowered.state_bytes // count


def test_nothing_is_in_double_precision(chunk):
    _, _, lowered, _, text = chunk
    assert "f64[" not in text
    assert "f64[" not in str(lowered.traced.jaxpr)


def test_nor_is_it_where_theory_has_switched_double_precision_on(devices):
    import _ahead

    assert jax.config.jax_enable_x64
    assert "f64[" not in str(_ahead.chunk(devices("h100")).traced.jaxpr)


def test_a_step_talks_to_nobody(chunk):
    """Neither to the host nor to other devices."""
    _, _, lowered, _, text = chunk
    talk = r"\b(infeed|outfeed|send|recv|all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)(-start)?\("
    assert re.findall(talk, text) == []
    assert "callback" not in str(lowered.traced.jaxpr)
    assert "callback" not in text


@pytest.mark.parametrize("target", BYTES)
def test_a_step_moves_no_more_than_it_did(target, compiled):
    *_, text = compiled(target)
    import _ahead

    assert _ahead.step_of(text).num_bytes == pytest.approx(BYTES[target], rel=0.05)


def test_the_bytes_of_a_step_are_counted(devices):
    """Of a loop whose body reads an array and writes one."""
    import _ahead

    step = lambda x, _: (jnp.sin(x), None)
    array = jax.ShapeDtypeStruct((512, 1024), jnp.float32, sharding=SingleDeviceSharding(devices("h100")[0]))
    compiled = jax.jit(lambda x: jax.lax.scan(step, x, length=9)[0]).lower(array).compile()
    assert _ahead.step_of(compiled.as_text()).num_bytes == pytest.approx(2 * 4 * 512 * 1024, rel=1e-3)


PRECISIONS = {
    ("h100", "highest"): (r"precision = \[HIGHEST, HIGHEST\]", r"operand_precision=\{highest,highest\}"),
    ("h100", "bf16x3"): (
        r"lhs_precision_type = bf16.*num_primitive_operations = 3",
        r"algorithm=dot_bf16_bf16_f32_x3",
    ),
    ("v5e", "highest"): (r"precision = \[HIGHEST, HIGHEST\]", r"operand_precision=\{highest,highest\}"),
    ("v5e", "bf16x3"): (
        r"lhs_precision_type = bf16.*num_primitive_operations = 3",
        r"operand_precision=\{high,high\}",
    ),
}


@pytest.mark.parametrize(("target", "precision"), PRECISIONS)
def test_the_precision_of_both_large_products_is_in_the_program(target, precision, compiled):
    chunk, _, text = compiled(target, 1, precision)
    asked, made = PRECISIONS[target, precision]
    products = re.findall(r"stablehlo.dot_general.*", chunk.lowered.as_text())
    assert len(products) == 2
    assert all(re.search(asked, product) for product in products)
    assert len(re.findall(made, text)) >= 2


def largest_array(text):
    """Entries of the largest array anywhere in a program."""
    shapes = re.findall(r"\bf32\[([\d,]+)\]", text)
    return max(math.prod(int(size) for size in shape.split(",")) for shape in shapes)


@pytest.mark.parametrize("target", BYTES)
def test_a_fused_step_compiles_and_keeps_activations_out_of_memory(target, compiled):
    """Inputs are padded outside of the step, and the precision is that of three bfloat16 products."""
    chunk, program, text = compiled(target, 1, "highest", "fused")
    import _ahead

    plain, (width, samples, _) = compiled(target)[2], chunk.sizes
    activations = 8 * width * samples
    assert largest_array(text) < activations <= largest_array(plain)
    assert _ahead.step_of(text).num_bytes < _ahead.step_of(plain).num_bytes
    assert "fused_gradient" in text if target == "v5e" else "__gpu$xla.gpu.triton" in text
    assert program.memory_analysis().alias_size_in_bytes >= chunk.state_bytes


@pytest.mark.parametrize("precision", ["tf32", "tf32x3", "bf16"])
def test_fused_kernels_compile_at_every_precision_of_a_gpu(precision, compiled):
    compiled("h100", 1, precision, "fused")
