"""What stands between DEQUANTIZE and QUANTIZE, computed on the integers themselves.

The integers and their scales are those of the model: nothing is quantized anew.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.ir import DType
from likewise.targets.litert.program import Operation, Quantization, Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.ir import Array

__all__ = ["on_integers"]

_WEIGHTED: Final = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
"""The products with weights, and along which stored axis of these scales may differ."""
_ANY_SCALE: Final = frozenset({"ADD", "MEAN", "MUL", "SUB"})
_SAME_SCALE: Final = frozenset(
    {"AVERAGE_POOL_2D", "CONCATENATION", "MAX_POOL_2D", "PAD", "RESHAPE", "TRANSPOSE"}
)


def on_integers(
    operations: Sequence[Operation],
    outputs: Sequence[Tensor],
    biases: Mapping[Tensor, Array],
) -> list[Operation]:
    """The operations, those with a kernel for signed bytes on what DEQUANTIZE reads.

    `biases` are the int32 numbers that constants were made from.
    """
    whole = {
        one.outputs[0]: one.inputs[0]
        for one in operations
        if one.builtin == "DEQUANTIZE" and one.inputs[0] is not None
    }
    reads = Counter(one for operation in operations for one in operation.inputs)
    reads.update(outputs)
    made: dict[Tensor, Operation] = {}
    kept: list[Operation] = []
    for operation in operations:
        source = operation.inputs[0] if operation.inputs else None
        if operation.builtin == "QUANTIZE" and source in made and reads[source] == 1:
            maker = made[source]
            inputs = _integers(maker, operation.outputs[0], whole, biases)
            if inputs is not None:
                maker.inputs, maker.outputs = inputs, operation.outputs
                continue
        kept.append(operation)
        if len(operation.outputs) == 1:
            made[operation.outputs[0]] = operation
    used = {one for operation in kept for one in operation.inputs} | set(outputs)
    return [one for one in kept if not used.isdisjoint(one.outputs)]


def _integers(
    maker: Operation,
    output: Tensor,
    whole: Mapping[Tensor, Tensor],
    biases: Mapping[Tensor, Array],
) -> tuple[Tensor | None, ...] | None:
    """The inputs as integers, where the maker has a kernel for them and for this output."""
    if output.dtype is not DType.INT8 or output.quantization is None:
        return None
    if maker.outputs[0].dtype is not DType.FLOAT:
        return None
    if maker.builtin in _WEIGHTED:
        return _weighted(maker, whole, biases)
    floats = [one for one in maker.inputs if one is not None and one.dtype is DType.FLOAT]
    if any(one not in whole or whole[one].data is not None for one in floats):
        return None
    if maker.builtin in _SAME_SCALE:
        same = all(_same(whole[one].quantization, output.quantization) for one in floats)
        if not same:
            return None
    elif maker.builtin not in _ANY_SCALE:
        return None
    return tuple(whole.get(one, one) if one is not None else None for one in maker.inputs)


def _weighted(
    maker: Operation, whole: Mapping[Tensor, Tensor], biases: Mapping[Tensor, Array]
) -> tuple[Tensor | None, ...] | None:
    x, w, bias = maker.inputs
    if x is None or w is None or x not in whole or w not in whole:
        return None
    data, weights = whole[x], whole[w]
    given, packed = data.quantization, weights.quantization
    if given is None or packed is None or weights.data is None or packed.zero_points.any():
        return None
    several = len(packed.scales) > 1
    if several and (packed.axis != _WEIGHTED[maker.builtin] or maker.builtin == "FULLY_CONNECTED"):
        return None
    if bias is None:
        return data, weights, None
    if bias in biases:
        numbers = biases[bias]
    elif bias.data is not None and not bias.data.any():
        numbers = np.zeros(bias.shape, np.int32)
    else:
        return None
    scales = given.scales.astype(np.float64) * packed.scales
    quantization = Quantization(scales, np.zeros(len(scales), np.int64))
    wide = Tensor(bias.name, DType.INT32, numbers.shape, numbers, quantization)
    return data, weights, wide


def _same(one: Quantization | None, other: Quantization) -> bool:
    return (
        one is not None
        and np.array_equal(one.scales, other.scales)
        and np.array_equal(one.zero_points, other.zero_points)
    )
