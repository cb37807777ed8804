"""Models in memory: each with one thread that runs it, and a bounded queue before that."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from likewise.bundle.engines import engine_named
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from typing import TypeAlias

    from likewise.bundle.manifest import Manifest
    from likewise.ir import Array
    from likewise.targets.ports import Runs
    from likewise_edge.state import Chosen
    from likewise_edge.store import Store

    _Ran: TypeAlias = tuple["Loaded", dict[str, Array], float]

__all__ = ["Loaded", "RefusalError", "Slot", "load"]

KEPT: Final = 512
"""How many of the last runs the latency plot shows and estimates are made from."""


class RefusalError(LikewiseError):
    """A request that is not taken, or not answered in time; `after` is when to come again."""

    def __init__(self, status: int, what: str, after: float = 1.0, **more: Any) -> None:
        super().__init__(what, **more)
        self.status = status
        self.after = max(1, math.ceil(after))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A bundle that is ready to run."""

    bundle: str
    engine: str
    manifest: Manifest
    runner: Runs


def load(store: Store, chosen: Chosen) -> Loaded:
    """Make an installed bundle ready; raises `LikewiseError` where that cannot be."""
    manifest = store.manifest(chosen.bundle)
    engine = engine_named(chosen.engine)
    try:
        runner = engine.load(store.folder(chosen.bundle) / engine.part)
    except MemoryError as error:
        raise LikewiseError("there is not enough memory", given=error).at(manifest.name) from None
    runner.name = manifest.name  # what errors call it, instead of the path of its part
    return Loaded(chosen.bundle, chosen.engine, manifest, runner)


@dataclass(slots=True)
class Slot:
    """The place of one model: what is loaded changes, the queue and the thread stay.

    `waiting` counts requests that were taken and not answered, the one that runs among them.
    `began` is when that one began, by `time.monotonic`; None while none runs.
    """

    name: str
    limit: int
    loaded: Loaded | None = None
    waiting: int = 0
    began: float | None = None
    latencies: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    _thread: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"run-{self.name}")

    async def run(
        self, feeds: Mapping[str, Any], seconds: float
    ) -> tuple[Loaded, dict[str, Array]]:
        """What ran it, and the outputs; a `RefusalError` where it is full or the time over."""
        loop = asyncio.get_running_loop()
        self.check_room()
        self.waiting += 1
        run = self._thread.submit(self._run, feeds)
        run.add_done_callback(lambda run: loop.call_soon_threadsafe(self._done, run))
        try:
            async with asyncio.timeout(seconds):
                loaded, outputs, _ = await asyncio.wrap_future(run)
                return loaded, outputs
        except TimeoutError:
            raise RefusalError(
                504, "the deadline passed", self.backlog_seconds, given=f"{seconds:g} s"
            ).at(self.name) from None

    def ready(self) -> Loaded:
        """What is loaded; raises `RefusalError` where nothing is."""
        if self.loaded is None:
            raise RefusalError(503, "the model is not ready", 10.0).at(self.name)
        return self.loaded

    def check_room(self) -> Loaded:
        """What is loaded; raises the `RefusalError` that a request would meet now."""
        loaded = self.ready()
        if self.waiting > self.limit:
            raise RefusalError(
                429,
                "too many requests wait for the model",
                self.backlog_seconds,
                given=self.waiting,
                allowed=self.limit + 1,
            ).at(self.name)
        return loaded

    @property
    def median_seconds(self) -> float:
        """Of the last runs; 0 before the first."""
        return statistics.median([s for _, s in self.latencies]) if self.latencies else 0.0

    @property
    def backlog_seconds(self) -> float:
        """How long those who wait now will take."""
        return self.waiting * self.median_seconds

    def close(self) -> None:
        """End the thread once what runs has run."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _done(self, run: Future[_Ran]) -> None:
        """Count what has run, or will not: in the thread of the event loop, as all that counts."""
        self.waiting -= 1
        if not run.cancelled() and run.exception() is None:
            self.latencies.append((time.time(), run.result()[2]))

    def _run(self, feeds: Mapping[str, Any]) -> _Ran:
        loaded = self.ready()
        start = self.began = time.monotonic()
        try:
            outputs = loaded.runner.run(feeds)
        finally:
            self.began = None
        return loaded, outputs, time.monotonic() - start
