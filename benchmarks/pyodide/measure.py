"""Visits of the page, and one page on which Python and JavaScript run the same module in turn."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np

from benchmarks.timing import Times
from tools.browser import launch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.pyodide.site import Put, Server

__all__ = ["APART", "STAGES", "WAYS", "Outcome", "Speed", "Visits", "measure"]

WAYS: Final = ("prebuilt", "numpy", "compile")
"""A module compiled beforehand in the npm runtime; Pyodide with NumPy; Pyodide that compiles."""
STAGES: Final = ("core", "packages", "imports", "compiling")
"""Of the ways with Pyodide: its core fetched and started; the packages fetched and unpacked; NumPy
and likewise imported, without operators; the model compiled."""
APART: Final = 1e-3
"""How far an output may be from NumPy's on this machine, relative to the largest."""
TURN: Final = 150
"""Milliseconds for which each runs in its turn; at least one call."""


@dataclass(frozen=True)
class Visits:
    """One way: by visit the milliseconds from navigation to the answer; of which, where there are
    such, those of each of STAGES; the bytes that one fetched, and the steps of progress told.
    """

    milliseconds: tuple[float, ...]
    transferred: int
    stages: Mapping[str, tuple[float, ...]]
    steps: int = 0

    @property
    def times(self) -> Times:
        return Times(tuple(sorted(self.milliseconds)))


@dataclass(frozen=True)
class Speed:
    """The same module run from Python and from JavaScript: milliseconds a call, turn by turn."""

    python: tuple[float, ...]
    javascript: tuple[float, ...]
    same: bool
    """Whether the outputs had the same bits."""

    def quiet(self, language: str) -> float:
        """Its time when least else ran: the median of the fastest quarter of its turns."""
        turns = sorted(getattr(self, language))
        return statistics.median(turns[: -(-len(turns) // 4)])

    @property
    def ratio(self) -> float:
        """Python's time over JavaScript's, each when least else ran."""
        return self.quiet("python") / self.quiet("javascript")


@dataclass(frozen=True)
class Outcome:
    """What was measured of a model."""

    put: Put
    visits: Mapping[str, Visits]
    speed: Speed
    chromium: str


def measure(server: Server, put: Put, runs: int, turns: int) -> Outcome:
    """Visit each way so many times, in turn, and run the module for so many turns.

    Raises RuntimeError where a page fails or answers something else than NumPy does here.
    """
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(runs):
        for way in WAYS:
            found[way].append(_visit(server, put, way))
    told = _visit(server, put, "speed", turns=turns, milliseconds=TURN)
    return Outcome(
        put,
        {way: _gathered(answers) for way, answers in found.items()},
        Speed(tuple(told["times"]["python"]), tuple(told["times"]["javascript"]), told["same"]),
        told["chromium"],
    )


def _visit(server: Server, put: Put, way: str, **more: int) -> dict[str, Any]:
    """What the page tells in a browser that has cached nothing."""
    order = quote(json.dumps({"way": way, **put.told, **more}))
    server.given.clear()
    with launch() as browser:
        page = browser.new_page()
        page.goto(f"{server.address}/page/#{order}")
        page.wait_for_function("globalThis.answered", timeout=300_000)
        answered: dict[str, Any] = page.evaluate("globalThis.answered")
        version = browser.version
    if "error" in answered:
        raise RuntimeError(f"{put.contest.model}, {way}: {answered['error']}")
    for name, array in put.expected.items() if "outputs" in answered else ():
        made = np.array(answered["outputs"][name], array.dtype).reshape(array.shape)
        apart = abs(made - array).max() / abs(array).max()
        if not apart <= APART:
            raise RuntimeError(f"{put.contest.model}, {way}: {name} is {apart:.0e} apart")
    return {**answered, "sent": sum(server.given), "chromium": version}


def _gathered(answers: list[dict[str, Any]]) -> Visits:
    last = answers[-1]
    return Visits(
        tuple(one["milliseconds"] for one in answers),
        last["sent"],
        {name: tuple(one[name] for one in answers) for name in STAGES if name in last},
        last.get("steps", 0),
    )
