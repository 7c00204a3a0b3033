"""How a solver ended: one enumeration for every solver and trainer, carried by each result point by point.

A status is a plain integer array, so it passes through `jit`, `vmap` and files; `Status(code).text` says it in words,
and `describe` counts many. No solver raises for one bad point: its numbers come back with the status that says why.
"""

import enum
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from ._printing import AbstractPrinted


class Status(enum.IntEnum):
    """The ways to end. `SOLVED` and `REACHED` are good, `RUNNING` is not yet an end.

    Examples:
        >>> grokjax.Status.SOLVED.text, grokjax.Status(2).text
        ('solved', 'no solution')
    """

    RUNNING = -1, "running"
    SOLVED = 0, "solved"
    OUT_OF_STEPS = 1, "out of steps"
    NO_SOLUTION = 2, "no solution"
    COLLAPSED = 3, "collapsed"
    STUCK = 4, "stuck"
    NOT_FINITE = 5, "not finite"
    UNRELIABLE = 6, "unreliable"
    REACHED = 7, "goal reached"

    text: str

    def __new__(cls, code: int, text: str):
        member = int.__new__(cls, code)
        member._value_, member.text = code, text
        return member


@runtime_checkable
class _Ended(Protocol):
    @property
    def status(self) -> Any: ...


class AbstractSolution(AbstractPrinted):
    """A result that tells in its field `status` how its solver ended.

    Examples:
        >>> class Answer(grokjax.status.AbstractSolution):
        ...     value: object
        ...     status: object
        >>> answer = Answer(jnp.array([1.5, jnp.nan]), jnp.array([grokjax.Status.SOLVED, grokjax.Status.NO_SOLUTION]))
        >>> answer.converged.tolist()
        [True, False]
    """

    @property
    def converged(self: _Ended) -> Bool[Array, "..."]:
        """Whether each point was solved, or reached its goal."""
        return succeeded(self.status)


def succeeded(status: Any) -> Any:
    """Whether each status is `SOLVED` or `REACHED`.

    Examples:
        >>> from grokjax.status import succeeded
        >>> succeeded(jnp.array([0, 2, 7])).tolist()
        [True, False, True]
    """
    return (status == Status.SOLVED) | (status == Status.REACHED)


def choose_status(*cases: tuple[Any, Any], otherwise: Any = Status.SOLVED) -> Int[Array, "..."]:
    """The status of the first case whose condition holds.

    Args:
        cases: pairs of a boolean array and a status (or an array of them).
        otherwise: the status where no condition holds.

    Examples:
        >>> from grokjax.status import choose_status
        >>> choose_status((jnp.array([True, False]), grokjax.Status.NO_SOLUTION)).tolist()
        [2, 0]
    """
    conditions, choices = zip(*cases, strict=True)
    arrays = jnp.broadcast_arrays(*(jnp.asarray(choice, jnp.int32) for choice in (*choices, otherwise)), *conditions)
    choices, conditions = arrays[: len(cases) + 1], arrays[len(cases) + 1 :]
    return jnp.select(conditions, choices[:-1], choices[-1])


def first_failure(*statuses: Any) -> Int[Array, "..."]:
    """The status of what needs several solutions: of the first that was not solved, else of the last.

    Examples:
        >>> from grokjax.status import describe, first_failure
        >>> describe(first_failure(grokjax.Status.SOLVED, grokjax.Status.STUCK, grokjax.Status.NOT_FINITE))
        '1 stuck'
    """
    return choose_status(*((jnp.logical_not(succeeded(each)), each) for each in statuses), otherwise=statuses[-1])


def iterative_status(residual: Any, tolerance: Any, iterations: Any, max_steps: Any) -> Int[Array, "..."]:
    """The status of an iteration that has stopped.

    Args:
        residual: what is left of the equations.
        tolerance: the residual that is accepted.
        iterations: steps taken.
        max_steps: steps allowed; an iteration that stopped before, with a large residual, is stuck.

    Examples:
        >>> from grokjax.status import describe, iterative_status
        >>> describe(iterative_status(jnp.array([1e-12, 0.1, 0.1]), 1e-10, jnp.array([7, 50, 7]), max_steps=50))
        '1 solved, 1 out of steps, 1 stuck'
    """
    return choose_status(
        (~jnp.isfinite(residual), Status.NOT_FINITE),
        (residual <= tolerance, Status.SOLVED),
        (iterations >= max_steps, Status.OUT_OF_STEPS),
        otherwise=Status.STUCK,
    )


def describe(status: Any) -> str:
    """Counts by text, what is solved first: "398 solved, 2 out of steps".

    Examples:
        >>> from grokjax.status import describe
        >>> describe(jnp.array([0, 0, 2]))
        '2 solved, 1 no solution'
    """
    codes, counts = np.unique(np.asarray(status), return_counts=True)
    order = sorted(range(codes.size), key=lambda i: (not succeeded(codes[i]), -counts[i]))
    return ", ".join(f"{counts[i]} {Status(codes[i]).text}" for i in order) or "no points"
