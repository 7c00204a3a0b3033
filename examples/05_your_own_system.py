# %% [markdown]
# # A system of your own, in one file
#
# Bayesian linear regression on Gaussian inputs: a student $w$ learns a unit vector $u$ from $n$ samples in $d$
# dimensions. How much of $u$ it learns has a closed form in high dimension, so theory and experiment can be compared.
# Everything that grokjax does for its own systems (one compiled call for a sweep, a certificate of equilibrium, a
# comparison, a phase diagram, files) works for this one. docs/your_own_system.md explains it step by step.
#
#     python examples/05_your_own_system.py

# %%
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from _arguments import parser, read


jax.config.update("jax_enable_x64", True)

import grokjax
from grokjax import AbstractExperiment, AbstractParameters, PhasePoint, Problem, Status, parameter, size


# %% The parameters, and the pytree on which both roads meet
class Regression(AbstractParameters):
    """n samples of u.x in d dimensions; noise variance s2, prior N(0, 1) on each weight."""

    dim: Any = size()
    num_samples: Any = size()
    noise_variance: Any = parameter(positive=True)


class OrderParameters(eqx.Module):
    """The overlap u.w."""

    overlap: Any


# %% The road of simulation: what one member samples, and what is read off it
class Energy(eqx.Module):
    """Minus the log of the posterior, any function of any pytree."""

    inputs: jax.Array
    targets: jax.Array
    noise_variance: jax.Array

    def __call__(self, w):
        return jnp.sum((self.inputs @ w - self.targets) ** 2) / (2 * self.noise_variance) + w @ w / 2


class Students(AbstractExperiment):
    def draw(self, data_key, start_key, system):
        u = jnp.zeros(system.dim, system.noise_variance.dtype).at[0].set(1.0)
        inputs = jax.random.normal(data_key, (system.num_samples, system.dim), u.dtype)
        cold = jax.random.normal(start_key, u.shape, u.dtype)
        return Problem(Energy(inputs, inputs @ u, system.noise_variance), {"prior": cold, "teacher": u}, truth=u)

    def measure(self, key, problem, state):
        return OrderParameters(overlap=problem.truth @ state.position)

    def sampler(self, key, system):
        return grokjax.UnderdampedLangevin(step_size=None)  # chosen from the curvature of the energy


# %% The road of theory: the overlap is 1/(1 + k), with the effective ridge k of random matrix theory
class Prediction(eqx.Module):
    overlap: jax.Array

    @property
    def order_parameters(self):
        return OrderParameters(self.overlap)


def predict(system):
    ridge, ratio = system.noise_variance / system.num_samples, system.dim / system.num_samples
    b = 1 - ridge - ratio
    return Prediction(1 / (1 + (jnp.sqrt(b**2 + 4 * ridge) - b) / 2))


class Point(eqx.Module):
    system: Regression

    def __call__(self, **coordinates):
        overlap = predict(self.system.replace(**coordinates)).overlap
        return PhasePoint(OrderParameters(overlap), jnp.where(overlap > 0.5, 1, 0), jnp.asarray(int(Status.SOLVED)))


# %% Where they meet: a sweep in one call, its certificate, a table, a diagram, a file
args = read(parser("A system of your own.", "your_own_system", members=32, steps=1200))
members, steps = (4, 90) if args.smoke else (args.members, args.steps)
system = Regression(dim=40, num_samples=60, noise_variance=jnp.array([3.0, 10.0, 30.0, 100.0]))
key = jax.random.key(args.seed)
run = grokjax.simulate(key, system, Students(), num_members=members, num_steps=steps)
print(run)
print(grokjax.compare(predict(system), run))
axes = {"noise_variance": jnp.geomspace(1, 1000, 60), "num_samples": jnp.geomspace(10, 1000, 60)}
diagram = grokjax.sweep(Point(system.replace(noise_variance=1.0)), axes, ("not learned", "learned"))
print(diagram)
longer = run.extend(jax.random.fold_in(key, 1), steps // 3)
print(f"after {steps // 3} more steps: {longer.overlap}")
path = grokjax.save(args.output / "run.npz", {"run": longer, "diagram": diagram})
again = grokjax.load(path, trust=("__main__",))["run"]
print(f"from {path}: {again.overlap}")

from grokjax import plot


with plot.style():
    figure, (ax,) = plot.subplots()
    grid = jnp.geomspace(1, 300, 100)
    ax.set(xscale="log", xlabel=r"noise variance $\sigma^2$", ylabel=r"overlap $u\cdot w$", ylim=(0, 1))
    plot.draw_theory(ax, grid, predict(system.replace(noise_variance=grid)).overlap, label="theory")
    plot.draw_experiment(ax, system.noise_variance, run.overlap, label=f"{members} students a point")
    ax.legend()
caption = (
    f"Overlap of Bayesian linear regression with its teacher against the noise: d = {int(system.dim)}, n = "
    f"{int(system.num_samples)}. Line: random matrix theory, without a fitted number. Points: {members} students at "
    "each noise, each with a data set of its own; bars are standard errors over data sets."
)
print(f"wrote {plot.save(figure, args.output / 'overlap', caption=caption)}")
