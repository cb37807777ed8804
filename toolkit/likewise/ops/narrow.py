"""The element types that NumPy lacks, as bits: bfloat16, and what has 8 bits and less.

An array of one holds codes, an element in the low bits of one byte or (bfloat16) of two; its dtype
only names them. What computes with them has them widened to a type of NumPy's that holds all their
values, and rounds the result back to codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir import DType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.ir import Array

__all__ = ["NARROW", "is_narrow", "narrowed", "precision", "wide_dtype", "widened"]

NARROW: Final = frozenset(dtype for dtype in DType if dtype.is_narrow)


@dataclass(frozen=True, slots=True)
class _Form:
    """A float of few bits: a sign, exponent bits, `mantissa` bits.

    The exponent of the least normal number is `least`; codes without their sign grow with the
    magnitude up to `largest`, the last finite one; `infinity` and `nan` follow, where there are
    such. With `unsigned_zero` the code of minus zero is the one NaN.
    """

    mantissa: int
    least: int
    largest: int
    infinity: int | None = None
    nan: int | None = None
    unsigned_zero: bool = False


_FORMS: Final[Mapping[DType, _Form]] = {
    DType.FLOAT8E4M3FN: _Form(3, -6, 0x7E, nan=0x7F),
    DType.FLOAT8E4M3FNUZ: _Form(3, -7, 0x7F, unsigned_zero=True),
    DType.FLOAT8E5M2: _Form(2, -14, 0x7B, infinity=0x7C, nan=0x7E),
    DType.FLOAT8E5M2FNUZ: _Form(2, -15, 0x7F, unsigned_zero=True),
    DType.FLOAT4E2M1: _Form(1, 0, 0x07),
    DType.FLOAT6E2M3: _Form(3, 0, 0x1F),
    DType.FLOAT6E3M2: _Form(2, -2, 0x1F),
}
_ADDED: Final = 2
"""What `isbuiltin` is for a dtype that another package adds to NumPy's."""


def is_narrow(x: Any) -> bool:
    """Whether `x` is an array of a type that NumPy lacks."""
    dtype = getattr(x, "dtype", None)
    # One of ml_dtypes says that it is an "f".
    return dtype is not None and (dtype.kind == "V" or dtype.isbuiltin == _ADDED)


def precision(dtype: DType) -> tuple[int, int]:
    """The bits of the mantissa and the exponent of the least normal number of a float."""
    if not dtype.is_narrow:
        info = np.finfo(dtype.numpy)
        return info.nmant, int(info.minexp)
    if dtype is DType.BFLOAT16:
        return 7, -126
    if dtype is DType.FLOAT8E8M0:
        return 0, -127
    form = _FORMS[dtype]
    return form.mantissa, form.least


def wide_dtype(dtype: DType) -> np.dtype[Any]:
    """The type of NumPy's that elements are computed in: their own where NumPy has it."""
    if not dtype.is_narrow:
        return dtype.numpy
    if dtype.is_float:
        return np.dtype(np.float32)
    return np.dtype(np.int8 if dtype.is_signed else np.uint8)


def widened(x: Array) -> Array:
    """`x` in a type of NumPy's that holds all its values; itself where it is of one already."""
    if not is_narrow(x):
        return x
    dtype = DType.of(x.dtype)
    if dtype is DType.BFLOAT16:
        wide = _codes(x, np.uint16).astype(np.uint32) << np.uint32(16)
        return np.asarray(wide).view(np.float32)
    return np.asarray(_values(dtype)[_codes(x, np.uint8)])


def narrowed(x: Array, to: DType) -> Array:
    """Numbers as a narrow type: floats, from float32 at most, rounded half to even.

    Beyond the largest number are infinity, else NaN, else the largest number itself; where there
    is no NaN it becomes zero. Integers keep their low bits, floats lose their fraction before.
    float8e8m0, whose rounding has modes, is not among `to`.
    """
    if to.is_integer:
        whole = x if x.dtype.kind in "iu" else x.astype(np.int64)
        codes = whole.astype(np.uint8) & np.uint8((1 << to.bits) - 1)
        return _labelled(codes, to)
    bits = np.asarray(x, np.float32, order="C").view(np.uint32)
    if to is DType.BFLOAT16:
        return _labelled(_rounded_bfloat16(bits), to)
    # Rounded to odd, 16 bits tell all that the rounding to a few of them needs to know.
    top = (bits >> np.uint32(16)) | ((bits & np.uint32(0xFFFF)) != 0)
    return _labelled(_nearest(to)[top], to)


