"""Split: parts of a tensor along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, ceil_divide, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, normalize_axis
from likewise.ops.operator import Operator
from likewise.ops.sizes import known_dims
from likewise.ops.static import output_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


_MOST_PARTS: Final = 1 << 16  # a model claims any number: none that is real comes near


class Split(Operator, versions=(1, 2, 11, 13, 18)):
    """Parts of the sizes `split`, or `num_outputs` equal parts of which the last may be smaller.

    Where neither is given there are as many parts as the node has outputs. More parts than
    elements leave the last ones empty: ONNX does not say.
    """

    axis: int = 0
    num_outputs: int | None = None
    symbolic = True
    on_narrow = "take"

    def infer(
        self,
        input: TensorType,  # noqa: A002 — ONNX's name
        split: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        axis = normalize_axis(self.axis, input.rank)
        size = input.shape[axis]
        before, after = input.shape[:axis], input.shape[axis + 1 :]
        sizes = self._sizes(size, split)
        return tuple(input.with_shape((*before, part, *after)) for part in sizes)

    def _sizes(self, size: Dim, split: TensorType | None) -> list[Dim]:
        if split is None:
            return equal_parts(size, self._count())
        check_dtype(split, {DType.INT64}, "split")
        check_rank(split, 1, "split")
        if self.num_outputs is not None:
            raise InferenceError("both split and num_outputs are given", allowed="one of them")
        sizes = known_dims(split)
        if sizes is None:
            count = split.shape[0]
            return self._unknown(count if isinstance(count, int) else self.wanted)
        total = sum(sizes)
        numbers = isinstance(size, int) and isinstance(total, int)
        if (numbers and total != size) or any(isinstance(s, int) and s < 0 for s in sizes):
            raise InferenceError(
                "split does not add up", given=sizes, allowed=f"sizes of the sum {size}"
            )
        return sizes

    def _count(self) -> int:
        count = self.wanted if self.num_outputs is None else self.num_outputs
        if not 1 <= count <= _MOST_PARTS:
            raise InferenceError(
                "num_outputs is out of range", given=count, allowed=f"1 to {_MOST_PARTS}"
            )
        return count

    def _unknown(self, count: int) -> list[Dim]:
        if count > _MOST_PARTS:
            raise InferenceError("there are too many parts", given=count, allowed=_MOST_PARTS)
        return [fresh("split") for _ in range(count)]

    def evaluate(self, x: Array, split: Array | None = None) -> tuple[Array, ...]:
        axis = self.axis % x.ndim
        if split is None:
            sizes: list[Any] = equal_parts(x.shape[axis], self._count())
        else:
            sizes = split.tolist()
            if sum(sizes) != x.shape[axis] or min(sizes, default=0) < 0:
                self._sizes(x.shape[axis], TensorType(DType.INT64, split.shape, split))
        parts, start = [], 0
        ahead = (slice(None),) * axis
        for size in sizes:
            parts.append(x[(*ahead, slice(start, start + size))])
            start += size
        return tuple(parts)

    def lower(
        self, _: Lowering, x: TensorView, split: TensorView | None = None
    ) -> tuple[TensorView, ...]:
        axis, start, parts = self.axis % x.rank, 0, []
        for shape in output_shapes(self, x, split):
            starts = [start if i == axis else 0 for i in range(x.rank)]
            parts.append(x.slice(starts, [1] * x.rank, shape))
            start += shape[axis]
        return tuple(parts)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if old.opset < 18:
            old.to_input("split", 1)
            if old.type(1) is None:
                old.attributes["num_outputs"] = old.outputs

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(14, dtype=np.float32).reshape(2, 7)
        parts = [x[:, :3], x[:, 3:6], x[:, 6:]]
        yield Case(cls(axis=1, num_outputs=3, wanted=3), [x], parts)
        yield Case(cls(axis=-1, wanted=3), [x, i64([3, 3, 1])], parts)
        yield Case(cls(axis=1, wanted=2), [x, i64([0, 7])], [x[:, :0], x])
        yield Case(
            cls(num_outputs=4, wanted=4),
            [f32([1, 2, 3, 4, 5])[:2]],
            [f32([1]), f32([2]), np.zeros(0, np.float32), np.zeros(0, np.float32)],
        )
        yield Case(cls(wanted=2), [x], [x[:1], x[1:]])
        yield Case(cls(axis=1), [x, i64([3, 3])], error="split does not add up; given: [3, 3]")
        yield Case(cls(num_outputs=2), [x, i64([1, 1])], error="both split and num_outputs")


def equal_parts(size: Dim, count: int) -> list[Dim]:
    """The sizes of `count` equal parts of `size`, the last ones smaller where it does not go."""
    part = ceil_divide(size, count)
    if isinstance(size, int) and isinstance(part, int):
        return [max(0, min(part, size - index * part)) for index in range(count)]
    if size // count * count == size:
        return [size // count] * count
    if count == 2:
        return [part, size - part]
    return [fresh("split") for _ in range(count)]
