"""ReverseSequence: the beginning of each sequence of a batch backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType
from likewise.ops.case import Case, i64
from likewise.ops.checks import check_dtype, check_rank, unify
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder


class ReverseSequence(Operator, versions=(10, 28)):
    """Sample n along `batch_axis`: its first sequence_lens[n] slices of `time_axis` reversed."""

    batch_axis: int = 1
    time_axis: int = 0
    on_narrow = "take"

    def infer(self, input: TensorType, sequence_lens: TensorType) -> TensorType:  # noqa: A002 — ONNX's name
        check_dtype(sequence_lens, {DType.INT64}, "sequence_lens")
        check_rank(sequence_lens, 1, "sequence_lens")
        if sorted((self.batch_axis, self.time_axis)) != [0, 1]:
            raise InferenceError(
                "batch_axis and time_axis are out of range",
                given=f"{self.batch_axis} and {self.time_axis}",
                allowed="0 and 1, or 1 and 0",
            )
        if input.rank < 2:
            raise InferenceError("input has too few dims", given=input, allowed="2 or more")
        unify(sequence_lens.shape[0], input.shape[self.batch_axis], "the batch sizes")
        return input.with_shape(input.shape)

    def evaluate(self, x: Array, sequence_lens: Array) -> Array:
        samples = x if self.batch_axis == 0 else x.swapaxes(0, 1)
        batch, steps = samples.shape[:2]
        if ((sequence_lens < 0) | (sequence_lens > steps)).any():
            raise LikewiseError(
                "a length is out of range",
                given=sequence_lens.tolist(),
                allowed=f"0 to {steps}",
            )
        step, lengths = np.arange(steps), sequence_lens[:, None]
        source = np.where(step < lengths, lengths - 1 - step, step)
        made = samples[np.arange(batch)[:, None], source]
        return made if self.batch_axis == 0 else made.swapaxes(0, 1)

    def expand(self, b: Builder[V], x: V, sequence_lens: V) -> V:
        order = (1, 0, *range(2, b.type(x).rank))
        samples = x if self.batch_axis == 0 else b.Transpose(x, perm=order)
        zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
        steps = b.Squeeze(b.Shape(samples, start=1, end=2), b.ints(0))
        step, lengths = b.Range(zero, steps, one), b.Unsqueeze(sequence_lens, b.ints(1))
        back = b.Sub(b.Sub(lengths, one), step)
        source = b.Where(b.Less(step, lengths), back, step)
        made: V = b.GatherND(samples, b.Unsqueeze(source, b.ints(2)), batch_dims=1)
        return made if self.batch_axis == 0 else b.Transpose(made, perm=order)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(12, dtype=np.float32).reshape(3, 4)
        y = x[[[1, 0, 2, 0], [0, 1, 1, 1], [2, 2, 0, 2]], np.arange(4)]
        lengths = i64([2, 1, 3, 0])
        yield Case(cls(), [x, lengths], [y])
        yield Case(cls(batch_axis=0, time_axis=1), [x.T.copy(), lengths], [y.T.copy()])
        deep = np.stack([x, -x], 2)
        yield Case(cls(), [deep, lengths], [np.stack([y, -y], 2)])
        yield Case(cls(), [x, i64([4, 0, 0, 0])], error="a length is out of range")
        yield Case(cls(), [x, i64([1])], error="the batch sizes differ; given: 1 and 4")
        yield Case(cls(batch_axis=0), [x, i64([1])], error="batch_axis and time_axis")
