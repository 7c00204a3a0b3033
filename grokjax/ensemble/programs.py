"""The two compiled programs of the loop: all members started, all members advanced by one chunk."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._tree import leading_axes
from .placement import over_members


@eqx.filter_jit
def start_members(sampler, target, positions, keys, axes, member_block, mesh):
    """The first states of all members; arrays among them may be the arguments."""
    init = lambda sampler, target, position, key: sampler.init(key[0], target, position)
    return over_members(init, (sampler, target, positions, keys), axes, member_block, mesh)


@eqx.filter_jit
def own_states(states):
    """Copies, which a chunk may overwrite."""
    return jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, states)


@eqx.filter_jit(donate="all-except-first")
def advance_members(fixed, states, axes, capacity, record_every, member_block, mesh):
    """The states after a chunk of records, and what the observables carry from it; the number of records is traced.

    The states are donated: the new ones take their memory, and the old ones are gone when this has been called.
    """
    sampler, target, observables, keys, first_step, num_records = fixed
    sampler_axes, target_axes, _, _ = axes

    def member(sampler, target, observables, state, keys):
        _, step_key, record_key = keys
        target = target.prepared() if hasattr(target, "prepared") else target  # once a chunk, not at every step

        def record(index, carry):
            state, carries = carry
            begin = first_step + index * record_every
            step = lambda state, i: (sampler.step(jax.random.fold_in(step_key, begin + i), target, state), None)
            state, _ = jax.lax.scan(step, state, jnp.arange(record_every))
            now = begin + record_every
            key = jax.random.fold_in(record_key, now)
            carries = {name: observables[name].update(key, carries[name], state, now) for name in observables}
            return state, carries

        carries = {name: observables[name].init(record_key, state, capacity) for name in observables}
        return jax.lax.fori_loop(0, num_records, record, (state, carries))

    member_axes = (sampler_axes, target_axes, leading_axes(observables), 0, 0)
    return over_members(member, (sampler, target, observables, states, keys), member_axes, member_block, mesh)


def empty_totals(observables, states, keys):
    """Totals of zero records, in the structure of those of a run: what a checkpoint is read into."""

    def shapes(observable):
        carry = jax.eval_shape(jax.vmap(lambda state, key: observable.init(key[2], state, 1)), states, keys)
        return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), carry)

    first = lambda tree: jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) and leaf.ndim else leaf, tree)
    return {name: each.merge(None, shapes(first(each))) for name, each in observables.items()}
