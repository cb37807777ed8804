"""The NumPy target against onnxruntime and the reference evaluator of onnx, one thread each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import likewise
from benchmarks.timing import Subject, time_in_turn
from likewise.conform.inputs import draw_feeds
from tools.models import ensure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.timing import Times

__all__ = ["CONTESTS", "Contest", "Outcome", "run_contest"]

REFERENCE_RUNS = 3
"""How often the slow reference evaluator is timed."""


@dataclass(frozen=True)
class Contest:
    """A model to time, and the goals: at most so many times onnxruntime's time, at least so many
    times as fast as the reference evaluator. None: no goal.
    """

    model: str
    shapes: Mapping[str, tuple[int, ...]]
    label: str
    within: float | None = None
    faster: float | None = None


CONTESTS = (
    Contest("mobilenetv2", {}, "mobilenetv2 224", within=12, faster=5),
    Contest("resnet50", {}, "resnet50 224", within=4, faster=5),
    Contest("vit_tiny", {}, "vit_tiny 224", within=2.5),
    Contest("minilm", {}, "minilm, 128 words", within=2.5),
    Contest("ppocr_det", {"x": (1, 3, 640, 640)}, "PP-OCRv4 detection 640"),
)


@dataclass(frozen=True)
class Outcome:
    """The times of a contest; `reference` is None where the evaluator fails, for `reason`."""

    contest: Contest
    likewise: Times
    onnxruntime: Times
    reference: Times | None
    reason: str = ""

    @property
    def ratio(self) -> float:
        """The time of likewise over that of onnxruntime."""
        return self.likewise.median / self.onnxruntime.median

    @property
    def speedup(self) -> float | None:
        """The time of the reference evaluator over that of likewise."""
        return self.reference.median / self.likewise.median if self.reference else None

    @property
    def missed(self) -> list[str]:
        """The goals that were not reached, in words."""
        goal, found = self.contest, []
        if goal.within is not None and self.ratio > goal.within:
            found.append(f"{self.ratio:.2f} times onnxruntime's time, not {goal.within:g}")
        if goal.faster is not None and (self.speedup or 0) < goal.faster:
            found.append(
                f"{self.speedup or 0:.2f} times the reference's speed, not {goal.faster:g}"
            )
        return found


def run_contest(contest: Contest, runs: int) -> Outcome:
    """Time the engines on the same drawn inputs, in turn."""
    path = ensure(contest.model)
    model = likewise.load(path)
    feeds = draw_feeds(model.inputs, {}, contest.shapes)
    subjects = [
        Subject("likewise", lambda: model.run(feeds)),
        Subject("onnxruntime", _onnxruntime(path, feeds)),
    ]
    reference = _reference(path, feeds)
    reason = ""
    try:
        reference()
    except Exception as error:  # noqa: BLE001 — whatever it fails with is what we report
        reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    else:
        every = -(-runs // REFERENCE_RUNS)
        subjects.append(Subject("reference", reference, every))
    times = time_in_turn(subjects, runs)
    return Outcome(contest, times["likewise"], times["onnxruntime"], times.get("reference"), reason)


def _onnxruntime(path: Path, feeds: Mapping[str, Any]) -> Callable[[], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, dict(feeds))


def _reference(path: Path, feeds: Mapping[str, Any]) -> Callable[[], Any]:
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(str(path))
    return lambda: evaluator.run(None, dict(feeds))
