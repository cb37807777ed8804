"""Attributes as a model gives them, turned into the typed fields of an operator."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import ModelError
from likewise.ir import DType, Graph, MapType, OptionalType, SequenceType, TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from likewise.ops.operator import Operator

__all__ = ["field_types", "parse"]

_TYPES = (TensorType, SequenceType, OptionalType, MapType)
_SCOPE: Final = {
    "np": np,
    "Any": Any,
    "Array": np.ndarray,
    "DType": DType,
    "Graph": Graph,
    "Literal": typing.Literal,
    "Type": TensorType | SequenceType | OptionalType | MapType,
    **{kind.__name__: kind for kind in _TYPES},
}


def parse(operator: type[Operator], given: Mapping[str, Any], wanted: int = 1) -> Operator:
    """An instance of `operator` with the attributes `given` by ONNX name.

    Values are int, float, str, bytes, arrays, graphs, types, or lists of these. Raises
    `ModelError` for one that is unknown, missing or of the wrong kind, naming what is allowed.
    """
    readers = _readers(operator)  # type: ignore[arg-type]  # a class is hashable
    unknown = sorted(given.keys() - readers.keys())
    if unknown:
        raise ModelError(
            f"unknown attribute {unknown[0]!r}",
            given=", ".join(unknown),
            allowed=", ".join(sorted(readers)) or "none",
        )
    missing = [
        name
        for name, default in operator.defaults.items()
        if default is ... and given.get(name) is None
    ]
    if missing:
        raise ModelError(f"required attribute {missing[0]!r} is missing")
    parsed = {}
    for name, value in given.items():
        try:
            parsed[name] = readers[name](value)
        except (TypeError, ValueError):
            raise ModelError(
                f"attribute {name!r} has a wrong value",
                given=repr(value)[:80],
                allowed=str(field_types(operator)[name]).replace("typing.", ""),
            ) from None
    return operator(wanted=wanted, **parsed)


def field_types(operator: Any) -> dict[str, Any]:
    """The types of the fields of an operator class by name.

    Modules import them for type checking only, hence the scope.
    """
    hints = {}
    for base in reversed(operator.__mro__):
        scope = {**_SCOPE, **vars(sys.modules[base.__module__])}
        for name, text in inspect.get_annotations(base).items():
            if name in operator.defaults:
                hints[name] = eval(text, scope)  # noqa: S307 — an annotation in our own source
    return hints


@cache
def _readers(operator: Any) -> dict[str, Callable[[Any], Any]]:
    return {name: _reader(hint) for name, hint in field_types(operator).items()}


def _reader(hint: Any) -> Callable[[Any], Any]:
    """The function that turns a raw value into a `hint`, raising TypeError or ValueError."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        kinds = [kind for kind in arguments if kind is not type(None)]
        if all(kind in _TYPES for kind in kinds):
            return _instance(*_TYPES)
        if len(kinds) == 1:
            return _reader(kinds[0])
        return _first_of([_reader(kind) for kind in kinds])
    if origin is typing.Literal:
        return _literal(arguments)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda value: tuple(item(v) for v in _listed(value))
    simple: dict[Any, Callable[[Any], Any]] = {
        int: _integer,
        float: _number,
        bool: lambda value: bool(_integer(value)),
        str: _text,
        bytes: _bytes,
        DType: lambda value: value if isinstance(value, DType) else DType(_integer(value)),
    }
    return simple.get(hint) or _instance(np.ndarray if hint is np.ndarray else hint)


def _instance(*kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kinds):
            raise TypeError
        return value

    return read


def _first_of(readers: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        for reader in readers:
            try:
                return reader(value)
            except (TypeError, ValueError):
                continue
        raise TypeError

    return read


def _literal(allowed: tuple[Any, ...]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        value = _text(value) if isinstance(allowed[0], str) else _integer(value)
        if value not in allowed:
            raise ValueError
        return value

    return read


def _listed(value: Any) -> Any:
    if isinstance(value, (str, bytes, dict)):
        raise TypeError
    return value


def _integer(value: Any) -> int:
    if isinstance(value, (bool, int, np.integer)):
        return int(value)
    raise TypeError


def _number(value: Any) -> float:
    if isinstance(value, (int, float, np.floating, np.integer)):
        return float(value)
    raise TypeError


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        return value
    raise TypeError


def _bytes(value: Any) -> bytes:
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)
