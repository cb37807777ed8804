"""QLinear…: dequantize, compute in float32, quantize.

QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu, QLinearConcat, QLinearSoftmax. An absent
zero point is 0. Ties round to even; onnxruntime's vector code may differ by one step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32, i8, u8
from likewise.ops.checks import check_same_dtype
from likewise.ops.com_microsoft.quantized import dequantized, quantized
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class _Binary(Operator):
    """Base of the two with two operands."""

    def infer(
        self,
        a: TensorType,
        a_scale: TensorType,
        a_zero_point: TensorType | None = None,
        b: TensorType | None = None,
        b_scale: TensorType | None = None,
        b_zero_point: TensorType | None = None,
        c_scale: TensorType | None = None,
        c_zero_point: TensorType | None = None,
    ) -> TensorType:
        if b is None or b_scale is None or c_scale is None:
            raise InferenceError("B, B_scale and C_scale must be given")
        check_same_dtype(A=a, A_zero_point=a_zero_point, B=b, C_zero_point=c_zero_point)
        made: TensorType = infer_expansion(
            self, a, a_scale, a_zero_point, b, b_scale, b_zero_point, c_scale, c_zero_point
        )
        return made

    def expand(
        self,
        b: Builder[V],
        a: V,
        a_scale: V,
        a_zero_point: V | None = None,
        other: V | None = None,
        b_scale: V | None = None,
        b_zero_point: V | None = None,
        c_scale: V | None = None,
        c_zero_point: V | None = None,
    ) -> V:
        left = dequantized(b, a, a_scale, a_zero_point)
        right = dequantized(b, other, b_scale, b_zero_point)
        made = b.op(self.name.removeprefix("QLinear"), left, right)
        return quantized(b, made, c_scale, c_zero_point, b.type(a).dtype)


class QLinearAdd(_Binary, versions=(1,)):
    """A + B."""

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = u8([[0, 2, 255]]), u8([[4], [255]])
        scales: list[Any] = [f32(0.5), u8(2), b, f32(1), u8(4), f32(0.5), u8(10)]
        yield Case(cls(), [a, *scales], [u8([[8, 10, 255], [255, 255, 255]])])
        signed = i8([-128, 5])
        no_zeros: list[Any] = [f32(1), None, signed, f32(1), None, f32(2)]
        yield Case(cls(), [signed, *no_zeros], [i8([-128, 5])])
        yield Case(cls(), [a, f32(1), None, signed, f32(1), None, f32(1)], error="types differ")


class QLinearMul(_Binary, versions=(1,)):
    """A * B."""

    @classmethod
    def cases(cls) -> Iterator[Case]:
        scales: list[Any] = [f32(0.5), u8(2), u8([6, 8]), f32(1), u8(4), f32(1), u8(100)]
        yield Case(cls(), [u8([0, 7]), *scales], [u8([98, 110])])


class _Unary(Operator):
    """Base of those with one operand."""

    def infer(
        self,
        x: TensorType,
        x_scale: TensorType,
        x_zero_point: TensorType | None = None,
        y_scale: TensorType | None = None,
        y_zero_point: TensorType | None = None,
    ) -> TensorType:
        if y_scale is None:
            raise InferenceError("Y_scale must be given")
        check_same_dtype(X=x, X_zero_point=x_zero_point, Y_zero_point=y_zero_point)
        made: TensorType = infer_expansion(self, x, x_scale, x_zero_point, y_scale, y_zero_point)
        return made

    def expand(
        self,
        b: Builder[V],
        x: V,
        x_scale: V,
        x_zero_point: V | None = None,
        y_scale: V | None = None,
        y_zero_point: V | None = None,
    ) -> V:
        made = self._computed(b, dequantized(b, x, x_scale, x_zero_point))
        return quantized(b, made, y_scale, y_zero_point, b.type(x).dtype)

    def _computed(self, b: Builder[V], x: V) -> V:
        raise NotImplementedError


class QLinearSigmoid(_Unary, versions=(1,)):
    """1 / (1 + exp(-X))."""

    def _computed(self, b: Builder[V], x: V) -> V:
        made: V = b.Sigmoid(x)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        inputs: list[Any] = [f32(0.1), u8(128), f32(1 / 256), u8(0)]
        yield Case(cls(), [u8([0, 128, 138, 255]), *inputs], [u8([0, 128, 187, 255])])
        yield Case(cls(), [i8([0, 127]), f32(0.1), None, f32(1 / 128)], [i8([64, 127])])


class QLinearLeakyRelu(_Unary, versions=(1,)):
    """X where positive, else alpha X."""

    alpha: float = 0.01

    def _computed(self, b: Builder[V], x: V) -> V:
        made: V = b.LeakyRelu(x, alpha=self.alpha)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        inputs: list[Any] = [f32(1), i8(0), f32(0.5), i8(1)]
        yield Case(cls(alpha=0.25), [i8([-8, 0, 8, 127]), *inputs], [i8([-3, 1, 17, 127])])


class QLinearSoftmax(_Unary, versions=(1,)):
    """Softmax along `axis`; before opset 13 over the axes from `axis` on together."""

    axis: int = -1
    opset: int

    def _computed(self, b: Builder[V], x: V) -> V:
        if self.opset >= 13 or self.axis in {-1, b.type(x).rank - 1}:
            made: V = b.Softmax(x, axis=self.axis)
            return made
        return b.Reshape(b.Softmax(b.Flatten(x, axis=self.axis), axis=-1), b.Shape(x))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        inputs: list[Any] = [f32(1), u8(0), f32(1 / 256), u8(0)]
        yield Case(cls(opset=13), [u8([[3, 3, 3, 3]]), *inputs], [u8([[64, 64, 64, 64]])])
        both = cls(opset=12, axis=0)
        yield Case(both, [u8([[3, 3], [3, 3]]), *inputs], [u8([[64, 64], [64, 64]])])


class QLinearConcat(Operator, versions=(1,)):
    """Concatenates tensors, each followed by its scale and zero point, along `axis`."""

    axis: int

    def infer(
        self, y_scale: TensorType, y_zero_point: TensorType, *inputs: TensorType
    ) -> TensorType:
        if not inputs or len(inputs) % 3:
            raise InferenceError(
                "the inputs are no triples of tensor, scale and zero point", given=len(inputs)
            )
        made: TensorType = infer_expansion(self, y_scale, y_zero_point, *inputs)
        return made

    def expand(self, b: Builder[V], y_scale: V, y_zero_point: V, *inputs: V) -> V:
        triples = zip(inputs[::3], inputs[1::3], inputs[2::3], strict=True)
        parts = [dequantized(b, *triple) for triple in triples]
        made = b.Concat(*parts, axis=self.axis)
        return quantized(b, made, y_scale, y_zero_point, b.type(y_zero_point).dtype)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        one: list[Any] = [u8([[1, 3]]), f32(1), u8(1)]
        other: list[Any] = [u8([[9]]), f32(0.5), u8(1)]
        yield Case(cls(axis=1), [f32(0.5), u8(2), *one, *other], [u8([[2, 6, 10]])])
        yield Case(cls(axis=1), [f32(0.5), u8(2), *one[:2]], error="no triples")
