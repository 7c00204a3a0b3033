"""Observables of the rungs of a ladder of replicas."""

import equinox as eqx
import jax
import numpy as np

from .._tree import leading_axes
from .base import AbstractObservable
from .moments import Series


def measure_data_energy(key, state):
    r"""$S=\frac12\sum_\mu|f(x_\mu)-y_\mu|^2$ of every rung of a ladder.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> measure = lambda state: grokjax.observables.measure_data_energy(None, state)
        >>> jax.vmap(measure)(run.ensemble.states).shape  # four members and two witnesses, each with three rungs
        (6, 3)
    """
    del key
    return state.data_energy_in_order


class PerRung(AbstractObservable):
    """An observable of each rung of a replica-exchange ladder, whichever replica holds it.

    The results of the inner observable have a leading axis (member x rung): rungs run fastest. Its leaves are scalars
    or have a leading axis rung.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> run.observed["q"].counts.shape  # of the histogram that the experiment asked for: rungs, members, bins
        (3, 4, 160)
    """

    inner: AbstractObservable

    @property
    def keeps_records(self):
        return self.inner.keeps_records

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


class RungSeries(AbstractObservable):
    """One number of every rung at every record, measured on the whole ladder: shape (member x rung, record).

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> run.diagnostics["data_energy"].shape  # rungs, members, records
        (3, 4, 26)
    """

    series: Series

    @property
    def keeps_records(self):
        return True

    def init(self, key, state, num_records):
        return self.series.init(key, state, num_records)

    def update(self, key, carry, state, step):
        return self.series.update(key, carry, state, step)

    def merge(self, total, carry):
        return self.series.merge(total, carry)

    def finalise(self, total):
        rungs = np.moveaxis(total, 1, 2)
        return rungs.reshape(-1, rungs.shape[-1])
