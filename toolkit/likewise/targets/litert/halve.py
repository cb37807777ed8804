"""Weights stored as float16: DEQUANTIZE makes them float32 when the file is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.ir import DType
from likewise.targets.litert.program import Operation, Program, Tensor

if TYPE_CHECKING:
    from likewise.ir import Array

__all__ = ["halve"]

_LEAST: Final = 32
"""Elements of what is worth an operation: a scale or a bound stays as it is."""


def halve(program: Program) -> Program:
    """The program with float32 constants rounded to float16; it still computes in float32.

    A constant with a value beyond what float16 holds stays float32.
    """
    made: dict[Tensor, Operation] = {}
    for operation in program.operations:
        operation.inputs = tuple(_half(one, made) for one in operation.inputs)
    return Program(program.inputs, program.outputs, [*made.values(), *program.operations])


def _half(tensor: Tensor | None, made: dict[Tensor, Operation]) -> Tensor | None:
    """What stands for a tensor; the DEQUANTIZE that makes it is added to `made`, once."""
    if tensor is None or tensor.data is None or tensor.dtype is not DType.FLOAT:
        return tensor
    if tensor not in made:
        narrow = _narrow(tensor.data)
        if narrow is None:
            return tensor
        stored = Tensor(f"{tensor.name}/float16", DType.FLOAT16, tensor.shape, narrow)
        wide = Tensor(tensor.name, DType.FLOAT, tensor.shape)
        made[tensor] = Operation("DEQUANTIZE", (stored,), (wide,), "DequantizeOptions")
    return made[tensor].outputs[0]


def _narrow(array: Array) -> Array | None:
    """The array in float16; None where it is small or does not fit."""
    if array.size < _LEAST:
        return None
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float16)
    return narrow if np.array_equal(np.isfinite(narrow), np.isfinite(array)) else None
