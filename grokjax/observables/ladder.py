"""Observables of the rungs of a ladder of replicas."""

import equinox as eqx
import jax

from .._tree import leading_axes
from .base import AbstractObservable


class PerRung(AbstractObservable):
    """An observable of each rung of a replica-exchange ladder, whichever replica holds it.

    The results of the inner observable have a leading axis (member x rung): rungs run fastest. Its leaves are scalars
    or have a leading axis rung.
    """

    inner: AbstractObservable

    def init(self, key, state, num_records):
        init = lambda inner, replica: inner.init(key, replica, num_records)
        return eqx.filter_vmap(init, in_axes=(leading_axes(self.inner), eqx.if_array(0)))(self.inner, state.in_order)

    def update(self, key, carry, state, step):
        update = lambda inner, carry, replica: inner.update(key, carry, replica, step)
        axes = (leading_axes(self.inner), 0, eqx.if_array(0))
        return eqx.filter_vmap(update, in_axes=axes)(self.inner, carry, state.in_order)

    def merge(self, total, carry):
        return self.inner.merge(total, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), carry))

    def finalise(self, total):
        return self.inner.finalise(total)
