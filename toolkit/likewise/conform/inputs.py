"""Inputs to run a model on when nobody gives any: drawn from a seed, the same everywhere."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError
from likewise.ir import Dim, DType, OptionalType, TensorType
from likewise.ops.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.ir import Array
    from likewise.model import Port

__all__ = ["draw_feeds"]


def draw_feeds(
    ports: Sequence[Port],
    given: Mapping[str, Any],
    shapes: Mapping[str, Sequence[int]],
    seed: int = 0,
) -> dict[str, Any]:
    """`given`, and for every other input an array drawn from `seed` and the input's name.

    Floats are standard normal, wide integers 0 or 1 (valid as an index into anything), 8- and
    16-bit integers over their whole range. A symbolic dim takes its size from `shapes`; a leading
    one that is not given is 1. Raises `InputError` for other sizes that are not given, and for
    names in `shapes` that are no inputs.
    """
    names = [port.name for port in ports]
    for name in (*shapes, *given):
        if name not in names:
            raise InputError(
                f"the model has no input {name!r}", allowed=", ".join(map(repr, names)) or "none"
            )
    feeds = dict(given)
    drawn = [x for x in ports if x.name not in feeds and not isinstance(x.type, OptionalType)]
    _check_shapes([port for port in drawn if port.name not in shapes])
    for port in drawn:
        if not isinstance(port.type, TensorType):
            raise InputError(f"input {port.name!r} cannot be drawn", given=port.type)
        shape = _shape(port, shapes.get(port.name))
        rng = np.random.default_rng([seed, zlib.crc32(port.name.encode())])
        try:
            feeds[port.name] = _draw(rng, port.type.dtype, shape)
        except (MemoryError, ValueError):
            raise InputError(
                f"there is not enough memory for input {port.name!r}", given=list(shape)
            ) from None
    return feeds


def _check_shapes(ports: Sequence[Port]) -> None:
    """Refuse, all at once, tensors whose sizes the model leaves open."""
    missing = []
    for port in ports:
        sizes = [_size(axis, dim) for axis, dim in enumerate(port.shape or ())]
        if isinstance(port.type, TensorType) and (port.shape is None or None in sizes):
            missing.append((port, sizes))
    if not missing:
        return
    examples = []
    for port, sizes in missing:
        shown = [1, 3, 224, 224] if port.shape is None else [32 if n is None else n for n in sizes]
        examples.append(f"--shape {port.name}={','.join(map(str, shown))}")
    names = ", ".join(repr(port.name) for port, _ in missing)
    raise InputError(
        f"the shape{'s' if len(missing) > 1 else ''} of {names} must be given",
        given="; ".join(str(port) for port, _ in missing),
        hint=f"such as {' '.join(examples)}",
    )


def _shape(port: Port, given: Sequence[int] | None) -> tuple[int, ...]:
    """The sizes of an input: those given, checked, or the model's own."""
    dims = port.shape
    if given is not None:
        if dims is not None and (
            len(dims) != len(given)
            or any(isinstance(d, int) and d != n for d, n in zip(dims, given, strict=True))
        ):
            raise InputError(
                f"the shape for input {port.name!r} does not fit",
                given=",".join(map(str, given)),
                allowed=_text(dims),
            )
        return tuple(given)
    return tuple(
        size for axis, dim in enumerate(dims or ()) if (size := _size(axis, dim)) is not None
    )


def _size(axis: int, dim: Dim) -> int | None:
    if isinstance(dim, int):
        return dim
    return 1 if axis == 0 else None


def _text(dims: Sequence[Dim]) -> str:
    return f"[{', '.join(map(str, dims))}]"


def _draw(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
    if dtype is DType.STRING:
        return np.full(shape, "text", object)
    if dtype is DType.BOOL:
        return rng.random(shape) < 0.5
    if dtype.is_integer and dtype.bits in (8, 16):
        limits = np.iinfo(dtype.numpy)
        return rng.integers(limits.min, limits.max, shape, dtype.numpy, endpoint=True)
    if dtype.is_integer:
        return convert(rng.integers(0, 2, shape), dtype)
    return convert(np.asarray(rng.standard_normal(shape)), dtype)
