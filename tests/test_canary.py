"""Some jax versions compute wrong numbers on CPU; this is how they are recognised (see pyproject.toml)."""

import jax
import jax.numpy as jnp
import numpy as np


def test_jit_equals_eager_for_a_vmapped_sum_of_squares():
    """jax 0.10.2 is off by 41 here (jax issue 39103)."""
    matrices = jax.random.normal(jax.random.key(0), (3, 4, 20_000)).swapaxes(1, 2)
    vectors = jax.random.normal(jax.random.key(1), (3, 4))
    energy = lambda M, r: jnp.sum((M @ r) ** 2)
    compiled = jax.jit(jax.vmap(energy))(matrices, vectors)
    exact = np.sum(np.einsum("mij,mj->mi", np.asarray(matrices), np.asarray(vectors)) ** 2, axis=1)
    np.testing.assert_allclose(compiled, exact, rtol=1e-12)
