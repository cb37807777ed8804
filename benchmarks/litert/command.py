"""`./dev bench litert`: our TFLite files beside onnx2tf's, in turn, on ai-edge-litert."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from benchmarks.litert.report import Outcome, missed, section
from benchmarks.machine import hardware
from benchmarks.page import PAGE, write_section
from benchmarks.timing import Subject, time_in_turn
from likewise.compiler import compile as compile_model
from likewise.conform.inputs import draw_feeds
from likewise.model import load
from likewise.passes.specialize import specialize
from likewise.targets.litert import load as load_file
from tools.environment import DevError
from tools.models import ensure
from tools.onnx2tf import VERSION, ConversionError, convert

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["main"]

MODELS: Final[dict[str, dict[str, tuple[int, ...]]]] = {
    "mobilenetv2": {},
    "resnet50": {},
    "ppocr_det": {"x": (1, 3, 320, 320)},
}
"""What is timed, and the shapes of the inputs that a model leaves open."""


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark and show its table; the exit status."""
    parser = argparse.ArgumentParser(
        prog="./dev bench litert",
        description="Time the TFLite files of likewise and of onnx2tf, both on ai-edge-litert with "
        f"one thread, and write their section of {PAGE.parent.name}/{PAGE.name}.",
        epilog="Exit status: 0 done; 1 with --check where a goal is missed.",
    )
    parser.add_argument("models", nargs="*", help="only these; the page is then left as it is")
    parser.add_argument("--runs", type=int, default=31, help="timed runs of each file (31)")
    parser.add_argument("--no-write", action="store_true", help="leave the page as it is")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args(arguments)
    for name in options.models:
        if name not in MODELS:
            parser.error(f"no benchmark of {name!r}; there are: {', '.join(MODELS)}")
    chosen = [name for name in MODELS if not options.models or name in options.models]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    outcomes = []
    for name in chosen:
        print(f"timing {name} …", file=sys.stderr, flush=True)
        try:
            outcomes.append(_timed(name, max(2, options.runs)))
        except (ConversionError, DevError) as error:
            print(f"error: {name}: {error}", file=sys.stderr)
            return 1
    tools = {"ai-edge-litert": version("ai-edge-litert"), "onnx2tf": VERSION}
    page = section({**hardware(), **tools}, outcomes)
    print(page)
    if not options.models and not options.no_write:
        write_section("TFLite files", page)
        print(f"written: {PAGE}", file=sys.stderr)
    return int(options.check and bool(missed(outcomes)))


def _timed(name: str, runs: int) -> Outcome:
    """Both files of a model in turn; the first run of each is not counted."""
    model = load(ensure(name))
    feeds = draw_feeds(model.inputs, {}, MODELS[name], seed=1)
    artefact = compile_model(model, "litert", shapes=MODELS[name])
    theirs = convert(specialize(model.graph, MODELS[name]), name)
    calls: dict[str, Callable[[], Any]] = {}
    for label, content in (("likewise", artefact.data), ("onnx2tf", theirs.read_bytes())):
        calls[label] = _call(content, label, feeds)
    times = time_in_turn([Subject(label, call) for label, call in calls.items()], runs)
    return Outcome(
        name, times["likewise"], times["onnx2tf"], len(artefact.data), theirs.stat().st_size
    )


def _call(content: bytes, label: str, feeds: dict[str, Any]) -> Callable[[], Any]:
    """A run on the inputs as the file takes them: onnx2tf's are channels last."""
    runner = load_file(content, label)
    (port,) = runner.inputs
    (array,) = feeds.values()
    given = {port.name: array if port.shape == array.shape else array.transpose(0, 2, 3, 1).copy()}
    return lambda: runner.run(given)