def _codes(x: Array, dtype: type) -> Array:
    return np.asarray(x, order="C").view(dtype)


def _labelled(codes: Array, to: DType) -> Array:
    return np.asarray(codes).view(to.numpy)


def _rounded_bfloat16(bits: Array) -> Array:
    high = bits >> np.uint32(16)
    rounded = (bits + (np.uint32(0x7FFF) + (high & np.uint32(1)))) >> np.uint32(16)
    nan = (bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
    if nan.any():
        rounded = np.where(nan, (high & np.uint32(0x8000)) | np.uint32(0x7FC0), rounded)
    return rounded.astype(np.uint16)


@cache
def _values(dtype: DType) -> Array:
    """What each of the 256 bytes means as an element of a narrow type of 8 bits or less."""
    codes = np.arange(256) & ((1 << dtype.bits) - 1)
    if dtype.is_integer:
        half = 1 << dtype.bits - 1 if dtype.is_signed else 0
        return ((codes ^ half) - half).astype(wide_dtype(dtype))
    if dtype is DType.FLOAT8E8M0:
        return np.where(codes == 255, np.nan, np.ldexp(1.0, codes - 127)).astype(np.float32)
    form, sign = _FORMS[dtype], 1 << dtype.bits - 1
    magnitudes = _magnitudes(form, sign)
    found = magnitudes[codes & (sign - 1)]
    found = np.copysign(found, np.where(codes & sign, -1.0, 1.0))
    if form.unsigned_zero:
        found[codes == sign] = -np.nan
    return found.astype(np.float32)


def _magnitudes(form: _Form, count: int) -> Array:
    """The numbers of codes without a sign, in float64."""
    codes = np.arange(count)
    exponent = codes >> form.mantissa
    fraction = codes & ((1 << form.mantissa) - 1)
    whole = np.where(exponent > 0, fraction + (1 << form.mantissa), fraction)
    found = np.ldexp(
        whole.astype(np.float64), np.maximum(exponent, 1) - 1 + form.least - form.mantissa
    )
    found[form.largest + 1 :] = np.nan
    if form.infinity is not None:
        found[form.infinity : form.infinity + 1] = np.inf
    return found


@cache
def _nearest(to: DType) -> Array:
    """The code of each float32 by its upper 16 bits, the last of which says that more follow."""
    form, sign = _FORMS[to], 1 << to.bits - 1
    tops = np.arange(1 << 16, dtype=np.uint32)
    with np.errstate(invalid="ignore"):  # some of the NaNs signal
        numbers = (tops << np.uint32(16)).view(np.float32).astype(np.float64)
    magnitudes = _magnitudes(form, form.largest + 1)
    ends = [*magnitudes, 2 * magnitudes[-1] - magnitudes[-2]]  # as if the last had a successor
    middles = np.add(ends[1:], ends[:-1]) / 2
    codes = np.searchsorted(middles, np.abs(numbers))
    ties = np.isin(np.abs(numbers), middles)
    codes += ties & (codes % 2 == 1)
    beyond = form.nan if form.infinity is None else form.infinity
    negative = np.signbit(numbers)
    made = np.where(codes > form.largest, form.largest if beyond is None else beyond, codes)
    made = np.where(negative, made | sign, made)
    nan = np.isnan(numbers)
    if form.unsigned_zero:
        made[(codes == 0) & negative] = 0
        made[nan | (codes > form.largest)] = sign
    elif form.nan is None:
        made[nan] = np.where(negative[nan], 0, sign)  # zero, as ml_dtypes has it
    else:
        made[nan] = form.nan | np.where(negative[nan], sign, 0)
    return made.astype(np.uint8)
