"""The tiles that are fastest for a model under wasmtime, found by trying them."""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass
from importlib.metadata import version
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Final, TypeVar

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

K = TypeVar("K")

FEWEST: Final = 7
"""Turns at least; the fastest counts: whatever else runs only slows down."""
SECONDS: Final = 1.0
"""Turns go on for so long."""
WORTH: Final = 0.97
"""A tile has to take less than this part of the time of the one before it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The tile for a shape and the one before it, with what all calls in a run take with each, in
    milliseconds of processor time.
    """

    shape: Shape
    calls: int
    before: TileSize
    tile: TileSize
    milliseconds_before: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What trying found: the table, and its choices, what takes longest first.

    `milliseconds_before` and `milliseconds` are what the fastest of whole runs take, made in turn
    with the tiles before and with those chosen.
    """

    tiles: Tiles
    choices: tuple[Choice, ...]
    milliseconds_before: float
    milliseconds: float


def tune(graph: Graph, tiles: Tiles, *, fused: bool, progress: Callable[[float], None]) -> Tuning:
    """Try every tile that the kernels of a graph can be written with, on one thread.

    In one module each shape has its tile from `tiles`; in each of the others every shape has
    another one. Such a module and the first run in turn, and each step of `run` is timed in its
    place. What was chosen is kept if the whole is then faster. `graph` is ready to be lowered.

    Raises `MissingDependencyError` where wasmtime is not installed.
    """
    first = _Module(graph, tiles, fused=fused)
    ways = {shape: _ways(shape, tiles) for shape in first.calls}
    gains: dict[Shape, dict[TileSize, float]] = {shape: {} for shape in ways}
    least = dict.fromkeys(ways, math.inf)
    rounds = max(map(len, ways.values()), default=1)
    for number in range(1, rounds):
        progress(number / rounds)
        own = {shape: some[number] for shape, some in ways.items() if number < len(some)}
        other = _Module(graph, tiles.choosing({**tiles.chosen, **own}), fused=fused)
        before, after = _in_turn(first.times, other.times)
        for shape, tile in own.items():
            gains[shape][tile] = after[shape] / before[shape]
            least[shape] = min(least[shape], before[shape])
    chosen = {shape: _best(ways[shape][0], found) for shape, found in gains.items()}
    engine = f"wasmtime {version('wasmtime')}, {platform.machine()}"
    found = tiles.choosing(chosen, engine)
    progress(1.0)
    whole = _in_turn(first.run, _Module(graph, found, fused=fused).run)
    before_all, after_all = (one[None] for one in whole)
    if after_all > before_all:
        chosen = {shape: some[0] for shape, some in ways.items()}
        found, after_all = tiles.choosing(chosen, engine), before_all
    choices = [
        Choice(
            shape,
            first.calls[shape],
            ways[shape][0],
            tile,
            least[shape],
            least[shape] * gains[shape].get(tile, 1.0),
        )
        for shape, tile in chosen.items()
    ]
    choices.sort(key=lambda one: -one.milliseconds_before)
    return Tuning(found, tuple(choices), before_all, after_all)


def _ways(shape: Shape, tiles: Tiles) -> list[TileSize]:
    """All tiles of a shape, the present one first."""
    return list(dict.fromkeys([tiles.of(shape), *tiles.candidates(shape)]))


def _best(present: TileSize, gains: dict[TileSize, float]) -> TileSize:
    """The tile of the least part of the present one's time, if that is worth it."""
    fastest = min(gains, key=lambda tile: gains[tile], default=present)
    return fastest if gains.get(fastest, 1.0) < WORTH else present


def _in_turn(*runs: Callable[[], dict[K, float]]) -> list[dict[K, float]]:
    """What each run takes, at its least, key by key."""
    least: list[dict[K, float]] = [{} for _ in runs]
    start, turns = perf_counter(), 0
    while turns < FEWEST or perf_counter() - start < SECONDS:
        for run, found in zip(runs, least, strict=True):
            for key, taken in run().items():
                found[key] = min(taken, found.get(key, math.inf))
        turns += 1
    return least


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
        """The milliseconds of a run that each shape takes."""
        self._fill()
        found = dict.fromkeys(self.calls, 0.0)
        for step, shape in self._steps:
            taken = _milliseconds(step)
            if shape is not None:
                found[shape] += taken
        return found

    def run(self) -> dict[None, float]:
        """The milliseconds of a whole run."""
        self._fill()
        return {None: _milliseconds(self._instance.run)}

    def _fill(self) -> None:
        for address, array in self._inputs:
            self._instance.write(address, array)


def _milliseconds(call: Callable[[], None]) -> float:
    """Processor time: what waits for other work on the machine does not count."""
    start = thread_time()
    call()
    return (thread_time() - start) * 1000
