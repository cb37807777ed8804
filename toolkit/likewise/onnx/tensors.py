"""Stored tensors to NumPy arrays and back, for every element type of ONNX.

Raw data becomes a read-only view of the file, whatever its alignment; only types narrower than a
byte and typed fields of another width are copied. Text that is not UTF-8 stays `bytes`.
Every size is checked against the bytes really there before anything is made of it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from likewise.errors import LikewiseError, ModelError, UnsupportedError
from likewise.ir import DType
from likewise.onnx.bits import pack_bits, unpack_bits
from likewise.onnx.messages import SparseTensorProto, TensorProto
from likewise.ops.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["ExternalReader", "from_array", "sparse_to_array", "to_array"]

MAX_RANK: Final = 64
"""NumPy's limit on the number of dims."""
_EXTERNAL: Final = 1

_TYPED_FIELDS: Final = {
    DType.FLOAT: "float_data",
    DType.COMPLEX64: "float_data",
    DType.DOUBLE: "double_data",
    DType.COMPLEX128: "double_data",
    DType.INT64: "int64_data",
    DType.UINT64: "uint64_data",
    DType.UINT32: "uint64_data",
}
"""The field that holds a type where it is not `int32_data`."""
_FIELD_DTYPES: Final = {
    "float_data": "<f4",
    "double_data": "<f8",
    "int64_data": "<i8",
    "uint64_data": "<u8",
    "int32_data": "<i4",
}


class ExternalReader(Protocol):
    """What gives the bytes of tensors that a model keeps in files beside it."""

    def read(self, tensor: TensorProto) -> memoryview:
        """The bytes that `tensor.external_data` points to; raises `ModelError`."""
        ...


def to_array(tensor: TensorProto, external: ExternalReader | None = None) -> NDArray[Any]:
    """The array that `tensor` stores, read-only where it is a view of the file.

    Strings give an object array of `str`, with `bytes` where the content is not UTF-8.
    Raises `ModelError` where sizes contradict each other, `UnsupportedError` for an element type
    or form not known here.
    """
    try:
        return _to_array(tensor, external)
    except LikewiseError as error:
        raise error.at(f"tensor {tensor.name!r}") from None


def _to_array(tensor: TensorProto, external: ExternalReader | None) -> NDArray[Any]:
    dtype = element_type(tensor.data_type)
    if tensor.segment is not None:
        raise UnsupportedError("a tensor stored in segments cannot be read")
    shape = checked_shape(tensor.dims)
    count = math.prod(shape)
    if tensor.data_location == _EXTERNAL:
        if external is None:
            raise ModelError(
                "the data lies in a file beside the model, but no folder is known for it",
                hint="load it from its path, or name the folder of its data",
            )
        flat = _from_raw(external.read(tensor), dtype, count)
    elif dtype is DType.STRING:
        flat = _from_strings(tensor, count)
    elif tensor.raw_data is not None and (len(tensor.raw_data) or not len(_typed(tensor, dtype))):
        flat = _from_raw(tensor.raw_data, dtype, count)
    else:
        flat = _from_typed(tensor, dtype, count)
    try:
        return flat.reshape(shape)
    except ValueError:
        raise ModelError("NumPy cannot hold this shape", given=list(shape)) from None


def element_type(number: int) -> DType:
    """The element type with this number in the file format.

    Raises `ModelError` for 0 (undefined), `UnsupportedError` for a number that is not known.
    """
    if number == 0:
        raise ModelError("the element type is undefined (0)")
    try:
        return DType(number)
    except ValueError:
        known = f"1 to {max(dtype.value for dtype in DType)}"
        raise UnsupportedError("unknown element type", given=number, allowed=known) from None


def checked_shape(dims: Sequence[int]) -> tuple[int, ...]:
    """The dims as a shape; raises `ModelError` for a negative one or for too many."""
    shape = tuple(dims)
    if len(shape) > MAX_RANK:
        raise ModelError("too many dims", given=len(shape), allowed=f"at most {MAX_RANK}")
    if any(dim < 0 for dim in shape):
        raise ModelError("a stored tensor has a negative dim", given=list(shape))
    return shape


