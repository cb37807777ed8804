"""ONNX element types as storages of the loop IR."""

from __future__ import annotations

from typing import Final

from likewise.errors import UnsupportedError
from likewise.ir import DType
from likewise.loop.types import S, Storage

__all__ = ["storage_of"]

_STORAGE: Final = {
    DType.FLOAT: S.f32,
    DType.DOUBLE: S.f64,
    DType.FLOAT16: S.f16,
    DType.BFLOAT16: S.bf16,
    DType.BOOL: S.bool,
    DType.INT8: S.i8,
    DType.INT16: S.i16,
    DType.INT32: S.i32,
    DType.INT64: S.i64,
    DType.UINT8: S.u8,
    DType.UINT16: S.u16,
    DType.UINT32: S.u32,
    DType.UINT64: S.u64,
}


def storage_of(dtype: DType) -> Storage:
    """How elements of `dtype` stand in memory; raises UnsupportedError for one that cannot."""
    found = _STORAGE.get(dtype)
    if found is None:
        raise UnsupportedError(
            "compiled code has no such element type",
            given=dtype,
            allowed=", ".join(map(str, _STORAGE)),
        )
    return found
