"""SpaceToDepth: blocks of pixels become channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.ops.ai_onnx.depthtospace import check_blocksize, check_divides
from likewise.ops.case import Case
from likewise.ops.checks import check_rank
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class SpaceToDepth(Operator, versions=(1, 13, 28)):
    """[N, C, H * s, W * s] as [N, C * s², H, W], with s the `blocksize`.

    A channel is (row in the block, column, depth) in mode "DCR", (depth, row, column) in "CRD".
    """

    blocksize: int
    mode: Literal["DCR", "CRD"] = "DCR"
    on_narrow = "take"

    def infer(self, input: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_rank(input, 4, "input")
        n, c, h, w = input.shape
        s = check_blocksize(self.blocksize)
        check_divides(h, s, "rows")
        check_divides(w, s, "columns")
        return input.with_shape((n, c * s * s, h // s, w // s))

    @property
    def _order(self) -> tuple[int, ...]:
        return (0, 3, 5, 1, 2, 4) if self.mode == "DCR" else (0, 1, 3, 5, 2, 4)

    def evaluate(self, x: Array) -> Array:
        n, c, h, w = x.shape
        s = self.blocksize
        y = x.reshape(n, c, h // s, s, w // s, s).transpose(self._order)
        return y.reshape(n, c * s * s, h // s, w // s)

    def expand(self, b: Builder[V], x: V) -> V:
        n, c, h, w = (b.Shape(x, start=axis, end=axis + 1) for axis in range(4))
        s = b.ints(self.blocksize)
        rows, columns = b.Div(h, s), b.Div(w, s)
        split = b.Concat(n, c, rows, s, columns, s, axis=0)
        y = b.Transpose(b.Reshape(x, split, allowzero=1), perm=self._order)
        depth = b.Mul(c, b.ints(self.blocksize**2))
        made: V = b.Reshape(y, b.Concat(n, depth, rows, columns, axis=0), allowzero=1)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
        y = x.ravel()
        yield Case(cls(blocksize=2), [x], [y[[0, 4, 1, 5, 2, 6, 3, 7]].reshape(1, 8, 1, 1)])
        yield Case(cls(blocksize=2, mode="CRD"), [x], [y.reshape(1, 8, 1, 1)])
        empty = np.zeros((0, 1, 6, 4), np.int32)
        yield Case(cls(blocksize=2), [empty], [np.zeros((0, 4, 3, 2), np.int32)])
        yield Case(cls(blocksize=3), [x], error="the rows cannot be divided by 3; given: 2")