def _from_raw(raw: bytes | memoryview, dtype: DType, count: int) -> NDArray[Any]:
    if dtype is DType.STRING:
        raise ModelError("strings are stored as raw data", allowed="string_data")
    needed = -(-count * dtype.bits // 8)
    if len(raw) != needed:
        raise ModelError(
            f"{count} elements of {dtype} take {needed} bytes", given=f"{len(raw)} bytes"
        )
    if dtype.bits < 8:
        return _unpack(np.frombuffer(raw, np.uint8), dtype, count)
    if dtype is DType.BOOL:
        return _as_bool(np.frombuffer(raw, np.uint8))
    return np.frombuffer(raw, dtype.numpy)


def _unpack(packed: NDArray[np.uint8], dtype: DType, count: int) -> NDArray[Any]:
    return unpack_bits(packed, dtype.bits, count).view(dtype.numpy)


def _as_bool(data: NDArray[np.uint8]) -> NDArray[Any]:
    """Bytes as booleans; NumPy takes no other bytes than 0 and 1, a file may hold them."""
    return data.view(np.bool_) if not data.size or data.max() <= 1 else data != 0


def _from_strings(tensor: TensorProto, count: int) -> NDArray[Any]:
    if len(tensor.string_data) != count:
        if tensor.raw_data is not None:
            raise ModelError("strings are stored as raw data", allowed="string_data")
        raise _wrong_count("string_data", len(tensor.string_data), count, tensor)
    flat = np.empty(count, object)
    flat[:] = [_as_text(item) for item in tensor.string_data]
    return flat


def _as_text(item: bytes) -> str | bytes:
    try:
        return item.decode()
    except UnicodeDecodeError:
        return item


def _typed(tensor: TensorProto, dtype: DType) -> Any:
    return getattr(tensor, _TYPED_FIELDS.get(dtype, "int32_data"))


def _from_typed(tensor: TensorProto, dtype: DType, count: int) -> NDArray[Any]:
    name = _TYPED_FIELDS.get(dtype, "int32_data")
    data = np.asarray(_typed(tensor, dtype), _FIELD_DTYPES[name])
    entries = 2 * count if dtype.is_complex else count
    if dtype.bits in {2, 4}:
        entries = -(-count * dtype.bits // 8)
    if data.size != entries:
        raise _wrong_count(name, data.size, entries, tensor)
    if dtype.bits in {2, 4}:
        return _unpack(data.astype(np.uint8), dtype, count)
    if dtype.is_complex or data.dtype == dtype.numpy:
        return data.view(dtype.numpy)
    if dtype is DType.BOOL:
        return data != 0
    if dtype.bits == 6:
        return (data & 0x3F).astype(np.uint8).view(dtype.numpy)
    return data.astype(f"<u{dtype.bits // 8}").view(dtype.numpy)


def _wrong_count(name: str, found: int, needed: int, tensor: TensorProto) -> ModelError:
    shape = list(tensor.dims)
    if not found:
        return ModelError(f"no data is stored for the shape {shape}", allowed=f"raw_data or {name}")
    return ModelError(f"the shape {shape} needs {needed} entries of {name}", given=found)


def from_array(array: NDArray[Any], name: str = "", dtype: DType | None = None) -> TensorProto:
    """A tensor that stores `array`; `dtype` overrides what the NumPy dtype says.

    Numbers go into raw data, object and text arrays into string data (text as UTF-8).
    Raises `UnsupportedError` for a NumPy dtype that ONNX does not have.
    """
    kind = dtype or DType.of(array.dtype)
    tensor = TensorProto(name=name, dims=list(array.shape), data_type=kind.value)
    if kind is DType.STRING:
        tensor.string_data = [_as_bytes(item) for item in array.reshape(-1).tolist()]
        return tensor
    array = np.ascontiguousarray(convert(array, kind) if kind.is_narrow else array, kind.numpy)
    if kind.bits < 8:
        tensor.raw_data = pack_bits(array.reshape(-1).view(np.uint8), kind.bits).tobytes()
    else:
        tensor.raw_data = array.reshape(-1).view(np.uint8).data
    return tensor


def _as_bytes(item: object) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode()


def sparse_to_array(
    sparse: SparseTensorProto, external: ExternalReader | None = None
) -> NDArray[Any]:
    """The dense array of a sparse tensor: zeros (or empty text) but for the stored values.

    Indices may be linear, `[count]`, or one row a value, `[count, rank]`, in any order. Raises
    `ModelError` for indices out of range or given twice, `UnsupportedError` for more than
    `DENSE_LIMIT` elements and more than `DENSE_RATIO` times the stored values.
    """
    if sparse.values is None or sparse.indices is None:
        raise ModelError("a sparse tensor lacks its values or its indices")
    values = to_array(sparse.values, external)
    indices = to_array(sparse.indices, external)
    name = sparse.values.name
    try:
        return _scatter(values, indices, checked_shape(sparse.dims))
    except LikewiseError as error:
        raise error.at(f"sparse tensor {name!r}") from None


DENSE_LIMIT: Final = 1 << 24
"""Elements that any sparse tensor may have when made dense."""
DENSE_RATIO: Final = 1 << 12
"""Elements that a larger one may have for each value that is really stored."""


def _scatter(values: NDArray[Any], indices: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    size = math.prod(shape)
    limit = max(DENSE_LIMIT, DENSE_RATIO * values.size)
    if size > limit:
        raise UnsupportedError(
            f"a sparse tensor with {values.size} values is too large to be made dense",
            given=list(shape),
            allowed=f"{limit} elements",
        )
    if values.ndim != 1 or indices.dtype != np.int64:
        raise ModelError(
            "values must be a vector and indices int64",
            given=f"values of rank {values.ndim}, indices of {indices.dtype}",
        )
    if indices.shape == (values.size, len(shape)):
        linear = _linear(indices, shape)
    elif indices.shape == values.shape:
        linear = indices
    else:
        raise ModelError(
            "the indices do not fit the values",
            given=list(indices.shape),
            allowed=f"[{values.size}] or [{values.size}, {len(shape)}]",
        )
    if linear.size and (linear.min() < 0 or linear.max() >= size):
        raise ModelError("an index is outside the shape", given=list(shape))
    if np.unique(linear).size != linear.size:
        raise ModelError("an index is given twice")
    dense = np.full(size, "", object) if values.dtype == object else np.zeros(size, values.dtype)
    dense[linear] = values
    return dense.reshape(shape)


def _linear(indices: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int64]:
    limits = np.asarray(shape, np.int64)
    if ((indices < 0) | (indices >= limits)).any():
        raise ModelError("an index is outside the shape", given=list(shape))
    return indices @ np.asarray([math.prod(shape[axis + 1 :]) for axis in range(len(shape))], int)
