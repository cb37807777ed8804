"""Inputs to run a model on when nobody gives any: drawn from a seed, the same everywhere."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError
from likewise.ir import Dim, DType, OptionalType, TensorType

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
    for port in ports:
        if port.name in feeds or isinstance(port.type, OptionalType):
            continue
        if not isinstance(port.type, TensorType):
            raise InputError(f"input {port.name!r} cannot be drawn", given=port.type)
        shape = _shape(port, shapes.get(port.name))
        rng = np.random.default_rng([seed, zlib.crc32(port.name.encode())])
        feeds[port.name] = _draw(rng, port.type.dtype, shape)
    return feeds


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
    sizes = () if dims is None else tuple(_size(axis, dim) for axis, dim in enumerate(dims))
    if dims is None or any(size is None for size in sizes):
        example = "1,3,224,224" if dims is None else ",".join(str(size or 32) for size in sizes)
        raise InputError(
            f"the shape of input {port.name!r} is not fixed by the model",
            given="any rank" if dims is None else _text(dims),
            hint=f"give it, such as --shape {port.name}={example}",
        )
    return tuple(size for size in sizes if size is not None)


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
        return rng.integers(0, 2, shape).astype(dtype.numpy)
    return np.asarray(rng.standard_normal(shape)).astype(dtype.numpy)
