"""Real models as TFLite files, on both interpreters, beside onnxruntime.

`python -m tests.models.interpreters FILE.npz …` runs in the environment of tflite-runtime: each
archive holds a file and the inputs of its calls, and gets the outputs written beside it.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".cache" / "tflite-runtime"
RUNTIME = "tflite-runtime==2.14.0"
PACKAGES = (RUNTIME, "numpy<2", "tflite>=2.18", "flatbuffers>=24.3")

__all__ = ["tflite_runtime_python"]


@cache
def tflite_runtime_python() -> Path:
    """The Python of an environment with tflite-runtime 2.14, NumPy 1 and nothing of ours.

    It is made with Python 3.11, the last that tflite-runtime has a wheel for; made once, whatever
    tests run beside each other. Without such a Python the test is skipped.
    """
    import pytest

    from likewise.conform.engines.outside import starts

    program, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "likewise-stamp"
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    with ENVIRONMENT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == " ".join(PACKAGES):
            return program
        base = "python3.11" if sys.version_info[:2] != (3, 11) else sys.executable
        if not starts(base):
            pytest.skip("tflite-runtime 2.14 needs Python 3.11, and python3.11 is not here")
        print(f"installing {', '.join(PACKAGES)} into {ENVIRONMENT}")
        for command in (
            [base, "-m", "venv", "--clear", str(ENVIRONMENT)],
            [str(program), "-m", "pip", "install", "--quiet", *PACKAGES],
        ):
            subprocess.run(command, check=True)
        stamp.write_text(" ".join(PACKAGES))
    return program


def _answer(path: str) -> None:
    """Run the calls in an archive; outputs carried over go into the next one."""
    from likewise.targets.litert import load

    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    runner = load(content.pop("model").tobytes(), path)
    carried = dict(content.pop("carried").reshape(-1, 2).tolist())
    made: list[dict[str, Any]] = []
    for at in range(int(content.pop("calls"))):
        feeds = {port.name: content[f"{at}/{port.name}"] for port in runner.inputs}
        if made:
            feeds |= {to: made[-1][output] for output, to in carried.items()}
        made.append(runner.run(feeds))
    stacked: Any = {name: np.stack([one[name] for one in made]) for name in made[0]}
    np.savez(path.replace(".npz", ".out.npz"), **stacked)


if __name__ == "__main__":
    for one in sys.argv[1:]:
        _answer(one)
