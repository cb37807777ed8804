"""What it costs to begin: importing the package, opening a large model. In fresh processes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.models import ensure

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IMPORT_GOAL", "LARGE", "OPEN_GOAL", "Opening", "import_times", "open_times"]

IMPORT_GOAL = 60.0
"""Milliseconds that `import likewise` may add to `import numpy`. The loader comes at first use."""
OPEN_GOAL = 500.0
"""Milliseconds in which a model of 100 MB must be open."""
LARGE = "resnet50"

_IMPORT = """
import time, numpy
start = time.perf_counter()
{statement}
print(1e3 * (time.perf_counter() - start))
"""

# Memory in the sense of the kernel: RssAnon is the process's own; RssFile is mapped, and shared
# with whoever maps the same file. VmHWM is the most that both together ever were.
_OPEN = """
import json, sys, time
import numpy as np
{imports}
def memory():
    lines = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    keys = ("RssAnon", "RssFile", "VmHWM")
    return {{key: int(lines[key].split()[0]) / 1024 for key in keys}}
path = sys.argv[1]
x = np.zeros((1, 3, 224, 224), np.float32)
before = memory()
start = time.perf_counter()
{open}
seconds = time.perf_counter() - start
opened = memory()
{run}
print(json.dumps([seconds, before, opened, memory()]))
"""
_ENGINES = {
    "likewise": {
        "imports": "import likewise; likewise.load",
        "open": "model = likewise.load(path)",
        "run": "model.run({'x': x})",
    },
    "onnxruntime": {
        "imports": "import onnxruntime",
        "open": "model = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])",
        "run": "model.run(None, {'x': x})",
    },
}


@dataclass(frozen=True)
class Opening:
    """Opening the large model: milliseconds, and mebibytes above those before it.

    `own` and `mapped` are the memory of the process after opening; `peak` the most up to the
    end of the first run, both kinds together.
    """

    engine: str
    milliseconds: float
    own: float
    mapped: float
    peak: float


def import_times(runs: int) -> dict[str, float]:
    """Milliseconds by statement that it takes after `import numpy`: medians."""
    statements: dict[str, list[float]] = {"import likewise": [], "from likewise import load": []}
    for _ in range(runs):
        for statement, times in statements.items():
            times.append(float(_python(_IMPORT.format(statement=statement))))
    return {statement: statistics.median(times) for statement, times in statements.items()}


def open_times(runs: int) -> list[Opening]:
    """Opening the large model in each engine, in turn: medians of time, the largest memory."""
    path = ensure(LARGE)
    found: dict[str, list[Opening]] = {name: [] for name in _ENGINES}
    for _ in range(runs):
        for name, parts in _ENGINES.items():
            seconds, before, opened, ran = json.loads(_python(_OPEN.format(**parts), path))
            own, mapped = (opened[key] - before[key] for key in ("RssAnon", "RssFile"))
            peak = ran["VmHWM"] - before["RssAnon"] - before["RssFile"]
            found[name].append(Opening(name, 1e3 * seconds, own, mapped, peak))
    return [
        Opening(
            name,
            statistics.median(one.milliseconds for one in openings),
            max(one.own for one in openings),
            max(one.mapped for one in openings),
            max(one.peak for one in openings),
        )
        for name, openings in found.items()
    ]


def _python(code: str, *arguments: str | Path) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
