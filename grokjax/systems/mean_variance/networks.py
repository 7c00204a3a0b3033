r"""Two networks for one target: one for the mean, one for the precision, with one loss for all ways to train them.

$$ E(\theta,\phi) = \Big\langle \mathrm{sg}(\Lambda)^{-b}\;\tfrac12\big[\Lambda r^2-\log\Lambda\big]\Big\rangle
   + \alpha\|\theta\|^2 + \beta\|\phi\|^2 $$

over samples, where sg stops the gradient. With $b=0$ it is the regularised likelihood (and with $\alpha=\beta=0$
plain maximum likelihood), with $b=\frac12$ and no regularisation the beta-NLL. The last unit of the second network is
turned by a softplus into the precision, or into the variance, as the rivals have it. Biases carry no penalty.

Each network's gradient is divided by its own scale, $1+\alpha$ or $1+\beta$: the stationary points stay. In the square
this is division by $\rho+(1-\rho)\gamma$, so that $\rho,\gamma\sim10^{-11}$ or $1-10^{-11}$ train at the same rate
in 32 bits.

References:
    arXiv:2306.16717, section 4 and appendix C; beta-NLL: arXiv:2203.09168, equation 5.
"""

import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key, Scalar

from ..._tree import standard_normal


SMALLEST = 1e-8  # of a softplus output: precision and variance stay above it
SLOPE = 0.01  # of the leaky ReLU below zero
INITIALISATIONS = ("he", "public")
PUBLIC_SCALE = 1e-3  # of the authors' normal initialisation of all weights and biases


class Perceptron(eqx.Module):
    """A multilayer perceptron with leaky ReLUs and one output.

    Attributes:
        weights: one matrix per layer, (outputs, inputs).
        biases: one vector per layer.
    """

    weights: tuple[Float[Array, "..."], ...]
    biases: tuple[Float[Array, "..."], ...]

    def __call__(self, features: Float[Array, "features samples"]) -> Float[Array, " samples"]:
        """Outputs at many inputs, which run along rows."""
        hidden = features
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = weight @ (jax.nn.leaky_relu(hidden, SLOPE) if layer else hidden) + bias[:, None]
        return hidden[0]

    def penalty(self) -> Scalar:
        """The squares of all weights, without biases."""
        return sum((jnp.sum(weight**2) for weight in self.weights), start=jnp.zeros(()))


class Pair(eqx.Module):
    """What is trained.

    Attributes:
        mean: its output is the mean.
        precision: its output, through a softplus, is the precision or the variance.
    """

    mean: Perceptron
    precision: Perceptron


def random_pair(
    key: Key[Array, ""], num_features: int, width: int, depth: int, initialisation: str, dtype: Any = jnp.float32
) -> Pair:
    """Two networks at the start of training.

    Args:
        key: random key.
        num_features: inputs of the first layer.
        width: units of each hidden layer.
        depth: hidden layers.
        initialisation: "he" (variance 2/inputs, biases zero) or "public" (all numbers normal, of scale 1e-3).
        dtype: of the networks.
    """
    sizes = (num_features, *[width] * depth, 1)

    def perceptron(key):
        weights, biases = [], []
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
            weight_key, bias_key = jax.random.split(jax.random.fold_in(key, layer))
            weight = standard_normal(weight_key, (outputs, inputs), dtype)
            bias = standard_normal(bias_key, (outputs,), dtype)
            he = initialisation == "he"
            weights.append(weight * ((2 / inputs) ** 0.5 if he else PUBLIC_SCALE))
            biases.append(bias * (0.0 if he else PUBLIC_SCALE))
        return Perceptron(tuple(weights), tuple(biases))

    return Pair(*map(perceptron, jax.random.split(key)))


class Features(eqx.Module):
    r"""What the networks see of an input: standardised, or random Fourier features $\cos,\sin(2\pi Bx)$ of that.

    Attributes:
        shift: mean of the training inputs.
        scale: their standard deviation.
        frequencies: $B$, or None.
    """

    shift: Float[Array, " inputs"]
    scale: Float[Array, " inputs"]
    frequencies: Float[Array, "..."] | None

    def __call__(self, inputs: Float[Array, "samples inputs"]) -> Float[Array, "features samples"]:
        """Features along rows."""
        standard = (inputs - self.shift[None]).T / self.scale[:, None]
        if self.frequencies is None:
            return standard
        phases = 2 * jnp.pi * self.frequencies @ standard
        return jnp.concatenate([jnp.cos(phases), jnp.sin(phases)])


class Objective(eqx.Module):
    """How a member is trained.

    Attributes:
        alpha: penalty of the mean's weights.
        beta: penalty of the precision's weights.
        discount: $b$ of the beta-NLL.
        models_variance: whether the second network's softplus is the variance.
    """

    alpha: Scalar
    beta: Scalar
    discount: Scalar
    models_variance: Bool[Array, ""]


class Loss(eqx.Module):
    """The energy of a network pair: the target of gradient training.

    Attributes:
        features: of the training inputs, (features, samples).
        targets: $y$.
        weights: of the samples, of mean one; zero for those that are held out.
        objective: how it is trained.
    """

    features: Float[Array, "features samples"]
    targets: Float[Array, " samples"]
    weights: Float[Array, " samples"]
    objective: Objective

    def __call__(self, pair: Pair) -> Scalar:
        """The loss of both networks."""
        return self.joint(pair, jnp.ones((), bool))

    def joint(self, pair: Pair, both: Bool[Array, ""]) -> Scalar:
        """The loss, with unit precision where the mean is trained alone.

        Args:
            pair: the networks.
            both: whether the precision is trained, too.
        """
        aim = self.objective
        pair = Pair(_at_rate(pair.mean, 1 / (1 + aim.alpha)), _at_rate(pair.precision, 1 / (1 + aim.beta)))
        squares = (pair.mean(self.features) - self.targets) ** 2
        learned = softplus_precision(pair.precision(self.features), aim.models_variance)
        precision = jnp.where(both, learned, 1.0)
        discount = jax.lax.stop_gradient(precision) ** -aim.discount
        likelihood = jnp.mean(self.weights * discount * (precision * squares - jnp.log(precision))) / 2
        return likelihood + aim.alpha * pair.mean.penalty() + jnp.where(both, aim.beta * pair.precision.penalty(), 0.0)

    def batch(self, rows: Array) -> "Loss":
        """The loss of some rows."""
        chosen = self.features[:, rows], self.targets[rows], self.weights[rows]
        return Loss(*chosen, self.objective)

    def predict(self, pair: Pair, features: Float[Array, "features samples"]) -> tuple[Array, Array]:
        """Mean and precision at some features.

        Args:
            pair: the networks.
            features: along rows.
        """
        return pair.mean(features), softplus_precision(pair.precision(features), self.objective.models_variance)


def softplus_precision(outputs: Float[Array, " samples"], models_variance: Bool[Array, ""]) -> Float[Array, " samples"]:
    """The precision from the second network's outputs.

    Args:
        outputs: any numbers.
        models_variance: whether their softplus is a variance.
    """
    positive = jax.nn.softplus(outputs) * (1 - SMALLEST) + SMALLEST
    return jnp.where(models_variance, 1 / positive, positive)


def _at_rate(network: Perceptron, rate: Scalar) -> Perceptron:
    """The same network, with gradients that are `rate` times as large."""
    slow = lambda leaf: rate * leaf + jax.lax.stop_gradient((1 - rate) * leaf)
    return jax.tree.map(slow, network)
