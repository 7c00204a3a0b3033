r"""Toy tasks: a binary operation on $p$ symbols, one sample per operand pair, and its parallelograms.

A *sample* is a pair of symbols, its label the result of the operation. A *parallelogram* is an unordered pair of two
distinct samples with the same label: on a good representation both give the decoder the same input, for sums
$E_i+E_j=E_m+E_n$.

| symbol | name | symbol | name |
|---|---|---|---|
| $p$ | `num_symbols` | $N=\lvert D_0\rvert$ | `num_samples` |
| $E$ | embedding | $\lvert P_0\rvert$ | `num_parallelograms` |

References:
    arXiv:2205.10343, sections 2 and 3, appendices D, E and H.
"""

import abc
import functools
import itertools
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Scalar

from ..._checks import argument_error, check_whole, is_concrete


def _as_num_symbols(value: Any) -> int:
    return check_whole("num_symbols", value, 3, "With fewer than 3 symbols no parallelogram exists.")


class AbstractTask(eqx.Module):
    """A table of samples and the way a network sees them. Tasks hold no arrays: two equal tasks share programs."""

    num_symbols: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def pairs(self) -> Int[np.ndarray, "samples 2"]:
        """The operands of each sample."""

    @property
    @abc.abstractmethod
    def labels(self) -> Int[np.ndarray, " samples"]:
        """The result of each sample, a class index."""

    @property
    @abc.abstractmethod
    def tolerance(self) -> float:
        """Mean squared gap of the standardised inputs below which a parallelogram counts as realised."""

    @abc.abstractmethod
    def embedding_shape(self, embedding_dim: int) -> tuple[int, ...]:
        """Shape of the table of embeddings, leading axis symbol."""

    @abc.abstractmethod
    def inputs(self, embedding: Float[Array, "symbols ..."]) -> Float[Array, "samples inputs"]:
        """What the decoder sees of each sample."""

    @abc.abstractmethod
    def standardise(self, embedding: Float[Array, "symbols ..."]) -> Float[Array, "symbols ..."]:
        """The embedding on a common scale, before parallelograms are tested."""

    @property
    def num_samples(self) -> int:
        """$N$, all pairs of operands."""
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        """Number of different results."""
        return int(self.labels.max()) + 1

    @property
    def parallelograms(self) -> Int[np.ndarray, "parallelograms 2"]:
        """$P_0$: the two sample indices of each parallelogram, the smaller one first."""
        return _equal_label_pairs(self.labels.tobytes())

    @property
    def num_parallelograms(self) -> int:
        r"""$|P_0| = \sum_s \binom{k_s}{2}$, with $k_s$ samples in class $s$."""
        return len(self.parallelograms)

    def realised_parallelograms(self, embedding: Float[Array, "symbols ..."]) -> Bool[Array, " parallelograms"]:
        r"""$P(R,\delta)$: which parallelograms close, up to `tolerance`, on the standardised embedding."""
        inputs = self.inputs(self.standardise(embedding))
        first, second = self.parallelograms.T
        return jnp.mean((inputs[first] - inputs[second]) ** 2, axis=1) < self.tolerance

    def quality(self, embedding: Float[Array, "symbols ..."]) -> Scalar:
        r"""Representation quality index $\mathrm{RQI} = |P(R,\delta)|/|P_0|$ (eq. 2 of the paper)."""
        return jnp.mean(self.realised_parallelograms(embedding), dtype=jnp.result_type(embedding))

    def reachable_samples(
        self, train_mask: Bool[Array, " samples"], parallelograms: Bool[Array, " parallelograms"]
    ) -> Bool[Array, " samples"]:
        r"""$\overline D$: training samples and what `parallelograms` tie to one of them (appendix D)."""
        first, second = self.parallelograms.T
        reached = train_mask.at[first].max(parallelograms & train_mask[second])
        return reached.at[second].max(parallelograms & train_mask[first])

    def check_train_mask(self, train_mask: Array | np.ndarray, *, need_split: bool = False) -> None:
        """Raise unless `train_mask` marks samples of this task, at least one per set.

        Args:
            train_mask: shape (..., samples), boolean.
            need_split: whether a sample must be left for validation.

        Raises:
            ValueError: the mask is not boolean or of another length, or a set is empty, or full where it may not be.
        """
        if train_mask.ndim < 1 or train_mask.shape[-1] != self.num_samples or train_mask.dtype != bool:
            raise argument_error(
                "train_mask",
                f"boolean with last axis {self.num_samples}, one entry per sample",
                (train_mask.dtype.name, train_mask.shape),
                "See `task.pairs` for the order of the samples.",
            )
        check_set_sizes(train_mask, need_split=need_split)


class AbstractSumTask(AbstractTask):
    """Commutative operations on unordered pairs; the decoder sees the sum $E_i+E_j$."""

    @property
    @abc.abstractmethod
    def ground_nullity(self) -> int:
        """$n_0$ of the full data set, the degrees of freedom that no data remove."""

    @property
    def pairs(self) -> Int[np.ndarray, "samples 2"]:
        """$(i, j)$ with $i \\le j$; $i$ runs slowly."""
        return _unordered_pairs(self.num_symbols)

    @property
    def tolerance(self) -> float:
        """0.01, that is $\\delta = 0.1$ in one dimension."""
        return 0.01

    @property
    def incidence(self) -> Float[np.ndarray, "samples symbols"]:
        """$X$ with rows $e_i + e_j$: `incidence @ embedding` are the inputs."""
        return _incidence(self.num_symbols)

    def embedding_shape(self, embedding_dim: int) -> tuple[int, ...]:
        """One vector per symbol."""
        return (self.num_symbols, embedding_dim)

    def inputs(self, embedding: Float[Array, "symbols ..."]) -> Float[Array, "samples inputs"]:
        """$E_i + E_j$."""
        first, second = self.pairs.T
        return embedding[first] + embedding[second]

    def standardise(self, embedding: Float[Array, "symbols ..."]) -> Float[Array, "symbols ..."]:
        """Each coordinate with mean 0 and (ddof 1) standard deviation 1 over the symbols."""
        centred = embedding - jnp.mean(embedding, axis=0, keepdims=True)
        return centred / jnp.std(embedding, axis=0, keepdims=True, ddof=1)


