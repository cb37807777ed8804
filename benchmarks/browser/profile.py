"""Where the time of a model goes: every kernel call and other step of its `run`, timed alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import likewise
from likewise.loop.nodes import (
    Apply,
    Buffer,
    Call,
    Const,
    For,
    Function,
    If,
    Let,
    While,
    const_lanes,
)
from likewise.lower.graph import lower_graph
from likewise.lower.memory import touched
from likewise.lower.plan import plan_memory
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets.wasm.prepare import prepare
from likewise.targets.wasm.steps import emit_steps, step_name, steps_of, title_of
from tools.models import ensure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from playwright.sync_api import Browser

    from benchmarks.browser.site import Prepared
    from likewise.loop.nodes import Statement

__all__ = ["Timed", "profile_table", "run_profile"]


WARM_UP = 6000
"""Milliseconds for which all steps run before any is timed: most run once in a round only."""


@dataclass(frozen=True)
class Timed:
    """A step of `run`, most often one kernel call: its fastest time in milliseconds, the
    multiply-adds that it runs, counted as two operations each, and its buffers.
    """

    kernel: str
    milliseconds: float
    operations: int
    buffers: tuple[Buffer, ...]


def run_profile(
    browser: Browser, address: str, folder: Path, prepared: Prepared, turns: int
) -> list[Timed]:
    """Time the steps in the order in which `run` takes them."""
    contest = prepared.contest
    model = likewise.load(ensure(contest.model))
    graph = simplify(specialize(model.graph, prepared.shapes, prepared.constants))
    lowered = lower_graph(prepare(graph))
    program, plan = lowered.program, plan_memory(lowered.program)
    steps = steps_of(program.functions[-1].body)
    module = folder / f"{contest.model}.steps.wasm"
    module.write_bytes(emit_steps(program, plan, fused=True))
    spec = {
        "module": f"/{module.name}",
        "steps": [step_name(at) for at in range(len(steps))],
        "inputs": prepared.inputs,
        "places": {one.name: plan.addresses[program.buffer(one.buffer)] for one in lowered.inputs},
        "warmUp": WARM_UP,
        "turns": max(10, turns),
    }
    page = browser.new_page()
    page.goto(f"{address}/page/")
    times = page.evaluate("spec => globalThis.benchmark.profile(spec)", spec)
    page.close()
    by_name = {one.name: one for one in program.functions}
    return [
        Timed(title_of(step), time, operations(step, by_name), _buffers(step))
        for step, time in zip(steps, times, strict=True)
    ]


def _buffers(step: tuple[Statement, ...]) -> tuple[Buffer, ...]:
    found = dict.fromkeys(memory for memory, _ in touched(step))
    return tuple(one for one in found if isinstance(one, Buffer))


def operations(block: tuple[Statement, ...], functions: Mapping[str, Function]) -> int:
    """Twice the multiply-adds, of floats or bytes, that a block runs; loops of unknown length count
    once.
    """
    total = 0
    for statement in block:
        match statement:
            case Let(expr=Apply(op="madd", type=one)):
                total += 2 * one.lanes
            case Let(expr=Apply(op="dot", type=one)):
                total += 2 * 2 * one.lanes
            case For(start=Const() as start, stop=Const() as stop, step=step, body=body):
                rounds = -(-int(const_lanes(stop)[0] - const_lanes(start)[0]) // step)
                total += max(0, rounds) * operations(body, functions)
            case For(body=body) | While(body=body):
                total += operations(body, functions)
            case If(then=then):
                total += operations(then, functions)
            case Call(function=name):
                total += operations(functions[name].body, functions)
            case _:
                pass
    return total


def profile_table(calls: list[Timed]) -> str:
    """Calls of one kernel on buffers of the same sizes together, slowest first, until 95 % of the
    time is explained; then sums by kernel.
    """
    whole = sum(one.milliseconds for one in calls)
    head = f"{'ms':>9} {'%':>5} {'GFLOP/s':>8} {'calls':>5} {'MB a call':>9}"
    lines = [f"{whole:9.2f} ms in {len(calls)} steps", head]
    seen = 0.0
    for group in _groups(calls, _described):
        if seen > 0.95 * whole:
            break
        seen += sum(one.milliseconds for one in group)
        megabytes = sum(buffer.bytes for buffer in group[0].buffers) / 1e6
        lines.append(f"{_figures(group, whole)} {megabytes:9.2f}  {_described(group[0])}")
    lines.append("by kernel:")
    lines += [
        f"{_figures(group, whole)}  {_family(group[0].kernel)}"
        for group in _groups(calls, lambda one: _family(one.kernel))
    ]
    return "\n".join(lines)


def _groups(calls: list[Timed], key: Callable[[Timed], str]) -> list[list[Timed]]:
    """The calls by key, those that take longest first."""
    found: dict[str, list[Timed]] = {}
    for one in calls:
        found.setdefault(key(one), []).append(one)
    return sorted(found.values(), key=lambda group: -sum(one.milliseconds for one in group))


def _family(kernel: str) -> str:
    """The name without the number that tells kernels of one name apart."""
    return re.sub(r"_\d+$", "", kernel)


def _figures(group: list[Timed], whole: float) -> str:
    time = sum(one.milliseconds for one in group)
    rate = sum(one.operations for one in group) / time / 1e6 if time else 0.0
    return f"{time:9.3f} {100 * time / whole:5.1f} {rate:8.1f} {len(group):5}"


def _described(one: Timed) -> str:
    return f"{one.kernel}  {' '.join(f'{b.kind[0]}:{b.size}' for b in one.buffers)}"
