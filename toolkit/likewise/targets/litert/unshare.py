"""Copies where an interpreter would compute in place on what is still read.

A RESHAPE shares memory with what it reads, and some builtins write over their input where nothing
else reads it. Interpreters count readers of the reshaped tensor alone, and so lose the original.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.ir import DType
from likewise.targets.litert.program import Operation, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["unshare"]

_IN_PLACE: Final = frozenset({"ADD", "DIV", "MUL", "SOFTMAX", "SUB"})


def unshare(operations: Sequence[Operation], outputs: Sequence[Tensor]) -> list[Operation]:
    """The operations, with a copy before each that could write over what others read."""
    reads = Counter(one for operation in operations for one in operation.inputs)
    reads.update(outputs)
    sources: dict[Tensor, Tensor] = {}
    made: list[Operation] = []
    for operation in operations:
        if operation.builtin == "RESHAPE":
            source = operation.inputs[0]
            assert source is not None  # noqa: S101 — a RESHAPE reads something
            sources[operation.outputs[0]] = sources.get(source, source)
        elif operation.builtin in _IN_PLACE:
            inputs: list[Tensor | None] = []
            for one in operation.inputs:
                if one is not None and one in sources and reads[sources[one]] > 1:
                    made.append(_copy(one))
                    inputs.append(made[-1].outputs[0])
                else:
                    inputs.append(one)
            operation.inputs = tuple(inputs)
        made.append(operation)
    return made


def _copy(x: Tensor) -> Operation:
    """All of a tensor by SLICE, which writes elsewhere."""
    kind = np.dtype(np.int32)
    begin, size = np.zeros(len(x.shape), kind), np.array(x.shape, kind)
    parameters = [
        Tensor(x.name + what, DType.INT32, one.shape, one)
        for what, one in (("/begin", begin), ("/size", size))
    ]
    copied = Tensor(f"{x.name}/copy", x.dtype, x.shape, quantization=x.quantization)
    return Operation("SLICE", (x, *parameters), (copied,), "SliceOptions")
