"""DepthToSpace: channels become blocks of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case
from likewise.ops.checks import check_rank
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim, TensorType
    from likewise.ops.build import Builder


class DepthToSpace(Operator, versions=(1, 11, 13, 28)):
    """[N, C * s², H, W] as [N, C, H * s, W * s], with s the `blocksize`.

    A channel is (row in the block, column, depth) in mode "DCR", (depth, row, column) in "CRD".
    """

    blocksize: int
    mode: Literal["DCR", "CRD"] = "DCR"
    on_narrow = "take"

    def infer(self, input: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_rank(input, 4, "input")
        n, c, h, w = input.shape
        area = check_blocksize(self.blocksize) ** 2
        check_divides(c, area, "channels")
        return input.with_shape((n, c // area, h * self.blocksize, w * self.blocksize))

    def evaluate(self, x: Array) -> Array:
        n, c, h, w = x.shape
        split, order = self._steps(c // self.blocksize**2)
        y = x.reshape(n, *split, h, w).transpose(order)
        return y.reshape(n, c // self.blocksize**2, h * self.blocksize, w * self.blocksize)

    def _steps(self, depth: Any) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        """What the channels are split into, and the order of the dims before they are joined."""
        s = self.blocksize
        if self.mode == "DCR":
            return (s, s, depth), (0, 3, 4, 1, 5, 2)
        return (depth, s, s), (0, 1, 4, 2, 5, 3)

    def expand(self, b: Builder[V], x: V) -> V:
        n, c, h, w = (b.Shape(x, start=axis, end=axis + 1) for axis in range(4))
        s = b.ints(self.blocksize)
        depth = b.Div(c, b.ints(self.blocksize**2))
        split, order = self._steps(depth)
        parts = [s if isinstance(part, int) else part for part in split]
        y = b.Transpose(b.Reshape(x, b.Concat(n, *parts, h, w, axis=0), allowzero=1), perm=order)
        made: V = b.Reshape(y, b.Concat(n, depth, b.Mul(h, s), b.Mul(w, s), axis=0), allowzero=1)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1)
        rows = [[[0, 2], [4, 6]], [[1, 3], [5, 7]]]
        yield Case(cls(blocksize=2), [x], [np.array([rows], np.float32)])
        yield Case(cls(blocksize=2, mode="CRD"), [x], [x.reshape(1, 2, 2, 2)])
        empty = np.zeros((0, 4, 3, 2), np.int32)
        yield Case(cls(blocksize=2), [empty], [np.zeros((0, 1, 6, 4), np.int32)])
        yield Case(cls(blocksize=3), [x], error="the channels cannot be divided by 9; given: 8")
        yield Case(cls(blocksize=0), [x], error="blocksize is not positive")


def check_blocksize(size: int) -> int:
    """`size`; raises where it is not positive."""
    if size < 1:
        raise InferenceError("blocksize is not positive", given=size, allowed="1 or more")
    return size


def check_divides(dim: Dim, divisor: int, what: str) -> None:
    """Refuse a `dim`, which is that of `what`, that `divisor` does not divide."""
    if isinstance(dim, int) and dim % divisor:
        raise InferenceError(f"the {what} cannot be divided by {divisor}", given=dim)
