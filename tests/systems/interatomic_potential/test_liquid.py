"""The liquid: all pairs in the minimum image against the crystal's list, and diffusion from a path that is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import interatomic_potential as ip
from grokjax.systems.interatomic_potential.liquid import Fluid, _slope


@pytest.mark.medium
def test_all_pairs_of_a_large_box_are_those_of_the_list():
    """Titanium's cutoff is just below half the edge of 128 atoms, so that lists and images see the same pairs."""
    system = ip.titanium()
    crystal, fluid = system.phases[1], Fluid.of(system.phases[1])
    y, strain = 0.05 * jax.random.normal(jax.random.key(0), crystal.zero.shape), jnp.full(3, 0.002)
    expected = system.energy.energy_and_gradient(system.theta, crystal, y, strain)
    found = system.energy.energy_and_gradient(system.theta, fluid, y, strain)
    assert float(found[0]) == pytest.approx(float(expected[0]), abs=1e-9)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-10)
    jump = y.at[3, 0].add(2 * fluid.edges[0])  # an atom that left through a wall, twice
    there = system.energy(system.theta, fluid, jump, strain)
    assert float(there) == pytest.approx(float(expected[0]), abs=1e-9)


def test_the_slope_of_a_random_walk():
    """Steps of unit variance: the mean square displacement grows by 3 a frame."""
    path = np.random.default_rng(0).normal(size=(200, 400, 3)).cumsum(axis=0)
    assert _slope(path) == pytest.approx(3, abs=0.2)


def test_bad_input_is_named(titanium):
    key = jax.random.key(0)
    with pytest.raises(ValueError, match="cubic box of 13 at least"):
        ip.self_diffusion(key, titanium, temperature=1999.0)
    with pytest.raises(ValueError, match="`temperature`"):
        ip.self_diffusion(key, titanium, temperature=0.0)


@pytest.mark.slow
def test_titanium_melts_and_diffuses():
    """Neutrons have 5.3e-9 m^2/s at 1999 K; the potential was not made for it: the order of magnitude counts."""
    found = ip.self_diffusion(jax.random.key(0), ip.titanium(), temperature=1999.0)
    assert 2e-9 < found.mean < 1.2e-8
    assert found.error < 0.1 * found.mean
    more = ip.self_diffusion(jax.random.key(0), ip.titanium(), temperature=1999.0, viscosity=3.3e-3)
    assert more.mean - found.mean == pytest.approx(9e-10, rel=0.1)
