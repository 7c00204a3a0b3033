"""A tree of objects as JSON nodes and arrays, and back.

A node has one tag: `value`, `complex`, `bytes`, `dtype`, `array`, `dict`, `list`, `tuple`, `function`, `enum`, `class`.
A restored object is the one that was kept, not a new one: neither `__init__` nor `__check_init__` runs, since a result
may hold what they refuse (swept, stripped or traced leaves), and a file must not choose what they are run with. What is
checked instead is that it has exactly the fields of its class, that each array is used once, and that static fields
hold no arrays. Weak types of jax become strong ones of the same dtype.
"""

import base64
import dataclasses
import enum
import inspect
import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from .._checks import argument_error
from .archive import shown
from .dtypes import dtype_name, dtype_of
from .named import OTHER_VERSION, NotNamed, find_class, find_function, is_named_tuple, name_of


LARGEST_DEPTH = 64
_LARGEST_INTEGER = 2**4096  # JSON readers refuse integers of more than some thousand digits
_KEYS = {"threefry2x32": 2, "rbg": 4, "unsafe_rbg": 4}


def encode(tree: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The node of a tree, and its arrays by name.

    Raises:
        ValueError: something in the tree cannot be kept.
    """
    encoder = _Encoder()
    return encoder(tree, "tree", 0, static=False), encoder.arrays


def decode(node: Any, arrays: dict[str, np.ndarray], path: Any, trust: tuple[str, ...]) -> Any:
    """The tree of a node and its arrays.

    Args:
        node: as `encode` made it, or as a stranger did.
        arrays: each must be used once.
        path: for errors.
        trust: packages whose classes and functions may be named.

    Raises:
        ValueError: it is not what `encode` writes, or names what it must not.
    """
    decoder = _Decoder(dict(arrays), path, trust)
    tree = decoder(node, "tree", 0, static=False)
    if decoder.arrays:
        raise decoder.refusal("tree", "whose arrays are all used", f"{sorted(decoder.arrays)} left over")
    return tree


class _Encoder:
    def __init__(self):
        self.arrays: dict[str, np.ndarray] = {}

    def __call__(self, node: Any, where: str, depth: int, *, static: bool) -> dict[str, Any]:
        kind: Any = type(node)
        below = lambda child, name: self(child, f"{where}.{str(name)[:40]}", depth + 1, static=static)
        if depth > LARGEST_DEPTH:
            raise argument_error(shown(where), f"nested at most {LARGEST_DEPTH} deep", "more", "Does it hold itself?")
        if isinstance(node, jax.Array | np.ndarray | np.generic):
            return self._array(node, where, static)
        if (plain := _plain(node, where)) is not None:
            return plain
        if kind is dict:
            return {"dict": [[below(_checked_key(key, where), "key"), below(node[key], key)] for key in node]}
        if kind in (list, tuple):
            return {kind.__name__: [below(child, i) for i, child in enumerate(node)]}
        named = name_of(kind)
        if named and isinstance(node, enum.Enum) and node.name in kind.__members__:
            return {"enum": [*named, node.name]}
        if named and is_named_tuple(kind):
            return {"class": [*named], "fields": {name: below(getattr(node, name), name) for name in kind._fields}}
        if named and isinstance(node, eqx.Module):
            return {"class": [*named], "fields": self._fields(node, where, depth, static)}
        if function := name_of(node):
            return {"function": [*function]}
        if isinstance(node, eqx.Module | enum.Enum | tuple):
            remedy = "Define its class at the top of a module."
        elif callable(node):
            remedy = "Use named activations, not lambdas."
        else:
            remedy = "Keep arrays, numbers, strings, dictionaries, lists, tuples and eqx.Modules."
        raise argument_error(where, "something that can be kept in a file", node, remedy)

    def _fields(self, node: Any, where: str, depth: int, static: bool) -> dict[str, Any]:
        encoded = {}
        for name, is_static in _static_fields(type(node)).items():
            if not hasattr(node, name):
                raise argument_error(f"{where}.{name}", "set", "nothing", "Give every field of a module a value.")
            value = getattr(node, name)
            encoded[name] = self(value, f"{where}.{name}", depth + 1, static=static or is_static)
        return encoded

    def _array(self, node: Any, where: str, static: bool) -> dict[str, Any]:
        if isinstance(node, Tracer):
            raise argument_error(where, "concrete", "a traced value", "Save outside of jit, vmap and grad.")
        if static and not isinstance(node, np.generic):
            raise argument_error(where, "free of arrays, since it is static", node, "Make it a leaf of its module.")
        kind = "jax" if isinstance(node, jax.Array) else "scalar" if isinstance(node, np.generic) else "numpy"
        if kind == "jax" and jnp.issubdtype(node.dtype, jax.dtypes.prng_key):
            kind, node = _key_data(node)
        is_plain = isinstance(node.dtype, np.dtype) and not isinstance(node, np.ma.MaskedArray)
        if not is_plain or dtype_name(node.dtype) is None:
            remedy = "Convert it; masked arrays and arrays of objects, records or dates are not kept."
            raise argument_error(where, "an array of numbers or text", f"{type(node).__name__} of {node.dtype}", remedy)
        name = ".".join(re.findall(r"[A-Za-z0-9_-]+", where))[:120].rstrip(".")
        while name in self.arrays:
            name = f"{name}-{len(self.arrays)}"
        self.arrays[name] = np.asarray(node)
        return {"array": name, "kind": kind}


class _Decoder:
    def __init__(self, arrays: dict[str, np.ndarray], path: Any, trust: tuple[str, ...]):
        self.arrays, self.path, self.trust = arrays, path, trust

    def refusal(self, where: str, expected: str, got: Any, remedy: str | None = None) -> ValueError:
        """The error of a file that is not what it should be."""
        remedy = remedy or "Give a whole file that this library wrote."
        return argument_error("path", f"a file {expected}", f"{self.path}: {shown(got)} at {shown(where)}", remedy)

    def __call__(self, node: Any, where: str, depth: int, *, static: bool) -> Any:
        if depth > LARGEST_DEPTH:
            raise self.refusal(where, f"nested at most {LARGEST_DEPTH} deep", "more")
        below = lambda child, name: self(child, f"{where}.{str(name)[:40]}", depth + 1, static=static)
        if isinstance(node, dict) and len(node) == 1:
            match node:
                case {"value": None | bool() | int() | float() | str() as value}:
                    return value
                case {"complex": [float() as real, float() as imaginary]}:
                    return complex(real, imaginary)
                case {"bytes": str() as text}:
                    return self._bytes(text, where)
                case {"dtype": str() as name} if dtype_of(name) is not None:
                    return dtype_of(name)
                case {"dict": list() as items}:
                    return self._dict(items, where, below)
                case {"list": list() as items}:
                    return [below(child, i) for i, child in enumerate(items)]
                case {"tuple": list() as items}:
                    return tuple(below(child, i) for i, child in enumerate(items))
                case {"function": [str() as module, str() as name]}:
                    return self._find(find_function, module, name, where)
                case {"enum": [str() as module, str() as name, str() as member]}:
                    cls = self._find(find_class, module, name, where)
                    if not (issubclass(cls, enum.Enum) and member in cls.__members__):
                        raise self.refusal(where, "whose enumerations have their members", f"{module}.{name}.{member}")
                    return cls.__members__[member]
        elif isinstance(node, dict) and len(node) == 2:
            match node:
                case {"array": str() as name, "kind": str() as kind}:
                    return self._array(name, kind, where, static)
                case {"class": [str() as module, str() as name], "fields": dict() as fields}:
                    return self._instance(self._find(find_class, module, name, where), fields, where, depth, static)
        raise self.refusal(where, "whose header has the form of a tree", node)

    def _find(self, find: Any, module: str, name: str, where: str) -> Any:
        try:
            return find(module, name, self.trust)
        except NotNamed as reason:
            expected = "that names only grokjax and jax objects, or those of packages you trust"
            got = f"{shown(module)}.{shown(name)} ({reason})"
            raise self.refusal(where, expected, got, reason.remedy) from reason

    def _bytes(self, text: str, where: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except ValueError as error:
            raise self.refusal(where, "of whole bytes", error) from error

    def _dict(self, items: list[Any], where: str, below: Any) -> dict[Any, Any]:
        result = {}
        for item in items:
            if not (isinstance(item, list) and len(item) == 2):
                raise self.refusal(where, "whose dictionaries are pairs", item)
            key = below(item[0], "key")
            if not _is_key(key) or key in result:
                raise self.refusal(where, "whose dictionaries have plain keys, each once", key)
            result[key] = below(item[1], key)
        return result

    def _instance(self, cls: type, fields: dict[str, Any], where: str, depth: int, static: bool) -> Any:
        is_module = issubclass(cls, eqx.Module)
        if not (is_module or is_named_tuple(cls)) or inspect.isabstract(cls):
            raise self.refusal(where, "whose objects are of final classes", cls.__qualname__)
        expected = _static_fields(cls) if is_module else dict.fromkeys(cls._fields, False)
        if set(fields) != set(expected):
            remedy = f"{shown(sorted(set(fields) ^ set(expected)))} differ. {OTHER_VERSION}"
            raise self.refusal(where, f"with the fields {list(expected)} of {cls.__qualname__}", list(fields), remedy)
        values = {
            name: self(fields[name], f"{where}.{name}", depth + 1, static=static or is_static)
            for name, is_static in expected.items()
        }
        if not is_module:
            return tuple.__new__(cls, values.values())
        made = object.__new__(cls)
        for name, value in values.items():
            object.__setattr__(made, name, value)
        return made

    def _array(self, name: str, kind: str, where: str, static: bool) -> Any:
        if name not in self.arrays:
            raise self.refusal(where, "whose arrays are there, each used once", name)
        array = self.arrays.pop(name)
        if static and kind != "scalar":
            raise self.refusal(where, "whose static fields hold no arrays", name)
        if kind == "numpy":
            return array
        if kind == "scalar" and array.ndim == 0:
            return array[()]
        impl = kind.removeprefix("key:")
        if impl in _KEYS and impl != kind:
            if array.dtype == np.uint32 and array.ndim and array.shape[-1] == _KEYS[impl]:
                return jax.random.wrap_key_data(jnp.asarray(array), impl=impl)
            raise self.refusal(where, "whose random keys have the shape of their kind", f"{array.dtype} {array.shape}")
        if kind != "jax" or array.dtype.kind in "US":
            raise self.refusal(where, "whose arrays are numpy's or jax's", f"{kind} of {array.dtype} {array.shape}")
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        restored = jnp.asarray(native)
        if restored.dtype != native.dtype:
            remedy = 'Set JAX_ENABLE_X64=1, or call jax.config.update("jax_enable_x64", True), before reading it.'
            raise self.refusal(where, f"without {native.dtype} while 64-bit numbers are off", str(native.dtype), remedy)
        return restored


def _static_fields(cls: Any) -> dict[str, bool]:
    """Whether each field of an `eqx.Module` is static."""
    return {field.name: bool(field.metadata.get("static", False)) for field in dataclasses.fields(cls)}


def _key_data(key: Any) -> tuple[str, Any]:
    """The kind of a typed key's node, and its numbers, if the kind can be read again."""
    impl = str(jax.random.key_impl(key))
    return f"key:{impl}", jax.random.key_data(key) if impl in _KEYS else key


def _plain(node: Any, where: str) -> dict[str, Any] | None:
    """The node of a plain value, None if it is not one. Subclasses of plain types are not plain."""
    kind = type(node)
    if kind is int and abs(node) >= _LARGEST_INTEGER:
        raise argument_error(where, "an integer of at most 4096 bits", "a larger one", "Keep it as a string.")
    if node is None or kind in (bool, int, float, str):
        return {"value": node}
    if kind is complex:
        return {"complex": [node.real, node.imag]}
    if kind is bytes:
        return {"bytes": base64.b64encode(node).decode()}
    if isinstance(node, np.dtype) and dtype_name(node):
        return {"dtype": dtype_name(node)}
    return None


def _checked_key(key: Any, where: str) -> Any:
    if not _is_key(key):
        raise argument_error(where, "a dictionary with plain keys", key, "Use strings, numbers or tuples of them.")
    return key


def _is_key(key: Any) -> bool:
    """Whether a dictionary's key is of a plain type, whose hash is a number's or a text's."""
    if type(key) is tuple:
        return all(_is_key(part) for part in key)
    return (
        key is None or isinstance(key, np.generic | enum.Enum) or type(key) in (bool, int, float, complex, str, bytes)
    )
