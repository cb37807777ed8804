"""The element types that NumPy lacks: every code, and roundings, against ml_dtypes bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest

from likewise.ir import DType
from likewise.ops.conversion import convert
from likewise.ops.narrow import NARROW, precision, wide_dtype, widened

if TYPE_CHECKING:
    from likewise.ir import Array

ALL = sorted(NARROW, key=lambda dtype: dtype.value)
FLOATS = [dtype for dtype in ALL if dtype.is_float and dtype is not DType.FLOAT8E8M0]
INTEGERS = [dtype for dtype in ALL if dtype.is_integer]


def _reference(dtype: DType) -> Any:
    return np.dtype(getattr(ml_dtypes, dtype.numpy.name))


def _codes(dtype: DType) -> Array:
    """Every pattern of the bits that an element takes."""
    return np.arange(1 << dtype.bits).astype(np.uint16 if dtype.bits > 8 else np.uint8)


def _sweep() -> Array:
    """float32: all upper halves, and next to each what a rounding turns on."""
    high = np.arange(1 << 16, dtype=np.uint32)[:, None] << np.uint32(16)
    low = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    return (high | low).reshape(-1).view(np.float32)


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_every_code_is_decoded(dtype: DType) -> None:
    given = _codes(dtype).view(_reference(dtype))
    expected = given.astype(wide_dtype(dtype))
    made = widened(given)
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made, expected)
    np.testing.assert_array_equal(np.signbit(made), np.signbit(expected))


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (3, 2)])
def test_shapes_and_strides_are_kept(dtype: DType, shape: tuple[int, ...]) -> None:
    given = np.broadcast_to(np.float32(1), shape).T
    made = convert(given, dtype)
    assert isinstance(made, np.ndarray)
    assert isinstance(widened(made), np.ndarray)
    np.testing.assert_array_equal(widened(made.T), given.T)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_float32_is_rounded(dtype: DType) -> None:
    given = _sweep()
    made = convert(given, dtype, saturate=False)
    expected = given.astype(_reference(dtype))
    bits = f"u{made.dtype.itemsize}"
    np.testing.assert_array_equal(made.view(bits), expected.view(bits))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_float16_is_rounded(dtype: DType) -> None:
    given = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    with np.errstate(invalid="ignore"):  # NaNs that signal
        made, expected = convert(given, dtype, saturate=False), given.astype(_reference(dtype))
    bits = f"u{made.dtype.itemsize}"
    np.testing.assert_array_equal(made.view(bits), expected.view(bits))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_what_was_decoded_comes_back(dtype: DType) -> None:
    wide = widened(_codes(dtype).view(dtype.numpy))
    np.testing.assert_array_equal(widened(convert(wide, dtype, saturate=False)), wide)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("wide", [np.int8, np.uint8, np.int64, np.float32, np.float16, bool])
def test_integers_keep_their_low_bits(dtype: DType, wide: type) -> None:
    given: Array = np.arange(-128, 128).astype(wide)
    expected = given.astype(np.int64).astype(_reference(dtype))
    np.testing.assert_array_equal(
        convert(given, dtype).view(np.uint8) & ((1 << dtype.bits) - 1),
        expected.view(np.uint8) & ((1 << dtype.bits) - 1),
    )
    np.testing.assert_array_equal(widened(convert(given, dtype)), expected.astype(np.int8))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_the_precision_is_that_of_ml_dtypes(dtype: DType) -> None:
    info = ml_dtypes.finfo(_reference(dtype))
    assert precision(dtype) == (info.nmant, info.minexp)
