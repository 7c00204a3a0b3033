r"""Who competes in `peer_throughput.py`: one ensemble of erf networks on one data set, sampled by several libraries.

All sample $U = \frac{1}{2\sigma^2}\sum_\mu (f(x_\mu)-y_\mu)^2 + \frac12|\theta|^2$ with
$f(x) = \sum_i a_i\,\mathrm{erf}(w_i\cdot x/\sqrt d)/\sqrt N$. grokjax takes it as a `Posterior`. The others take
`energy`, written as most people do, with one row per sample and `inputs @ weights.T`; "units-major" gives blackjax
grokjax's form of it. A competitor advances its members by a fixed number of gradients per call and waits for them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import blackjax
import jax
import jax.numpy as jnp
from numpyro.infer.hmc import hmc

from grokjax import Langevin, Posterior, UnderdampedLangevin, ensemble
from grokjax.ensemble import choose_tiling
from grokjax.networks import TwoLayer
from grokjax.tasks import single_index, unit_vector


LEAPFROGS = 10


class Size(NamedTuple):
    """Sizes, noise variance, and the step of BAOAB and leapfrog; overdamped samplers take half its square."""

    name: str
    input_dim: int
    width: int
    num_samples: int
    members: int
    noise_variance: float
    step_size: float

    @property
    def overdamped_step(self) -> float:
        return self.step_size**2 / 2

    @property
    def flops(self) -> float:
        """Floating-point operations in the two products of one member's gradient."""
        return 4.0 * self.input_dim * self.width * self.num_samples


class Problem(NamedTuple):
    size: Size
    inputs: jax.Array
    targets: jax.Array
    weights: jax.Array
    readouts: jax.Array

    @classmethod
    def draw(cls, key: jax.Array, size: Size) -> "Problem":
        """Data of a linear and cubic teacher, and networks drawn from the prior, leading axis member."""
        keys = jax.random.split(key, 4)
        direction = unit_vector(keys[0], size.input_dim)
        teacher = {1: jnp.float32(1.0), 3: jnp.float32(0.1)}
        data = single_index(keys[1], direction, teacher, size.num_samples)
        weights = jax.random.normal(keys[2], (size.members, size.width, size.input_dim))
        readouts = jax.random.normal(keys[3], (size.members, size.width))
        return cls(size, data.inputs, data.targets[0], weights, readouts)


class Competitor(Protocol):
    """`advance` takes `gradients` of every member and waits; `position` is (weights, readouts)."""

    gradients: int

    def advance(self) -> None: ...

    @property
    def position(self) -> tuple[Any, Any]: ...


def energy(parameters: dict, inputs: jax.Array, targets: jax.Array, noise_variance: float) -> jax.Array:
    """U of one network, one row per sample."""
    weights, readout = parameters["weights"], parameters["readout"]
    width, input_dim = weights.shape
    outputs = jax.lax.erf(inputs @ weights.T / input_dim**0.5) @ readout / width**0.5
    data = jnp.sum((outputs - targets) ** 2) / (2 * noise_variance)
    return data + (jnp.sum(weights**2) + jnp.sum(readout**2)) / 2


def units_major_energy(parameters: dict, inputs: jax.Array, targets: jax.Array, noise_variance: float) -> jax.Array:
    """The same number by grokjax's `Posterior`, hidden units along rows."""
    width, input_dim = parameters["weights"].shape
    scales = TwoLayer(jnp.asarray(input_dim**-0.5), jnp.asarray(width**-0.5), jax.lax.erf)
    posterior = Posterior(inputs, targets[None], jnp.asarray(noise_variance), scales)
    return posterior(TwoLayer(parameters["weights"], parameters["readout"][None], jax.lax.erf))


class Grokjax:
    """`grokjax.ensemble.run` without observables; the data are shared, the tiling is the default."""

    def __init__(self, problem: Problem, gradients: int, *, overdamped: bool = False):
        size = problem.size
        tiling = choose_tiling(size.width, size.num_samples)
        scales = TwoLayer(jnp.asarray(size.input_dim**-0.5), jnp.asarray(size.width**-0.5), jax.lax.erf)
        noise_variance = jnp.asarray(size.noise_variance)
        self.gradients = gradients
        self.target = Posterior(problem.inputs, problem.targets[None], noise_variance, scales, row_tile=tiling.row_tile)
        self.member_block = tiling.member_block
        self.sampler = Langevin(size.overdamped_step) if overdamped else UnderdampedLangevin(size.step_size, 1.0)
        self.positions = TwoLayer(problem.weights, problem.readouts[:, None], jax.lax.erf)
        self.key = jax.random.key(0)

    def advance(self) -> None:
        self.key, key = jax.random.split(self.key)
        run = ensemble.run(
            key,
            self.sampler,
            self.target,
            self.positions,
            num_steps=self.gradients,
            record_every=self.gradients,
            num_chunks=1,
            target_axes=None,
            member_block=self.member_block,
            progress=False,
        )
        self.positions = jax.block_until_ready(run.states.position)

    @property
    def position(self) -> tuple[Any, Any]:
        return self.positions.read_in, self.positions.read_out[:, 0]


