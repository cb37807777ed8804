"""Dropout: in training, elements left out at random; else the input itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType
from likewise.ops.case import Case, boolean, f16, f32, i32
from likewise.ops.checks import FLOATS, check_dtype
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator
from likewise.ops.random_numbers import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm

_TYPES = FLOATS | {
    *(DType.FLOAT8E4M3FN, DType.FLOAT8E4M3FNUZ, DType.FLOAT8E5M2, DType.FLOAT8E5M2FNUZ),
}


class Dropout(Operator, versions=(1, 6, 7, 10, 12, 13, 22)):
    """The data and a mask of all True; in training data * mask / (1 - ratio).

    There the mask is drawn: each element is False with the probability `ratio` (0.5 by default).
    """

    seed: int | None = None
    deterministic = False

    def infer(
        self,
        data: TensorType,
        ratio: TensorType | None = None,
        training_mode: TensorType | None = None,
    ) -> tuple[TensorType, TensorType]:
        check_dtype(data, _TYPES, "data")
        for name, x, allowed in (
            ("ratio", ratio, _TYPES),
            ("training_mode", training_mode, {DType.BOOL}),
        ):
            if x is None:
                continue
            check_dtype(x, allowed, name)
            if x.dims is not None and x.is_static and x.size != 1:
                raise InferenceError(f"{name} is not a scalar", given=x)
        return data.with_shape(data.shape), data.with_dtype(DType.BOOL)

    def evaluate(
        self, data: Array, ratio: Array | None = None, training_mode: Array | None = None
    ) -> tuple[Array, ...]:
        dropped = 0.5 if ratio is None else float(ratio.item())
        if training_mode is None or not training_mode.item() or dropped == 0:
            return (data, np.ones(data.shape, bool)) if self.wanted > 1 else (data,)
        if not 0 < dropped < 1:
            raise InferenceError("ratio is out of range", given=dropped, allowed="0 to below 1")
        mask = generator(self.seed).random(data.shape) >= dropped
        wide = data.astype(working_dtype(data.dtype), copy=False)
        made = np.where(mask, wide * wide.dtype.type(1 / (1 - dropped)), wide.dtype.type(0))
        return made.astype(data.dtype, copy=False), mask

    def lower(
        self,
        lowering: Lowering,
        data: TensorView,
        ratio: TensorView | None = None,
        training_mode: TensorView | None = None,
    ) -> tuple[TensorView, ...]:
        training = training_mode is not None and (
            training_mode.data is None or bool(training_mode.data.item())
        )
        none = ratio is not None and ratio.data is not None and ratio.data.item() == 0
        if training and not none:
            raise UnsupportedError("training mode draws random numbers")
        return data, lowering.constant(np.ones(data.shape, bool))

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        """Before opset 12 the ratio is an attribute; before 10 the mask is of the data's type.

        Before opset 7 it trains unless `is_test` says otherwise; from then on it never does.
        """
        old.attributes.pop("consumed_inputs", None)
        data = old.inputs[0]
        if old.opset >= 12 or data is None:
            return None
        tested = bool(old.attributes.pop("is_test", 0))
        old.to_input("ratio", 1, DType.FLOAT)
        if old.opset < 7 and not tested:
            old.inputs += [None] * (2 - len(old.inputs))
            old.inputs.append(old.builder.constant(True))
        if old.opset >= 10 or old.outputs < 2:
            return None
        made, mask = old.builder.Dropout(*old.inputs, outputs=2)
        return made, old.builder.CastLike(mask, data)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, true = f32([1, -2]), boolean(True)
        yield Case(cls(wanted=2), [x], [x, boolean([1, 1])])
        yield Case(cls(seed=1, wanted=2), [x, f32(0.9)], [x, boolean([1, 1])])
        yield Case(cls(wanted=2), [f16(x), f16(0), true], [f16(x), boolean([1, 1])])
        yield Case(cls(seed=1), [x[:0], f32(0.5), true], [x[:0]])
        yield Case(cls(), [x, f32(1.5), true], error="ratio is out of range; given: 1.5")
        yield Case(cls(), [x, f32([0.5, 0.5])], error="ratio is not a scalar")
        yield Case(cls(), [i32([1])], error="data has an element type")
