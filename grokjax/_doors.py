"""Flat doors: grouped options as keywords of their own, and typos refused by name before anything is done.

A driver takes its options in groups (`schedule`, `compute`); a user types them flat. `flat(function, schedule=...)`
is the function with the fields of every group among its keywords:

    simulate = flat(_simulate, schedule=Schedule(), compute=Compute())
    simulate(key, system, experiment, warmup=300, progress=False)
"""

import dataclasses
import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any

from ._checks import argument_error


def flat(function: Callable[..., Any], *, name: str | None = None, doc: str | None = None, **groups: Any) -> Any:
    """`function`, called with the fields of its groups as keywords.

    A whole group may be given, too; single fields are changed on top of it.

    Args:
        function: takes each group as a keyword.
        name: of the door, that of the function unless given.
        doc: its docstring, likewise.
        **groups: the default of each group, a dataclass.

    Raises:
        ValueError: by the door, if a keyword is not known.
    """
    own = inspect.signature(function).parameters
    homes = {field.name: home for home, group in groups.items() for field in dataclasses.fields(group)}
    assert not set(homes) & set(own), f"{set(homes) & set(own)} would be ambiguous"

    @functools.wraps(function)
    def door(*args: Any, **options: Any) -> Any:
        for option, value in options.items():
            if option not in own and option not in homes:
                close = difflib.get_close_matches(option, [*own, *homes], n=1)
                hint = f"Did you mean `{close[0]}`?" if close else f"Known are {', '.join([*own, *homes])}."
                raise argument_error(option, f"an argument of {door.__name__}", value, hint)
        direct = {option: value for option, value in options.items() if option in own}
        for home, default in groups.items():
            changes = {option: value for option, value in options.items() if homes.get(option) == home}
            group = direct.get(home, default)
            direct[home] = dataclasses.replace(group, **changes) if changes else group
        return function(*args, **direct)

    door.__name__ = door.__qualname__ = name or function.__name__
    door.__doc__ = doc or function.__doc__
    door.__signature__ = _signature(own, groups)  # pyright: ignore[reportAttributeAccessIssue]
    return door


def _signature(own: Any, groups: dict[str, Any]) -> inspect.Signature:
    keyword = lambda name, default: inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
    fields = [
        keyword(field.name, getattr(group, field.name))
        for group in groups.values()
        for field in dataclasses.fields(group)
    ]
    return inspect.Signature([parameter for name, parameter in own.items() if name not in groups] + fields)
