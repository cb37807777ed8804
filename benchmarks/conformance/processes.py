"""A peer's cases, one after the other in a worker that may crash or hang and is then replaced."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.conformance.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.conformance.peers import Peer

__all__ = ["run_cases", "worker_of"]

SECONDS = 30.0
"""For one case."""
STARTING = 300.0
"""Until a worker has built the cases."""


def worker_of(peer: Peer) -> list[str]:
    """The command that starts the peer's worker."""
    return [sys.executable, "-m", "benchmarks.conformance.worker", peer.name]


def run_cases(
    command: Sequence[str],
    names: Sequence[str],
    seconds: float = SECONDS,
    say: Callable[[str], None] = print,
) -> dict[str, Outcome]:
    """What the peer whose worker `command` starts made of every case."""
    found: dict[str, Outcome] = {}
    worker = None
    try:
        for name in names:
            if worker is None:
                worker = _Worker(command)
            found[name] = worker.run(name, seconds)
            if found[name].kind in ("crash", "hang"):
                say(f"{name}: {found[name].kind}")
                worker.close()
                worker = None
    finally:
        if worker is not None:
            worker.close()
    return found


class _Worker:
    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "RUST_BACKTRACE": "0"},  # reasons, not stacks
        )
        started = self._answer(STARTING)
        if started.kind != "ready":
            self.close()
            raise RuntimeError(f"the worker does not start: {started.reason}")

    def run(self, name: str, seconds: float) -> Outcome:
        try:
            print(name, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            return Outcome("crash")
        return self._answer(seconds)

    def _answer(self, seconds: float) -> Outcome:
        """The line that the worker writes, within so many seconds."""
        stream: Any = self.process.stdout
        if not select.select([stream], [], [], seconds)[0]:
            return Outcome("hang", f"no answer in {seconds:.0f} s")
        line = stream.readline()
        if line:
            return Outcome(**json.loads(line))
        return Outcome("crash", f"exit status {self.process.wait()}")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
