r"""Toy representation learning: a table of embeddings, a decoder, two optimisers.

$$ (i, j) \mapsto \mathrm{Dec}(E_i + E_j),\qquad E_k\in\mathbb R^d, $$

with a tanh decoder of two hidden layers. The addition is wired in; the table and the decoder are trained on the
training samples by full-batch Adam: embeddings at rate $\eta_1$, the decoder at rate $\eta_2$ with decoupled weight
decay $\gamma$,

$$ \theta\leftarrow(1-\eta_2\gamma)\,\theta - \eta_2\,\hat m/(\sqrt{\hat v}+\epsilon). $$

Regression ("mse") targets one random vector $Y_s\sim N(0, I)$ per class and predicts the nearest one; classification
("cross_entropy") takes the largest logit.

| symbol | name | symbol | name |
|---|---|---|---|
| $\eta_1$ | `embedding_rate` | $d$ | `embedding_dim` |
| $\eta_2$ | `decoder_rate` | $s$ | `init_scale` |
| $\gamma$ | `weight_decay` | $q$ | `num_outputs` |

References:
    arXiv:2205.10343, section 2 and appendices G (architecture, optimisers) and H (permutation group).
"""

import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Key, Scalar

from ..._checks import argument_error, check_choice, check_whole
from ...parameters import AbstractParameters, Number, parameter
from .tasks import AbstractTask, Permutations


LOSSES = ("mse", "cross_entropy")
_NOT_NEGATIVE = "Rates, decays and penalties are not negative."


class Decoder(eqx.Module):
    """A multilayer perceptron with tanh between its layers.

    Attributes:
        weights: one matrix per layer, (outputs, inputs).
        biases: one vector per layer.
    """

    weights: tuple[Float[Array, "..."], ...]
    biases: tuple[Float[Array, "..."], ...]

    def __call__(self, inputs: Float[Array, "samples inputs"]) -> Float[Array, "samples outputs"]:
        """Outputs at many inputs."""
        hidden = inputs
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = (jnp.tanh(hidden) if layer else hidden) @ weight.T + bias[None, :]
        return hidden

    @classmethod
    def random(cls, key: Key[Array, ""], sizes: tuple[int, ...], dtype: Any = jnp.float32) -> "Decoder":
        r"""Weights and biases uniform on $\pm1/\sqrt{\text{inputs of the layer}}$."""
        weights, biases = [], []
        for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
            weight_key, bias_key = jax.random.split(jax.random.fold_in(key, layer))
            bound = fan_in**-0.5
            weights.append(jax.random.uniform(weight_key, (fan_out, fan_in), dtype, -bound, bound))
            biases.append(jax.random.uniform(bias_key, (fan_out,), dtype, -bound, bound))
        return cls(tuple(weights), tuple(biases))


class ToyNetwork(eqx.Module):
    """What is trained: the table of embeddings and the decoder.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> network = system.random_network(jax.random.key(0))
        >>> network.embedding.shape, [weight.shape for weight in network.decoder.weights]
        ((5, 1), [(200, 1), (200, 200), (30, 200)])
    """

    embedding: Float[Array, "symbols ..."]
    decoder: Decoder


