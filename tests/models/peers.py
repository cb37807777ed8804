"""Running a model in likewise and in onnxruntime, and holding one against the other."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

import likewise
from tools.models import ensure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from likewise.ir import Array
    from likewise.model import Model

LIMIT = 1e-4
"""The largest difference that agrees, relative to the largest value of the output."""


@cache
def model(name: str) -> Model:
    """A model of tools/models.py in likewise."""
    return likewise.load(ensure(name))


@cache
def session(name: str, *, all_optimizations: bool = False) -> onnxruntime.InferenceSession:
    """A model of tools/models.py in onnxruntime."""
    return open_session(str(ensure(name)), all_optimizations=all_optimizations)


def open_session(
    source: str | bytes, *, all_optimizations: bool = False
) -> onnxruntime.InferenceSession:
    """A model in onnxruntime, of a file or its bytes.

    It has one thread, since tests run beside each other.

    Of its optimizations the basic ones, unless all are wanted: on x86 its convolutions in their
    own layout are up to 2e-4 away from the same network in float64 (PP-OCRv4 detection at
    736x1280), where without them it and likewise stay within 6e-5.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    if not all_optimizations:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run_session(
    session: onnxruntime.InferenceSession, feeds: Mapping[str, Array]
) -> dict[str, Array]:
    """The outputs of onnxruntime by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def apart(made: Mapping[str, Any], expected: Mapping[str, Array]) -> float:
    """The largest difference of any output, relative to that output's largest value."""
    assert list(made) == list(expected)
    worst = 0.0
    for name, reference in expected.items():
        output = made[name]
        assert output.dtype == reference.dtype, name
        assert output.shape == reference.shape, name
        assert np.isfinite(reference).all(), name
        scale = float(np.abs(reference).max())
        assert scale > 0, f"{name} is zero: this proves nothing"
        worst = max(worst, float(np.abs(output - reference).max()) / scale)
    return worst


def check(name: str, feeds: Mapping[str, Array], record: Callable[[str, object], None]) -> None:
    """Hold a model's outputs against onnxruntime's; the figures are printed and recorded."""
    made = model(name).run(feeds)
    optimized = apart(made, run_session(session(name, all_optimizations=True), feeds))
    print(f"{name}, onnxruntime with all optimizations: {optimized:.1e} of the largest output")
    record("relative_difference_all_optimizations", optimized)
    report(name, apart(made, run_session(session(name), feeds)), record)


def report(
    label: str, found: float, record: Callable[[str, object], None], limit: float = LIMIT
) -> None:
    """Print and record how far the engines are apart; fail beyond the limit."""
    print(f"{label}: {found:.1e} of the largest output")
    record("relative_difference", found)
    assert found <= limit
