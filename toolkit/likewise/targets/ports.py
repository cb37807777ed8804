"""What goes into a model and what comes out, and the check of what a caller feeds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError
from likewise.ir import DType, OptionalType, SequenceType, TensorType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.ir import Dim, Type

__all__ = ["Port", "check_feeds"]


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
        return f"{self.name}: {self.type}"


def check_feeds(ports: Sequence[Port], feeds: Mapping[str, Any]) -> list[Any]:
    """What `feeds` gives for each port, as arrays of its element type; absent optionals are None.

    Raises `InputError` for a wrong name, element type or shape, and for an input left out.
    """
    names = [port.name for port in ports]
    unknown = [name for name in feeds if name not in names]
    if unknown:
        raise InputError(
            f"the model has no input {unknown[0]!r}",
            given=", ".join(map(repr, feeds)),
            allowed=", ".join(map(repr, names)) or "none",
        )
    missing = [one for one in ports if one.name not in feeds and not _may_lack(one.type)]
    if missing:
        raise InputError(
            f"the input {missing[0].name!r} is missing",
            given=", ".join(map(repr, feeds)) or "no inputs",
            allowed=", ".join(map(str, ports)),
        )
    return [_fed(port, feeds.get(port.name)) for port in ports]


def _may_lack(kind: Type) -> bool:
    return isinstance(kind, OptionalType)


def _fed(port: Port, given: Any) -> Any:
    """What the caller gave for `port`, as the run takes it."""
    kind = port.type
    if isinstance(kind, TensorType):
        return _fed_tensor(port.name, kind, given)
    if isinstance(kind, SequenceType) and not isinstance(given, list):
        raise InputError(
            f"input {port.name!r} is a sequence",
            given=type(given).__name__,
            allowed="a list of arrays",
        )
    return given


def _fed_tensor(name: str, kind: TensorType, given: Any) -> Any:
    wanted = kind.dtype.numpy
    if isinstance(given, np.ndarray | np.generic):
        array = np.asarray(given)
        text = kind.dtype is DType.STRING and array.dtype.kind in "OUST"
        if array.dtype != wanted and not text:
            raise InputError(
                f"input {name!r} has the wrong element type",
                given=array.dtype,
                allowed=wanted,
                hint=f"convert it with .astype({wanted.name!r})",
            )
        array = array.astype(object) if text else array
    else:
        try:
            array = np.asarray(given, wanted)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"input {name!r} cannot be made an array: {error}", allowed=kind
            ) from None
    if kind.dims is not None:
        _check_shape(name, array.shape, kind.dims)
    return array


def _check_shape(name: str, given: tuple[int, ...], dims: Sequence[Dim]) -> None:
    wrong = len(given) != len(dims) or any(
        isinstance(dim, int) and dim != size for dim, size in zip(dims, given, strict=True)
    )
    if wrong:
        raise InputError(
            f"input {name!r} has the wrong shape",
            given=list(given),
            allowed=f"[{', '.join(map(str, dims))}]",
        )
