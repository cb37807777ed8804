"""A program that does one thing to a store again and again, each time struck at another step.

    python -m tests.edge.interrupted kill|full OPERATION FOLDER

A step is every moment before and after each change to the disk, and the middle of each write. At
the nth one the process, a child, is killed by SIGKILL, or the disk is full from there on. Then the
device comes up, and what it serves is printed: a JSON line for each n, until n is beyond the end.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import pathlib
import resource
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, Self

import numpy as np

from likewise.bundle import read_public
from likewise.errors import LikewiseError
from likewise_edge import selftest
from likewise_edge.install import (
    Trial,
    begin_serving,
    end_probation,
    end_serving,
    install,
    roll_back,
)
from likewise_edge.serving import load
from likewise_edge.store import Store
from likewise_edge.updates import update

TESTING = Trial(1, 60.0)
CHANGES = ("fsync", "mkdir", "replace", "rename", "unlink", "rmdir")

OPERATIONS: dict[str, Any] = {
    "install": lambda store, folder, keys: install(store, folder / "new.lwb", keys, TESTING),
    "update": lambda store, folder, keys: update(store, "m", str(folder), keys, TESTING),
    "rollback": lambda store, _folder, _keys: roll_back(store, "m", "by hand"),
    "begin": lambda store, _folder, _keys: begin_serving(store, "m", TESTING),
    "prove": lambda store, _f, _k: end_probation(store, "m", store.state("m").current.bundle),
}


class Steps:
    """Counts steps, and strikes at the nth."""

    def __init__(self, wanted: int, way: str) -> None:
        self.left = wanted
        self.way = way

    def step(self) -> None:
        self.left -= 1
        if self.way == "kill" and self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.way == "full" and self.left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Halves:
    """A file that is written half by half, with a step between."""

    def __init__(self, file: Any, steps: Steps) -> None:
        self._file, self._steps = file, steps

    def write(self, content: bytes) -> None:
        self._file.write(content[: len(content) // 2])
        self._file.flush()
        self._steps.step()
        self._file.write(content[len(content) // 2 :])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def strike(steps: Steps) -> None:
    """Make every change to the disk a step; on a full disk removing still works."""
    kept = ("unlink", "rmdir") if steps.way == "full" else ()

    def stepping(change: Any) -> Any:
        def stepped(*arguments: Any, **options: Any) -> Any:
            steps.step()
            made = change(*arguments, **options)
            if steps.way == "kill":
                steps.step()
            return made

        return stepped

    for name in CHANGES:
        if name not in kept:
            setattr(os, name, stepping(getattr(os, name)))
    opened = pathlib.Path.open

    def opening(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        file = opened(path, mode, *arguments, **options)
        return Halves(file, steps) if mode in {"wb", "ab"} else file

    pathlib.Path.open = opening  # type: ignore[assignment,method-assign]
    # A process of its own would only make each of the many tries slower.
    selftest._tested_apart = lambda folder, name, runs, _: selftest.test_engine(folder, name, runs)  # type: ignore[assignment]


def attempt(n: int, way: str, operation: str, work: Path) -> tuple[str, str]:
    """How the child ended, and its words."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        status, words = 0, ""
        try:
            store, keys = Store(work / "state"), [read_public(work / "keys" / "signer.pub")]
            strike(Steps(n, way))
            OPERATIONS[operation](store, work, keys)
        except LikewiseError as error:
            status, words = 1, str(error)
        except BaseException as error:  # noqa: BLE001 — the parent tells
            status, words = 2, repr(error)
        os.write(write, words.encode())
        os._exit(status)
    os.close(write)
    with os.fdopen(read) as pipe:
        words = pipe.read()
    _, status = os.waitpid(child, 0)
    return ("killed" if os.WIFSIGNALED(status) else str(os.WEXITSTATUS(status))), words


def serves(work: Path) -> tuple[float | None, int]:
    """What the device answers once it has come up, and how many versions it keeps."""
    store = Store(work / "state")
    state = begin_serving(store, "m", TESTING)
    for chosen in (state.current, state.previous):
        if chosen is not None:
            store.verify(chosen.bundle)
    if state.current is None:
        return None, 0
    end_serving(store, "m")
    made = load(store, state.current).runner.run({"x": np.ones((2, 3), np.float32)})
    return float(made["y"][0, 0]), 1 + (state.previous is not None)


def main(way: str, operation: str, folder: str) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for n in itertools.count(1):
        work = Path(folder, "work")
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(Path(folder, "before"), work)
        ended, words = attempt(n, way, operation, work)
        answer, kept = serves(work)
        # Whatever stopped it, the same thing can be done afterwards.
        again, why = attempt(0, "kill", operation, work)
        after, _ = serves(work)
        left = len(list((work / "state" / "incoming").iterdir()))
        line = {"n": n, "ended": ended, "words": words, "answer": answer, "kept": kept}
        line |= {"again": again, "why": why, "after": after, "left": left}
        print(json.dumps(line), flush=True)
        if ended == "0":
            break


if __name__ == "__main__":
    main(*sys.argv[1:])
