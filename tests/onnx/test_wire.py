from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.onnx.wire import (
    DEPTH_LIMIT,
    WireError,
    read_length,
    read_varint,
    skip_field,
    unpack_varints,
    varint,
)


@given(st.integers(0, 2**64 - 1))
def test_varint_round_trip(value: int) -> None:
    data = memoryview(b"\xff" + varint(value) + b"\xff")
    assert read_varint(data, 1, len(data)) == (value, len(data) - 1)


@pytest.mark.parametrize(
    ("data", "value"),
    [("00", 0), ("7f", 127), ("8001", 128), ("8000", 0), ("ffffffffffffffffff01", 2**64 - 1)],
)
def test_varint_values(data: str, value: int) -> None:
    raw = bytes.fromhex(data)
    assert read_varint(memoryview(raw), 0, len(raw)) == (value, len(raw))


def test_a_negative_number_takes_ten_bytes() -> None:
    assert varint(-1) == b"\xff" * 9 + b"\x01"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "the number at byte 0 is cut off by the end at byte 0"),
        ("80", "the number at byte 0 is cut off by the end at byte 1"),
        ("80" * 11, "the number at byte 0 is longer than 10 bytes"),
    ],
)
def test_broken_varint(data: str, message: str) -> None:
    raw = bytes.fromhex(data)
    with pytest.raises(WireError, match=f"^{re.escape(message)}$"):
        read_varint(memoryview(raw), 0, len(raw))


def test_length_beyond_the_file_or_the_message() -> None:
    view = memoryview(b"\xff\xff\xff\xff\x0fabc")
    with pytest.raises(
        WireError, match=re.escape("length 4294967295 at byte 0 goes past the end of the file (8 ")
    ):
        read_length(view, 0, 8)
    with pytest.raises(WireError, match=re.escape("past the end of its message (byte 7)")):
        read_length(memoryview(b"\x07abcdefgh"), 0, 7)


# An unknown field: its tag, what follows, and how many bytes of that belong to it.
SKIPPED = [
    (8, "ac02ff", 2),
    (9, "0102030405060708ff", 8),
    (10, "03616263ff", 4),
    (13, "01020304ff", 4),
    (11, "0cff", 1),  # an empty group
    (11, "08010c", 3),  # a group with a number in it
    (11, "130a0161140c", 6),  # a group in a group
]


@pytest.mark.parametrize(("tag", "data", "size"), SKIPPED)
def test_skip_field(tag: int, data: str, size: int) -> None:
    view = memoryview(bytes.fromhex(data))
    assert skip_field(view, tag, 0, len(view)) == size


@pytest.mark.parametrize(
    ("tag", "data", "message"),
    [
        (0, "00", "invalid number 0"),
        (2**32, "00", "invalid number 536870912"),
        (14, "00", "invalid wire type 6"),
        (15, "00", "invalid wire type 7"),
        (12, "00", "closes no open group"),
        (11, "14", "closes no open group"),
        (11, "", "cut off"),
        (13, "010203", "cut off"),
        (9, "01020304050607", "cut off"),
        (10, "04616263", "past the end"),
        (11, "0b" * DEPTH_LIMIT, f"deeper than {DEPTH_LIMIT} levels"),
    ],
)
def test_skip_broken_field(tag: int, data: str, message: str) -> None:
    view = memoryview(bytes.fromhex(data))
    with pytest.raises(WireError, match=message):
        skip_field(view, tag, 0, len(view))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint64])
@given(data=st.data())
def test_unpack_varints(dtype: type[np.integer], data: st.DataObject) -> None:
    limits = np.iinfo(dtype)
    values = data.draw(st.lists(st.integers(limits.min, limits.max)))
    unpacked = unpack_varints(b"".join(map(varint, values)), dtype)
    assert unpacked.dtype == dtype
    assert unpacked.tolist() == values


def test_unpack_many_varints_across_chunks() -> None:
    values = np.random.default_rng(0).integers(-(2**62), 2**62, 30_000)
    packed = b"".join(varint(int(value)) for value in values)
    np.testing.assert_array_equal(unpack_varints(packed, np.int64), values)


@pytest.mark.parametrize("size", [11, 70_000, 200_000])
def test_unpack_overlong_varint(size: int) -> None:
    with pytest.raises(WireError, match="longer than 10 bytes"):
        unpack_varints(b"\x80" * size + b"\x01", np.int64)
