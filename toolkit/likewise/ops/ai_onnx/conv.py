"""Conv: a window of weights slides over the spatial dims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import product
from likewise.ops.case import Case, f16, f32, i32
from likewise.ops.checks import check_float, check_rank, check_same_dtype, unify
from likewise.ops.convolution import convolve
from likewise.ops.windows import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, Shape, TensorType
    from likewise.lower import Lowering, TensorView


class Conv(Windowed, versions=(1, 11, 22)):
    """X [N, C, *spatial] with W [M, C / group, *kernel], plus B [M], is [N, M, *output]."""

    group: int = 1
    kernel_shape: tuple[int, ...] | None = None

    def infer(self, X: TensorType, W: TensorType, B: TensorType | None = None) -> TensorType:
        check_float(X, "X")
        check_same_dtype(X=X, W=W, B=B)
        made = check_convolution(X, W, self.group, self.kernel_shape)
        if B is not None:
            check_rank(B, 1, "B")
            unify(B.shape[0], made, "the sizes of B and the output channels")
        windows = self.windows(X.shape[2:], self.kernel_shape or W.shape[2:])
        return X.with_shape((X.shape[0], made, *windows.output))

    def evaluate(self, X: Array, W: Array, B: Array | None = None) -> Array:
        return convolve(X, W, self.windows(X.shape[2:], W.shape[2:]), self.group, B)

    def lower(
        self, lowering: Lowering, x: TensorView, w: TensorView, bias: TensorView | None = None
    ) -> TensorView:
        windows = self.windows(x.shape[2:], w.shape[2:])
        return lowering.convolve(x, w, windows, self.group, bias)

    def flops(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType | None]
    ) -> Dim:
        w, y = inputs[1], outputs[0]
        return 0 if w is None or y is None else 2 * y.size * product(w.shape[1:])

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)
        ones = np.ones((1, 1, 3, 3), np.float32)
        valid = f32([[[[54, 63, 72], [99, 108, 117], [144, 153, 162]]]])
        yield Case(cls(), [x, ones], [valid])
        yield Case(cls(strides=(2, 2)), [x, ones, f32([1])], [valid[:, :, ::2, ::2] + 1])
        corners = f32([[[[12, 27, 24], [63, 108, 81], [72, 117, 84]]]])
        for pads in ({"pads": (1, 1, 1, 1)}, {"auto_pad": "SAME_UPPER"}):
            yield Case(cls(strides=(2, 2), **pads), [x, ones], [corners])
        yield Case(cls(dilations=(2, 2)), [x, ones], [f32([[[[108]]]])])
        pair = f32([[[1, 2, 3], [4, 5, 6]]])
        depthwise = cls(group=2, pads=(1, 0))
        yield Case(depthwise, [pair, f32([[[1, 1]], [[1, 2]]])], [f32([[[1, 3, 5], [8, 14, 17]]])])
        yield Case(cls(), [f16(pair), f16([[[1], [2]]])], [f16([[[9, 12, 15]]])])
        yield Case(cls(), [pair[:0], f32([[[1], [2]]])], [np.zeros((0, 1, 3), np.float32)])
        yield Case(cls(), [x, np.ones((1, 2, 3, 3), np.float32)], error="channels")
        yield Case(cls(), [x, np.ones((1, 1, 6, 6), np.float32)], error="window is larger")
        yield Case(cls(strides=(2,)), [x, ones], error="strides has 1 entries")
        yield Case(cls(), [i32(x), i32(ones)], error="X has an element type")


def check_convolution(
    x: TensorType, w: TensorType, group: int, kernel_shape: Shape | None = None
) -> Dim:
    """Refuse weights that do not fit the input; the number of output channels otherwise."""
    if x.rank < 3:
        raise InferenceError("X has no spatial dims", given=x, allowed="N x C x D1 … Dn")
    check_rank(w, x.rank, "W")
    if group < 1:
        raise InferenceError("group is not positive", given=group, allowed="1 or more")
    unify(x.shape[1], w.shape[1] * group, "the channels of X and those that W and group ask for")
    if isinstance(w.shape[0], int) and w.shape[0] % group:
        raise InferenceError(
            "the output channels are no multiple of group", given=f"{w.shape[0]}, group {group}"
        )
    if kernel_shape is not None:
        if len(kernel_shape) != x.rank - 2:
            raise InferenceError(
                "kernel_shape does not fit the input", given=f"{list(kernel_shape)} for {x}"
            )
        for given, there in zip(kernel_shape, w.shape[2:], strict=True):
            unify(given, there, "kernel_shape and the dims of W")
    return w.shape[0]
