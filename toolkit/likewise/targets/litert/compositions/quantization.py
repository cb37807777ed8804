"""Quantized operators as DequantizeLinear, the operator on floats, and QuantizeLinear.

What stands between the two is computed on integers where TFLite has a kernel for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from likewise.ir import DType
from likewise.targets.litert.compositions import composed
from likewise.targets.litert.compositions.products import is_constant

if TYPE_CHECKING:
    from likewise.ir import Value
    from likewise.ops.build import GraphBuilder

_BYTES: Final = frozenset({DType.INT8, DType.UINT8})


def _plain(b: GraphBuilder, *parameters: Value | None) -> bool:
    """Whether scales and zero points are constants, and the scales float32."""
    given = [one for one in parameters if one is not None]
    kinds = {b.type(one).dtype for one in given}
    return all(map(is_constant, given)) and not kinds & {DType.FLOAT16, DType.BFLOAT16}


@composed("QuantizeLinear")
def quantize_linear(
    b: GraphBuilder, operator: Any, x: Value, scale: Value, zero: Value | None = None
) -> Value | None:
    """As ONNX expands it, unless it is a QUANTIZE: one constant scale, bytes."""
    to = DType.UINT8 if zero is None else b.type(zero).dtype
    whole = not operator.block_size and b.type(scale).size == 1 and not operator.output_dtype
    if whole and to in _BYTES and b.type(x).dtype is DType.FLOAT and _plain(b, scale, zero):
        return None
    made: Value = operator.expand(b, x, scale, zero)
    return made


@composed("DequantizeLinear")
def dequantize_linear(
    b: GraphBuilder, operator: Any, x: Value, scale: Value, zero: Value | None = None
) -> Value | None:
    """As ONNX expands it, unless it is a DEQUANTIZE: constant scales, bytes."""
    kind = b.type(x)
    whole = b.type(scale).size == 1 or (is_constant(x) and b.type(scale).rank == 1)
    kinds = _BYTES | ({DType.INT32} if is_constant(x) and kind.rank == 1 else set())
    plain = not operator.block_size and not operator.output_dtype
    if whole and plain and kind.dtype in kinds and _plain(b, scale, zero):
        return None
    made: Value = operator.expand(b, x, scale, zero)
    return made


@composed("QLinearConv")
def qlinear_conv(
    b: GraphBuilder,
    operator: Any,
    x: Value,
    x_scale: Value,
    x_zero: Value,
    w: Value,
    w_scale: Value,
    w_zero: Value,
    y_scale: Value,
    y_zero: Value,
    bias: Value | None = None,
) -> Value | None:
    """Conv; the scale of its bias is that of the products."""
    if not _plain(b, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias):
        return None
    wide = None
    if bias is not None:
        scale = b.Reshape(b.Mul(x_scale, w_scale), b.ints(-1))
        wide = b.DequantizeLinear(bias, scale, axis=0)
    made = b.Conv(
        b.DequantizeLinear(x, x_scale, x_zero),
        b.DequantizeLinear(w, w_scale, w_zero, axis=0),
        wide,
        **operator.attributes(),
    )
    quantized: Value = b.QuantizeLinear(made, y_scale, y_zero)
    return quantized


@composed("QLinearMatMul")
def qlinear_matmul(
    b: GraphBuilder,
    _: Any,
    x: Value,
    x_scale: Value,
    x_zero: Value,
    w: Value,
    w_scale: Value,
    w_zero: Value,
    y_scale: Value,
    y_zero: Value,
) -> Value | None:
    """MatMul."""
    parameters = (x_scale, x_zero, w_scale, w_zero, y_scale, y_zero)
    if not _plain(b, *parameters) or any(b.type(one).size != 1 for one in parameters):
        return None
    made = b.MatMul(
        b.DequantizeLinear(x, b.Reshape(x_scale, b.ints()), b.Reshape(x_zero, b.ints())),
        b.DequantizeLinear(w, b.Reshape(w_scale, b.ints()), b.Reshape(w_zero, b.ints())),
    )
    zero = b.Reshape(y_zero, b.ints())
    quantized: Value = b.QuantizeLinear(made, b.Reshape(y_scale, b.ints()), zero)
    return quantized
