"""What a file may name, and how it is found: an exact name in an exact module, never a path through attributes.

Classes are those of grokjax, the states of optax, the layers of `equinox.nn`, and those of packages that the reader
trusts. Functions are those of the table below, the factories of optax, and those of trusted packages. The functions of
grokjax are not all open: a file decides what the function in a field is called with, and `io.save` would write where it
says.
"""

import enum
import functools
import importlib
import inspect
import sys
from types import ModuleType
from typing import Any

import equinox as eqx
import optax

from .._checks import argument_error
from .archive import shown


OURS = "grokjax"
OTHER_VERSION = "Read the file with the versions that wrote it; grokjax.io.describe(path) tells them."
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "jax.nn": (
        *("celu", "elu", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_tanh", "identity", "leaky_relu"),
        *("log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_sign", "softmax"),
        *("softplus", "sparse_plus", "sparse_sigmoid", "squareplus", "standardize"),
    ),
    "jax.lax": (
        *("abs", "acos", "asin", "atan", "cbrt", "cos", "cosh", "digamma", "erf", "erf_inv", "erfc", "exp", "expm1"),
        *("integer_pow", "lgamma", "log", "log1p", "logistic", "neg", "rsqrt", "sign", "sin", "sinh", "sqrt"),
        *("square", "tan", "tanh"),
    ),
    "jax.numpy": (
        *("abs", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cbrt", "cos", "cosh", "exp", "exp2"),
        *("expm1", "log", "log1p", "log2", "negative", "positive", "reciprocal", "sign", "sin", "sinc", "sinh"),
        *("sqrt", "square", "tan", "tanh", "bfloat16", "float16", "float32", "float64", "complex64", "complex128"),
        *("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    ),
    "jax.scipy.special": ("erf", "erfc", "erfinv", "expit", "gammaln", "log_ndtr", "logit", "ndtr"),
    "numpy": (
        *("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    ),
    "equinox.nn._mlp": ("_identity",),
    "grokjax.networks": ("_linear", "_square"),
    "grokjax.systems.mean_variance.training": ("clipped_adam",),
    "grokjax.systems.representation.system": ("two_adams",),
}


class NotNamed(Exception):
    """Why a name is not followed; `remedy` says what to do."""

    def __init__(self, reason: str, remedy: str):
        super().__init__(reason)
        self.remedy = remedy


def as_trust(trust: Any) -> tuple[str, ...]:
    """The packages that a reader trusts.

    Raises:
        ValueError: not a tuple of names of packages, or one of the standard library.
    """
    names: tuple[Any, ...] = tuple(trust) if isinstance(trust, tuple | list | set | frozenset) else (None,)
    if not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise argument_error("trust", "a tuple of names of top-level packages", trust, 'Write trust=("mylab",).')
    for name in names:
        if name in sys.stdlib_module_names:
            raise argument_error("trust", "of packages that define results", name, "The standard library has none.")
    return names


def name_of(thing: Any) -> tuple[str, str] | None:
    """Module and name under which a function, a class or a scalar type is found again; None if it is not."""
    for module, names in () if thing is None or _is_data(thing) else _table().items():
        for name in names:
            if getattr(sys.modules.get(module), name, None) is thing:
                return module, name
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str) and (_is_data(thing) or inspect.isfunction(thing))):
        return None
    if inspect.isfunction(thing) and module.partition(".")[0] == OURS:
        return None
    return (module, name) if vars(sys.modules.get(module, ModuleType(""))).get(name) is thing else None


def find_class(module: str, name: str, trust: tuple[str, ...]) -> type:
    """The `eqx.Module`, `NamedTuple` or `Enum` that is defined under this very name in this very module.

    Raises:
        NotNamed: there is none, or its package is not trusted.
    """
    found: Any = vars(_home(module, trust)).get(name)
    if not (_is_data(found) and (found.__module__, found.__qualname__) == (module, name)):
        raise NotNamed("no eqx.Module, NamedTuple or Enum of that name is defined there", OTHER_VERSION)
    return found


def find_function(module: str, name: str, trust: tuple[str, ...]) -> Any:
    """The function of the table, or of a trusted package, that is defined under this very name.

    Raises:
        NotNamed: there is none, or its package is not trusted.
    """
    if name in _table().get(module, ()):
        found = getattr(importlib.import_module(module), name, None)
        if found is not None:
            return found
    package = module.partition(".")[0]
    if package == OURS:
        raise NotNamed("no function that a file may name", OTHER_VERSION)
    if package not in trust:
        raise NotNamed("no function that a file may name unless you trust its package", _name_it(package))
    found = vars(_home(module, trust)).get(name)
    if not (inspect.isfunction(found) and (found.__module__, found.__qualname__) == (module, name)):
        raise NotNamed("no function of that name is defined there", OTHER_VERSION)
    return found


def is_named_tuple(cls: Any) -> bool:
    """Whether a class was made by `typing.NamedTuple` or `collections.namedtuple`."""
    return isinstance(cls, type) and issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def _name_it(package: str) -> str:
    return f'If you trust it: load(path, trust=("{shown(package)}",)).'


def _is_data(cls: Any) -> bool:
    return isinstance(cls, type) and (issubclass(cls, eqx.Module | enum.Enum) or is_named_tuple(cls))


def _home(module: str, trust: tuple[str, ...]) -> ModuleType:
    """A module that a file may name; imported if it must be, unless it is only looked up or runs when imported."""
    package = module.partition(".")[0]
    if package not in (OURS, "optax", *trust) and not module.startswith("equinox.nn."):
        raise NotNamed("its package is not trusted", _name_it(package))
    found = sys.modules.get(module)
    plain = all(part.isidentifier() and part != "__main__" for part in module.split("."))
    if found is None and plain and package in (OURS, *trust):
        try:
            found = importlib.import_module(module)
        except Exception as error:
            raise NotNamed(f"importing it raised {type(error).__name__}: {shown(error)}", "Install it.") from error
    if not isinstance(found, ModuleType):
        raise NotNamed("there is no such module", OTHER_VERSION)
    return found


@functools.cache
def _table() -> dict[str, tuple[str, ...]]:
    """`FUNCTIONS`, and the public functions of optax that say that they return a transformation."""

    def makes_one(function):
        if not (inspect.isfunction(function) and function.__module__.startswith("optax.")):
            return False
        made = inspect.signature(function).return_annotation
        made = made.rpartition(".")[2] if isinstance(made, str) else getattr(made, "__name__", "")
        return made in ("GradientTransformation", "GradientTransformationExtraArgs")

    homes = {"optax": optax, "optax.contrib": optax.contrib}
    public = {home: [name for name in vars(module) if not name.startswith("_")] for home, module in homes.items()}
    factories = {home: tuple(n for n in names if makes_one(getattr(homes[home], n))) for home, names in public.items()}
    return FUNCTIONS | factories
