"""What goes into a model and what comes out, and the check of what a caller feeds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from likewise.errors import InputError
from likewise.ir import DType, MapType, OptionalType, SequenceType, TensorType
from likewise.ops.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array, Dim, Type

__all__ = ["Port", "Runs", "Signature", "check_feeds"]


@dataclass(frozen=True)
class Port:
    """An input or output: `type` has everything, `dtype` and `shape` the part of a tensor.

    A dim of `shape` is a number or a symbolic size; `shape` is None where the rank is not known
    before a run, and both are None for sequences, optionals and maps.
    """

    name: str
    type: Type

    @property
    def dtype(self) -> DType | None:
        """The element type of a tensor."""
        return self.type.dtype if isinstance(self.type, TensorType) else None

    @property
    def shape(self) -> tuple[Dim, ...] | None:
        """The dims of a tensor."""
        return self.type.dims if isinstance(self.type, TensorType) else None

    def __str__(self) -> str:
        plain = self.name.isprintable() and self.name.strip()
        return f"{self.name if plain else repr(self.name)}: {self.type}"


@dataclass(frozen=True, slots=True)
class Signature:
    """What `run` takes and gives; every dim is a number."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def __str__(self) -> str:
        inputs, outputs = ", ".join(map(str, self.inputs)), ", ".join(map(str, self.outputs))
        return f"({inputs}) -> ({outputs})"


class Runs(Protocol):
    """A model that is ready to run: what a `Model` and every target's `Runner` have in common.

    `name` is what errors call it.
    """

    name: str

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What `run` takes."""

    @property
    def outputs(self) -> tuple[Port, ...]:
        """What `run` gives."""

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs by name."""


def check_feeds(ports: Sequence[Port], feeds: Mapping[str, Any]) -> list[Any]:
    """What `feeds` gives for each port, as arrays of its element type; absent optionals are None.

    Raises `InputError` for a wrong name, element type or shape, and for an input left out.
    """
    if not isinstance(feeds, Mapping):
        raise InputError(
            "a run takes its inputs by name",
            given=type(feeds).__name__,
            allowed=f"a dict with {', '.join(repr(port.name) for port in ports) or 'nothing'}",
        )
    names = {port.name for port in ports}
    unknown = [name for name in feeds if name not in names]
    if unknown:
        raise InputError(
            f"the model has no input {unknown[0]!r}",
            given=", ".join(map(repr, feeds)),
            allowed=", ".join(repr(port.name) for port in ports) or "none",
        )
    missing = [one for one in ports if one.name not in feeds and not _may_lack(one.type)]
    if missing:
        raise InputError(
            f"the input {missing[0].name!r} is missing",
            given=", ".join(map(repr, feeds)) or "no inputs",
            allowed=", ".join(map(str, ports)),
        )
    return [_fed(f"input {port.name!r}", port.type, feeds.get(port.name)) for port in ports]


def _may_lack(kind: Type) -> bool:
    return isinstance(kind, OptionalType)


def _fed(name: str, kind: Type | None, given: Any) -> Any:
    """What the caller gave for the input that messages call `name`, as the run takes it."""
    if isinstance(kind, TensorType):
        return _fed_tensor(name, kind, given)
    if isinstance(kind, OptionalType):
        return None if given is None else _fed(name, kind.element, given)
    if isinstance(kind, SequenceType):
        if not isinstance(given, list | tuple):
            raise _not_a(given, name, "a sequence", "a list of arrays")
        return [_fed(f"{name}[{i}]", kind.element, item) for i, item in enumerate(given)]
    if isinstance(kind, MapType):
        return _fed_map(name, kind, given)
    return given


def _not_a(given: Any, name: str, what: str, allowed: str) -> InputError:
    return InputError(f"{name} is {what}", given=type(given).__name__, allowed=allowed)


def _fed_map(name: str, kind: MapType, given: Any) -> dict[Any, Any]:
    of_text = kind.key is DType.STRING
    allowed = f"a dict from {'str' if of_text else 'int'} to {kind.value}"
    if not isinstance(given, Mapping):
        raise _not_a(given, name, "a map", allowed)
    found = {}
    for key, value in given.items():
        if not isinstance(key, str if of_text else int | np.integer):
            raise InputError(f"{name} has the key {key!r}", allowed=allowed)
        made = _fed(f"{name}[{key!r}]", kind.value, value)
        found[key] = made[()] if isinstance(made, np.ndarray) and made.ndim == 0 else made
    return found


def _fed_tensor(name: str, kind: TensorType, given: Any) -> Array:
    array = _array(name, kind, given)
    if kind.dims is not None:
        _check_shape(name, array.shape, kind.dims)
    return array


_KINDS: Final = {"i": "bui", "u": "bui", "f": "buif", "c": "buifc", "b": "bui"}
"""The NumPy kinds of lists and numbers that become an array of a kind without loss."""
_HOW_TO_NARROW: Final = "convert it with likewise.ops.conversion.convert(…, DType.{})"


def _array(name: str, kind: TensorType, given: Any) -> Array:
    """`given` as an array of the element type of `kind`, whatever its shape."""
    wanted = kind.dtype.numpy
    if given is None:
        raise InputError(f"{name} is None", allowed=kind)
    is_array = isinstance(given, np.ndarray | np.generic)
    try:
        array = np.asarray(given)
        if kind.dtype is DType.STRING:
            return _text(name, kind, array if is_array else np.asarray(given, object))
        allowed = _KINDS.get(wanted.kind, "buif")
        if not is_array and array.size and array.dtype.kind not in allowed:
            raise InputError(
                f"{name} holds other values than its element type",
                given=array.dtype,
                allowed=kind,
            )
        if not is_array:
            return convert(array, kind.dtype) if kind.dtype.is_narrow else np.asarray(given, wanted)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} cannot be made an array: {error}", allowed=kind) from None
    if array.dtype == wanted:
        return array
    # NumPy reads bytes without a name, `V2`, where it wrote an array of ml_dtypes.
    if kind.dtype.is_narrow and array.dtype in (
        kind.dtype.record,
        np.dtype((np.void, wanted.itemsize)),
    ):
        return array.view(wanted)
    if array.dtype.newbyteorder("=") == wanted:  # the other byte order, the same numbers
        return array.astype(wanted)
    raise InputError(
        f"{name} has the wrong element type",
        given=array.dtype,
        allowed=wanted,
        hint=_HOW_TO_NARROW.format(kind.dtype.name)
        if kind.dtype.is_narrow
        else f"convert it with .astype({wanted.name!r})",
    )


def _text(name: str, kind: TensorType, array: Array) -> Array:
    """Strings as an array of objects: `str`, or `bytes` that are no UTF-8."""
    found = np.empty(array.shape, object)
    for index, item in np.ndenumerate(array):
        if not isinstance(item, str | bytes):
            raise InputError(
                f"{name} holds something else than strings", given=repr(item)[:80], allowed=kind
            )
        found[index] = item if isinstance(item, str) else _decoded(item)
    return found


def _decoded(item: bytes) -> str | bytes:
    try:
        return item.decode()
    except UnicodeDecodeError:
        return item


def _check_shape(name: str, given: tuple[int, ...], dims: Sequence[Dim]) -> None:
    wrong = len(given) != len(dims) or any(
        isinstance(dim, int) and dim != size for dim, size in zip(dims, given, strict=True)
    )
    if wrong:
        raise InputError(
            f"{name} has the wrong shape",
            given=list(given),
            allowed=f"[{', '.join(map(str, dims))}]",
        )
