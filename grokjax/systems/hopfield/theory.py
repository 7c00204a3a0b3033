r"""The road of theory: replica-symmetric states of an associative memory.

`predict` finds one state exactly (`saddle_points`, or `zero_temperature` in closed form) and reports its order
parameters, free energy and stability; `capacity` finds the loads at which states appear and change rank.

References:
    arXiv:2506.10552; Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import argument_error, check_choice, check_double, check_instance, check_whole, is_concrete
from ..._tree import over_points
from .capacity import Capacity as Capacity, capacity as capacity, check_no_field
from .free_energy import Branch as Branch, rs_free_energy as rs_free_energy
from .saddle_points import BATCH_SIZE, glass_branch, retrieval_branch, trace_glass, trace_retrieval
from .system import AssociativeMemory
from .zero_temperature import branch_at_zero


BRANCHES = ("retrieval", "glass")


def predict(system: AssociativeMemory, *, branch: str = "retrieval", num_mixed: int = 1) -> Branch:
    """A replica-symmetric state.

    Args:
        system: load, temperature and field are numbers, or arrays of shape (point,) for a sweep in one call.
        branch: "retrieval" starts from a stored pattern; beyond its spinodal there is nothing left to recall and the
            state without recall comes back, with magnetisation zero. "glass" is that state: a spin glass, or the
            paramagnet where $q=0$.
        num_mixed: odd number of patterns recalled equally well; above 1 a mixture, or spurious, state.

    Returns:
        A `Branch`; its `status` tells of each point how the solver ended.

    Raises:
        ValueError: the branch is unknown, 64-bit numbers are off, or the temperature is zero and there is a field or
            the prior has no law for it.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> bool(hop.predict(memory).magnetisation > 0.9)
        True
    """
    check_instance("system", system, AssociativeMemory)
    check_choice("branch", branch, BRANCHES)
    check_double("a replica-symmetric state", system)
    if not check_whole("num_mixed", num_mixed) % 2:
        raise argument_error("num_mixed", "odd", num_mixed, "Even mixtures are no states.")
    field = system.field
    shape = jnp.broadcast_shapes(*map(jnp.shape, jax.tree.leaves((system.load, system.temperature, field))))
    if len(shape) > 1:
        raise argument_error("system", "made of numbers and arrays of shape (point,)", shape, "Ravel the sweep.")
    load, temperature = (jnp.broadcast_to(leaf, shape) for leaf in (system.load, system.temperature))
    field = field if field is None else jnp.broadcast_to(field, shape)
    at_zero = np.asarray(temperature) == 0 if is_concrete(temperature) else np.zeros(shape, bool)
    if at_zero.any():
        check_no_field(field)

    points = lambda temperature: (load, temperature, system.hidden, field)
    cold = _at_zero(*points(temperature), branch, num_mixed) if at_zero.any() else None
    if cold is not None and at_zero.all():
        return cold
    warm = _above_zero(*points(jnp.where(at_zero, 1.0, temperature)), branch, num_mixed)
    return warm if cold is None else jax.tree.map(lambda a, b: jnp.where(at_zero, a, b), cold, warm)


@eqx.filter_jit
def _at_zero(load, temperature, hidden, field, branch: str, num_mixed: int) -> Branch:
    del field
    recall = branch == "retrieval"
    at = lambda point: branch_at_zero(AssociativeMemory(point[0], point[1], hidden), recall=recall, num_mixed=num_mixed)
    return over_points(at, (load, temperature), BATCH_SIZE)


@eqx.filter_jit
def _above_zero(load, temperature, hidden, field, branch: str, num_mixed: int) -> Branch:
    at = lambda point: _predict(AssociativeMemory(point[0], point[1], hidden, field=point[2]), branch, num_mixed)
    return over_points(at, (load, temperature, field), BATCH_SIZE)


def _predict(system: AssociativeMemory, branch: str, num_mixed: int) -> Branch:
    beta = 1 / system.temperature
    without = glass_branch(system, trace_glass(system.hidden, beta, system.field))
    if branch == "glass":
        return without
    return retrieval_branch(system, trace_retrieval(system.hidden, beta, num_mixed, system.field), without, num_mixed)
