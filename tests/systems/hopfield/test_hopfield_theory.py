"""Replica theory of the memories: closed forms, tables of independent calculations, and internal consistency."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import hopfield as hop
from grokjax.systems.hopfield.visible import spin_averages


def exact_average(function, signal, spread, beta):
    """Average over a Gaussian by a fine trapezoid rule, which converges exponentially."""
    z = np.linspace(-12, 12, 400_001)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    return np.sum(density * function(beta * (signal + spread * z))) * (z[1] - z[0])


@pytest.mark.parametrize(
    ("beta", "spread"), [(1.0, 0.1), (1.0, 0.59), (1.0, 0.61), (3.0, 1.0), (20.0, 0.5), (50.0, 1.8)]
)
@pytest.mark.parametrize("ratio", [0.0, 1.0, 2.1, 6.0])
def test_spin_averages_at_all_temperatures(beta, spread, ratio):
    found = spin_averages(*(jnp.asarray(x) for x in (ratio * spread, spread, beta)))
    expected = [
        exact_average(function, ratio * spread, spread, beta)
        for function in (
            np.tanh,
            lambda u: np.tanh(u) ** 2,
            lambda u: (1 - np.tanh(u) ** 2) ** 2,
            lambda u: np.logaddexp(u, -u),
        )
    ]
    np.testing.assert_allclose(jax.tree.leaves(found), expected, rtol=1e-11, atol=1e-11)


def test_zero_temperature_capacity_of_hopfield():
    found = hop.capacity(hop.GaussianHidden(), 0.0)
    assert float(found.spinodal) == pytest.approx(0.1379056, abs=1e-7)
    assert float(found.stable) == pytest.approx(0.0518543, abs=1e-7)
    assert float(found.spinodal_magnetisation) == pytest.approx(0.9674171, abs=1e-7)
    assert bool(found.converged)
    assert float(hop.capacity(hop.GaussianHidden(), 0.0, num_mixed=3).spinodal) == pytest.approx(0.02994, abs=5e-6)


@pytest.mark.slow
def test_zero_temperature_capacity_law():
    """One number over the noise of the prior: thresholds multiply the capacity, saturating units have none."""
    relu = [
        float(hop.capacity(hop.ReLUHidden(bias), 0.0).spinodal) for bias in (0.5, 0.0, -0.25, -0.5, -1.0, -1.5, -2.0)
    ]
    np.testing.assert_allclose(relu, [0.13256, 0.27581, 0.41827, 0.65782, 1.83045, 6.036, 23.906], rtol=5e-5)
    soft = [float(hop.capacity(hop.SoftThresholdHidden(theta), 0.0).spinodal) for theta in (0.25, 0.5, 1.0)]
    np.testing.assert_allclose(soft, [0.20913, 0.32891, 0.91522], rtol=5e-5)
    assert float(hop.capacity(hop.BinaryHidden(), 0.0).spinodal) == 0.0
    assert float(hop.capacity(hop.GaussBinaryHidden(0.5), 0.0).spinodal) == pytest.approx(0.1379056, abs=1e-7)


@pytest.mark.slow
def test_zero_temperature_state_is_the_limit():
    """The closed form continues the finite-temperature solver; corrections are of second order in T."""
    for branch in ("retrieval", "glass"):
        system = hop.AssociativeMemory(load=0.05, temperature=jnp.array([0.0, 0.01, 0.02]))
        state = hop.predict(system, branch=branch)
        assert bool(state.converged.all())
        for values in (state.magnetisation, state.noise, state.free_energy, state.order_parameters.coupling_energy):
            assert float(values[1]) == pytest.approx(float(values[0]), rel=0.005, abs=1e-12)
            assert float(2 * values[1] - values[2]) == pytest.approx(float(values[0]), rel=5e-4, abs=1e-12)


@pytest.mark.slow
def test_hopfield_spinodal_and_stable_lines():
    temperature = jnp.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1])
    found = hop.capacity(hop.GaussianHidden(), temperature)
    spinodal = [0.1381841, 0.1377940, 0.1350492, 0.1225589, 0.1033298, 0.0810372]
    spinodal += [0.0588155, 0.0388089, 0.0223220, 0.0101009, 0.0025684, 0.0]
    stable = [0.0523794, 0.0529114, 0.0530916, 0.0507249, 0.0450307, 0.0370466]
    stable += [0.0280763, 0.0192635, 0.0114815, 0.0053701, 0.0014094, 0.0]
    m = [0.96687, 0.96567, 0.96255, 0.95086, 0.92921, 0.89494, 0.84594, 0.77994, 0.69327, 0.57861, 0.41645, 0.0]
    np.testing.assert_allclose(found.spinodal, spinodal, atol=1e-7)
    np.testing.assert_allclose(found.stable, stable, atol=1e-7)
    np.testing.assert_allclose(found.spinodal_magnetisation, m, atol=1e-5)
    assert bool(found.converged.all())
    # Replica symmetry is broken at the spinodal below T = 0.0251 only.
    assert (np.asarray(found.spinodal_replicon[:-1]) > 0).tolist() == [False] + [True] * 10


@pytest.mark.slow
def test_capacity_is_differentiable():
    """Implicit derivatives against central differences of the solver."""
    lines = lambda stiffness: hop.capacity(hop.GaussianHidden(stiffness), 0.5)
    _, slopes = jax.jvp(lines, (1.0,), (1.0,))
    above, below = lines(1.001), lines(0.999)
    for name in ("spinodal", "stable"):
        difference = (getattr(above, name) - getattr(below, name)) / 0.002
        assert float(getattr(slopes, name)) == pytest.approx(float(difference), rel=1e-4)


# prior, load, temperature, m, q, r, f, replicon, q and f without recall
TABLE = [
    (hop.GaussianHidden, (), 0.08, 0.3, 0.9791815, 0.9641163, 1.2438890, -0.54259997, 0.9876, 0.7731382, -0.59252672),
    (hop.GaussianHidden, (), 0.02, 0.6, 0.8792901, 0.7792781, 1.9502015, -0.53852340, 0.9910, 0.4777577, -0.53978960),
    (hop.GroupedHidden, ("binary",), 0.002, 0.5, 0.9509686, 0.9051149, 9.4045205, -0.67614244, 0.9990,
     0.7620821, -0.75057731),
    (hop.GroupedHidden, ("ternary",), 0.02, 0.4, 0.9318489, 0.8722200, 1.4387206, -0.44256208, 0.9943,
     0.6193413, -0.44638604),
]  # fmt: skip
SLOW_TABLE = [
    (hop.ReLUHidden, (0.0,), 0.1, 0.2, 0.9984769, 0.9971145, 0.5775292, -0.52145664, 0.9997, 0.8417315, -0.52408122),
    (hop.ReLUHidden, (-1.0,), 0.3, 0.3, 0.9926946, 0.9857312, 0.1547337, -0.43378599, 0.9997, 0.7386759, -0.39134812),
    (hop.SoftThresholdHidden, (1.0,), 0.3, 0.3, 0.9883535, 0.9781159, 0.2285030, -0.55658122, 0.9967,
     0.7524668, -0.55239028),
    (hop.GaussBinaryHidden, (0.9,), 0.05, 0.2, 0.9972345, 0.9947707, 0.9893086, -0.47486361, 0.9991,
     0.8283568, -0.49288637),
]  # fmt: skip
# Binary units as three levels, one without weight: both groups share a compiled program.
UNITS = {"binary": hop.DiscreteHidden([-1, 0, 1], weights=[0.5, 0, 0.5]), "ternary": hop.TernaryHidden(0.5)}


def check_state(prior, arguments, load, temperature, m, q, r, free_energy, replicon, q_glass, f_glass):
    hidden = prior(*(UNITS.get(argument, argument) for argument in arguments))
    system = hop.AssociativeMemory(load, temperature, hidden)
    recall, glass = hop.predict(system), hop.predict(system, branch="glass")
    found = (recall.magnetisation, recall.overlap, recall.noise, recall.free_energy, glass.overlap, glass.free_energy)
    np.testing.assert_allclose(found, (m, q, r, free_energy, q_glass, f_glass), atol=1e-7)
    assert float(recall.replicon) == pytest.approx(replicon, abs=6e-5)
    assert bool(recall.converged & glass.converged)
    assert float(recall.residual) < 1e-12
    # Stationarity of the free energy in all four order parameters, by automatic differentiation of another formula.
    variables = (recall.magnetisation, recall.signal, recall.overlap, recall.noise)
    slopes = jax.grad(lambda v: hop.rs_free_energy(system, *v))(variables)
    np.testing.assert_allclose(slopes, np.zeros(4), atol=1e-10)


@pytest.mark.medium
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0].__name__}-{row[2]}")
def test_states(row):
    check_state(*row)


@pytest.mark.slow
@pytest.mark.parametrize("row", SLOW_TABLE, ids=lambda row: row[0].__name__)
def test_states_of_more_priors(row):
    check_state(*row)


@pytest.mark.medium
def test_beyond_the_spinodal_nothing_is_recalled():
    system = hop.AssociativeMemory(load=jnp.array([0.0, 0.1033, 0.1034, 0.2]), temperature=0.3)
    state = hop.predict(system)
    assert bool(state.converged.all())
    assert (np.asarray(state.magnetisation) > 0.9).tolist() == [True, True, False, False]
    assert np.asarray(state.magnetisation[2:]).tolist() == [0.0, 0.0]
    curie_weiss = float(state.magnetisation[0])  # at zero load m = tanh(m/T)
    assert curie_weiss == pytest.approx(np.tanh(curie_weiss / 0.3), abs=1e-12)


@pytest.mark.medium
def test_freezing_temperatures():
    for load in (0.1, 1.0, 4.0):
        assert float(hop.glass_temperature(hop.GaussianHidden(), load)) == pytest.approx(1 + load**0.5, rel=1e-10)
        assert float(hop.glass_temperature(hop.BinaryHidden(), load)) == pytest.approx(load**0.25, rel=1e-10)
        grouped = hop.GroupedHidden(hop.BinaryHidden(), 2.0)
        assert float(hop.glass_temperature(grouped, load)) == pytest.approx((2 * (1 + load**0.5)) ** 0.5, rel=1e-10)
    ternary = [float(hop.glass_temperature(hop.TernaryHidden(0.5), load)) for load in (0.1, 1.0, 4.0)]
    np.testing.assert_allclose(ternary, [0.51359, 0.83245, 1.14397], atol=1e-5)


@pytest.mark.slow
def test_capacity_of_relu_units():
    table = {
        0.0: ([0.26058, 0.22426, 0.17923, 0.09314, 0.03298], [0.10447, 0.09701, 0.08325, 0.04842, 0.01859]),
        -0.5: ([0.60370, 0.50117, 0.39113, 0.20434, 0.08074], [0.25157, 0.23372, 0.20102, 0.12160, 0.05399]),
        -1.0: ([1.58588, 1.23484, 0.92565, 0.48094, 0.21399], [0.70155, 0.64077, 0.54309, 0.33479, 0.17109]),
    }
    for bias, (spinodal, stable) in table.items():
        found = hop.capacity(hop.ReLUHidden(bias), jnp.array([0.1, 0.2, 0.3, 0.5, 0.7]))
        np.testing.assert_allclose(found.spinodal, spinodal, atol=6e-6)
        np.testing.assert_allclose(found.stable, stable, atol=6e-6)
    slope = jax.grad(lambda bias: hop.capacity(hop.ReLUHidden(bias), 0.3).spinodal)(-0.5)
    ends = [hop.capacity(hop.ReLUHidden(bias), 0.3).spinodal for bias in (-0.5001, -0.4999)]
    assert float(slope) == pytest.approx(float(ends[1] - ends[0]) / 2e-4, rel=1e-5)


@pytest.mark.slow
def test_relu_units_suppress_the_glass():
    """Replica symmetry breaks far below the glass temperature 1 + sqrt(load) of the Hopfield model."""
    for bias, load, expected in ((0.0, 0.2, 0.4556), (0.0, 1.0, 0.4770), (-1.0, 0.2, 0.7262), (-1.0, 1.0, 0.5626)):
        assert float(hop.replicon_temperature(hop.ReLUHidden(bias), load)) == pytest.approx(expected, abs=6e-5)


@pytest.mark.slow
def test_capacity_of_soft_and_mixed_units():
    for threshold, expected in ((0.5, [0.27888, 0.13694]), (1.0, [0.71824, 0.35893])):
        found = hop.capacity(hop.SoftThresholdHidden(threshold), jnp.array([0.2, 0.5])).spinodal
        np.testing.assert_allclose(found, expected, atol=6e-6)
    for omega, expected in ((0.9, [0.12332, 0.11634, 0.07777]), (0.5, [0.08558, 0.06624, 0.01286])):
        found = hop.capacity(hop.GaussBinaryHidden(omega), jnp.array([0.05, 0.1, 0.3])).spinodal
        np.testing.assert_allclose(found, expected, atol=6e-6)


@pytest.mark.slow
def test_capacity_of_groups():
    found = hop.capacity(hop.GroupedHidden(hop.BinaryHidden()), jnp.array([0.1, 0.3, 0.4716, 0.5, 0.535, 0.6, 0.8]))
    spinodal = [0.000655, 0.003874, 0.0049468, 0.004920, 0.0048154, 0.004431, 0.002113]
    np.testing.assert_allclose(found.spinodal, spinodal, atol=6e-7)
    np.testing.assert_allclose(found.stable, [0, 0, 0, 0, 0, 0.000217, 0.000800], atol=6e-7)
    for threshold, spinodal, stable in (
        (0.35, [0.06170, 0.03847, 0.02644, 0.01558], [0.03286, 0.01303, 0.00958, 0.00665]),
        (0.5, [0.31711, 0.08113, 0.03824, 0.01695], [0.22259, 0.04309, 0.01803, 0.00826]),
    ):
        found = hop.capacity(hop.GroupedHidden(hop.TernaryHidden(threshold)), jnp.array([0.2, 0.3, 0.4, 0.5]))
        np.testing.assert_allclose(found.spinodal, spinodal, atol=6e-6)
        np.testing.assert_allclose(found.stable, stable, atol=6e-6)
    for num_levels, expected in ((2, 0.00387), (3, 0.01047), (5, 0.01669), (9, 0.01952)):
        hidden = hop.GroupedHidden(hop.MultilevelHidden(num_levels))
        assert float(hop.capacity(hidden, 0.3).spinodal) == pytest.approx(expected, abs=6e-6)
    # Many copies are Hopfield at T^2 over their number, up to the curvature of one copy's response.
    many = hop.capacity(hop.GroupedHidden(hop.BinaryHidden(), 1000), 300**0.5).spinodal
    assert float(many) == pytest.approx(0.10299, abs=6e-6)


@pytest.mark.slow
def test_mixtures_of_three():
    found = hop.capacity(hop.GaussianHidden(), jnp.array([0.02, 0.1, 0.2, 0.3, 0.4, 0.45, 0.4597, 0.4599]), num_mixed=3)
    np.testing.assert_allclose(found.spinodal[:6], [0.02981, 0.02509, 0.01433, 0.00607, 0.00224, 0.00141], atol=6e-6)
    np.testing.assert_allclose(found.stable[:4], found.spinodal[:4], rtol=1e-12)
    assert bool((found.stable[4:6] < found.spinodal[4:6]).all())
    assert float(found.stable[6]) > 0  # none above T = 0.4598
    assert float(found.stable[7]) == 0
    # The stability limit from the map itself: at fixed spread, a small imbalance between two of the three patterns
    # is multiplied by one in the saddle-point equations there.
    temperature, load = 0.4, float(found.stable[4])
    beta = jnp.asarray(1 / temperature)
    state = hop.predict(hop.AssociativeMemory(load, temperature), num_mixed=3)
    spread = jnp.sqrt(load * state.noise)
    signs = jnp.array(np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(8, 3))

    def answer(signals):
        tanh = jax.vmap(lambda h: jnp.sign(h) * spin_averages(jnp.abs(h), spread, beta).tanh)(signs @ signals)
        return signs.T @ tanh / 8

    balanced = jnp.full(3, state.signal)
    np.testing.assert_allclose(answer(balanced), balanced, atol=1e-10)
    kick = jnp.array([1.0, -1.0, 0.0])
    gain = (answer(balanced + 1e-5 * kick) - answer(balanced - 1e-5 * kick)) / 2e-5
    np.testing.assert_allclose(gain, kick, atol=1e-5)


@pytest.mark.medium
def test_phase_diagram():
    diagram = hop.phase_diagram(hop.GaussianHidden(), [0.02, 0.08, 0.2], [0.3, 1.1, 1.5])
    assert diagram.names().tolist() == [
        ["recall", "metastable recall", "spin glass"],
        ["spin glass", "spin glass", "spin glass"],
        ["paramagnet", "paramagnet", "paramagnet"],
    ]
    assert diagram.order_parameters.magnetisation[0, 0] > 0.9
    assert bool(jnp.all(diagram.order_parameters.magnetisation[1:] == 0))


@pytest.mark.medium
def test_few_patterns():
    """Closed forms at low load: Curie-Weiss, groups of binary units, and where mixtures win and are stable."""
    temperature = jnp.array([0.3, 0.8, 1.1])
    gaussian = hop.low_load(hop.GaussianHidden(), temperature)
    np.testing.assert_allclose(gaussian.magnetisation, np.tanh(gaussian.magnetisation / temperature), atol=1e-10)
    assert (np.asarray(gaussian.magnetisation) > 0).tolist() == [True, True, False]
    assert gaussian.stable.all()
    binary = hop.GroupedHidden(hop.BinaryHidden(), 2.0)
    hot = jnp.array([1.41, 1.42])  # on both sides of the root of 2
    found = hop.low_load(binary, hot).magnetisation
    assert (np.asarray(found) > 0).tolist() == [True, False]
    np.testing.assert_allclose(found, np.tanh(2 / hot * np.tanh(found / hot)), atol=1e-10)
    single = hop.GroupedHidden(hop.BinaryHidden())
    for count, crossing in ((3, 0.4860), (5, 0.4928), (7, 0.4998), (9, 0.5055)):
        beside = jnp.array([crossing - 2e-4, crossing + 2e-4])
        gap = hop.low_load(single, beside, num_mixed=count).free_energy - hop.low_load(single, beside).free_energy
        assert (np.asarray(gap) < 0).tolist() == [True, False]
    for count, end in ((3, 0.4598), (5, 0.3847), (7, 0.3439)):  # of local stability, Hopfield
        state = hop.low_load(hop.GaussianHidden(), jnp.array([end - 2e-4, end + 2e-4]), num_mixed=count)
        assert np.asarray(state.stable).tolist() == [True, False]


def biased_average(function, signal, spread, beta, field):
    """Over spins of a random pattern in the field, by brute force."""
    return np.mean([exact_average(function, field + sign * signal, spread, beta) for sign in (-1, 1)])


@pytest.mark.medium
@pytest.mark.parametrize("field", [0.2])
def test_a_field_on_the_spins(field):
    """The saddle point by brute force; its free energy is stationary, and its slope in the field is the mean spin."""
    system = hop.AssociativeMemory(0.03, 0.3, field=field)
    recall, glass = hop.predict(system), hop.predict(system, branch="glass")
    beta = 1 / 0.3
    for state in (recall, glass):
        assert bool(state.converged)
        spread = float(jnp.sqrt(system.load * state.noise))
        q = biased_average(lambda u: np.tanh(u) ** 2, float(state.signal), spread, beta, field)
        assert float(state.overlap) == pytest.approx(q, abs=1e-10)
        assert float(state.noise) == pytest.approx(q / (1 - beta * (1 - q)) ** 2, rel=1e-9)
        variables = (state.magnetisation, state.signal, state.overlap, state.noise)
        slopes = jax.grad(lambda v: hop.rs_free_energy(system, *v))(variables)
        np.testing.assert_allclose(slopes, np.zeros(4), atol=1e-9)
        pull = lambda g, v=variables: hop.rs_free_energy(system.replace(field=g), *v)
        mean = biased_average(np.tanh, float(state.signal), spread, beta, field)
        assert float(jax.grad(pull)(system.field)) == pytest.approx(-mean, abs=1e-9)
    m = np.mean([s * exact_average(np.tanh, field + s * recall.signal, spread_of(recall), beta) for s in (-1, 1)])
    assert float(recall.magnetisation) == pytest.approx(m, abs=1e-9)
    assert float(glass.magnetisation) == 0
    without = hop.predict(system.replace(field=None))
    assert float(without.magnetisation) > float(recall.magnetisation) > 0.9
    np.testing.assert_allclose(hop.predict(system.replace(field=0.0)).free_energy, without.free_energy, rtol=1e-12)


def spread_of(state):
    return float(jnp.sqrt(0.03 * state.noise))


@pytest.mark.slow
def test_a_field_costs_capacity():
    """The spinodal with a field ends the branch that `predict` follows, and has a derivative."""
    line = lambda g: hop.capacity(hop.GaussianHidden(), 0.3, field=g)
    none, some = hop.capacity(hop.GaussianHidden(), 0.3), line(0.2)
    np.testing.assert_allclose(line(0.0).spinodal, none.spinodal, rtol=1e-9)
    assert float(some.spinodal) < float(none.spinodal)
    loads = float(some.spinodal) * jnp.array([0.999, 1.001])
    found = hop.predict(hop.AssociativeMemory(loads, 0.3, field=0.2)).magnetisation
    assert (np.asarray(found) > 0).tolist() == [True, False]
    slope = jax.grad(lambda g: line(g).spinodal)(0.2)
    difference = (line(0.201).spinodal - line(0.199).spinodal) / 0.002
    assert float(slope) == pytest.approx(float(difference), rel=1e-4)
    stable = hop.AssociativeMemory(some.stable, 0.3, field=0.2)
    gap = hop.predict(stable).free_energy - hop.predict(stable, branch="glass").free_energy
    assert abs(float(gap)) < 1e-9


BAD_INPUT = {
    "load": lambda: hop.AssociativeMemory(load=-0.1, temperature=0.3),
    "temperature": lambda: hop.AssociativeMemory(load=0.1, temperature=-0.3),
    "weights": lambda: hop.DiscreteHidden([-1, 0, 1], weights=[0.5, 0.5, 0.5]),
    "levels": lambda: hop.DiscreteHidden([-1, np.inf]),
    "potential": lambda: hop.TernaryHidden(np.inf),
    "bias": lambda: hop.ReLUHidden(-np.inf),
    "threshold": lambda: hop.SoftThresholdHidden(np.inf),
    "field": lambda: hop.predict(hop.AssociativeMemory(load=0.1, temperature=0.0, field=0.1)),
    "num_mixed": lambda: hop.low_load(hop.GaussianHidden(), 0.3, num_mixed=2),
    "stiffness": lambda: hop.GaussianHidden(0.0),
    "gaussian_fraction": lambda: hop.GaussBinaryHidden(1.5),
    "num_levels": lambda: hop.MultilevelHidden(1),
    "copies": lambda: hop.GroupedHidden(hop.BinaryHidden(), 0.0),
    "branch": lambda: hop.predict(hop.AssociativeMemory(0.1, 0.3), branch="recall"),
    "num_spins": lambda: hop.simulate(jax.random.key(0), hop.AssociativeMemory(0.1, 0.3), num_spins=1),
    "num_members": lambda: hop.simulate(jax.random.key(0), hop.AssociativeMemory(0.1, 0.3), num_members=0),
    "corruption": lambda: hop.simulate(jax.random.key(0), hop.AssociativeMemory(0.1, 0.3), corruption=2.0),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input(name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        BAD_INPUT[name]()


def test_more_bad_input():
    for arguments in ((0.1, np.nan), (np.inf, 0.3)):
        with pytest.raises(ValueError, match="at least 0"):
            hop.AssociativeMemory(*arguments)
    with pytest.raises(ValueError, match="`temperature`"):
        hop.simulate(jax.random.key(0), hop.AssociativeMemory(0.1, 0.0))
    with pytest.raises(ValueError, match="`temperature`"):
        hop.low_load(hop.GaussianHidden(), 0.0)
    for field in (np.inf, "up"):
        with pytest.raises(ValueError, match="`field`"):
            hop.AssociativeMemory(0.1, 0.3, field=field)
    with pytest.raises(ValueError, match="`load`"):
        hop.simulate(jax.random.key(0), hop.AssociativeMemory(1e-5, 0.3), num_spins=100)
    with pytest.raises(ValueError, match="`temperature`"):
        hop.predict(hop.AssociativeMemory(0.01, 0.0, hop.GroupedHidden(hop.BinaryHidden())))


@pytest.mark.slow
def test_zero_temperature_survives_jit_and_a_traced_zero_is_not_solved():
    hidden = hop.ReLUHidden(-0.5)
    expected = hop.capacity(hidden, 0.0).spinodal
    np.testing.assert_allclose(jax.jit(lambda: hop.capacity(hidden, 0.0).spinodal)(), expected, rtol=1e-10)
    traced = jax.jit(lambda temperature: hop.capacity(hidden, temperature))(0.0)
    assert not traced.converged
    assert np.isnan(traced.spinodal)
