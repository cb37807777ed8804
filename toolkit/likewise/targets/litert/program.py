"""What stands in a TFLite file: tensors and operations, before they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from likewise.ir import Array

__all__ = ["TYPES", "Operation", "Program", "Quantization", "Tensor", "tensor_type"]

TYPES: Final[Mapping[DType, str]] = {
    DType.FLOAT: "FLOAT32",
    DType.FLOAT16: "FLOAT16",
    DType.DOUBLE: "FLOAT64",
    DType.INT8: "INT8",
    DType.INT16: "INT16",
    DType.INT32: "INT32",
    DType.INT64: "INT64",
    DType.UINT8: "UINT8",
    DType.UINT16: "UINT16",
    DType.UINT32: "UINT32",
    DType.UINT64: "UINT64",
    DType.BOOL: "BOOL",
}
"""TFLite's name of each element type that it has."""


def tensor_type(dtype: DType) -> str:
    """TFLite's name of an element type; raises `UnsupportedError` where it has none."""
    if dtype not in TYPES:
        raise UnsupportedError(f"TFLite files have no {dtype}")
    return TYPES[dtype]


@dataclass(frozen=True, eq=False, slots=True)
class Quantization:
    """Real value = scale × (stored - zero point), for the tensor or along a stored axis."""

    scales: Array
    zero_points: Array
    axis: int = 0


@dataclass(eq=False, slots=True)
class Tensor:
    """A tensor as it is stored; `data` where it is constant."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    data: Array | None = None
    quantization: Quantization | None = None

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(eq=False, slots=True)
class Operation:
    """A builtin applied to tensors; `options` are the fields of the table `kind`."""

    builtin: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    kind: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        reads = ", ".join(
            "-" if one is None else f"const {one}" if one.data is not None else str(one)
            for one in self.inputs
        )
        made = ", ".join(map(str, self.outputs))
        options = "".join(f" {name}={value}" for name, value in self.options.items() if value)
        return f"{self.builtin}{options} ({reads}) -> {made}"


@dataclass(eq=False, slots=True)
class Program:
    """A graph of TFLite: operations in the order in which they run."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operations: Sequence[Operation]

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor once, inputs and outputs first."""
        seen: dict[Tensor, None] = dict.fromkeys((*self.inputs, *self.outputs))
        for operation in self.operations:
            seen.update(dict.fromkeys(one for one in operation.inputs if one is not None))
            seen.update(dict.fromkeys(operation.outputs))
        return iter(seen)

    def __str__(self) -> str:
        return "\n".join(map(str, self.operations))


def raw(array: Array) -> bytes:
    """The bytes of a constant as the file holds them."""
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
