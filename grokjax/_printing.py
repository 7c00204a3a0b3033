"""Numbers in words: what systems, predictions and results print of themselves."""

import dataclasses
import html
import inspect
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


MOST_NUMBERS = 6  # longer arrays are shown by their ends


def shown(value: Any) -> str:
    """A field's value in a line: numbers to five digits, long arrays by their ends, traced ones by their shape."""
    if isinstance(value, Tracer):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return f"key{list(value.shape)}"
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return _numbers(np.asarray(value))
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        inner = ", ".join(shown(each) for each in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    return repr(value)


def _numbers(array: np.ndarray) -> str:
    one = lambda number: str(number) if array.dtype.kind not in "fc" else f"{number:.5g}"
    if array.ndim == 0:
        return one(array[()])
    if array.ndim > 1:
        finite = array[np.isfinite(array)] if array.dtype.kind in "fiu" else array[:0]
        extent = f" of {one(finite.min())} to {one(finite.max())}" if finite.size else ""
        lost = f", {array.size - finite.size} not finite" if 0 < finite.size < array.size else ""
        return f"{array.dtype}{list(array.shape)}{extent}{lost}"
    if array.size <= MOST_NUMBERS:
        return "[" + ", ".join(map(one, array)) + "]"
    return f"[{one(array[0])}, {one(array[1])}, ..., {one(array[-1])}]"


def listed(doc: str | None, namespace: Mapping[str, Any]) -> str:
    """A docstring of a package with a line for each name in its `__all__`, so that `help` begins with a list of them.

    Args:
        doc: the docstring so far.
        namespace: `globals()` of the package.
    """
    names = sorted(namespace["__all__"], key=lambda name: (isinstance(namespace[name], ModuleType), name.lower()))
    width = max(map(len, names))
    return "\n".join([(doc or "").rstrip(), "", *(f"    {name:{width}}  {_line(namespace[name])}" for name in names)])


def _line(thing: Any) -> str:
    """The first sentence of a docstring; of a constant what it is."""
    if not (isinstance(thing, ModuleType) or inspect.isclass(thing) or inspect.isroutine(thing)):
        text = shown(thing)
        return text if len(text) <= 80 else f"{text[:77]}..."
    return (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")


def html_table(caption: str, head: Iterable[Any], rows: Iterable[Iterable[Any]], note: str = "") -> str:
    """A table as notebooks show it; all text is escaped.

    Args:
        caption: above it.
        head: names of the columns.
        rows: cells by row.
        note: a line below.
    """
    line = lambda tag, cells: "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
    body = "".join(line("td", row) for row in rows)
    below = f"<p>{html.escape(note)}</p>" if note else ""
    table = f"<thead>{line('th', head)}</thead><tbody>{body}</tbody>"
    return f"<table><caption>{html.escape(caption)}</caption>{table}</table>{below}"


class AbstractPrinted(eqx.Module):
    """A module whose `repr` shows its numbers."""

    def __repr__(self) -> str:
        fields = [field.name for field in dataclasses.fields(self) if field.repr]
        inside = ", ".join(f"{name}={shown(getattr(self, name, None))}" for name in fields)
        return f"{type(self).__name__}({inside})"

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of the fields, or the text of a class that prints itself otherwise."""
        if type(self).__repr__ is not AbstractPrinted.__repr__:
            return f"<pre>{html.escape(str(self))}</pre>"
        fields = [
            (field.name, shown(getattr(self, field.name, None))) for field in dataclasses.fields(self) if field.repr
        ]
        return html_table(type(self).__name__, ("field", "value"), fields)