class Addition(AbstractSumTask):
    """$i + j$ without modulo: $p(p+1)/2$ samples, $2p-1$ classes.

    Raises:
        ValueError: fewer than 3 symbols.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> rep.Addition(num_symbols=10).num_samples
        55
    """

    num_symbols: int = eqx.field(static=True, default=10, converter=_as_num_symbols)

    @property
    def labels(self) -> Int[np.ndarray, " samples"]:
        """$i + j$."""
        return self.pairs.sum(axis=1)

    @property
    def ground_nullity(self) -> int:
        """2: translation and scale, $E_k = a + kb$."""
        return 2


class ModularAddition(AbstractSumTask):
    """$(i + j) \\bmod p$: $p(p+1)/2$ samples, $p$ classes.

    Raises:
        ValueError: fewer than 3 symbols.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> rep.ModularAddition(num_symbols=5).num_classes
        5
    """

    num_symbols: int = eqx.field(static=True, default=11, converter=_as_num_symbols)

    @property
    def labels(self) -> Int[np.ndarray, " samples"]:
        """$(i + j) \\bmod p$."""
        return self.pairs.sum(axis=1) % self.num_symbols

    @property
    def ground_nullity(self) -> int:
        """1: translation; no line of distinct points closes every parallelogram of a circle."""
        return 1


class Permutations(AbstractTask):
    """Composition in $S_3$: 36 ordered pairs, 6 classes; each symbol is a 3 x 3 matrix, the decoder sees $E_a E_b$.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Permutations()
        >>> task.num_samples, task.num_classes
        (36, 6)
    """

    num_symbols: int = eqx.field(static=True, default=6, init=False)

    @property
    def pairs(self) -> Int[np.ndarray, "samples 2"]:
        """$(a, b)$ in lexicographic order."""
        return _composition_table()[0]

    @property
    def labels(self) -> Int[np.ndarray, " samples"]:
        """The index of $a\\circ b$ among the permutations in lexicographic order."""
        return _composition_table()[1]

    @property
    def tolerance(self) -> float:
        """1/2, on matrices divided by the global root mean square."""
        return 0.5

    def embedding_shape(self, embedding_dim: int) -> tuple[int, ...]:
        """One square matrix per element, of side `embedding_dim` (3 in the paper)."""
        return (self.num_symbols, embedding_dim, embedding_dim)

    def inputs(self, embedding: Float[Array, "symbols ..."]) -> Float[Array, "samples inputs"]:
        """The entries of $E_a E_b$."""
        first, second = self.pairs.T
        return (embedding[first] @ embedding[second]).reshape(self.num_samples, -1)

    def standardise(self, embedding: Float[Array, "symbols ..."]) -> Float[Array, "symbols ..."]:
        """All matrices divided by one root mean square, so that products keep their meaning."""
        return embedding / jnp.sqrt(jnp.mean(embedding**2))


def check_set_sizes(train_mask: Array | np.ndarray, *, need_split: bool = False) -> None:
    """Raise if a concrete training set is empty or, where a split is needed, holds all samples.

    Args:
        train_mask: shape (..., samples), boolean.
        need_split: whether a sample must be left for validation.

    Raises:
        ValueError: a set is too small or too large.
    """
    if not is_concrete(train_mask):
        return
    sizes = np.asarray(train_mask).sum(axis=-1)
    highest = train_mask.shape[-1] - need_split
    if np.any(sizes < 1) or np.any(sizes > highest):
        remedy = "An empty set implies nothing: mark a training sample."
        raise argument_error(
            "train_mask",
            f"a choice of 1 to {highest} samples",
            f"{np.unique(sizes).tolist()} samples",
            "Leave samples for training and for validation." if need_split else remedy,
        )


def check_sum_task(task: AbstractTask) -> AbstractSumTask:
    """The task, or an error unless the linear theory of parallelograms covers it."""
    if not isinstance(task, AbstractSumTask):
        raise argument_error(
            "task", "Addition or ModularAddition", type(task).__name__, "The linear theory covers sums only."
        )
    return task


@functools.cache
def _unordered_pairs(num_symbols: int) -> np.ndarray:
    return _frozen(np.array(list(itertools.combinations_with_replacement(range(num_symbols), 2))))


@functools.cache
def _incidence(num_symbols: int) -> np.ndarray:
    one_hot = np.eye(num_symbols)
    return _frozen(one_hot[_unordered_pairs(num_symbols)].sum(axis=1))


@functools.cache
def _composition_table() -> tuple[np.ndarray, np.ndarray]:
    elements = list(itertools.permutations(range(3)))
    index = {element: k for k, element in enumerate(elements)}
    pairs = list(itertools.product(range(6), repeat=2))
    labels = [index[tuple(elements[b][k] for k in elements[a])] for a, b in pairs]
    return _frozen(np.array(pairs)), _frozen(np.array(labels))


@functools.lru_cache(maxsize=64)
def _equal_label_pairs(labels: bytes) -> np.ndarray:
    values = np.frombuffer(labels, dtype=np.int64)
    first, second = np.triu_indices(len(values), k=1)
    equal = values[first] == values[second]
    return _frozen(np.stack([first[equal], second[equal]], axis=1))


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
