"""The certificate passes what is in equilibrium, and names what is not."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import grokjax
from grokjax import GradientDescent, Series, UnderdampedLangevin, compare
from grokjax.ensemble.layout import HALF_STEP, OTHER_START, Layout
from grokjax.evidence import convergence
from grokjax.evidence.certificate import Certificate
from grokjax.evidence.examination import certify
from grokjax.evidence.statistics import Estimate
from grokjax.observables import measure_energy


MEMBERS, RECORDS, MEMORY = 16, 300, 0.8


class Sampled(NamedTuple):
    """As much of a run as `compare` looks at."""

    order_parameters: dict
    certificate: Certificate


def chains(rng, count, records=RECORDS):
    """Stationary AR(1) chains of unit variance, shape (chain, record)."""
    x = np.empty((count, records))
    x[:, 0] = rng.normal(size=count)
    for t in range(1, records):
        x[:, t] = MEMORY * x[:, t - 1] + np.sqrt(1 - MEMORY**2) * rng.normal(size=count)
    return x


def evidence(seed, points=None, records=RECORDS):
    """What an ensemble in equilibrium gives: data sets with means of their own, witnesses that share them."""
    rng = np.random.default_rng(seed)
    layout = Layout.of(() if points is None else (points,), MEMBERS, roles=(OTHER_START, HALF_STEP), num_witnesses=4)
    entries = layout.num_points * layout.per_point
    own = rng.normal(size=(layout.num_points, MEMBERS))[layout.point, layout.member][:, None]
    unit = lambda spread: 1 + spread * chains(rng, entries, records)
    return layout, {
        "series": {
            "overlap": 3 * own + chains(rng, entries, records),
            "side_weight": own + chains(rng, entries, records),
        },
        "energy": 100 + chains(rng, entries, records),
        "virial": {"read_in": unit(0.1), "read_out": unit(0.3)},
        "temperature": {"read_in": unit(0.1), "read_out": unit(0.3)},
        "diverged": np.zeros(entries, bool),
    }


def examine(layout, found, **options):
    return certify(layout, **found, **{"bias_order": 2, "steps_per_record": 4, **options})


@pytest.mark.parametrize("points", [None, 3])
def test_equilibrium_is_certified(points):
    """False alarms are rare: at most one of twenty ensembles."""
    verdicts = [examine(*evidence(seed, points)) for seed in range(20)]
    assert sum(not each.ok for each in verdicts) <= 1, "\n".join(str(each) for each in verdicts if not each.ok)
    assert verdicts[0].ess.shape == (() if points is None else (3,))
    assert "certificate: in equilibrium" in str(verdicts[0])


def other_start_stuck(layout, found):
    found["series"]["side_weight"][layout.has_role(OTHER_START)] += 1.5


def biased_step(layout, found):
    """A bias of 2 at the full step is 1/2 at half of it."""
    found["series"]["overlap"] += np.where(layout.has_role(HALF_STEP), 0.5, 2.0)[:, None]


def wrong_virial(layout, found):
    found["virial"]["read_out"] += 0.2


def uneven_virial(layout, found):
    """A bias that differs between data sets, as wide as it is large."""
    found["virial"]["read_in"] += np.random.default_rng(0).exponential(0.2, (len(found["energy"]), 1))


def cold_velocity(layout, found):
    found["temperature"]["read_in"] -= 0.05


def relaxing(layout, found):
    found["series"]["overlap"] += 2 * np.exp(-np.arange(RECORDS) / 100)


def heating(layout, found):
    found["energy"] += np.linspace(0, 2, RECORDS)


def hardly_moving(layout, found):
    found["series"]["side_weight"] = found["series"]["side_weight"][:, :1] + np.linspace(0, 1e-3, RECORDS)


def diverging(layout, found):
    found["diverged"][3] = True
    found["series"]["overlap"][3] = np.nan


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (other_start_stuck, "two starts"),
        (biased_step, "step bias"),
        (wrong_virial, "virial"),
        (uneven_virial, "virial"),
        (cold_velocity, "temperature"),
        (relaxing, "drift"),
        (heating, "drift"),
        (hardly_moving, "ESS"),
        (hardly_moving, "R-hat"),
        (diverging, "diverged"),
    ],
)
def test_what_is_wrong_is_named(spoil, line):
    for seed in range(5):
        layout, found = evidence(seed)
        spoil(layout, found)
        certificate = examine(layout, found)
        assert not certificate.ok
        assert line in certificate.failed, f"seed {seed}: {certificate}"
        assert line in str(certificate).splitlines()[0]


def test_a_sweep_is_examined_point_by_point():
    certificate = examine(*evidence(0))
    two = eqx.tree_at(lambda c: c.rhat, certificate, np.array([1.01, 1.5]))
    assert two.failed == ["R-hat"]
    np.testing.assert_array_equal(two.failed_at, [False, True])
    run = Sampled({"overlap": Estimate(np.zeros(2) + 1.0, np.full(2, 0.1))}, two)
    table = compare({"overlap": np.ones(2)}, run)
    assert [table.verdict(row) for row in table.rows] == ["agree", "not certified (within errors)"]


def test_a_diverged_member_spoils_no_other_number():
    layout, found = evidence(0)
    diverging(layout, found)
    certificate = examine(layout, found)
    assert certificate.failed == ["diverged"], str(certificate)
    assert int(certificate.diverged) == 1


def test_richardson_takes_the_bias_off():
    layout, found = evidence(1)
    unbiased = examine(layout, found).step_bias
    biased_step(layout, found)
    biased = examine(layout, found).step_bias
    np.testing.assert_allclose(biased.bias["overlap"].mean - unbiased.bias["overlap"].mean, 2.0, rtol=1e-12)
    for name, value in unbiased.richardson.items():
        np.testing.assert_allclose(biased.richardson[name].mean, value.mean, rtol=1e-10)


def test_lines_without_evidence_are_not_passed():
    _, found = evidence(0)
    mute = Layout.of((), MEMBERS, num_witnesses=0)
    cut = lambda tree: {name: values[:MEMBERS] for name, values in tree.items()}
    found = {**found, "series": cut(found["series"]), "virial": cut(found["virial"]), "temperature": None}
    found |= {"energy": found["energy"][:MEMBERS], "diverged": found["diverged"][:MEMBERS]}
    certificate = examine(mute, found)
    assert certificate.missing == ["two starts", "step bias"]
    assert not certificate.failed
    assert not certificate.ok
    assert "no evidence on: two starts, step bias" in str(certificate)
    exact = examine(mute, found, bias_order=None, exact=True)
    assert exact.missing == ["two starts"]  # a Metropolis sampler has no step bias
    assert "step bias" in examine(mute, found, bias_order=None).missing  # a trainer is not exact for lack of a bias


def test_too_few_records_are_no_evidence():
    certificate = examine(*evidence(0, records=3))
    assert not certificate.ok
    assert {"two starts", "ESS", "drift"} <= set(certificate.failed)


def test_error_of_a_time_average():
    """Batch means against the exact error sqrt((1 + a)/(1 - a)/T) of a long AR(1) chain."""
    series = chains(np.random.default_rng(0), 400, 3000)
    exact = np.sqrt((1 + MEMORY) / (1 - MEMORY) / 3000)
    # 400 chains x 4 degrees of freedom: relative standard error 1/sqrt(3200).
    assert abs(convergence.time_mean_error(series) / exact - 1) < 5 / np.sqrt(3200) + 0.01


def test_rhats_tell_chains_apart():
    rng = np.random.default_rng(1)
    own = 5 * rng.normal(size=(10, 1, 1))
    alike = own + chains(rng, 40).reshape(10, 4, RECORDS)
    assert convergence.pooled_rhat(alike) < 1.03  # data sets differ, chains on one of them do not
    apart = alike + 2 * np.arange(4)[:, None]
    assert convergence.pooled_rhat(apart) > 1.5
    starts = np.moveaxis(alike[:, :2], 1, 0)
    assert convergence.nested_rhat(starts) < 1.03
    assert convergence.nested_rhat(starts + np.array([0, 1.0])[:, None, None]) > 1.2


def test_an_ensemble_carries_the_evidence_that_it_has():
    """No witnesses, so it is never complete; what speaks against equilibrium is named."""
    energy = lambda x: jnp.sum(jnp.arange(1.0, 6.0) * x * x) / 2

    def run(start=0.0, sampler=UnderdampedLangevin(0.3), **options):
        observables = {"energy": Series(measure_energy), "first": Series(lambda key, state: state.position[0])}
        options = {"num_steps": 1200, "record_every": 4, "observables": observables, "progress": False, **options}
        return grokjax.run(jax.random.key(0), sampler, energy, jnp.full((16, 5), start), target_axes=None, **options)

    good = run(warmup=200)
    assert not good.certificate.failed
    assert good.certificate.missing == ["two starts", "step bias"]
    assert set(good.certificate.drift) == {"energy", "first"}
    assert "position" in good.certificate.virial
    slow = run(30.0, UnderdampedLangevin(0.01)).certificate
    assert "drift" in slow.failed
    assert "(limit |z| 5)" in str(slow)
    assert run(observables={}).certificate is None
    descent = GradientDescent(optax.sgd, learning_rate=0.1)
    assert run(sampler=descent).certificate is None
    hot = eqx.tree_at(lambda run: run.states.gradient, good, 100 * good.states.gradient)
    assert "virial" in hot.certificate.failed


def test_few_members_have_no_virial_of_one_time():
    energy = lambda x: jnp.sum(x * x) / 2
    run = grokjax.run(
        jax.random.key(0), UnderdampedLangevin(0.3), energy, jnp.zeros((2, 5)), target_axes=None, progress=False,
        num_steps=400, observables={"energy": Series(measure_energy)},
    )  # fmt: skip
    assert {"virial", "temperature"} <= set(run.certificate.missing)
    assert "not followed" in str(run.certificate)
