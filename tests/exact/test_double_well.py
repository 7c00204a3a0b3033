"""A double well against quadrature (README.md)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from grokjax import MALA, UnderdampedLangevin, ensemble
from grokjax.observables import RunningMoments


MEMBERS = 6000


class DoubleWell(eqx.Module):
    temperature: jax.Array

    def __call__(self, x):
        return (x**2 - 1) ** 2 / (2 * self.temperature)


def squares(key, state):
    return state.position**2


def exact_second_moment(temperature):
    weight = lambda x: np.exp(-((x**2 - 1) ** 2) / (2 * temperature))
    return quad(lambda x: x**2 * weight(x), -6, 6)[0] / quad(weight, -6, 6)[0]


@pytest.mark.parametrize("sampler", [MALA(0.15), UnderdampedLangevin(0.1, 1.0)], ids=["MALA", "BAOAB"])
def test_second_moment(sampler):
    """Two temperatures in one call; half of the members start in each well."""
    temperature = np.repeat([0.5, 1.0], MEMBERS)
    start = jnp.asarray(np.where(np.arange(2 * MEMBERS) % 2, 1.0, -1.0))
    run = ensemble.run(
        jax.random.key(5),
        sampler,
        DoubleWell(jnp.asarray(temperature)),
        start,
        num_steps=400,
        warmup=200,
        num_chunks=4,
        record_every=20,
        observables={"x2": RunningMoments(squares)},
        progress=False,
    )
    for T in (0.5, 1.0):
        exact = exact_second_moment(T)
        values = run.results["x2"].mean[temperature == T]
        z = (values.mean() - exact) / (values.std(ddof=1) / np.sqrt(len(values)))
        assert abs(z) < 5, f"T = {T}: {values.mean():.4f} against {exact:.4f}, z = {z:.1f}"
