"""Members sharded over eight virtual devices: the same numbers as on one, and nothing communicated in a step."""

import os
import subprocess
import sys

import pytest

from grokjax import devices


SCRIPT = """
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp, numpy as np, equinox as eqx
from grokjax import Langevin, UnderdampedLangevin, ensemble
from grokjax.observables import RunningMoments, Series, measure_energy

class Regression(eqx.Module):
    inputs: jax.Array
    noise: jax.Array
    def __call__(self, x):
        return jnp.sum((self.inputs @ x - 1) ** 2) / (2 * self.noise) + jnp.sum(x**2) / 2

def position(key, state):
    return state.position

members = {members}
target = Regression(jax.random.normal(jax.random.key(1), (7, 3)), jnp.linspace(0.5, 2.0, members))
observables = {{"energy": Series(measure_energy), "x": RunningMoments(position)}}
def run(devices, **options):
    return ensemble.run(
        jax.random.key(0), UnderdampedLangevin(jnp.linspace(0.1, 0.2, members), 1.0), target, jnp.zeros((members, 3)),
        target_axes=Regression(None, 0), num_steps=60, num_chunks=6, observables=observables, devices=devices,
        progress=False, **options,
    )

assert len(jax.devices()) == 8
one = run(jax.devices()[:1])
for options in ({{}}, {{"member_block": 2}}):
    many = run(None, **options)
    assert len(many.states.position.sharding.device_set) == {expected}
    np.testing.assert_allclose(many.results["energy"], one.results["energy"], rtol=1e-10)
    np.testing.assert_allclose(many.results["x"].mean, one.results["x"].mean, rtol=1e-10)
jax.config.update("jax_default_device", jax.devices()[3])
assert run(None).states.position.sharding.device_set == {{jax.devices()[3]}}
print("same")
"""


def run(members, expected):
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    code = SCRIPT.format(members=members, expected=expected)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "same" in done.stdout


@pytest.mark.medium
def test_eight_devices_equal_one():
    run(members=16, expected=8)


@pytest.mark.medium
def test_as_many_devices_as_divide_the_members():
    run(members=12, expected=6)


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="`device` must be what jax has here: 'cpu', but got 'tpu'"):
        devices.use("tpu")
    assert devices.use(None).platform == devices.use("cpu").platform == "cpu"
