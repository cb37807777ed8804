"""Golden vectors: what a device must answer, for every kind of output."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.bundle import golden
from likewise.errors import LikewiseError
from likewise.ir import DType, TensorType
from likewise.ops.case import f32
from likewise.targets.ports import Port

if TYPE_CHECKING:
    from likewise.targets.ports import Runs


def answering(y: Any) -> Runs:
    """What answers `y`, or what `y` makes of x."""
    ports = (Port("x", TensorType(DType.FLOAT, (4,))),)
    run = y if callable(y) else lambda _: y
    runner: Any = SimpleNamespace(
        inputs=ports, outputs=(), run=lambda feeds: {"y": run(feeds["x"])}
    )
    return runner


TEXT = np.array(["a", "é"], object)
LIKE = {
    "floats": (lambda x: x, lambda x: x * np.float32(1 + 5e-5)),
    "half": (lambda x: x.astype(np.float16), lambda x: np.nextafter(x.astype(np.float16), 9)),
    "integers": (np.arange(3), np.arange(3)),
    "no elements": (np.ones((0, 2), np.float32), np.ones((0, 2), np.float32)),
    "zeros": (np.zeros(3, np.float32), np.zeros(3, np.float32)),
    "NaN": (f32([np.nan, np.inf]), f32([np.nan, np.inf])),
    "text": (TEXT, TEXT),
}
UNLIKE = {
    "floats": (
        lambda x: x,
        lambda x: x * np.float32(1.001),
        "it is not what it has to be; given: a",
    ),
    "another draw": (lambda x: x, np.ones(4, np.float32), "it is not what it has to be"),
    "integers": (np.arange(3), np.array([0, 1, 3]), "allowed: 0"),
    "NaN": (f32([1]), f32([np.nan]), "1 misplaced NaN or infinity; allowed: 0.0001"),
    "text": (TEXT, TEXT[::-1], "the text is another"),
    "another type": (np.arange(3), np.arange(3.0), "it is of another type; given: float64[3]"),
    "another shape": (
        np.arange(3),
        np.arange(4),
        "it is of another type; given: int64[4]; allowed",
    ),
}


@pytest.mark.parametrize("case", LIKE)
def test_what_passes(case: str) -> None:
    reference, device = LIKE[case]
    assert golden.check(golden.draw(answering(reference)), answering(device)) < 2e-3


@pytest.mark.parametrize("case", UNLIKE)
def test_what_does_not(case: str) -> None:
    reference, device, message = UNLIKE[case]
    with pytest.raises(LikewiseError) as raised:
        golden.check(golden.draw(answering(reference)), answering(device))
    assert str(raised.value).startswith("golden vector 0: output 'y': ")
    assert message in str(raised.value)