class Scanned:
    """`scan` over steps of `vmap` over members of `step(key, state, inputs, targets)`."""

    def __init__(
        self,
        problem: Problem,
        gradients: int,
        step: Callable,
        *,
        init: Callable | None = None,
        parameters: Callable = lambda state: state,
        gradients_per_step: int = 1,
    ):
        num_steps = max(1, gradients // gradients_per_step)
        self.gradients = num_steps * gradients_per_step
        self.data = problem.inputs, problem.targets
        self.state: Any = {"weights": problem.weights, "readout": problem.readouts}
        self.parameters = parameters
        self.key = jax.random.key(0)
        if init is not None:
            keys = jax.random.split(self.key, problem.size.members)
            self.state = jax.jit(jax.vmap(init, in_axes=(0, 0, None, None)))(keys, self.state, *self.data)

        @jax.jit
        def advance(key, state, inputs, targets):
            def body(state, key):
                keys = jax.random.split(key, problem.size.members)
                return jax.vmap(step, in_axes=(0, 0, None, None))(keys, state, inputs, targets), None

            return jax.lax.scan(body, state, jax.random.split(key, num_steps))[0]

        self.run = advance

    def advance(self) -> None:
        self.key, key = jax.random.split(self.key)
        self.state = jax.block_until_ready(self.run(key, self.state, *self.data))

    @property
    def position(self) -> tuple[Any, Any]:
        parameters = self.parameters(self.state)
        return parameters["weights"], parameters["readout"]


def plain_jax(problem: Problem, gradients: int) -> Scanned:
    """Overdamped Langevin as it is written in ten lines: one draw of noise per leaf."""
    h, noise_variance = problem.size.overdamped_step, problem.size.noise_variance

    def step(key, parameters, inputs, targets):
        slope = jax.grad(energy)(parameters, inputs, targets, noise_variance)
        leaves, structure = jax.tree.flatten(parameters)
        keys = jax.tree.unflatten(structure, list(jax.random.split(key, len(leaves))))
        noise = jax.tree.map(lambda leaf, key: jax.random.normal(key, leaf.shape), parameters, keys)
        return jax.tree.map(lambda p, g, xi: p - h * g + jnp.sqrt(2 * h) * xi, parameters, slope, noise)

    return Scanned(problem, gradients, step)


def blackjax_sgld(problem: Problem, gradients: int, energy: Callable = energy) -> Scanned:
    """`blackjax.sgld` with the whole data set as its minibatch."""
    h, noise_variance = problem.size.overdamped_step, problem.size.noise_variance
    log_density = lambda parameters, minibatch: -energy(parameters, *minibatch, noise_variance)
    sgld = blackjax.sgld(jax.grad(log_density))

    def step(key, parameters, inputs, targets):
        return sgld.step(key, parameters, (inputs, targets), h)  # pyright: ignore[reportCallIssue]

    return Scanned(problem, gradients, step)


def numpyro_hmc(problem: Problem, gradients: int) -> Scanned:
    """numpyro's HMC kernel at a fixed step without adaptation, `LEAPFROGS` gradients per transition."""
    size = problem.size
    potential = lambda inputs, targets: lambda z: energy(z, inputs, targets, size.noise_variance)
    init_kernel, sample_kernel = hmc(potential_fn_gen=potential, algo="HMC")

    def init(key, parameters, inputs, targets):
        return init_kernel(
            parameters,
            num_warmup=0,
            step_size=size.step_size,
            adapt_step_size=False,
            adapt_mass_matrix=False,
            num_steps=LEAPFROGS,
            trajectory_length=None,  # pyright: ignore[reportArgumentType]
            model_args=(inputs, targets),
            rng_key=key,
        )

    def step(key, state, inputs, targets):
        del key  # the state carries its own
        return sample_kernel(state, model_args=(inputs, targets))

    return Scanned(problem, gradients, step, init=init, parameters=lambda state: state.z, gradients_per_step=LEAPFROGS)


class Matmul:
    """W X^T and D X of every member and nothing else: what no full-batch gradient can avoid."""

    def __init__(self, problem: Problem, gradients: int):
        size = problem.size
        self.gradients = gradients
        self.inputs = problem.inputs
        self.weights = problem.weights
        self.errors = jax.random.normal(jax.random.key(0), (size.members, size.width, size.num_samples))

        @jax.jit
        def products(weights, errors, inputs):
            def body(carry, _):
                hidden, gradient = carry  # carried whole, so that neither product can be cut or lifted out
                hidden = jnp.einsum("mud,nd->mun", weights, inputs + 1e-30 * gradient[0, 0])
                gradient = jnp.einsum("mun,nd->mud", errors, inputs + 1e-30 * hidden[0, 0, 0])
                return (hidden, gradient), None

            carry = jnp.zeros_like(errors), jnp.zeros_like(weights)
            return jax.lax.scan(body, carry, length=gradients)[0][1]

        self.run = products

    def advance(self) -> None:
        jax.block_until_ready(self.run(self.weights, self.errors, self.inputs))
