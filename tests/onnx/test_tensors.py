from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from likewise.errors import (
    LikewiseError,
    ModelError,
    UnsupportedError,
)
from likewise.ir import DType
from likewise.onnx.decode import decode
from likewise.onnx.encode import encode
from likewise.onnx.messages import SparseTensorProto, TensorProto, TensorProtoSegment
from likewise.onnx.tensors import from_array, sparse_to_array, to_array

NUMERIC = [dtype for dtype in DType if dtype is not DType.STRING]
SHAPES = [(), (3,), (2, 5), (0, 4), (7, 1, 3)]


def _random(dtype: DType, shape: tuple[int, ...]) -> np.ndarray:
    """Any bits that the type can have, NaN and infinities included."""
    rng = np.random.default_rng(dtype.value)
    size = int(np.prod(shape))
    if dtype is DType.BOOL:
        return (rng.integers(0, 2, size) > 0).reshape(shape)
    if dtype.bits < 8:
        return rng.integers(0, 1 << dtype.bits, size, np.uint8).view(dtype.numpy).reshape(shape)
    return np.frombuffer(rng.bytes(size * dtype.bits // 8), dtype.numpy).reshape(shape)


def _assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert actual.tobytes() == expected.tobytes()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_reads_raw_and_typed_data_as_onnx_does(dtype: DType, shape: tuple[int, ...]) -> None:
    array = _random(dtype, shape)
    raw = numpy_helper.from_array(array, "x")
    assert raw.data_type == dtype.value
    typed = helper.make_tensor("x", dtype.value, shape, array.reshape(-1))
    for theirs in (raw, typed):
        ours = to_array(decode(TensorProto, theirs.SerializeToString()))
        _assert_same_bits(ours, numpy_helper.to_array(theirs))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_onnx_reads_what_is_written(dtype: DType, shape: tuple[int, ...]) -> None:
    array = _random(dtype, shape)
    tensor = from_array(array, "x")
    theirs = onnx.TensorProto.FromString(encode(tensor))
    onnx.checker.check_tensor(theirs)
    assert (theirs.name, theirs.data_type) == ("x", dtype.value)
    _assert_same_bits(numpy_helper.to_array(theirs), array)
    _assert_same_bits(to_array(tensor), array)


def test_every_element_type_of_onnx_is_known() -> None:
    known = {dtype.name: dtype.value for dtype in DType}
    assert dict(onnx.TensorProto.DataType.items()) == known | {"UNDEFINED": 0}


def test_raw_data_is_a_read_only_view() -> None:
    data = bytes(10) + np.arange(3, dtype="<f4").tobytes()
    array = to_array(TensorProto(dims=[3], data_type=1, raw_data=memoryview(data)[10:]))
    assert array.tolist() == [0, 1, 2]
    assert not array.flags.owndata
    assert not array.flags.writeable


def test_text_and_what_is_no_text() -> None:
    tensor = TensorProto(dims=[2, 2], data_type=8, string_data=["ü".encode(), b"", b"\xff", b"a"])
    array = to_array(tensor)
    assert array.tolist() == [["ü", ""], [b"\xff", "a"]]
    assert list(from_array(array).string_data) == list(tensor.string_data)


@pytest.mark.parametrize(
    "array", [np.array(["a", "bc"]), np.array([b"a", b"bc"]), np.array(["a", b"bc"], object)]
)
def test_arrays_of_text_become_strings(array: np.ndarray) -> None:
    tensor = from_array(array)
    assert (tensor.data_type, list(tensor.string_data)) == (8, [b"a", b"bc"])


def test_other_bytes_than_0_and_1_are_true() -> None:
    array = to_array(TensorProto(dims=[3], data_type=9, raw_data=b"\x02\x00\xff"))
    assert array.view(np.uint8).tolist() == [1, 0, 1]


def test_layout_and_byte_order_are_made_right() -> None:
    array = np.arange(6, dtype=">i2").reshape(2, 3).T
    assert bytes(from_array(array).raw_data or b"") == array.astype("<i2").tobytes()


def test_a_dtype_can_be_chosen() -> None:
    tensor = from_array(np.array([1.0, 2.0]), dtype=DType.FLOAT16)
    assert tensor.data_type == 10
    assert to_array(tensor).dtype == np.float16


def test_a_numpy_dtype_that_onnx_lacks() -> None:
    with pytest.raises(UnsupportedError, match="datetime64"):
        from_array(np.array(["2020-01-01"], "datetime64[D]"))


BROKEN: list[tuple[dict[str, Any], type[LikewiseError], str]] = [
    ({"dims": [2], "data_type": 0}, ModelError, "the element type is undefined"),
    ({"dims": [2], "data_type": 99}, UnsupportedError, "unknown element type; given: 99"),
    ({"dims": [2], "data_type": -1}, UnsupportedError, "unknown element type; given: -1"),
    ({"dims": [-2], "data_type": 1}, ModelError, "negative dim; given: [-2]"),
    ({"dims": [1] * 65, "data_type": 1}, ModelError, "too many dims; given: 65"),
    ({"dims": [2], "data_type": 1}, ModelError, "no data is stored for the shape [2]"),
    (
        {"dims": [2**62, 2**62], "data_type": 1, "raw_data": b"1234"},
        ModelError,
        "given: 4 bytes",
    ),
    (
        {"dims": [2], "data_type": 1, "raw_data": b"1234"},
        ModelError,
        "2 elements of float take 8 bytes; given: 4 bytes",
    ),
    (
        {"dims": [3], "data_type": 22, "raw_data": b"1"},
        ModelError,
        "3 elements of int4 take 2 bytes; given: 1 bytes",
    ),
    ({"dims": [2], "data_type": 1, "float_data": [1.0]}, ModelError, "needs 2 entries of float_da"),
    ({"dims": [2], "data_type": 1, "int32_data": [1, 2]}, ModelError, "allowed: raw_data or float"),
    ({"dims": [2], "data_type": 14, "float_data": [1.0]}, ModelError, "needs 4 entries of float_d"),
    ({"dims": [5], "data_type": 25, "int32_data": [1]}, ModelError, "needs 2 entries of int32_dat"),
    ({"dims": [1], "data_type": 8, "raw_data": b"a"}, ModelError, "strings are stored as raw data"),
    ({"dims": [2], "data_type": 8, "string_data": [b"a"]}, ModelError, "2 entries of string_data"),
    ({"dims": [2**62, 0, 2**62], "data_type": 1}, ModelError, "NumPy cannot hold this shape"),
    ({"data_type": 1, "segment": TensorProtoSegment()}, UnsupportedError, "stored in segments"),
    ({"data_type": 1, "data_location": 1}, ModelError, "a file beside the model"),
]


@pytest.mark.parametrize(("fields", "error", "message"), BROKEN)
def test_broken_tensors(fields: dict[str, Any], error: type[LikewiseError], message: str) -> None:
    with pytest.raises(error) as caught:
        to_array(TensorProto(name="w", **fields))
    assert str(caught.value).startswith("tensor 'w': ")
    assert message in str(caught.value)


@pytest.mark.parametrize("dtype", [dtype for dtype in DType if dtype.is_narrow], ids=str)
@pytest.mark.usefixtures("no_ml_dtypes")
def test_types_that_numpy_lacks_are_records_without_ml_dtypes(dtype: DType) -> None:
    raw = b"\x12\x03\x01\x00\x00\x00"[: -(-3 * dtype.bits // 8)]
    array = to_array(TensorProto(dims=[3], data_type=dtype.value, raw_data=raw))
    assert array.dtype == dtype.record
    assert DType.of(array.dtype) is dtype
    assert bytes(from_array(array).raw_data or b"") == raw


def _sparse(values: Any, indices: Any, dims: list[int]) -> SparseTensorProto:
    return SparseTensorProto(
        values=from_array(np.asarray(values), "s"),
        indices=from_array(np.asarray(indices, np.int64)),
        dims=dims,
    )


@pytest.mark.parametrize(
    ("indices", "dims"),
    [
        ([5, 0], [2, 3]),
        ([[1, 2], [0, 0]], [2, 3]),
        ([[5], [0]], [6]),
        ([[0, 1, 1], [0] * 3], [2] * 3),
    ],
)
def test_sparse_to_array(indices: Any, dims: list[int]) -> None:
    dense = sparse_to_array(_sparse(np.array([1.5, -2.0], np.float32), indices, dims))
    assert dense.dtype == np.float32
    expected = np.zeros(dims, np.float32)
    expected.flat[[3 if len(dims) == 3 else 5, 0]] = [1.5, -2.0]
    np.testing.assert_array_equal(dense, expected)


def test_sparse_tensors_without_values() -> None:
    assert sparse_to_array(_sparse([], np.empty((0, 2)), [2, 3])).tolist() == [[0] * 3] * 2
    assert sparse_to_array(_sparse([], [], [0])).shape == (0,)


def test_sparse_text_is_empty_elsewhere() -> None:
    assert sparse_to_array(_sparse(["a"], [1], [3])).tolist() == ["", "a", ""]


@pytest.mark.parametrize(
    ("values", "indices", "dims", "message"),
    [
        ([1.0], [6], [2, 3], "an index is outside the shape"),
        ([1.0], [-1], [2, 3], "an index is outside the shape"),
        ([1.0], [[0, 3]], [2, 3], "an index is outside the shape"),
        ([1.0], [[-1, 0]], [2, 3], "an index is outside the shape"),
        ([1.0, 2.0], [4, 4], [2, 3], "an index is given twice"),
        ([1.0, 2.0], [4], [2, 3], "the indices do not fit the values; given: [1]"),
        ([[1.0]], [4], [2, 3], "values must be a vector"),
        ([1.0], [0], [-2], "negative dim"),
        ([1.0], [0], [2**40, 2**40], "too large to be made dense"),
    ],
)
def test_broken_sparse_tensors(values: Any, indices: Any, dims: list[int], message: str) -> None:
    with pytest.raises(LikewiseError) as caught:
        sparse_to_array(_sparse(values, indices, dims))
    assert message in str(caught.value)
    assert str(caught.value).startswith("sparse tensor 's': ")


def test_sparse_tensor_without_content() -> None:
    with pytest.raises(ModelError, match="lacks its values or its indices"):
        sparse_to_array(SparseTensorProto(dims=[1]))
