"""QuantizeLinear and DequantizeLinear of whole tensors with constant scales.

Bytes without sign are held as those with one, 128 less: what TFLite's integer kernels take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.targets.litert.emitter import Laid, require
from likewise.targets.litert.program import Quantization, Tensor
from likewise.targets.litert.rules import rule
from likewise.targets.litert.rules.shapes import known

if TYPE_CHECKING:
    from likewise.ir import Array, Node
    from likewise.targets.litert.emitter import Emitter


def _shifted(zero: Array, dtype: DType) -> Array:
    """Zero points of signed bytes."""
    wide = zero.astype(np.int64)
    return wide - 128 if dtype is DType.UINT8 else wide


def _parameters(scale: Laid, zero: Laid | None, dtype: DType, axis: int) -> Quantization:
    scales = known(scale, "the scale")
    zeros = known(zero, "the zero point")
    require(scales is not None and scales.dtype == np.float32, "scales must be float32")
    assert scales is not None  # noqa: S101 — what was required
    flat = scales.reshape(-1)
    if zeros is None:
        zeros = np.zeros(1, dtype.numpy)
    return Quantization(
        flat, np.broadcast_to(_shifted(zeros.reshape(-1), dtype), flat.shape).copy(), axis
    )


@rule("QuantizeLinear", builtin="QUANTIZE")
def quantize(e: Emitter, node: Node, x: Laid, scale: Laid, zero: Laid | None = None) -> Laid:
    """QUANTIZE to signed bytes; to bytes without sign only where something reads those."""
    value: Any = node.outputs[0]
    dtype = value.type.dtype
    quantization = _parameters(scale, zero, dtype, 0)
    require(len(quantization.scales) == 1, "TFLite's QUANTIZE has one scale")
    made = e.op("QUANTIZE", [x.tensor], x.tensor.shape, DType.INT8, "QuantizeOptions")
    made.quantization = quantization
    if dtype is DType.INT8:
        return Laid(made, x.layout)
    unsigned = e.op("QUANTIZE", [made], made.shape, dtype, "QuantizeOptions")
    unsigned.quantization = Quantization(quantization.scales, quantization.zero_points + 128)
    e.signed[unsigned] = made
    return Laid(unsigned, x.layout)


@rule("DequantizeLinear", builtin="DEQUANTIZE")
def dequantize(e: Emitter, node: Node, x: Laid, scale: Laid, zero: Laid | None = None) -> Laid:
    """DEQUANTIZE of signed bytes; of int32, which are biases, a constant."""
    operator: Any = node.operator
    axis = x.layout.place(operator.axis) if x.rank else 0
    quantization = _parameters(scale, zero, x.dtype, axis)
    if x.dtype is DType.INT32:
        require(x.data is not None and x.rank == 1, "numbers of int32 must be constants")
        assert x.data is not None  # noqa: S101 — what was required
        made = e.constant((x.data * quantization.scales.astype(np.float64)).astype(np.float32))
        e.biases[made.tensor] = x.data
        return made
    return Laid(e.dequantize(_signed(e, x, quantization)), x.layout)


def _signed(e: Emitter, x: Laid, quantization: Quantization) -> Tensor:
    """The tensor as signed bytes that say their scale."""
    tensor = x.tensor
    if tensor.data is not None:
        data = tensor.data.astype(np.int16) - (128 if x.dtype is DType.UINT8 else 0)
        return e.parameter(data.astype(np.int8), quantization)
    if tensor in e.signed and _same(e.signed[tensor].quantization, quantization):
        return e.signed[tensor]
    if x.dtype is DType.INT8 and _same(tensor.quantization, quantization):
        return tensor
    require(len(quantization.scales) == 1, "what is computed has one scale")
    own = quantization
    if x.dtype is DType.UINT8:
        own = Quantization(quantization.scales, quantization.zero_points + 128)
    consistent = tensor.quantization is None or _same(tensor.quantization, own)
    require(consistent, "it is read with another scale than it was written with")
    tensor.quantization = own
    if x.dtype is DType.INT8:
        return tensor
    made = e.op("QUANTIZE", [tensor], tensor.shape, DType.INT8, "QuantizeOptions")
    made.quantization = quantization
    e.signed[tensor] = made
    return made


def _same(one: Quantization | None, other: Quantization) -> bool:
    return (
        one is not None
        and np.array_equal(one.scales, other.scales)
        and np.array_equal(one.zero_points, other.zero_points)
    )
