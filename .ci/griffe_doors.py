"""For the reference: doors made by `flat` and `door` are shown as the functions that they are.

Griffe reads sources, where `simulate = door(Students(), "what it does")` is an attribute. Its signature and docstring
exist when the library is imported only, so such names are looked up there.
"""

import ast
import importlib
import inspect
from typing import Any

import griffe


class Doors(griffe.Extension):
    """Replaces attributes made by `flat` or `door` by functions."""

    def on_attribute_instance(self, *, node: Any, attr: griffe.Attribute, **kwargs: Any) -> None:
        value = getattr(node, "value", None)
        called = getattr(getattr(value, "func", None), "id", None) if isinstance(value, ast.Call) else None
        if called not in ("flat", "door") or not attr.parent.is_module:
            return
        made = getattr(importlib.import_module(attr.parent.path), attr.name)
        function = griffe.Function(
            attr.name, parameters=griffe.Parameters(*map(_parameter, inspect.signature(made).parameters.values()))
        )
        function.lineno, function.endlineno = attr.lineno, attr.endlineno
        function.docstring = griffe.Docstring(inspect.getdoc(made) or "", lineno=attr.lineno, parent=function)
        function.parent, attr.parent.members[attr.name] = attr.parent, function


def _parameter(parameter: inspect.Parameter) -> griffe.Parameter:
    empty = parameter.default is inspect.Parameter.empty
    default = None if empty else repr(parameter.default)
    return griffe.Parameter(parameter.name, kind=_KINDS[parameter.kind], default=default)


_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: griffe.ParameterKind.positional_only,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: griffe.ParameterKind.positional_or_keyword,
    inspect.Parameter.VAR_POSITIONAL: griffe.ParameterKind.var_positional,
    inspect.Parameter.KEYWORD_ONLY: griffe.ParameterKind.keyword_only,
    inspect.Parameter.VAR_KEYWORD: griffe.ParameterKind.var_keyword,
}
