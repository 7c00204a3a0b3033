"""Matrix products by name: which a backend has, what they do to the forces, and who is told."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import UnderdampedLangevin, ensemble, samplers
from grokjax.observables import Series, measure_energy
from grokjax.precision import dot_precision, is_lower


def cut(x, bits):
    return jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=bits)


class Rough(eqx.Module):
    """|x|^2/2 whose gradient in float32 has a few bits of mantissa only."""

    bits: int = eqx.field(static=True)

    def __call__(self, x):
        @jax.custom_vjp
        def energy(x):
            return jnp.sum(x * x) / 2

        gradient = lambda x: cut(x, self.bits) if x.dtype == jnp.float32 else x
        energy.defvjp(lambda x: (energy(x), x), lambda x, g: (g * gradient(x),))
        return energy(x)


def run(bits, **options):
    return ensemble.run(
        jax.random.key(0),
        UnderdampedLangevin(0.2),
        Rough(bits),
        jax.random.normal(jax.random.key(1), (6, 50), jnp.float32),
        target_axes=None,
        num_steps=40,
        record_every=4,
        observables={"energy": Series(measure_energy)},
        **{"progress": False, **options},
    )


def test_a_backend_is_asked_for_what_it_has():
    assert dot_precision(None, "gpu") == dot_precision("bfloat16", "tpu") == "default"
    assert dot_precision("tf32", "gpu") == dot_precision("TF32_TF32_F32", "gpu") == "TF32_TF32_F32"
    assert dot_precision("bf16x3", "tpu") == "BF16_BF16_F32_X3"
    assert dot_precision("float32", "cpu", jnp.float64) == "highest"
    with pytest.raises(ValueError, match=r'that a tpu has: "default", .*"bf16x6", but got \'tf32\'. Try "highest"'):
        dot_precision("tf32", "tpu")
    with pytest.raises(ValueError, match=r"`precision` must be one of .* for members in float64, but got 'bf16x3'"):
        dot_precision("bf16x3", "gpu", jnp.float64)
    with pytest.raises(ValueError, match='that a cpu has: "default"'):
        run(20, precision="TF32_TF32_F32")
    with pytest.raises(ValueError, match=r"one of jax's matrix precisions, .* but got 'f16'"):
        run(20, precision="f16")


def test_every_name_is_one_of_jax():
    for platform, names in {"gpu": ("tf32", "tf32x3", "bf16", "bf16x3"), "tpu": ("bf16", "bf16x3", "bf16x6")}.items():
        for name in names:
            with jax.default_matmul_precision(dot_precision(name, platform)):
                assert is_lower(name, platform)
    assert not is_lower("highest", "gpu")
    assert not is_lower(None, "cpu")


@pytest.mark.parametrize("bits", [7, 10])
def test_the_error_is_that_of_rounding(bits):
    states = run(bits).states
    found = samplers.force_error(
        Rough(bits), states, target_axes=None, num_members=3, step_size=jnp.asarray([0.1, 0.2])
    )
    x = np.asarray(states.position[:3], np.float64)
    rounded = np.asarray(cut(states.position[:3], bits), np.float64)
    error = np.sqrt(np.mean((rounded - x) ** 2))
    assert 2.0**-bits / 8 < error < 2.0**-bits
    np.testing.assert_allclose(found.rms["position"], error, rtol=1e-6)
    np.testing.assert_allclose(found.pull["position"], np.mean(x * (rounded - x)), rtol=1e-6)
    np.testing.assert_allclose(found.heat["position"], 0.2 * error**2 / 2, rtol=1e-6)
    assert found.reference == "float64"
    assert found.admissible


def test_true_float32_is_admissible_and_a_wrong_force_is_not():
    states = run(23).states
    exact = samplers.force_error(Rough(23), states, target_axes=None)
    assert max(exact.rms.values()) < 1e-7
    wrong = samplers.force_error(Rough(2), states, target_axes=None)
    assert not wrong.admissible
    assert not samplers.ForceError("bf16", "float64", {"x": np.nan}, {"x": 0.0}).admissible
    with pytest.raises(ValueError, match="`target` must be an energy"):
        samplers.force_error(None, states)


def test_a_run_of_lower_precision_tells(monkeypatch):
    """As on a backend with such products."""
    monkeypatch.setattr(ensemble.loop, "is_lower", lambda precision, platform: True)
    good = run(10, precision="high")
    assert good.precision == good.certificate.precision == "high"
    assert good.certificate.checks["precision"]
    assert "high: force error position" in str(good.certificate)
    with pytest.warns(UserWarning, match="high: force error .* the samples feel it. Take a higher precision"):
        bad = run(2, precision="high")
    assert "precision" in bad.certificate.failed
    assert "(limit heat 1e-05, virial 0.001)" in str(bad.certificate)


def test_a_run_in_float32_has_nothing_to_tell():
    plain = run(23)
    assert plain.precision == "highest"
    assert plain.force_error is None
    assert "precision" not in plain.certificate.checks
