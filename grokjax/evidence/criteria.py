r"""WAIC and the singular fluctuation, which need the loss of every sample: measured while a run goes on for a while.

With $l_\mu=|y_\mu-f(x_\mu)|^2/2\sigma^2+\frac P2\log2\pi\sigma^2$,

$$ \mathrm{WAIC} = -\sum_\mu\log\langle e^{-l_\mu}\rangle + V,\qquad V=\sum_\mu\mathrm{Var}\,l_\mu,\qquad \nu=V/2 $$

in nats, in all and not per sample. The singular fluctuation $\nu$ is not the heat capacity, which is the variance of
the sum. (WBIC takes no more than the free energy: `FreeEnergy.wbic`.)

References:
    Watanabe, J. Mach. Learn. Res. 11, 3571 (2010), arXiv:1004.2316 (WAIC); arXiv:1208.6338 (WBIC).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from .. import ensemble
from .._checks import argument_error, check_whole
from ..likelihoods import Gaussian
from ..observables import RunningMoments
from ..posterior import Posterior
from .statistics import Estimate, over_datasets


class Criteria(eqx.Module):
    """Of every point of a run; errors are over data sets.

    Attributes:
        noise_variance: of the points.
        waic: in all.
        functional_variance: $V$.
        singular_fluctuation: $\\nu=V/2$.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=60, progress=False)
        >>> criteria = grokjax.evidence.information_criteria(run, jax.random.key(1), num_steps=60)
        >>> round(float(criteria.functional_variance.mean / criteria.singular_fluctuation.mean), 6)
        2.0
    """

    noise_variance: np.ndarray
    waic: Estimate
    functional_variance: Estimate
    singular_fluctuation: Estimate


class PointwiseLoss(eqx.Module):
    """Measurement: the loss of every sample without its normalisation, and its likelihood.

    Examples:
        >>> from types import SimpleNamespace
        >>> from grokjax.evidence.criteria import PointwiseLoss
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=jnp.asarray(4.0))
        >>> problem = pu.PowerUnits().draw(jax.random.key(0), jax.random.key(1), system)
        >>> state = SimpleNamespace(position=problem.starts[1])  # in the well, which fits the data
        >>> {name: value.round(6).tolist() for name, value in PointwiseLoss(problem.target)(None, state).items()}
        {'loss': [0.0], 'likelihood': [1.0]}
    """

    target: Any

    def __call__(self, key: Any, state: Any) -> dict[str, Array]:
        del key
        residual = self.target.predictions(state.position) - self.target.targets
        loss = jnp.sum(residual**2, axis=0) / (2 * self.target.noise_variance)
        return {"loss": loss, "likelihood": jnp.exp(-loss)}


def information_criteria(run: Any, key: Key[Array, ""], num_steps: int, *, progress: bool = False) -> Criteria:
    """Go on from a sampled run and measure the loss of every sample; the run itself stays as it is.

    Args:
        run: of a system whose targets are posteriors, with its problems and states.
        key: random key of the new steps.
        num_steps: further steps of the local dynamics.
        progress: whether to show a bar.

    Raises:
        ValueError: the run has no states, or its target is no `Posterior` with squared errors.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=60, progress=False)
        >>> criteria = grokjax.evidence.information_criteria(run, jax.random.key(1), num_steps=60)
        >>> criteria.waic.mean.shape, float(criteria.noise_variance)
        ((), 4.0)
    """
    target = getattr(run.problem, "target", None)
    if target is None or run.assembly is None or run.ensemble.states is None:
        got = "a copy without problems and states"
        raise argument_error("run", "one with its problems and states, of posteriors", got, "Use the whole run.")
    if not isinstance(target, Posterior) or not isinstance(target.likelihood, Gaussian):
        got = type(getattr(target, "likelihood", target)).__name__
        raise argument_error("run", "of a Posterior with squared errors", got, "Other losses are not there yet.")
    steps = -(-check_whole("num_steps", num_steps) // run.steps_per_call)
    found = ensemble.run(
        key,
        run.ensemble.sampler,
        run.assembly.loop_target,
        states=run.ensemble.states,
        observables=run.assembly.observed({"pointwise": RunningMoments(PointwiseLoss(target))}),
        num_steps=steps,
        record_every=max(1, min(run.ensemble.record_every, steps)),
        progress=progress,
    ).results["pointwise"]
    layout, outputs = run.layout, target.targets.shape[-2]
    noise = np.asarray(run.system.noise_variance, float)
    mean, variance = (layout.fold(jax.tree.map(np.asarray, each)) for each in (found.mean, found.variance))
    samples = mean["loss"].shape[-1]
    constant = samples * outputs / 2 * np.log(2 * np.pi * noise)
    functional = variance["loss"].sum(axis=-1)
    waic = -np.log(mean["likelihood"]).sum(axis=-1) + functional + constant[..., None]
    estimate = lambda values: over_datasets(values, layout.num_datasets, np.asarray(run.diverged))
    return Criteria(noise, estimate(waic), estimate(functional), estimate(functional / 2))
