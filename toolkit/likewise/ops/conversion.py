"""From one element type to another, by the rules of Cast: for Cast and the quantizing operators."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, Expression
from likewise.ops.narrow import narrowed, widened

if TYPE_CHECKING:
    from likewise.ir import Array

__all__ = ["RoundMode", "convert"]

RoundMode: TypeAlias = Literal["up", "down", "nearest"]

_LARGEST: Final = {
    DType.FLOAT8E4M3FN: 448.0,
    DType.FLOAT8E4M3FNUZ: 240.0,
    DType.FLOAT8E5M2: 57344.0,
    DType.FLOAT8E5M2FNUZ: 57344.0,
}
_LEAST_EXPONENT: Final = -127
_LARGEST_EXPONENT: Final = 127


def convert(x: Array, to: DType, *, saturate: bool = True, round_mode: RoundMode = "up") -> Array:
    """`x` with the element type `to`; `x` itself where it has it already.

    Integers wrap; floats lose their fraction on the way to integers, and what is out of range
    there (undefined in ONNX) is what NumPy makes of it. `saturate` matters to the float8 types,
    `round_mode` to float8e8m0. A conversion to fewer bits rounds once, half to even.
    Raises `TypeError` for symbolic dims that are to become anything but integers of 32 bits or
    more, `InferenceError` for a string that is no number.
    """
    if x.dtype == to.numpy and to is not DType.STRING:
        return x
    if x.dtype.kind in "OUST":
        if _holds_dims(x):
            if not to.is_integer or to.bits < 32:
                raise TypeError("a symbolic dim has no value yet")
            return x
        if to is DType.STRING:
            return x.astype(object, copy=False)
        x = _numbers(x, to)
    x = widened(x)
    if to is DType.STRING:
        return _texts(x)
    if to is DType.FLOAT8E8M0:
        return _powers_of_two(x, saturate=saturate, round_mode=round_mode)
    if not to.is_narrow:
        return x.astype(to.numpy)
    if to.is_float:
        x = _rounded_to_odd(x)
        if saturate and to in _LARGEST:
            x = np.clip(x, -_LARGEST[to], _LARGEST[to])
    return narrowed(x, to)


def _holds_dims(x: Array) -> bool:
    return x.dtype == object and any(isinstance(item, (int, Expression)) for item in x.flat)


def _numbers(x: Array, to: DType) -> Array:
    """Strings as numbers: float64, or for integers their 64 bits; a fraction is cut off."""
    read = _integer if to.is_integer else _number
    values = [read(text) for text in x.flat]
    return np.array(values, np.uint64 if to.is_integer else np.float64).reshape(x.shape)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InferenceError("a string is no number", given=repr(text)[:40]) from None


def _integer(text: str) -> int:
    """The 64 bits of a number."""
    try:
        number = int(text)
    except ValueError:
        value = _number(text)
        if not isfinite(value):
            raise InferenceError("a string is no integer", given=text) from None
        number = int(value)
    return number & (1 << 64) - 1


def _texts(x: Array) -> Array:
    """Numbers as strings: the fewest digits that read back as the same number, no exponent.

    Infinities and NaN are INF, -INF, NaN; booleans 1 and 0, where ONNX is silent and onnxruntime
    decides.
    """
    if x.dtype.kind == "b":
        x = x.astype(np.uint8)
    write: Any = str if x.dtype.kind in "iu" else _text
    texts = np.empty(x.size, object)
    texts[:] = [write(value) for value in x.flat]
    return texts.reshape(x.shape)


def _text(value: np.floating[Any]) -> str:
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "INF" if value > 0 else "-INF"
    return np.format_float_positional(value, trim="-")


def _rounded_to_odd(x: Array) -> Array:
    """`x` as float32 such that rounding it once more gives what rounding `x` itself would.

    Towards zero, and the last bit set where anything was lost: Boldo and Melquiond,
    "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd" (2008).
    """
    if x.dtype.itemsize < 4 or x.dtype == np.float32:
        return x.astype(np.float32, copy=False)
    if x.dtype.kind in "iu":
        x = x.astype(np.float64)
    y = x.astype(np.float32)
    exact = (y == x) | np.isnan(x)
    bits = y.view(np.uint32)
    bits = np.where(np.abs(y) > np.abs(x), bits - np.uint32(1), bits)
    return np.where(exact, y, (bits | np.uint32(1)).view(np.float32))


def _powers_of_two(x: Array, *, saturate: bool, round_mode: RoundMode) -> Array:
    """float8e8m0, an exponent alone; NaN for negative numbers, which ONNX leaves undefined."""
    if x.ndim == 0:  # NumPy makes scalars of these, which cannot be written to
        made = _powers_of_two(x[None], saturate=saturate, round_mode=round_mode)
        return made.reshape(())
    fraction, exponent = np.frexp(x.astype(np.float64, copy=False))  # fraction: [0.5, 1)
    exponent = exponent.astype(np.int64) - 1
    if round_mode == "up":
        exponent += fraction > 0.5
    elif round_mode == "nearest":
        exponent += fraction >= 0.75
    if saturate:
        exponent[x == 0] = _LEAST_EXPONENT
        exponent[np.isinf(x)] = _LARGEST_EXPONENT
        exponent = exponent.clip(_LEAST_EXPONENT, _LARGEST_EXPONENT)
        unknown = np.isnan(x) | (x < 0)
    else:
        unknown = ~((x >= 2.0**_LEAST_EXPONENT) & (x <= 2.0**_LARGEST_EXPONENT))
    codes = np.where(unknown, 255, exponent - _LEAST_EXPONENT).astype(np.uint8)
    return codes.view(DType.FLOAT8E8M0.numpy)
