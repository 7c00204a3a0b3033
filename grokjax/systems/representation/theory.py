r"""The theory's road: from a training set to upper bounds on what any network can make of it.

`predict` needs no training. Proposition: a network with zero training loss and an injective decoder closes every
training parallelogram, hence every implied one; a sample is then predictable if an implied parallelogram ties it to
a training sample. Both fractions bound a trained network from above.

A unique linear structure ($n_0=2$) is *not* perfect generalisation: a class without a training sample stays
unpredictable, and four sums have one sample only. Both are reported.

| symbol | name | symbol | name |
|---|---|---|---|
| $n_0$ | `nullity` | $\overline{\mathrm{RQI}}$ | `quality` |
| $\lambda_3$ | `third_eigenvalue` | $\overline{\mathrm{Acc}}$ | `predicted_accuracy` |
| $P(D)$ | `implied_parallelograms` | $\overline D$ | `predictable_samples` |

References:
    arXiv:2205.10343, section 3, eq. 8; appendix D (predicted accuracy) and E, eq. 14 (implied parallelograms).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, Shaped

from ..._checks import argument_error, check_choice, check_whole, check_x64
from ...status import AbstractSolution, Status, choose_status
from .order_parameters import OrderParameters
from .parallelograms import KERNEL_TOLERANCE, energy_matrix, implied_parallelograms, num_train_parallelograms
from .tasks import AbstractSumTask, AbstractTask, check_sum_task
from .training_sets import check_train_size, random_training_sets


NORMALISATIONS = ("paper", "raw", "code")


class Prediction(AbstractSolution):
    """What one training set, or each of many (leading axes), implies.

    Attributes:
        eigenvalues: spectrum of $H$ in the chosen normalisation, ascending; zero modes are exactly 0.
        nullity: $n_0$, number of zero modes.
        unique_structure: whether only the structure of the full data set remains ($n_0 = 2$ for addition).
        implied_parallelograms: which of `task.parallelograms` follow from the training set.
        predictable_samples: which samples are training samples or tied to one.
        num_train_parallelograms: $|P_0(D)|$.
        predicted_accuracy: predictable fraction of all samples.
        status: not finite where the spectrum could not be computed.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> mask = np.ones(task.num_samples, bool)
        >>> prediction = rep.predict(task, mask)
        >>> int(prediction.nullity), float(prediction.predicted_accuracy)
        (2, 1.0)
    """

    eigenvalues: Float[Array, "*sets symbols"]
    nullity: Int[Array, "*sets"]
    unique_structure: Bool[Array, "*sets"]
    implied_parallelograms: Bool[Array, "*sets parallelograms"]
    predictable_samples: Bool[Array, "*sets samples"]
    num_train_parallelograms: Float[Array, "*sets"]
    predicted_accuracy: Float[Array, "*sets"]
    status: Int[Array, "*sets"]

    @property
    def third_eigenvalue(self) -> Float[Array, "*sets"]:
        r"""$\lambda_3$, the grokking rate: 0 unless the linear structure is unique."""
        return self.eigenvalues[..., 2]

    @property
    def quality(self) -> Float[Array, "*sets"]:
        r"""$\overline{\mathrm{RQI}} = |P(D)|/|P_0|$."""
        return jnp.mean(self.implied_parallelograms, axis=-1, dtype=float)

    @property
    def order_parameters(self) -> OrderParameters:
        """The upper bounds in the form of the experiment."""
        return OrderParameters(self.quality, self.predicted_accuracy, self.unique_structure)


def predict(
    task: AbstractTask, train_mask: Shaped[Array | np.ndarray, "*sets samples"], *, normalisation: str = "paper"
) -> Prediction:
    r"""Everything a training set, or thousands of them, implies.

    Args:
        task: the operation.
        train_mask: which samples are trained on, in the order of `task.pairs`; leading axes are sets.
        normalisation: of the spectrum, with $\mu$ the eigenvalues of $M$: "paper" is
            $\lambda = 2\mu/(p\,|P_0(D)|)$ (eq. 8), "raw" is $\mu$, "code" is $2\mu/(p-1)$, the authors' flow.

    Raises:
        ValueError: x64 is off, the mask does not fit or a set is empty, or the operation is not a sum.

    References:
        arXiv:2205.10343, eq. 8 and eq. 14.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> mask = np.ones(task.num_samples, bool)
        >>> bool(rep.predict(task, mask).unique_structure)
        True
    """
    check_x64("the theory of representations")
    task = check_sum_task(task)
    check_choice("normalisation", normalisation, NORMALISATIONS)
    if not isinstance(train_mask, jax.Array | np.ndarray | list | tuple):
        raise argument_error(
            "train_mask", "which samples are trained on", train_mask, "See `task.pairs` for their order."
        )
    train_mask = jnp.asarray(train_mask)
    task.check_train_mask(train_mask)
    return _predict(task, train_mask, normalisation)


def predictable_training_sets(
    key: Key[Array, ""], task: AbstractSumTask, train_size: int, num_sets: int
) -> Bool[np.ndarray, "sets samples"]:
    """Uniformly random training sets among those with predicted accuracy 1, by rejection.

    In a random split of addition an unlucky training set can make generalisation impossible in theory (27 % of the
    45/10 splits of 10 symbols predict less than 9 of the 10); phases of networks are comparable given such sets only.

    Args:
        key: random key.
        task: the operation.
        train_size: samples in each set.
        num_sets: how many sets.

    Raises:
        ValueError: `train_size` leaves no split, or no such set was found among 200 x `num_sets` draws.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> masks = rep.predictable_training_sets(jax.random.key(0), task, 12, 4)
        >>> rep.predict(task, masks).predicted_accuracy.tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    train_size = check_train_size(task, train_size)
    num_sets = check_whole("num_sets", num_sets)
    found = np.zeros((0, task.num_samples), bool)
    for attempt in range(200):
        masks = random_training_sets(jax.random.fold_in(key, attempt), task, train_size, max(num_sets, 16))
        keep = np.asarray(predict(task, masks).predictable_samples.all(axis=-1))
        found = np.concatenate([found, np.asarray(masks)[keep]])
        if len(found) >= num_sets:
            return found[:num_sets]
    raise argument_error(
        "train_size",
        "large enough for random sets with predicted accuracy 1",
        train_size,
        f"Only {len(found)} were found; every class needs a training sample.",
    )


