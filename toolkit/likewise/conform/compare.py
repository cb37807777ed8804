"""How far one output is from another, and whether that is as near as can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InputError
from likewise.ir import DType
from likewise.ops.conversion import convert
from likewise.ops.narrow import precision, widened

if TYPE_CHECKING:
    from likewise.ir import Array

__all__ = ["ULP_LIMITS", "Difference", "Verdict", "compare", "judge"]

ULP_LIMITS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 16.0, 256.0, 65536.0, float("inf"))
"""Upper ends of the bins of a histogram: the first holds what is equal."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far `made` is from `expected`, in numbers that both have as finite ones.

    `scale` is the largest finite magnitude in `expected`, `ulp` the distance of the floats around
    it in the element type of `made` (0 for what is no float). `absolute` is the largest error,
    `rms` the root of the mean squared one. `ulps` counts elements by their error in units of the
    last place that `expected` has in that type: one count for each of ULP_LIMITS.
    `nans` and `infinities` count elements where one has a NaN, or an infinity, and the other has
    not the same; `bits` those that differ in any bit, where any NaN equals any other.
    """

    size: int
    scale: float
    ulp: float
    absolute: float
    rms: float
    ulps: tuple[int, ...]
    nans: int
    infinities: int
    bits: int

    @property
    def relative(self) -> float:
        """The largest error relative to the scale of the output; infinite where that is 0."""
        if self.absolute == 0:
            return 0.0
        return self.absolute / self.scale if self.scale else float("inf")

    @property
    def same_bits(self) -> bool:
        """Whether no element differs."""
        return self.bits == 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an error is allowed: `error` and `limit` are largest absolute errors.

    `times` is the error in units of the reference's own, which counts as half an ULP of the
    output's scale where it is smaller. `reason` is empty where it is `good`.
    """

    error: float
    limit: float
    times: float
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether the error is within the limit and NaNs and infinities are where they must be."""
        return not self.reason


def compare(made: Array, expected: Array) -> Difference:
    """The difference of two arrays of one shape; `expected` may be of a wider element type.

    Raises `InputError` for arrays of different shapes, of text, or numbers of different kinds.
    """
    if made.shape != expected.shape:
        raise InputError("the shapes differ", given=made.shape, allowed=expected.shape)
    kinds = [DType.of(made.dtype), DType.of(expected.dtype)]
    if all(one.is_integer or one is DType.BOOL for one in kinds):
        return _of_integers(made, expected)
    if all(one.is_complex for one in kinds):
        return _of_floats(_parts(made), _parts(expected))
    if all(one.is_float for one in kinds):
        return _of_floats(made, expected)
    raise InputError("there is no distance between these", given=f"{kinds[0]} and {kinds[1]}")


def judge(
    made: Difference, reference: Difference, times: float = 4.0, *, floor_ulps: float = 0.5
) -> Verdict:
    """Whether a target is at most `times` as far from the oracle as the reference is.

    Both are differences from the same oracle. The reference may be right by luck, so its error
    counts as `floor_ulps` ULP of the output's scale at least: no result of that element type can
    be expected to be nearer.
    """
    floor = max(reference.absolute, floor_ulps * made.ulp)
    reason = ""
    if made.nans > reference.nans:
        reason = f"{made.nans} elements are NaN on one side alone, {reference.nans} allowed"
    elif made.infinities > reference.infinities:
        reason = f"{made.infinities} infinities differ, {reference.infinities} allowed"
    elif made.absolute > times * floor:
        reason = f"an error of {made.absolute:.3g}, {times * floor:.3g} allowed"
    ratio = made.absolute / floor if floor else float("inf") if made.absolute else 0.0
    return Verdict(made.absolute, times * floor, ratio, reason)


def _of_integers(made: Array, expected: Array) -> Difference:
    wrong = made != expected
    gaps = [abs(int(a) - int(b)) for a, b in zip(made[wrong], expected[wrong], strict=True)]
    ends = (int(expected.min()), int(expected.max())) if expected.size else (0,)
    squares = float(sum(gap * gap for gap in gaps))
    return Difference(
        size=made.size,
        scale=float(max(map(abs, ends))),
        ulp=0.0,
        absolute=float(max(gaps, default=0)),
        rms=(squares / made.size) ** 0.5 if made.size else 0.0,
        ulps=(made.size - len(gaps), *[0] * (len(ULP_LIMITS) - 2), len(gaps)),
        nans=0,
        infinities=0,
        bits=len(gaps) if made.dtype == expected.dtype else made.size,
    )


def _of_floats(made: Array, expected: Array) -> Difference:
    given, wanted = (convert(one, DType.DOUBLE) for one in (made, expected))
    narrowed = wanted if made.dtype == np.float64 else _rounded(expected, made.dtype)
    nans = np.isnan(given) != np.isnan(wanted)
    # What lies beyond the largest number of the narrower type is infinite there, and rightly.
    infinite = np.isinf(given) | np.isinf(narrowed)
    infinities = infinite & (given != narrowed) & ~np.isnan(given) & ~np.isnan(narrowed)
    both = np.isfinite(given) & np.isfinite(wanted) & np.isfinite(narrowed)
    error = np.abs(given[both] - wanted[both])
    finite = np.abs(wanted[np.isfinite(wanted) & np.isfinite(narrowed)])
    scale = float(finite.max(initial=0.0))
    unit = _ulp(wanted[both], made.dtype)
    with np.errstate(over="ignore"):
        in_ulps = np.divide(error, unit, out=np.zeros_like(error), where=error > 0)
    bins = np.bincount(np.searchsorted(ULP_LIMITS, in_ulps), minlength=len(ULP_LIMITS))
    return Difference(
        size=made.size,
        scale=scale,
        ulp=float(_ulp(np.array(scale), made.dtype)),
        absolute=float(error.max(initial=0.0)),
        rms=float(np.sqrt(np.mean(error**2))) if error.size else 0.0,
        ulps=tuple(bins.tolist()),
        nans=int(nans.sum()),
        infinities=int(infinities.sum()),
        bits=_different(made, expected),
    )


def _different(made: Array, expected: Array) -> int:
    """How many elements differ in a bit; all of them where the element types differ."""
    if made.dtype != expected.dtype:
        return made.size
    raw = [np.ascontiguousarray(one).view(f"u{one.itemsize}") for one in (made, expected)]
    nan = np.isnan(widened(made)) & np.isnan(widened(expected))
    return int(((raw[0] != raw[1]).reshape(made.shape) & ~nan).sum())


def _rounded(wide: Array, dtype: np.dtype[Any]) -> Array:
    """`wide` as `dtype` has it, in float64."""
    with np.errstate(over="ignore"):
        return convert(convert(wide, DType.of(dtype), saturate=False), DType.DOUBLE)


def _ulp(values: Array, dtype: np.dtype[Any]) -> Array:
    """The distance of the floats of `dtype` around finite float64 values."""
    mantissa, least = precision(DType.of(dtype))
    exponent = np.where(values == 0, least, np.frexp(values)[1] - 1)
    return np.ldexp(1.0, np.maximum(exponent, least) - mantissa)


def _parts(array: Array) -> Array:
    """A complex array as real and imaginary parts along a new last axis."""
    return np.stack([array.real, array.imag], axis=-1)
