"""What builtins take: the types and ranks that tflite-runtime 2.14 and ai-edge-litert both compute.

Some kernels abort the process on what they do not take, so a file with such an operation is never
written. The rows are what both interpreters computed when each was tried; 8- and 16-bit integers
stand only where a builtin moves elements, since elsewhere it takes them for quantized numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from likewise.errors import UnsupportedError
from likewise.ir import DType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.targets.litert.program import Operation

__all__ = ["WIDER", "check_supported", "supports"]

WIDER: Final[Mapping[DType, DType]] = {
    DType.FLOAT16: DType.FLOAT,
    DType.INT8: DType.INT32,
    DType.UINT8: DType.INT32,
    DType.INT16: DType.INT32,
    DType.UINT32: DType.INT64,
}
"""The type that holds every value of a narrower one, and to which CAST goes and comes back."""

_LETTERS: Final = {
    "f": DType.FLOAT,
    "h": DType.FLOAT16,
    "d": DType.DOUBLE,
    "b": DType.BOOL,
    "1": DType.INT8,
    "u": DType.UINT8,
    "2": DType.INT16,
    "4": DType.INT32,
    "v": DType.UINT32,
    "8": DType.INT64,
    "w": DType.UINT64,
}
_BUILTINS: Final[Mapping[str, str]] = {
    "f4": "ABS POW DIV SIGN",
    "f48": "ADD SUB MUL NEG CUMSUM LESS LESS_EQUAL GREATER GREATER_EQUAL FLOOR_MOD SUM "
    "REDUCE_MAX REDUCE_MIN REDUCE_PROD TOPK_V2 MINIMUM MAXIMUM",
    "bf48": "EQUAL NOT_EQUAL",
    "bf4": "ARG_MAX ARG_MIN",
    "b": "LOGICAL_AND LOGICAL_OR LOGICAL_NOT REDUCE_ANY REDUCE_ALL",
    "1u24v": "BITWISE_XOR RIGHT_SHIFT",
    "f1u": "QUANTIZE DEQUANTIZE",
    "hdfb1u24v8": "CAST",
    "hdfb1u24v8w": "RESHAPE",
    "f1u248": "PAD PADV2 MIRROR_PAD GATHER_ND SPLIT_V",
    "f1u24": "SPLIT",
    "fb1u248": "GATHER TRANSPOSE REVERSE_V2 REVERSE_SEQUENCE",
    "fb1u248v": "CONCATENATION SLICE STRIDED_SLICE",
    "fbu1248v": "SELECT_V2",
    "fbu148": "TILE SCATTER_ND",
    "fb1u48": "BROADCAST_TO",
    "48": "ONE_HOT",
    "f41u8": "SPACE_TO_DEPTH DEPTH_TO_SPACE",
}
_TYPES: Final[Mapping[str, frozenset[DType]]] = {
    name: frozenset(_LETTERS[letter] for letter in letters)
    for letters, names in _BUILTINS.items()
    for name in names.split()
}
_FLOAT: Final = frozenset({DType.FLOAT})

_RANKS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD", "SLICE", "STRIDED_SLICE"), 5),
    **dict.fromkeys(("BATCH_MATMUL", "TRANSPOSE"), 5),
    "RESHAPE": 8,
}
_MOST_AXES: Final = 6
_CHECKED_INPUT: Final = {"SELECT_V2": 1, "SCATTER_ND": 1, "SPLIT": 1, "TRANSPOSE_CONV": 2}
"""Which input has the type that counts, where it is not the first."""


def supports(builtin: str, dtype: DType) -> bool:
    """Whether a builtin computes on an element type."""
    return dtype in _TYPES.get(builtin, _FLOAT)


def check_supported(operation: Operation) -> None:
    """Raise `UnsupportedError` for types or ranks that the builtin does not take."""
    builtin = operation.builtin
    counted = operation.inputs[_CHECKED_INPUT.get(builtin, 0)]
    if counted is None:
        return
    quantized = counted.quantization is not None
    if not quantized and not supports(builtin, counted.dtype):
        raise UnsupportedError(f"TFLite's {builtin} does not take {counted.dtype}")
    most = _RANKS.get(builtin, _MOST_AXES)
    for one in (*operation.inputs, *operation.outputs):
        if one is not None and len(one.shape) > most:
            raise UnsupportedError(
                f"TFLite's {builtin} takes at most {most} axes", given=list(one.shape)
            )
        if one is not None and 0 in one.shape:
            raise UnsupportedError("TFLite has no tensors without elements", given=list(one.shape))
