"""numpyro's NUTS on the energy of a small network: an independent sampler must find the same posterior."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Posterior, TwoLayer, UnderdampedLangevin, ensemble
from grokjax.evidence.statistics import over_members, z_score
from grokjax.networks import standard_normal_two_layer
from grokjax.observables import Series, measure_energy


WIDTH, DIM, SAMPLES = 4, 3, 20


def norms(key, state):
    """Invariants under permutation of the units: squared norms of the two layers."""
    return {"read_in": jnp.sum(state.position.read_in**2), "read_out": jnp.sum(state.position.read_out**2)}


@pytest.mark.slow
def test_underdamped_langevin_agrees_with_nuts():
    key = jax.random.key(0)
    inputs = jax.random.normal(key, (SAMPLES, DIM))
    targets = inputs[:, 0] - 0.5 * inputs[:, 1] ** 2
    scales = TwoLayer(jnp.asarray(0.7), jnp.asarray(0.5), jax.lax.erf)
    posterior = Posterior(inputs, targets[None], jnp.asarray(0.2), scales)
    make = lambda key: standard_normal_two_layer(
        key, width=WIDTH, num_inputs=DIM, num_outputs=1, activation=jax.lax.erf, dtype=jnp.float64
    )

    members = 400
    run = ensemble.run(
        jax.random.key(1),
        UnderdampedLangevin(0.1, 1.0),
        posterior,
        jax.vmap(make)(jax.random.split(jax.random.key(2), members)),
        target_axes=None,
        num_steps=2000,
        warmup=500,
        record_every=10,
        observables={"energy": Series(measure_energy), "norms": Series(norms)},
        progress=False,
    )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from numpyro.infer import MCMC, NUTS

        chains = 40
        mcmc = MCMC(
            NUTS(potential_fn=posterior),
            num_warmup=200,
            num_samples=300,
            num_chains=chains,
            chain_method="vectorized",
            progress_bar=False,
        )
        with jax.numpy_rank_promotion("allow"):
            mcmc.run(jax.random.key(3), init_params=jax.vmap(make)(jax.random.split(jax.random.key(4), chains)))
        samples = mcmc.get_samples(group_by_chain=True)

    ours = {"energy": run.results["energy"], **run.results["norms"]}
    theirs = {
        "energy": jax.vmap(jax.vmap(posterior))(samples),
        "read_in": jnp.sum(samples.read_in**2, axis=(-1, -2)),
        "read_out": jnp.sum(samples.read_out**2, axis=(-1, -2)),
    }
    for name in ours:
        mine, nuts = over_members(ours[name].mean(axis=1)), over_members(np.asarray(theirs[name]).mean(axis=1))
        assert abs(z_score(mine, nuts)) < 5, f"{name}: {mine} against {nuts}"
