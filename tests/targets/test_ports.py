"""What a caller feeds a model: what is taken, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.ir import (
    DType,
    MapType,
    OptionalType,
    SequenceType,
    TensorType,
    Type,
    UnknownRankError,
    symbol,
)
from likewise.ops.case import f32, strings
from likewise.ops.conversion import convert
from likewise.targets.ports import Port, check_feeds

ROWS = TensorType(DType.FLOAT, (symbol("n"), 2))
BYTES = TensorType(DType.INT8, (2,))
WORDS = TensorType(DType.STRING, (2,))
FLAGS = TensorType(DType.BOOL, (2,))
X = f32([[0, 1], [2, 3], [4, 5]])
SCORES = MapType(DType.INT64, TensorType(DType.FLOAT, ()))

TAKEN: dict[str, tuple[Type, Any, Any]] = {
    "an array": (ROWS, X, X),
    "lists": (ROWS, X.tolist(), X),
    "lists of integers": (ROWS, [[1, 2]], f32([[1, 2]])),
    "the other byte order": (ROWS, X.astype(">f4"), X),
    "Fortran's order": (ROWS, np.asfortranarray(X), X),
    "every second row": (ROWS, np.repeat(X, 2, 0)[::2], X),
    "backwards": (ROWS, X[::-1], X[::-1]),
    "no rows": (ROWS, X[:0], X[:0]),
    "integers": (BYTES, [-1, 2], np.array([-1, 2], np.int8)),
    "booleans": (FLAGS, [True, False], np.array([True, False])),
    "text": (WORDS, ["a", "b"], strings(["a", "b"])),
    "an array of text": (WORDS, np.array(["a", "b"]), strings(["a", "b"])),
    "UTF-8": (WORDS, [b"a", "ä".encode()], strings(["a", "ä"])),
    "other bytes": (WORDS, [b"a", b"\xff"], strings(["a", b"\xff"])),
    "a sequence": (SequenceType(ROWS), [X, X.tolist()], [X, X]),
    "a tuple": (SequenceType(ROWS), (X,), [X]),
    "a map": (SCORES, {1: 0.5}, {1: np.float32(0.5)}),
    "an optional": (OptionalType(ROWS), X, X),
    "nothing": (OptionalType(ROWS), None, None),
}

REFUSED: dict[str, tuple[Type, Any, str]] = {
    "another element type": (
        ROWS,
        X.astype(np.float64),
        "input 'x' has the wrong element type; given: float64; allowed: float32; convert it with ",
    ),
    "another rank": (ROWS, X[0], "input 'x' has the wrong shape; given: [2]; allowed: [n, 2]"),
    "another size": (
        ROWS,
        np.zeros((3, 3), np.float32),
        "input 'x' has the wrong shape; given: [3, 3]; allowed: [n, 2]",
    ),
    "None": (ROWS, None, "input 'x' is None; allowed: float[n, 2]"),
    "text for numbers": (
        ROWS,
        [["1", "2"]],
        "input 'x' holds other values than its element type; given: <U1; allowed: float[n, 2]",
    ),
    "ragged lists": (ROWS, [[1], [1, 2]], "input 'x' cannot be made an array: "),
    "fractions for integers": (
        BYTES,
        [1.5, 2],
        "input 'x' holds other values than its element type; given: float64; allowed: int8[2]",
    ),
    "integers too large": (BYTES, [300, 1], "input 'x' cannot be made an array: "),
    "numbers for text": (
        WORDS,
        [1, 2],
        "input 'x' holds something else than strings; given: 1; allowed: string[2]",
    ),
    "an array for a sequence": (
        SequenceType(ROWS),
        X,
        "input 'x' is a sequence; given: ndarray; allowed: a list of arrays",
    ),
    "a wrong element": (
        SequenceType(ROWS),
        [X, X[0]],
        "input 'x'[1] has the wrong shape; given: [2]; allowed: [n, 2]",
    ),
    "an array for a map": (
        SCORES,
        X,
        "input 'x' is a map; given: ndarray; allowed: a dict from int to float[]",
    ),
    "another key": (
        SCORES,
        {"a": 1.0},
        "input 'x' has the key 'a'; allowed: a dict from int to float[]",
    ),
    "another value": (SCORES, {1: "a"}, "input 'x'[1] holds other values than its element type"),
    "a wrong optional": (OptionalType(ROWS), X[0], "input 'x' has the wrong shape"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_is_taken(name: str) -> None:
    kind, given, expected = TAKEN[name]
    (made,) = check_feeds([Port("x", kind)], {"x": given})
    assert type(made) is type(expected)
    if isinstance(expected, np.ndarray):
        assert made.dtype == expected.dtype
        assert made.dtype.isnative
        np.testing.assert_array_equal(made, expected)
    elif isinstance(expected, list):
        for one, other in zip(made, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    else:
        assert made == expected


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name: str) -> None:
    kind, given, message = REFUSED[name]
    with pytest.raises(InputError) as raised:
        check_feeds([Port("x", kind)], {"x": given})
    assert str(raised.value).startswith(message)


NAMES: dict[str, tuple[Any, str]] = {
    "another": ({"z": X}, "the model has no input 'z'; given: 'z'; allowed: 'x', 'y'"),
    "too few": (
        {"x": X},
        "the input 'y' is missing; given: 'x'; allowed: x: float[n, 2], y: float[n, 2]",
    ),
    "none": ({}, "the input 'x' is missing; given: no inputs"),
    "a list": (
        [X, X],
        "a run takes its inputs by name; given: list; allowed: a dict with 'x', 'y'",
    ),
    "no feeds": (None, "a run takes its inputs by name; given: NoneType"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    feeds, message = NAMES[name]
    with pytest.raises(InputError) as raised:
        check_feeds([Port("x", ROWS), Port("y", ROWS)], feeds)
    assert str(raised.value).startswith(message)


def test_an_odd_name_is_quoted() -> None:
    assert str(Port("x y", ROWS)) == "x y: float[n, 2]"
    assert str(Port("x\n\x1b", ROWS)) == r"'x\n\x1b': float[n, 2]"


def test_a_port_without_a_shape() -> None:
    port = Port("s", SequenceType(None))
    assert (port.dtype, port.shape) == (None, None)
    assert Port("x", TensorType(DType.FLOAT, None)).shape is None
    with pytest.raises(UnknownRankError):
        TensorType(DType.FLOAT, None).rank  # noqa: B018 — it raises


BITS = TensorType(DType.BFLOAT16, (2,))


@pytest.mark.parametrize("dtype", [DType.BFLOAT16.record, "V2"], ids=str)
def test_records_of_bits_are_taken(dtype: Any) -> None:
    given = np.array([0x3F80, 0xC000], np.uint16).view(dtype)
    (made,) = check_feeds([Port("x", BITS)], {"x": given})
    assert made.dtype == DType.BFLOAT16.numpy
    assert convert(made, DType.FLOAT).tolist() == [1, -2]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("V1", DType.BFLOAT16),
        (DType.FLOAT8E5M2.record, DType.FLOAT8E4M3FN),
        (DType.FLOAT8E5M2.numpy, DType.FLOAT8E4M3FN),
    ],
    ids=str,
)
def test_bits_of_another_type_are_refused(given: Any, wanted: DType) -> None:
    with pytest.raises(InputError, match="'x' has the wrong element type"):
        check_feeds([Port("x", TensorType(wanted, (2,)))], {"x": np.zeros(2, np.uint8).view(given)})


@pytest.mark.usefixtures("no_ml_dtypes")
@pytest.mark.parametrize("given", [[1, -2], [1.0, -2.0], convert(f32([1, -2]), DType.FLOAT16)])
def test_numbers_become_bits_without_ml_dtypes(given: Any) -> None:
    fed = convert(given, DType.BFLOAT16) if isinstance(given, np.ndarray) else given
    (made,) = check_feeds([Port("x", BITS)], {"x": fed})
    assert made.dtype == DType.BFLOAT16.record
    assert made.view(np.uint16).tolist() == [0x3F80, 0xC000]


@pytest.mark.usefixtures("no_ml_dtypes")
def test_an_array_of_numbers_is_no_bits() -> None:
    with pytest.raises(InputError, match=r"wrong element type.*convert\(…, DType\.BFLOAT16\)"):
        check_feeds([Port("x", BITS)], {"x": f32([1, -2])})
