"""Operations that can be part of the one before: activations, and the bias of a product."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from likewise.ir import DType
from likewise.targets.litert.program import Operation, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fuse"]

_ACTIVATIONS: Final = {"RELU": "RELU", "RELU6": "RELU6", "RELU_N1_TO_1": "RELU_N1_TO_1"}
_TAKE_ACTIVATION: Final = frozenset(
    {
        "ADD",
        "AVERAGE_POOL_2D",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DIV",
        "FULLY_CONNECTED",
        "MAX_POOL_2D",
        "MUL",
        "SUB",
    }
)


def fuse(operations: Sequence[Operation], outputs: Sequence[Tensor]) -> list[Operation]:
    """The operations without those that became part of their only input's maker."""
    reads = Counter(one for operation in operations for one in operation.inputs)
    reads.update(outputs)
    makers: dict[Tensor, Operation] = {}
    kept: list[Operation] = []
    for operation in operations:
        maker = next((makers[one] for one in operation.inputs if one in makers), None)
        alone = maker is not None and reads[maker.outputs[0]] == 1
        if (
            maker is not None
            and alone
            and (_adds_bias(maker, operation) or _activates(maker, operation))
        ):
            maker.outputs = operation.outputs
            makers[maker.outputs[0]] = maker
            continue
        kept.append(operation)
        if len(operation.outputs) == 1:
            makers[operation.outputs[0]] = operation
    used = {one for operation in kept for one in operation.inputs} | set(outputs)
    return [one for one in kept if not used.isdisjoint(one.outputs)]


def _activates(maker: Operation, operation: Operation) -> bool:
    """Give the maker the activation that this operation is, if it can have it."""
    name = _ACTIVATIONS.get(operation.builtin)
    if name is None or maker.builtin not in _TAKE_ACTIVATION:
        return False
    if maker.options.get("FusedActivationFunction") or maker.outputs[0].dtype is not DType.FLOAT:
        return False
    maker.options["FusedActivationFunction"] = name
    return True


def _adds_bias(maker: Operation, operation: Operation) -> bool:
    """Give a product the bias that this operation adds, if it is one."""
    if operation.builtin != "ADD" or maker.builtin != "FULLY_CONNECTED":
        return False
    if maker.options.get("FusedActivationFunction") or maker.inputs[2] is not None:
        return False
    bias = next((one for one in operation.inputs if one is not None and one.data is not None), None)
    width = maker.outputs[0].shape[-1]
    if bias is None or bias.data is None or bias.shape[-1:] != (width,) or bias.data.size != width:
        return False
    if len(bias.shape) > len(maker.outputs[0].shape):
        return False
    flat = Tensor(bias.name, bias.dtype, (width,), bias.data.reshape(width))
    maker.inputs = (*maker.inputs[:2], flat)
    return True
