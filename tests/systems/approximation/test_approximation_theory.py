"""The phase diagram as inequalities, with its borders, for every activation; and the wall to the constructions."""

import ast
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import approximation as ap


FOLDER = Path(ap.__file__).parent


def test_the_table():
    assert ap.phase(0.75, r=1, d=2) == "deep discontinuous"
    assert ap.phase(0.49, r=1, d=2) == "shallow continuous"
    assert ap.phase(1.01, r=1, d=2) == "infeasible"
    assert ap.min_depth_exponent(0.75, r=1, d=2) == 0.5
    assert ap.max_rate(0.5, r=1, d=1) == 1.5
    assert ap.max_rate(7.0, r=1, d=1) == 2.0
    assert ap.max_rate(-1.0, r=1, d=2) == 0.5
    assert ap.region(1.5, 1, 1) == ("deep discontinuous", "discontinuous", "W^0.5")


@pytest.mark.parametrize(("r", "d"), [(1, 1), (1, 3), (0.3, 7), (2.5, 2)])
def test_borders_hold_in_floating_point(r, d):
    c = r / d
    first, second = ap.region(c, r, d), ap.region(2 * c, r, d)
    assert first.name == second.name == "boundary"
    assert (first.weights, second.weights) == ("continuous", "discontinuous")
    assert first.depth == ("O(1)" if r <= 2 else "O(log W)")
    assert second.depth == "W"
    for factor, name in ((1 - 1e-9, "shallow continuous"), (1 + 1e-9, "deep discontinuous")):
        assert ap.phase(factor * c, r, d) == name
    assert ap.phase(2 * c * (1 + 1e-9), r, d) == "infeasible"
    assert abs(ap.min_depth_exponent(2 * c, r, d) - 1) < 1e-12
    alphas = np.linspace(0, 1, 11)
    np.testing.assert_allclose(ap.min_depth_exponent(ap.max_rate(alphas, r, d), r, d), alphas, atol=1e-12)


def test_other_activations():
    assert ap.phase(3.0, 1, 1, "sigmoid") == "open"
    assert ap.phase(4.1, 1, 1, "sigmoid") == "infeasible"
    assert ap.phase(2.1, 1, 1, "piecewise_polynomial") == "infeasible"
    assert ap.phase(50.0, 1, 1, "periodic") == "deep discontinuous"
    assert ap.min_depth_exponent(1.5, 1, 1, "piecewise_polynomial") == 0.25
    assert ap.max_rate(0.5, 1, 1, "periodic") == np.inf
    assert ap.max_rate(0.0, 1, 1, "periodic") == 1
    for activation in ("relu", "piecewise_polynomial", "sigmoid", "periodic"):
        alphas = np.linspace(0, 1, 5)
        assert (ap.max_rate(alphas, 1, 1, activation) <= ap.rate_bound(alphas, 1, 1, activation)).all()
    assert ap.rate_bound(0.25, 1, 1, "piecewise_polynomial") == 1.5


def test_phases_under_jit_and_in_a_diagram():
    rates = jnp.array([0.5, 1.0, 1.5, 2.0, 3.0])
    assert jax.jit(lambda p: ap.classify(p, 1.0, 1.0))(rates).tolist() == [0, 1, 2, 3, 4]
    diagram = ap.phase_diagram(jnp.linspace(0.1, 2, 12), jnp.linspace(0.1, 4, 13))
    assert diagram.labels.shape == (12, 13)
    assert diagram.fraction("infeasible") > 0
    np.testing.assert_allclose(
        diagram.order_parameters[5, 7], max(0.0, float(diagram.axes["p"][7] / diagram.axes["ratio"][5]) - 1)
    )


def test_prediction_of_a_sweep_and_of_limited_precision():
    alphas = jnp.array([0.0, 0.5, 1.0])
    found = ap.predict(ap.Approximation(order=2.0, dim=2, depth_exponent=alphas))
    np.testing.assert_allclose(found.rate, [1.0, 1.5, 2.0])
    assert found.phase.tolist() == ["boundary", "deep discontinuous", "boundary"]
    limited = ap.predict(ap.Approximation(weight_bits=24))
    assert (float(limited.rate), float(limited.depth_exponent)) == (1.0, 0.0)
    assert float(ap.predict(ap.Approximation(activation="periodic")).rate) == np.inf
    slope = jax.grad(lambda alpha: ap.predict(ap.Approximation(order=3.0, depth_exponent=alpha)).rate)(0.5)
    assert float(slope) == 3.0


def reached(start: str) -> set[str]:
    """Files of the system's folder that a file imports, at any depth."""
    found, queue = set(), [start]
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse((FOLDER / name).read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = (FOLDER / name).parents[node.level - 1]
                parts = [base.joinpath(*(node.module or "").split("."))] if node.module else []
                parts += [base.joinpath(*(node.module or "").split("."), alias.name) for alias in node.names]
                for part in parts:
                    for file in (part.with_suffix(".py"), part / "__init__.py"):
                        if file.is_relative_to(FOLDER) and file.exists() and file != FOLDER / "__init__.py":
                            queue.append(str(file.relative_to(FOLDER)))
    return found


def test_neither_road_sees_the_other():
    """Stricter than the walls of the house: constructions know of no rate, and rates of no construction."""
    theory = reached("theory.py")
    assert "phases.py" in theory
    assert not {name for name in theory if name.startswith("constructions") or name == "experiment.py"}
    experiment = reached("experiment.py")
    assert "constructions/two_scale.py" in experiment
    assert not experiment & {"theory.py", "phases.py"}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ap.phase(1.0, r=0, d=1), "r"),
        (lambda: ap.phase(1.0, r=1, d=0), "d"),
        (lambda: ap.phase(-1.0, r=1, d=1), "p"),
        (lambda: ap.phase(1.0, r=1, d=1, activation="step"), "activation"),
        (lambda: ap.region(np.ones(2), 1, 1), "p"),
        (lambda: ap.Approximation(order=0), "order"),
        (lambda: ap.Approximation(dim=0), "dim"),
        (lambda: ap.Approximation(depth_exponent=1.5), "depth_exponent"),
        (lambda: ap.Approximation(depth_exponent=-0.5), "depth_exponent"),
        (lambda: ap.Approximation(target="noise"), "target"),
        (lambda: ap.Approximation(activation="sigmoid"), "activation"),
        (lambda: ap.Approximation(weight_bits=0), "weight_bits"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        call()
