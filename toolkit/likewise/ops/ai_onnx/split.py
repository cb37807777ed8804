"""Split: a tensor cut into parts along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import Dim, TensorType, ceil_divide, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_rank, normalize_axis
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import OldForm


class Split(Operator, versions=(1, 2, 11, 13, 18)):
    """Parts of the sizes `split`, or `num_outputs` equal ones, the last smaller if need be.

    Views.
    """

    axis: int = 0
    num_outputs: int | None = None
    symbolic = True

    def infer(self, input: TensorType, split: TensorType | None = None) -> tuple[TensorType, ...]:  # noqa: A002 — ONNX's name
        axis = normalize_axis(self.axis, input.rank)
        whole = input.shape[axis]
        if split is not None:
            check_rank(split, 1, "split")
            if split.constant is None:
                sizes: list[Dim] = [fresh("split") for _ in range(self.wanted)]
            else:
                sizes = split.constant.tolist()
                if isinstance(whole, int) and (sum(split.constant) != whole or min(sizes) < 0):
                    raise InferenceError(
                        "the parts do not add up", given=sizes, allowed=f"a sum of {whole}"
                    )
        else:
            sizes = self._equal_parts(whole)
        return tuple(
            input.with_shape((*input.shape[:axis], size, *input.shape[axis + 1 :]))
            for size in sizes
        )

    def _equal_parts(self, whole: Dim) -> list[Dim]:
        count = self.num_outputs or self.wanted
        if count < 1:
            raise InferenceError("num_outputs is not positive", given=count)
        part = ceil_divide(whole, count)
        if isinstance(whole, int) and isinstance(part, int):
            starts = [min(index * part, whole) for index in range(count + 1)]
            return [stop - start for start, stop in zip(starts, starts[1:], strict=False)]
        return [*[part] * (count - 1), whole - part * (count - 1)]

    def evaluate(self, input: Array, split: Array | None = None) -> tuple[Array, ...]:  # noqa: A002 — ONNX's name
        whole = input.shape[self.axis]
        sizes = self._equal_parts(whole) if split is None else split.tolist()
        return tuple(np.split(input, np.cumsum(sizes)[:-1].tolist(), self.axis))

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if old.opset < 13:  # noqa: PLR2004 — there the sizes became an input
            old.to_input("split", 1)
        if len(old.inputs) < 2 or old.inputs[1] is None:  # noqa: PLR2004 — no sizes
            old.attributes.setdefault("num_outputs", old.outputs)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3], [4, 5, 6]])
        yield Case(cls(wanted=2), [x, i64([1, 1])], [x[:1], x[1:]])
        yield Case(cls(axis=-1, wanted=3), [x, i64([2, 0, 1])], [x[:, :2], x[:, :0], x[:, 2:]])
        yield Case(cls(axis=1, num_outputs=2, wanted=2), [x], [x[:, :2], x[:, 2:]])
        yield Case(cls(axis=1, wanted=2), [x, i64([2, 2])], error="the parts do not add up")
