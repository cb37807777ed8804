"""Winograd's transforms: F(2x2, 3x3), and of bytes F(4x4, 3x3) too.

A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), sections 4.1 and
4.3. With d the elements that a tile of results reads and g the weights, the results are
A'[(G g G') * (B' d B)]A. G of F(2x2, 3x3) holds halves, that of F(4x4, 3x3) parts of 24.

Of bytes all of it is exact: rows of G are taken as many times as makes them whole, and A makes up
for it, so that what comes out is 4 times the result, or 576 times. Sums on the way may wrap, as
what comes out, less the factor 9, does not. Bytes less their zero points reach 255; of F(2x2, 3x3)
transformed inputs reach 4 * 255 and weights 9 * 255, of F(4x4, 3x3) 100 * 255 and 49 * 255: 16 bits
hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.loop.types import S
from likewise.loop.values import Value

if TYPE_CHECKING:
    from likewise.lower.view import TensorView
    from likewise.ops.windows import Windows

__all__ = ["BYTES", "BYTES_BY_FOUR", "FLOATS", "Form", "winograd_form"]

Line = Callable[[Sequence[Value]], tuple[Value, ...]]

_FEWEST: Final = 16
"""Channels below which the transforms cost more than they save."""
_REACH: Final = 255
_MANY: Final = 150
"""Places from which larger tiles save more than transforming weights for them costs."""


@dataclass(frozen=True)
class Form:
    """The transforms of one line: 3 weights and `points` inputs to as many, and back to `size`.

    `finish` makes a result of what comes out. Sums of products of bytes are below `limit`.
    """

    name: str
    size: int
    of_weights: Line
    of_inputs: Line
    of_products: Line
    finish: Callable[[Value], Value]
    limit: int = 0

    @property
    def points(self) -> int:
        return self.size + 2

    def products(self, places: Sequence[int]) -> int:
        """For each pair of channels, the tiles at the edge as a whole."""
        return self.points**2 * prod(-(-size // self.size) for size in places)


def winograd_form(
    x: TensorView, w: np.ndarray[Any, Any], windows: Windows, group: int
) -> Form | None:
    """How to convolve `x` with weights `w`, both floats or bytes less their zero points (in int32);
    None where this is none of these convolutions.
    """
    made, channels = w.shape[:2]
    of_bytes = x.storage is S.i32
    if (
        (of_bytes or x.storage is S.f32)
        and group == 1
        and windows.kernel == (3, 3)
        and windows.strides == windows.dilations == (1, 1)
        and min(channels, made) >= _FEWEST
        and channels % (8 if of_bytes else 4) == 0
        and made % 8 == 0
        and min(windows.output) > 1
    ):
        if not of_bytes:
            return FLOATS
        largest, places = _REACH * int(np.abs(w).sum((1, 2, 3)).max()), windows.output
        forms = [BYTES]
        if prod(places) >= _MANY and BYTES_BY_FOUR.products(places) < BYTES.products(places):
            forms.insert(0, BYTES_BY_FOUR)
        return next((form for form in forms if largest < form.limit), None)
    return None


def _halves(g: Sequence[Value]) -> tuple[Value, ...]:
    ends = g[0] + g[2]
    return g[0], (ends + g[1]) * 0.5, (ends - g[1]) * 0.5, g[2]


def _twice(g: Sequence[Value]) -> tuple[Value, ...]:
    ends = g[0] + g[2]
    return g[0] + g[0], ends + g[1], ends - g[1], g[2] + g[2]


def _differences(d: Sequence[Value]) -> tuple[Value, ...]:
    return d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]


def _sums(m: Sequence[Value]) -> tuple[Value, ...]:
    return m[0] + m[1] + m[2], m[1] - m[2] - m[3]


def _whole(g: Sequence[Value]) -> tuple[Value, ...]:
    """Rows of G by 4, -6, -6, 24, 24 and 1."""
    ends, far, middle = g[0] + g[2], g[0] + (g[2] << 2), g[1] + g[1]
    return g[0], ends + g[1], ends - g[1], far + middle, far - middle, g[2]


def _differences_of_six(d: Sequence[Value]) -> tuple[Value, ...]:
    even, odd = d[4] - (d[2] << 2), d[3] - (d[1] << 2)
    apart, steps = d[4] - d[2], (d[3] - d[1]) << 1
    first, last = (d[0] - d[2]) << 2, (d[1] - d[3]) << 2
    return (
        *(first + d[4] - d[2], even + odd, even - odd),
        *(apart + steps, apart - steps, last + d[5] - d[3]),
    )


def _sums_by_24(m: Sequence[Value]) -> tuple[Value, ...]:
    """A by 24, less what the rows of G were taken."""
    near, far = (m[1] + m[2], m[1] - m[2]), (m[3] + m[4], m[3] - m[4])
    return (
        m[0] * 6 - (near[0] << 2) + far[0],
        (far[1] << 1) - (near[1] << 2),
        (far[0] - near[0]) << 2,
        (far[1] << 3) - (near[1] << 2) + m[5] * 24,
    )


FLOATS: Final = Form("f32_winograd_3x3", 2, _halves, _differences, _sums, lambda one: one)
BYTES: Final = Form("i16_winograd_3x3", 2, _twice, _differences, _sums, lambda one: one >> 2, 2**29)
BYTES_BY_FOUR: Final = Form(
    "i16_winograd4_3x3",
    4,
    _whole,
    _differences_of_six,
    _sums_by_24,
    lambda one: (one * pow(9, -1, 2**32)) >> 6,
    2**25,
)
