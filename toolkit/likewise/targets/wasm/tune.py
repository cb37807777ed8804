"""The tiles that are fastest for a model under wasmtime, found by trying them."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Final

from likewise.loop.nodes import Call
from likewise.lower.graph import lower_graph
from likewise.lower.plan import plan_memory
from likewise.targets.golden import drawn
from likewise.targets.ports import Port
from likewise.targets.wasm.instance import Instance
from likewise.targets.wasm.steps import emit_steps, step_name, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import Graph
    from likewise.lower.tiles import Shape, Tiles, TileSize

__all__ = ["Choice", "Tuning", "tune"]

FEWEST: Final = 5
"""Runs of each candidate at least; the fastest counts: whatever else runs only slows down."""
SECONDS: Final = 0.5
"""Runs of each candidate go on for so long."""
WORTH: Final = 0.97
"""A tile has to take less than this part of the time of the one before it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The tile for a shape and the one before it, with the milliseconds of all calls in a run."""

    shape: Shape
    calls: int
    before: TileSize
    tile: TileSize
    milliseconds_before: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What trying found: the table, and its choices, what takes longest first.

    `milliseconds_before` and `milliseconds` are the fastest of whole runs, made in turn with the
    tiles before and with those chosen.
    """

    tiles: Tiles
    choices: tuple[Choice, ...]
    milliseconds_before: float
    milliseconds: float


def tune(graph: Graph, tiles: Tiles, *, fused: bool, progress: Callable[[float], None]) -> Tuning:
    """Try every tile that the kernels of a graph can be written with, on one thread.

    In the first module each shape has its tile from `tiles`, in the next one another, and so on;
    each step of `run` is timed in its place among the others. `graph` is ready to be lowered.

    Raises `MissingDependencyError` where wasmtime is not installed.
    """
    first = _Module(graph, tiles, fused=fused)
    ways = {shape: _ways(shape, tiles) for shape in first.calls}
    times: dict[Shape, dict[TileSize, float]] = {shape: {} for shape in ways}
    rounds = max(map(len, ways.values()), default=1)
    for number in (*range(rounds), 0):  # the present tiles twice: they must not have bad luck
        progress(number / rounds)
        own = {shape: some[min(number, len(some) - 1)] for shape, some in ways.items()}
        module = _Module(graph, tiles.choosing(own), fused=fused) if number else first
        for shape, taken in module.times().items():
            times[shape][own[shape]] = min(taken, times[shape].get(own[shape], taken))
    choices = [
        _choice(shape, first.calls[shape], ways[shape][0], found) for shape, found in times.items()
    ]
    choices.sort(key=lambda one: -one.milliseconds_before)
    engine = f"wasmtime {version('wasmtime')}, {platform.machine()}"
    chosen = tiles.choosing({one.shape: one.tile for one in choices}, engine)
    progress(1.0)
    runs = [first, _Module(graph, chosen, fused=fused)]
    whole: list[list[float]] = []
    start = perf_counter()
    while len(whole) < FEWEST or perf_counter() - start < 4 * SECONDS:
        whole.append([one.run() for one in runs])
    before, after = map(min, zip(*whole, strict=True))
    return Tuning(chosen, tuple(choices), before, after)


def _ways(shape: Shape, tiles: Tiles) -> list[TileSize]:
    """All tiles of a shape, the present one first."""
    return list(dict.fromkeys([tiles.of(shape), *tiles.candidates(shape)]))


def _choice(shape: Shape, calls: int, before: TileSize, found: dict[TileSize, float]) -> Choice:
    fastest = min(found, key=lambda tile: found[tile])
    tile = fastest if found[fastest] < WORTH * found[before] else before
    return Choice(shape, calls, before, tile, found[before], found[tile])


class _Module:
    """The graph with some tiles, instantiated, its inputs drawn."""

    def __init__(self, graph: Graph, tiles: Tiles, *, fused: bool) -> None:
        self.tiles = tiles
        lowered = lower_graph(graph, tiles=tiles)
        program, plan = lowered.program, plan_memory(lowered.program)
        self._instance = Instance(emit_steps(program, plan, fused=fused))
        ports = [Port(value.name, value.type) for value in graph.inputs]
        self._inputs = [
            (plan.addresses[program.buffer(port.buffer)], array)
            for port, array in zip(lowered.inputs, drawn(ports, 0).values(), strict=True)
        ]
        self._steps: list[tuple[Callable[[], None], Shape | None]] = []
        self.calls: dict[Shape, int] = {}
        """How often a run computes each shape."""
        for number, block in enumerate(steps_of(program.functions[-1].body)):
            shape = None
            if isinstance(block[0], Call) and (shape := lowered.shapes.get(block[0].function)):
                self.calls[shape] = self.calls.get(shape, 0) + 1
            self._steps.append((self._instance.function(step_name(number)), shape))

    def times(self) -> dict[Shape, float]:
        """The milliseconds that each shape takes in a run, each step at its fastest."""
        least = [float("inf")] * len(self._steps)
        start, runs = perf_counter(), 0
        while runs < FEWEST or perf_counter() - start < SECONDS:
            self._fill()
            for number, (step, _) in enumerate(self._steps):
                least[number] = min(least[number], _milliseconds(step))
            runs += 1
        found: dict[Shape, float] = {}
        for (_, shape), time in zip(self._steps, least, strict=True):
            if shape is not None:
                found[shape] = found.get(shape, 0.0) + time
        return found

    def run(self) -> float:
        """The milliseconds of a whole run."""
        self._fill()
        return _milliseconds(self._instance.run)

    def _fill(self) -> None:
        for address, array in self._inputs:
            self._instance.write(address, array)


def _milliseconds(call: Callable[[], None]) -> float:
    start = perf_counter()
    call()
    return (perf_counter() - start) * 1000
