"""Golden vectors of a bundle: what the engines must answer on the device."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.conform.compare import compare
from likewise.conform.inputs import draw_feeds
from likewise.errors import LikewiseError, ModelError
from likewise.ir import DType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array
    from likewise.targets.ports import Runs

__all__ = ["check", "draw"]

TOLERANCE: Final = 1e-4
"""Largest error relative to the scale of an output that a device may have."""
_ULPS: Final = 4
"""So many units of the last place at that scale are allowed at least: 16-bit floats need it."""


def draw(reference: Runs, seeds: Sequence[int] = (0, 1)) -> bytes:
    """The vectors as JSON: seeds, and what `reference` answers to the inputs drawn from them."""
    cases = []
    for seed in seeds:
        made = reference.run(draw_feeds(reference.inputs, {}, {}, seed))
        cases.append({"seed": seed, "outputs": {name: _packed(it) for name, it in made.items()}})
    return json.dumps({"relative": TOLERANCE, "cases": cases}).encode()


def check(golden: bytes, runner: Runs) -> float:
    """The largest error relative to its output's scale; raises `LikewiseError` for one too large.

    What is no float must be equal.
    """
    worst = 0.0
    content = json.loads(golden)
    for case in content["cases"]:
        made = runner.run(draw_feeds(runner.inputs, {}, {}, case["seed"]))
        for name, packed in case["outputs"].items():
            try:
                worst = max(worst, _error(made[name], _unpacked(packed), content["relative"]))
            except LikewiseError as error:
                places = f"golden vector {case['seed']}", f"output {name!r}"
                raise error.at(*places) from None
    return worst


def _error(made: Array, expected: Array, relative: float) -> float:
    if made.dtype != expected.dtype or made.shape != expected.shape:
        given, allowed = (f"{one.dtype}{list(one.shape)}" for one in (made, expected))
        raise ModelError("it is of another type", given=given, allowed=allowed)
    if expected.dtype == object:
        if not np.array_equal(made, expected):
            raise ModelError("the text is another")
        return 0.0
    difference = compare(made, expected)
    limit = 0.0
    if DType.of(expected.dtype).is_float:
        least = _ULPS * difference.ulp / difference.scale if difference.scale else 0.0
        limit = max(relative, least)
    misplaced = difference.nans + difference.infinities
    if misplaced or difference.relative > limit:
        raise ModelError(
            "it is not what it has to be",
            given=f"a relative error of {difference.relative:.3g}, "
            f"{misplaced} misplaced NaN or infinity",
            allowed=f"{limit:.3g}",
        )
    return difference.relative


def _packed(array: Array) -> dict[str, Any]:
    described: dict[str, Any] = {"dtype": str(DType.of(array.dtype)), "shape": list(array.shape)}
    if array.dtype == object:
        return described | {"text": [str(one) for one in array.flat]}
    raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return described | {"data": base64.b64encode(raw).decode()}


def _unpacked(packed: dict[str, Any]) -> Array:
    if "text" in packed:
        return np.array(packed["text"], object).reshape(packed["shape"])
    kind = DType[packed["dtype"].upper()].numpy
    raw = np.frombuffer(base64.b64decode(packed["data"]), kind.newbyteorder("<"))
    return raw.astype(kind).reshape(packed["shape"])
