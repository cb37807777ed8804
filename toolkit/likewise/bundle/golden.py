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

    from likewise.bundle.engines import Runs
    from likewise.ir import Array

__all__ = ["check", "draw"]

TOLERANCE: Final = 1e-4
"""Largest error relative to the scale of an output that a device may have."""


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
            expected = _unpacked(packed)
            if made[name].dtype != expected.dtype:
                raise ModelError(
                    f"output {name!r} has another element type",
                    given=made[name].dtype,
                    allowed=expected.dtype,
                )
            difference = compare(made[name], expected)
            floats = DType.of(expected.dtype).is_float
            limit = content["relative"] if floats else 0.0
            wrong = difference.nans + difference.infinities
            if wrong or difference.relative > limit:
                raise LikewiseError(
                    f"output {name!r} is not the golden one",
                    given=f"a relative error of {difference.relative:.3g}, {wrong} NaN or infinite",
                    allowed=f"{limit:g}",
                ).at(f"golden vector {case['seed']}")
            worst = max(worst, difference.relative)
    return worst


def _packed(array: Array) -> dict[str, Any]:
    return {
        "dtype": str(DType.of(array.dtype)),
        "shape": list(array.shape),
        "data": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
    }


def _unpacked(packed: dict[str, Any]) -> Array:
    kind = DType[packed["dtype"].upper()].numpy
    return np.frombuffer(base64.b64decode(packed["data"]), kind).reshape(packed["shape"])