class TrainingLoss(eqx.Module):
    """The energy of gradient training, and what to read off a network: the `target` of an ensemble run.

    Attributes:
        task: the operation.
        loss: "mse" or "cross_entropy".
        train_mask: which samples are trained on; data of any size are one shape.
        templates: $Y_s$, one row per class.
        embedding_penalty: factor of mean |E| in the loss.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> target, network = rep.trained(run)
        >>> target.templates.shape  # a vector for each of nine sums
        (2, 9, 30)
    """

    task: AbstractTask
    loss: str = eqx.field(static=True)
    train_mask: Bool[Array, "*members samples"]
    templates: Float[Array, "*members classes outputs"]
    embedding_penalty: Float[Array, "*members"]

    def __call__(self, network: ToyNetwork) -> Scalar:
        """Mean loss over the training samples (for "mse" over the outputs, too)."""
        outputs = self.outputs(network)
        if self.loss == "mse":
            per_sample = jnp.mean((outputs - self.templates[self.task.labels]) ** 2, axis=1)
        else:
            per_sample = optax.softmax_cross_entropy_with_integer_labels(outputs, jnp.asarray(self.task.labels))
        weight = self.train_mask.astype(outputs.dtype)
        loss = jnp.sum(weight * per_sample) / jnp.sum(weight)
        return loss + self.embedding_penalty * jnp.mean(jnp.abs(network.embedding))

    def outputs(self, network: ToyNetwork) -> Float[Array, "samples outputs"]:
        """Outputs of the network at all samples."""
        return network.decoder(self.task.inputs(network.embedding))

    def classes(self, outputs: Float[Array, "points outputs"]) -> Int[Array, " points"]:
        """The predicted class of each output: nearest template, or largest logit."""
        if self.loss == "mse":
            outputs = outputs @ self.templates.T - jnp.sum(self.templates**2, axis=1)[None, :] / 2
        return jnp.argmax(outputs, axis=1)

    def correct(self, network: ToyNetwork) -> Bool[Array, " samples"]:
        """Which samples are predicted correctly."""
        return self.classes(self.outputs(network)) == self.task.labels

    def train_accuracy(self, network: ToyNetwork) -> Scalar:
        """Fraction of correct training samples."""
        return _fraction(self.correct(network), self.train_mask)

    def validation_accuracy(self, network: ToyNetwork) -> Scalar:
        """Fraction of correct samples outside of the training set."""
        return _fraction(self.correct(network), ~self.train_mask)

    def accuracy(self, network: ToyNetwork) -> Scalar:
        """Fraction of correct samples, training and validation together."""
        return jnp.mean(self.correct(network), dtype=jnp.float32)

    def quality(self, network: ToyNetwork) -> Scalar:
        """RQI of its embeddings."""
        return self.task.quality(network.embedding)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class ToyRepresentation(AbstractParameters):
    """Parameters of network and training; any number may be an array, and they broadcast to a sweep.

    Attributes:
        task: the operation.
        embedding_rate: $\\eta_1$, learning rate of the embeddings.
        decoder_rate: $\\eta_2$, learning rate of the decoder.
        weight_decay: $\\gamma$, decoupled decay of the decoder, biases included.
        embedding_decay: decoupled decay of the embeddings.
        init_scale: $s$; embeddings start uniform on $[-s/2, s/2]$.
        embedding_penalty: factor of mean |E| in the loss.
        embedding_dim: $d$; for permutations the side of the matrices.
        widths: hidden layers of the decoder.
        num_outputs: $q$ for "mse"; "cross_entropy" has one output per class.
        loss: "mse" or "cross_entropy".

    Raises:
        ValueError: a rate, decay or penalty is negative, the scale is not positive, a size is below 1, or `loss` is
            unknown.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(rep.Addition(5), decoder_rate=np.array([1e-4, 1e-3]), loss="cross_entropy")
        >>> system.decoder_sizes
        (1, 200, 200, 9)
    """

    task: AbstractTask
    embedding_rate: Number = parameter(at_least=0, default=1e-3, remedy=_NOT_NEGATIVE)
    decoder_rate: Number = parameter(at_least=0, default=1e-4, remedy=_NOT_NEGATIVE)
    weight_decay: Number = parameter(at_least=0, default=0.0, remedy=_NOT_NEGATIVE)
    embedding_decay: Number = parameter(at_least=0, default=0.0, remedy=_NOT_NEGATIVE)
    init_scale: Number = parameter(positive=True, default=1.0)
    embedding_penalty: Number = parameter(at_least=0, default=0.0, remedy=_NOT_NEGATIVE)
    embedding_dim: int = eqx.field(static=True, default=1, kw_only=True)
    widths: tuple[int, ...] = eqx.field(static=True, converter=_as_tuple, default=(200, 200), kw_only=True)
    num_outputs: int = eqx.field(static=True, default=30, kw_only=True)
    loss: str = eqx.field(static=True, default="mse", kw_only=True)

    def __check_init__(self):
        if not isinstance(self.task, AbstractTask):
            raise argument_error(
                "task", "a task such as Addition(10)", self.task, "See grokjax.systems.representation."
            )
        check_choice("loss", self.loss, LOSSES)
        for name in ("embedding_dim", "num_outputs"):
            check_whole(name, getattr(self, name))
        if not isinstance(self.widths, tuple):
            raise argument_error("widths", "units of each hidden layer", self.widths, "Try (200, 200).")
        for width in self.widths:
            check_whole("widths", width)

    @classmethod
    def paper(cls, task: AbstractTask, **changes: Any) -> "ToyRepresentation":
        """The settings of the paper for a task: permutations have 3 x 3 matrices, a small start and a penalty."""
        if isinstance(task, Permutations):
            changes = {"embedding_dim": 3, "init_scale": 0.1, "embedding_penalty": 1e-3} | changes
        return cls(task, **changes)

    @property
    def decoder_sizes(self) -> tuple[int, ...]:
        """Units of each layer, inputs and outputs included."""
        inputs = self.embedding_dim ** (len(self.task.embedding_shape(self.embedding_dim)) - 1)
        outputs = self.num_outputs if self.loss == "mse" else self.task.num_classes
        return (inputs, *self.widths, outputs)

    def random_network(self, key: Key[Array, ""], dtype: Any = jnp.float32) -> ToyNetwork:
        """A network at initialisation, with embeddings on the unit scale (the experiment applies `init_scale`)."""
        embedding_key, decoder_key = jax.random.split(key)
        shape = self.task.embedding_shape(self.embedding_dim)
        embedding = jax.random.uniform(embedding_key, shape, dtype, -0.5, 0.5)
        return ToyNetwork(embedding, Decoder.random(decoder_key, self.decoder_sizes, dtype))


def two_adams(
    embedding_rate: Number, decoder_rate: Number, weight_decay: Number, embedding_decay: Number
) -> optax.GradientTransformation:
    """Adam with decoupled decay, one rate and decay for the embeddings and one for the decoder."""
    return optax.partition(
        {
            "embedding": optax.adamw(embedding_rate, weight_decay=embedding_decay),
            "decoder": optax.adamw(decoder_rate, weight_decay=weight_decay),
        },
        _parts,
    )


def _parts(network: ToyNetwork) -> ToyNetwork:
    labels = jax.tree.map(lambda _: "decoder", network)
    return eqx.tree_at(lambda tree: tree.embedding, labels, "embedding")


def _fraction(correct: Bool[Array, " samples"], mask: Bool[Array, " samples"]) -> Scalar:
    return jnp.sum(correct & mask) / jnp.sum(mask)
