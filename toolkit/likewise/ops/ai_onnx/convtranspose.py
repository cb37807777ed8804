"""ConvTranspose: each element lays a window of weights, times itself, onto the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, maximum, product
from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, check_rank, check_same_dtype, unify
from likewise.ops.convolution import working_dtype
from likewise.ops.windows import Windowed, Windows, add_windows, per_dim, split_pads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, Shape, TensorType
    from likewise.lower import Lowering, TensorView


class ConvTranspose(Windowed, versions=(1, 11, 22)):
    """X [N, C, *spatial] with W [C, M / group, *kernel], plus B [M], is [N, M, *output].

    Where `output_shape` is larger than all windows together, zeros (and B) follow them.
    """

    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    output_padding: tuple[int, ...] | None = None
    output_shape: tuple[int, ...] | None = None

    def infer(self, X: TensorType, W: TensorType, B: TensorType | None = None) -> TensorType:
        check_float(X, "X")
        check_same_dtype(X=X, W=W, B=B)
        if X.rank < 3:
            raise InferenceError("X has no spatial dims", given=X, allowed="N x C x D1 … Dn")
        check_rank(W, X.rank, "W")
        unify(X.shape[1], W.shape[0], "the channels of X and W")
        if self.group < 1 or (isinstance(W.shape[0], int) and W.shape[0] % self.group):
            raise InferenceError("group does not divide the channels", given=self.group)
        made = W.shape[1] * self.group
        if B is not None:
            check_rank(B, 1, "B")
            unify(B.shape[0], made, "the sizes of B and the output channels")
        kernel = self.kernel_shape or W.shape[2:]
        return X.with_shape((X.shape[0], made, *self.placed(X.shape[2:], kernel)[1]))

    def placed(self, spatial: Shape, kernel: Shape) -> tuple[Windows, Shape]:
        """The windows laid onto the output, one an element of the input, and its sizes."""
        rank = len(spatial)
        if len(kernel) != rank:
            raise InferenceError("kernel_shape does not fit the input", given=list(kernel))
        strides = per_dim(self.strides, rank, 1, "strides")
        dilations = per_dim(self.dilations, rank, 1, "dilations")
        more = per_dim(self.output_padding, rank, 0, "output_padding", 0)
        # Some models give N and C in front: only the spatial dims count.
        target = per_dim(self.output_shape and self.output_shape[-rank:], rank, 0, "output_shape")
        begin: tuple[Dim, ...]
        begin, end = split_pads(self.pads if self.auto_pad == "NOTSET" else None, rank)
        full = tuple(
            (size - 1) * s + m + (k - 1) * d + 1
            for size, s, m, k, d in zip(spatial, strides, more, kernel, dilations, strict=True)
        )
        output: tuple[Dim, ...]
        if self.output_shape or self.auto_pad.startswith("SAME"):
            same = tuple(size * s for size, s in zip(spatial, strides, strict=True))
            output = target if self.output_shape else same
            total = [maximum(0, f - o) for f, o in zip(full, output, strict=True)]
            upper = self.auto_pad == "SAME_UPPER"
            begin = tuple(t // 2 if upper else t - t // 2 for t in total)
        else:
            output = tuple(f - b - e for f, b, e in zip(full, begin, end, strict=True))
            if any(isinstance(size, int) and size < 0 for size in output):
                raise InferenceError("the pads take away more than there is", given=list(output))
        return Windows(kernel, strides, dilations, begin, (0,) * rank, spatial), output

    def evaluate(self, X: Array, W: Array, B: Array | None = None) -> Array:
        windows, output = self.placed(X.shape[2:], W.shape[2:])
        work = working_dtype(X.dtype)
        batch, channels = X.shape[:2]
        group, made = self.group, W.shape[1]
        weights = W.astype(work, copy=False).reshape(group, channels // group, -1)
        x = X.astype(work, copy=False).reshape(batch, group, channels // group, windows.places)
        columns = np.matmul(weights.transpose(0, 2, 1), x)
        columns = columns.reshape(batch, group * made, *windows.kernel, *windows.output)
        y = add_windows(columns, windows, output)  # type: ignore[arg-type]  # ints by now
        if B is not None:
            y += B.astype(work, copy=False).reshape(-1, *[1] * len(output))
        return y.astype(X.dtype, copy=False)

    def lower(
        self, lowering: Lowering, x: TensorView, w: TensorView, bias: TensorView | None = None
    ) -> TensorView:
        windows, output = self.placed(x.shape[2:], w.shape[2:])
        dtype = x.dtype
        if dtype in {DType.FLOAT16, DType.BFLOAT16}:
            wide = DType.FLOAT
            x, w = (lowering.elementwise(lambda _, v: v, wide, v, exact=True) for v in (x, w))
        sizes = [size for size in output if isinstance(size, int)]
        y = lowering.convolve_transposed(x, w, windows, sizes, self.group)
        if bias is None:
            return y if y.dtype is dtype else lowering.elementwise(lambda _, v: v, dtype, y)
        bias = bias.reshape((bias.size, *[1] * len(output)))
        return lowering.elementwise(lambda _, a, b: a + b, dtype, y, bias)

    def flops(
        self,
        inputs: Sequence[TensorType | None],
        outputs: Sequence[TensorType | None],  # noqa: ARG002 — every input element is spread
    ) -> Dim:
        x, w = inputs[:2]
        return 0 if x is None or w is None else 2 * x.size * product(w.shape[1:])

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1, 2, 3]]])
        w = f32([[[1, 10]]])
        yield Case(cls(), [x, w], [f32([[[1, 12, 23, 30]]])])
        yield Case(cls(strides=(2,)), [x, w, f32([5])], [f32([[[6, 15, 7, 25, 8, 35]]])])
        yield Case(cls(pads=(1, 0)), [x, w], [f32([[[12, 23, 30]]])])
        yield Case(cls(dilations=(2,)), [x, w], [f32([[[1, 2, 13, 20, 30]]])])
        longer = f32([[[1, 10, 2, 20, 3, 30, 0]]])
        yield Case(cls(strides=(2,), output_padding=(1,)), [x, w], [longer])
        yield Case(cls(strides=(2,), output_shape=(7,)), [x, w], [longer])
        yield Case(cls(output_shape=(3,)), [x, w], [f32([[[12, 23, 30]]])])
        yield Case(cls(auto_pad="SAME_UPPER"), [x, w], [f32([[[1, 12, 23]]])])
        pair = f32([[[1, 2], [3, 4]]])
        yield Case(cls(group=2), [pair, f32([[[2]], [[3]]])], [f32([[[2, 4], [9, 12]]])])
        yield Case(cls(), [pair, w], error="the channels of X and W differ")
        yield Case(cls(pads=(3, 3)), [x, w], error="pads take away more")
