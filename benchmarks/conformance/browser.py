"""onnxruntime-web in headless Chromium: the cases as tasks of a page."""

from __future__ import annotations

import json
import tempfile
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from benchmarks.browser.site import HERE as BROWSER
from benchmarks.browser.site import PEER, served
from benchmarks.conformance.verdict import Outcome, held
from tools.browser import launch
from tools.node import install

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.conformance.onnx_cases import OnnxCase

__all__ = ["run_in_chromium"]

PAGE = Path(__file__).resolve().parent / "page"
SECONDS = 30
"""For one run."""
AT_ONCE = 40
"""Tasks that the page is given at once."""


def run_in_chromium(cases: Mapping[str, OnnxCase]) -> tuple[dict[str, Outcome], str]:
    """What onnxruntime-web made of every case, and the versions of it and of Chromium."""
    install(BROWSER)
    package = json.loads((PEER / "package.json").read_text(encoding="utf-8"))
    answers: dict[str, list[Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for file in PAGE.iterdir():
            Path(folder, file.name).symlink_to(file)
        Path(folder, "onnxruntime-web").symlink_to(PEER / "dist")
        with served(Path(folder)) as address, launch() as browser:
            page = browser.new_page()
            page.set_default_timeout(0)
            page.goto(address)
            page.wait_for_function("() => Boolean(globalThis.runTasks)")
            tasks = [(name, task) for name, case in cases.items() for task in _tasks(case)]
            for start in range(0, len(tasks), AT_ONCE):
                chunk = tasks[start : start + AT_ONCE]
                given = [task for _, task in chunk if isinstance(task, dict)]
                script = "([tasks, seconds]) => globalThis.runTasks(tasks, seconds)"
                found = iter(page.evaluate(script, [given, SECONDS]))
                for name, task in chunk:
                    made = next(found) if isinstance(task, dict) else task
                    answers.setdefault(name, []).append(made)
            versions = f"{package['version']} in Chromium {browser.version}"
    return {name: _outcome(case, answers[name]) for name, case in cases.items()}, versions


def _tasks(case: OnnxCase) -> list[dict[str, Any] | Outcome]:
    """A task for each data set, or why the engine's interface does not take the inputs."""
    model = case.model()
    names = [info.name for info in onnx.load_from_string(model).graph.input]
    tasks: list[dict[str, Any] | Outcome] = []
    for inputs, _ in case.data_sets():
        try:
            feeds = [_packed(name, one) for name, one in zip(names, inputs, strict=False)]
        except TypeError as error:
            tasks.append(Outcome.failed("refused", error))
        else:
            tasks.append({"model": b64encode(model).decode(), "feeds": feeds})
    return tasks


def _packed(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, np.ndarray):
        raise TypeError("its JavaScript interface takes tensors only")
    entry: dict[str, Any] = {"name": name, "shape": list(value.shape)}
    if value.dtype.kind in "OUST":
        return {**entry, "dtype": "string", "data": [str(one) for one in value.reshape(-1)]}
    if value.dtype.kind not in "biuf":
        raise TypeError(f"its JavaScript interface has no {value.dtype}")
    data = b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return {**entry, "dtype": str(value.dtype), "data": data}


def _outcome(case: OnnxCase, answers: Sequence[Any]) -> Outcome:
    """The verdict on the answers to all data sets."""
    for answer in answers:
        if isinstance(answer, Outcome):
            return answer
        if answer["kind"] != "ran":
            return Outcome.failed(answer["kind"], answer.get("reason", ""))
    waiting = iter([[_unpacked(one) for one in answer["outputs"]] for answer in answers])
    return held(case, lambda _: next(waiting))


def _unpacked(output: dict[str, Any]) -> np.ndarray[Any, Any]:
    if output["dtype"] == "string":
        return np.array(output["data"], object).reshape(output["shape"])
    array = np.frombuffer(b64decode(output["data"]), output["dtype"])
    return array.reshape(output["shape"])