@eqx.filter_jit
def _predict(task, train_mask, normalisation):
    one = lambda mask: _predict_one(task, mask, normalisation)
    sets = train_mask.shape[:-1]
    if not sets:
        return one(train_mask)
    block = max(1, 2**22 // (task.num_parallelograms * task.num_symbols))
    flat = jax.lax.map(one, train_mask.reshape(-1, task.num_samples), batch_size=block)
    return jax.tree.map(lambda leaf: leaf.reshape(*sets, *leaf.shape[1:]), flat)


def _predict_one(task, train_mask, normalisation):
    eigenvalues, eigenvectors = jnp.linalg.eigh(energy_matrix(task, train_mask))
    implied = implied_parallelograms(task, eigenvalues, eigenvectors)
    reached = task.reachable_samples(train_mask, implied)
    zero = eigenvalues < KERNEL_TOLERANCE
    count = num_train_parallelograms(task, train_mask)
    return Prediction(
        eigenvalues=jnp.where(zero, 0.0, eigenvalues * spectrum_scale(task, count, normalisation)),
        nullity=jnp.sum(zero),
        unique_structure=jnp.sum(zero) == task.ground_nullity,
        implied_parallelograms=implied,
        predictable_samples=reached,
        num_train_parallelograms=count,
        predicted_accuracy=jnp.mean(reached, dtype=float),
        status=choose_status((~jnp.isfinite(eigenvalues).all(), Status.NOT_FINITE), otherwise=Status.SOLVED),
    )


def spectrum_scale(task, count, normalisation):
    r"""The factor from eigenvalues of $M$ to rates, with `count` $= |P_0(D)|$."""
    if normalisation == "raw":
        return 1.0
    if normalisation == "code":
        return 2.0 / (task.num_symbols - 1)
    return 2.0 / (task.num_symbols * jnp.maximum(count, 1.0))
