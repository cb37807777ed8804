"""Windows sliding over the spatial dims of N x C x D1 … Dn: sizes, padding, views.

Shared by the convolutions, the poolings and Col2Im. A window of `kernel` taps, `dilations` apart,
moves by `strides` over a tensor that `begin` and `end` elements pad; it stops at `output` places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from likewise.errors import InferenceError
from likewise.ir import ceil_divide, maximum, minimum
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, Shape

__all__ = ["AutoPad", "Windowed", "Windows", "add_windows", "pad_spatial", "slide", "split_pads"]

AutoPad: TypeAlias = Literal["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]


@dataclass(frozen=True)
class Windows:
    """Where windows lie: one entry a spatial dim in each field; ints when the input's sizes are."""

    kernel: tuple[Any, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[Any, ...]
    end: tuple[Any, ...]
    output: tuple[Any, ...]

    @property
    def taps(self) -> int:
        """The number of elements under one window."""
        return int(np.prod(self.kernel, dtype=np.int64))

    @property
    def places(self) -> int:
        """The number of places a window stops at."""
        return int(np.prod(self.output, dtype=np.int64))

    @property
    def is_pointwise(self) -> bool:
        """Whether a window is one element and there is no padding."""
        return self.taps == 1 and not any(self.begin) and not any(self.end)

    def overhang(self, spatial: Sequence[int]) -> list[int]:
        """How far the windows reach beyond an input of these sizes; negative where they leave some
        of it out.
        """
        return [
            (n - 1) * s + (k - 1) * d + 1 - b - size
            for n, s, k, d, b, size in zip(
                self.output,
                self.strides,
                self.kernel,
                self.dilations,
                self.begin,
                spatial,
                strict=True,
            )
        ]

    def over(self, x: Array) -> Array:
        """A view of `x`, already padded, [..., *spatial] as [..., *kernel, *output]: read only."""
        rank = len(self.kernel)
        lead, steps = x.strides[:-rank], x.strides[-rank:]
        return as_strided(
            x,
            x.shape[:-rank] + self.kernel + self.output,
            lead
            + tuple(step * d for step, d in zip(steps, self.dilations, strict=True))
            + tuple(step * s for step, s in zip(steps, self.strides, strict=True)),
            writeable=False,
        )

    def slices(self) -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
        """Each tap of the kernel with the index that takes what it meets off the padded tensor."""
        for tap in np.ndindex(self.kernel):
            starts = [t * d for t, d in zip(tap, self.dilations, strict=True)]
            where = tuple(
                slice(start, start + (n - 1) * s + 1 if n else start, s)
                for start, s, n in zip(starts, self.strides, self.output, strict=True)
            )
            yield tap, (..., *where)


class Windowed(Operator):
    """Base of the operators whose attributes place windows over the spatial dims."""

    bounded = False  # padding may be of any size

    auto_pad: AutoPad = "NOTSET"
    dilations: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def windows(self, spatial: Shape, kernel: Shape, *, ceil_mode: bool = False) -> Windows:
        """The windows of `kernel` over an input of sizes `spatial`, as the attributes place them.

        Raises `InferenceError` where they contradict each other or a window does not fit.
        """
        return slide(
            spatial,
            kernel,
            strides=self.strides,
            dilations=self.dilations,
            pads=self.pads,
            auto_pad=self.auto_pad,
            ceil_mode=ceil_mode,
        )


def per_dim(
    values: Sequence[int] | None, rank: int, default: int, name: str, least: int = 1
) -> tuple[int, ...]:
    """Attribute `name`, one int a spatial dim, or `default` for each where it is absent."""
    if not values:
        return (default,) * rank
    if len(values) != rank:
        raise InferenceError(
            f"{name} has {len(values)} entries", given=list(values), allowed=f"{rank}, one a dim"
        )
    if min(values) < least:
        raise InferenceError(f"{name} is too small", given=list(values), allowed=f"{least} or more")
    return tuple(values)


def split_pads(pads: Sequence[int] | None, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The padding before and after each spatial dim."""
    both = per_dim(pads, 2 * rank, 0, "pads", 0)
    return both[:rank], both[rank:]


def slide(
    spatial: Shape,
    kernel: Shape,
    *,
    strides: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    auto_pad: AutoPad = "NOTSET",
    ceil_mode: bool = False,
) -> Windows:
    """The windows of `kernel` over sizes `spatial`, by the formulas of AveragePool-22.

    With `ceil_mode` a last window may reach beyond the padding, but not begin behind the input
    and its padding at the front. `auto_pad` VALID gives the same sizes with and without it.
    Raises `InferenceError` for entries of the wrong number and where no window fits.
    """
    rank = len(spatial)
    if len(kernel) != rank:
        raise InferenceError(
            "kernel_shape does not fit the input", given=list(kernel), allowed=f"{rank} entries"
        )
    if any(isinstance(k, int) and k < 1 for k in kernel):
        raise InferenceError("a kernel has no taps", given=list(kernel), allowed="1 or more a dim")
    steps = per_dim(strides, rank, 1, "strides")
    gaps = per_dim(dilations, rank, 1, "dilations")
    begin: tuple[Dim, ...]
    end: tuple[Dim, ...]
    begin, end = split_pads(pads if auto_pad == "NOTSET" else None, rank)
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, gaps, strict=True))
    if auto_pad in {"SAME_UPPER", "SAME_LOWER"}:
        output = tuple(ceil_divide(size, step) for size, step in zip(spatial, steps, strict=True))
        total = [
            maximum(0, (out - 1) * step + span - size)
            for out, step, span, size in zip(output, steps, reach, spatial, strict=True)
        ]
        half = tuple(t // 2 for t in total)
        rest = tuple(t - h for t, h in zip(total, half, strict=True))
        begin, end = (half, rest) if auto_pad == "SAME_UPPER" else (rest, half)
        return Windows(kernel, steps, gaps, begin, end, output)
    ceil_mode = ceil_mode and auto_pad == "NOTSET"
    output = tuple(
        _places(*numbers, ceil_mode=ceil_mode)
        for numbers in zip(spatial, begin, end, reach, steps, strict=True)
    )
    return Windows(kernel, steps, gaps, begin, end, output)


def _places(size: Dim, begin: Dim, end: Dim, reach: Dim, step: int, *, ceil_mode: bool) -> Dim:
    free = size + begin + end - reach
    # With ceil_mode a window may hang over the end even at its first place.
    if isinstance(free, int) and free < 0 and not (ceil_mode and -step < free):
        if size == 0:
            return 0
        raise InferenceError(
            "the window is larger than the padded input",
            given=f"a window over {reach} of {size + begin + end} elements",
        )
    if not ceil_mode:
        return free // step + 1
    reached = ceil_divide(free, step) + 1
    fits = isinstance(reach, int) and isinstance(end, int) and step + end <= reach
    return reached if fits else minimum(reached, ceil_divide(size + begin, step))


def pad_spatial(x: Array, begin: Sequence[int], end: Sequence[int], fill: Any = 0) -> Array:
    """`x` with `fill` before and after its last dims; `x` itself where there is nothing to add."""
    if not any(begin) and not any(end):
        return x
    lead = x.ndim - len(begin)
    spatial = x.shape[lead:]
    shape = x.shape[:lead] + tuple(
        b + size + e for b, size, e in zip(begin, spatial, end, strict=True)
    )
    padded = np.full(shape, fill, x.dtype) if fill else np.zeros(shape, x.dtype)
    padded[_inside(begin, spatial)] = x
    return padded


def add_windows(columns: Array, windows: Windows, spatial: Sequence[int]) -> Array:
    """The sum of windows laid over each other: the transpose of cutting a tensor into them.

    `columns` is [..., *kernel, *output]; the result [..., *spatial], the padding taken off.
    """
    rank = len(windows.kernel)
    lead = columns.shape[: -2 * rank]
    reach = [
        b + size + max(0, beyond)
        for b, size, beyond in zip(windows.begin, spatial, windows.overhang(spatial), strict=True)
    ]
    total = np.zeros(lead + tuple(reach), columns.dtype)
    if windows.places:
        for tap, where in windows.slices():
            total[where] += columns[(slice(None),) * len(lead) + tap]
    return total[_inside(windows.begin, spatial)]


def _inside(begin: Sequence[int], spatial: Sequence[int]) -> tuple[Any, ...]:
    return (..., *(slice(b, b + size) for b, size in zip(begin, spatial, strict=True)))
