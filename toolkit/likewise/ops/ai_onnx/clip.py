"""Clip: numbers held between two bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import NUMBERS, check_dtype, check_same_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder, OldForm


class Clip(Operator, versions=(1, 6, 11, 12, 13)):
    """min(max(input, `min`), `max`): where the bounds cross, everything is `max`."""

    def infer(
        self,
        input: TensorType,  # noqa: A002 — ONNX's name
        min: TensorType | None = None,  # noqa: A002 — ONNX's name
        max: TensorType | None = None,  # noqa: A002 — ONNX's name
    ) -> TensorType:
        check_dtype(input, NUMBERS, "input")
        check_same_dtype(input=input, min=min, max=max)
        for name, bound in (("min", min), ("max", max)):
            if bound is not None and bound.dims is not None and bound.is_static and bound.size != 1:
                raise InferenceError(f"{name} is not a scalar", given=bound)
        return input.with_shape(input.shape)

    def evaluate(self, input: Array, min: Array | None = None, max: Array | None = None) -> Array:  # noqa: A002 — ONNX's names
        low = None if min is None else min.reshape(())
        high = None if max is None else max.reshape(())
        if low is None and high is None:
            return input
        if input.dtype.kind == "V":
            made = input if low is None else np.maximum(input, low)
            return made if high is None else np.minimum(made, high)
        return np.asarray(np.clip(input, low, high))

    def expand(
        self,
        b: Builder[V],
        input: V,  # noqa: A002 — ONNX's name
        min: V | None = None,  # noqa: A002 — ONNX's name
        max: V | None = None,  # noqa: A002 — ONNX's name
    ) -> V:
        made = input if min is None else b.Max(input, b.Reshape(min, b.ints()))
        return made if max is None else b.Min(made, b.Reshape(max, b.ints()))

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        """Before opset 11 the bounds are attributes; absent ones are the limits of float32."""
        old.attributes.pop("consumed_inputs", None)
        kind = old.type(0)
        if old.opset >= 11 or kind is None:
            return
        for position, name in enumerate(("min", "max"), 1):
            old.to_input(name, position, kind.dtype)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([-2, 0, 3, np.nan])
        yield Case(cls(), [x, f32(-1), f32(1)], [f32([-1, 0, 1, np.nan])])
        yield Case(cls(), [x, None, f32(1)], [f32([-2, 0, 1, np.nan])])
        yield Case(cls(), [x], [x])
        yield Case(cls(), [i32([1, 5, 9]), i32(7), i32(3)], [i32([3, 3, 3])])
        yield Case(cls(), [x, f32([1, 2])], error="min is not a scalar")
        yield Case(cls(), [x, i32(1)], error="the element types differ")
