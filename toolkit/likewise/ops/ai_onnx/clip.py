"""Clip: numbers held between two bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f16, f32, i32
from likewise.ops.checks import NUMBERS, check_dtype, check_same_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder, OldForm


# What bounds default to, as the text says and onnxruntime does: infinities become finite.
# (ONNX's function body leaves them, as it applies only the bounds that are there.)
_LARGEST: Final = {
    DType.FLOAT16: 65504.0,
    DType.BFLOAT16: 3.3895313892515355e38,
    DType.FLOAT: 3.4028234663852886e38,
    DType.DOUBLE: 1.7976931348623157e308,
}


class Clip(Operator, versions=(1, 6, 11, 12, 13)):
    """min(max(input, `min`), `max`): where the bounds cross, everything is `max`.

    An absent bound is the least or the greatest finite number of the type.
    """

    on_narrow = "expand"

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
        limit = _LARGEST.get(DType.of(input.dtype))
        low = _bound(min, None if limit is None else -limit, input)
        high = _bound(max, limit, input)
        if low is None and high is None:
            return input
        return np.asarray(np.clip(input, low, high))

    def expand(
        self,
        b: Builder[V],
        input: V,  # noqa: A002 — ONNX's name
        min: V | None = None,  # noqa: A002 — ONNX's name
        max: V | None = None,  # noqa: A002 — ONNX's name
    ) -> V:
        limit = _LARGEST.get(b.type(input).dtype)
        made = input
        if min is not None:
            made = b.Max(made, b.Reshape(min, b.ints()))
        elif limit:
            made = b.Max(made, -limit)
        if max is not None:
            made = b.Min(made, b.Reshape(max, b.ints()))
        elif limit:
            made = b.Min(made, limit)
        return made

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
        most = f32([3.4028234663852886e38])
        yield Case(cls(), [f32([-np.inf, np.inf])], [np.append(-most, most)])
        yield Case(cls(), [f16([-np.inf, np.inf]), f16(0)], [f16([0, 65504])])
        yield Case(cls(), [i32([-5, 9])], [i32([-5, 9])])
        yield Case(cls(), [i32([1, 5, 9]), i32(7), i32(3)], [i32([3, 3, 3])])
        yield Case(cls(), [x, f32([1, 2])], error="min is not a scalar")
        yield Case(cls(), [x, i32(1)], error="the element types differ")


def _bound(given: Array | None, default: float | None, x: Array) -> Array | None:
    if given is not None:
        return given.reshape(())
    return None if default is None else np.asarray(default, x.dtype)
