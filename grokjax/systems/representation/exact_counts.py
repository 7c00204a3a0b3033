r"""Exact numbers of training sets of addition with a unique linear structure, by enumerating row spaces.

A training set matters only through the row space of its parallelogram equations. Classes are added one by one; the
state is a table from row spaces (reduced echelon form, modulo a prime) to polynomials in $z$ whose coefficients count
the training sets of each size. All spaces of the table are extended at once, in numpy.

Every minor of the equations is an integer of at most $6^{(p-2)/2}$ (Hadamard; rows have norm $\sqrt6$ or less), which
is below the prime for all sizes allowed here, so ranks modulo the prime are ranks over the rationals. Rows are
orthogonal to $(1,\dots,1)$ and $(0,\dots,p-1)$, hence their last two entries are redundant and dropped.
"""

import math

import numpy as np

from ..._checks import argument_error
from .tasks import Addition


_PRIME = 32749
_LARGEST = 10
_BLOCK = 2**16


def exact_unique_counts(num_symbols: int) -> list[int]:
    r"""Number of training sets of each size $n = 0..N$ that leave a unique linear structure ($n_0 = 2$).

    Divide by $\binom{N}{n}$ for the probability. Takes seconds up to 9 symbols, a minute or two and 5 gigabytes at 10.

    Args:
        num_symbols: $p$, at most 10: the number of row spaces grows beyond memory.

    Raises:
        ValueError: fewer than 3 or more than 10 symbols.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> rep.exact_unique_counts(3)  # the two samples of one class, and any of the other four
        [0, 0, 1, 4, 6, 4, 1]
    """
    task = Addition(num_symbols)
    if num_symbols > _LARGEST:
        raise argument_error(
            "num_symbols", f"at most {_LARGEST} for exact counts", num_symbols, "Use the Monte Carlo estimate."
        )
    classes = [np.flatnonzero(task.labels == label) for label in range(task.num_classes)]
    classes = sorted((members for members in classes if len(members) > 1), key=len)
    full_rank = num_symbols - 2
    spaces = np.zeros((1, full_rank, full_rank), np.int16)
    counts = np.ones((1, 1), np.int64)
    rows = [task.incidence[members][:, :-2].astype(np.int64) for members in classes]
    for position, samples in enumerate(rows[:-1]):
        rank_to_come = sum(len(later) - 1 for later in rows[position + 1 :])
        spaces, counts = _add_class(spaces, counts, samples)
        keep = _ranks(spaces) + rank_to_come >= full_rank
        spaces, counts = spaces[keep], counts[keep]
    unique = [int(count) for count in _complete_with(spaces, counts, rows[-1])]
    lone = task.num_samples - sum(len(members) for members in classes)
    return [
        sum(math.comb(lone, k) * unique[n - k] for k in range(lone + 1) if 0 <= n - k < len(unique))
        for n in range(task.num_samples + 1)
    ]


def _add_class(spaces, counts, samples):
    """The table after a class: no sample of it, or a first one and any of the later ones."""
    size = len(samples)
    tables = [(spaces, np.pad(counts, ((0, 0), (0, size))))]
    for first in range(size):
        table = spaces, np.pad(counts, ((0, 0), (1, size - 1)))
        for later in range(first + 1, size):
            extended = _insert(table[0], (samples[later] - samples[first]) % _PRIME)
            shifted = np.roll(table[1], 1, axis=1)  # the last coefficient is still zero
            table = _merge([table, (extended, shifted)])
        tables.append(table)
    return _merge(tables)


def _complete_with(spaces, counts, samples):
    """Training sets by size that reach full rank with the last class; only ranks matter, so nothing is merged."""
    total = np.zeros(counts.shape[1] + len(samples), np.int64)

    def add(spaces, counts, first, later, taken):
        full = counts[_ranks(spaces) == spaces.shape[1]].sum(axis=0)
        total[taken : taken + len(full)] += full
        for nxt in range(later, len(samples)):
            add(_insert(spaces, (samples[nxt] - samples[first]) % _PRIME), counts, first, nxt + 1, taken + 1)

    add(spaces, counts, 0, len(samples), 0)
    for first in range(len(samples)):
        add(spaces, counts, first, first + 1, 1)
    return total


def _insert(spaces, row):
    """Every space with one more row, again in reduced echelon form; row i of a space has its pivot in column i."""
    return np.concatenate([_insert_block(spaces[k : k + _BLOCK], row) for k in range(0, len(spaces), _BLOCK)])


def _insert_block(spaces, row):
    wide = spaces.astype(np.int64)
    rest = (row - row @ wide) % _PRIME
    grows = rest.any(axis=1)
    pivot = np.argmax(rest != 0, axis=1)
    each = np.arange(len(spaces))
    rest = rest * _INVERSE[rest[each, pivot]][:, None] % _PRIME
    column = wide[each, :, pivot]
    reduced = (wide - column[:, :, None] * rest[:, None, :]) % _PRIME
    reduced[each, pivot] = rest
    return np.where(grows[:, None, None], reduced, wide).astype(np.int16)


def _merge(tables):
    """One row per distinct space, counts added."""
    spaces = np.concatenate([table[0] for table in tables])
    counts = np.concatenate([table[1] for table in tables])
    keys = np.ascontiguousarray(spaces.reshape(len(spaces), -1)).view(f"V{spaces[0].size * spaces.itemsize}").ravel()
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1]]))
    return spaces[order[starts]], np.add.reduceat(counts[order], starts, axis=0)


def _ranks(spaces):
    return np.trace(spaces != 0, axis1=1, axis2=2)


def _inverses() -> np.ndarray:
    inverse = np.zeros(_PRIME, np.int64)
    inverse[1] = 1
    for value in range(2, _PRIME):
        inverse[value] = -(_PRIME // value) * inverse[_PRIME % value] % _PRIME
    return inverse


_INVERSE = _inverses()
