"""Watched folders: images and `.npy` files that appear are answered in a file of JSON lines.

A file is taken once it has stopped growing. Its answer is on the disk before the file is moved, to
`done` or `failed` beside it: after a loss of power one may be answered twice, none is left out.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InputError, LikewiseError
from likewise.ir import DType
from likewise_edge import durable
from likewise_edge.images import SUFFIXES, read_image
from likewise_edge.logs import facts, log
from likewise_edge.serving import RefusalError

if TYPE_CHECKING:
    from pathlib import Path

    from likewise.ir import Array
    from likewise.targets.ports import Port
    from likewise_edge.agent import Agent
    from likewise_edge.config import Watch

__all__ = ["Watcher"]

LISTED: Final = 4096
"""An output of more elements is kept as a `.npy` file beside the one that it answers."""


@dataclass(slots=True)
class Watcher:
    """Answers what appears in one folder."""

    agent: Agent
    name: str
    watch: Watch
    _seen: dict[Path, tuple[int, int]] = field(default_factory=dict)

    async def keep_watching(self, seconds: float = 0.5) -> None:
        """Look into the folder again and again."""
        while True:
            try:
                for path in await asyncio.to_thread(self.complete_files):
                    await self._answer(path)
            except (LikewiseError, OSError) as error:
                log.error("cannot watch", extra=facts(watch=self.name, reason=str(error)))
                await asyncio.sleep(10 * seconds)
            await asyncio.sleep(seconds)

    def complete_files(self) -> list[Path]:
        """Files that are what they were at the last look, the oldest first."""
        found = {}
        for path in self.watch.folder.iterdir():
            if path.suffix.lower() in {".npy", *SUFFIXES} and not path.name.startswith("."):
                state = path.stat()
                found[path] = (state.st_size, state.st_mtime_ns)
        complete = [path for path, state in found.items() if self._seen.get(path) == state]
        self._seen = found
        return sorted(complete, key=lambda path: (found[path][1], path.name))

    async def _answer(self, path: Path) -> None:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "file": path.name,
            "model": self.watch.model,
        }
        outcome = "done"
        try:
            line |= await self._infer(path)
        except LikewiseError as error:
            line["error"], outcome = str(error), "failed"
        await asyncio.to_thread(self._settle, path, line, outcome)
        self.agent.metrics.files.labels(self.name, outcome).inc()

    async def _infer(self, path: Path) -> dict[str, Any]:
        """Waits for as long as the model is busy: who watches a folder is in no hurry."""
        while True:
            try:
                slot = self.agent.slot(self.watch.model)
                port = _only(slot.check_room().manifest.inputs)
                array = await asyncio.to_thread(self._read, path, port)
                start = time.perf_counter()
                ran_on, outputs = await slot.run({port.name: array}, 3600.0)
                break
            except RefusalError as refusal:
                await asyncio.sleep(refusal.after)
        milliseconds = (time.perf_counter() - start) * 1e3
        return {
            "version": ran_on.manifest.version,
            "engine": ran_on.engine,
            "milliseconds": round(milliseconds, 3),
            "outputs": outputs,
        }

    def _read(self, path: Path, port: Port) -> Array:
        limit = self.agent.config.server.max_body_bytes
        try:
            if path.stat().st_size > limit:
                size = path.stat().st_size
                raise InputError("the file is too large", given=size, allowed=f"{limit} bytes")
            if path.suffix.lower() != ".npy":
                return read_image(path, port, self.watch.images)
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"the file cannot be read: {error}") from None
        if not isinstance(array, np.ndarray):
            raise InputError("the file holds several arrays", allowed="a .npy file with one")
        return array

    def _settle(self, path: Path, line: dict[str, Any], outcome: str) -> None:
        """Write the answer, then move the file."""
        with durable.disk_errors("answering"):
            folder = path.parent / outcome
            if not folder.is_dir():
                durable.make_folder(folder)
            if "outputs" in line:
                line["outputs"] = {
                    name: _described(array, folder / f"{path.name}.{index}.npy")
                    for index, (name, array) in enumerate(line["outputs"].items())
                }
            durable.append(self.watch.answers, [json.dumps(line).encode() + b"\n"])
            durable.publish(path, folder / path.name)
        self._seen.pop(path, None)


def _only(inputs: tuple[Port, ...]) -> Port:
    if len(inputs) != 1:
        raise InputError(
            "a watched folder is for models of one input", given=", ".join(map(str, inputs))
        )
    return inputs[0]


def _described(array: Array, beside: Path) -> dict[str, Any]:
    """An output as JSON; where that cannot hold it, or it is long, as a file."""
    kind = DType.of(array.dtype)
    described: dict[str, Any] = {"dtype": str(kind), "shape": list(array.shape)}
    text = kind is DType.STRING
    finite = text or array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
    if text or (finite and prod(array.shape) <= LISTED):
        return described | {"data": array.reshape(-1).tolist()}
    with beside.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    return described | {"file": f"{beside.parent.name}/{beside.name}"}
