"""Where the time of a model goes: every kernel call of its `run`, timed on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import likewise
from likewise.errors import UnsupportedError
from likewise.loop.nodes import Apply, Buffer, Call, Const, For, If, Let, While, const_lanes
from likewise.lower.graph import lower_graph
from likewise.lower.plan import plan_memory
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets.wasm.emit import emit_function
from likewise.targets.wasm.encoder import PAGE, Data, Module
from tools.models import ensure

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from benchmarks.browser.site import Prepared
    from likewise.loop.nodes import Statement
    from likewise.lower.plan import MemoryPlan

__all__ = ["Timed", "profile_table", "run_profile"]


@dataclass(frozen=True)
class Timed:
    """A kernel call: its fastest time in milliseconds, the multiply-adds that it runs, counted
    as two operations each, and its buffers with their elements.
    """

    kernel: str
    milliseconds: float
    operations: int
    buffers: tuple[Buffer, ...]

    @property
    def gigaflops(self) -> float:
        """Operations in a nanosecond."""
        return self.operations / self.milliseconds / 1e6 if self.milliseconds else 0.0


def run_profile(
    browser: Browser, address: str, folder: Path, prepared: Prepared, turns: int
) -> list[Timed]:
    """Time the calls in the order in which they are made.

    Raises UnsupportedError where `run` has branches or loops.
    """
    contest = prepared.contest
    model = likewise.load(ensure(contest.model))
    lowered = lower_graph(simplify(specialize(model.graph, prepared.shapes)))
    program, plan = lowered.program, plan_memory(lowered.program)
    positions = {one.name: at for at, one in enumerate(program.functions)}
    bodies = tuple(
        emit_function(one, plan.addresses, positions, fused=True) for one in program.functions
    )
    data = tuple(
        Data(plan.addresses[one], one.data.tobytes())
        for one in program.buffers
        if one.data is not None and one.size
    )
    pages = -(-plan.size // PAGE)
    module = folder / f"{contest.model}.kernels.wasm"
    module.write_bytes(Module(bodies, pages, positions, data).encode())
    calls = [_arguments(one, plan) for one in program.functions[-1].body]
    spec = {
        "module": f"/{module.name}",
        "calls": calls,
        "inputs": prepared.inputs,
        "places": {one.name: plan.addresses[program.buffer(one.buffer)] for one in lowered.inputs},
        "turns": max(10, turns),
    }
    page = browser.new_page()
    page.goto(f"{address}/page/")
    times = page.evaluate("spec => globalThis.benchmark.profile(spec)", spec)
    page.close()
    functions = {one.name: one for one in program.functions}
    return [
        Timed(call.function, time, operations(functions[call.function].body), _buffers(call))
        for call, time in zip(program.functions[-1].body, times, strict=True)
        if isinstance(call, Call)
    ]


def _arguments(call: Statement, plan: MemoryPlan) -> list[Any]:
    if not isinstance(call, Call):
        raise UnsupportedError("a model with branches or loops cannot be profiled")
    found: list[Any] = [call.function]
    for memory, offset in call.memories:
        if not isinstance(memory, Buffer):
            raise UnsupportedError("`run` itself takes no memory")
        found.append(plan.addresses[memory] + _number(offset) * memory.storage.bytes)
    return [*found, *map(_number, call.scalars)]


def _number(operand: object) -> int:
    if not isinstance(operand, Const):
        raise UnsupportedError("a model with branches or loops cannot be profiled")
    return int(const_lanes(operand)[0])


def _buffers(call: Call) -> tuple[Buffer, ...]:
    found = dict.fromkeys(memory for memory, _ in call.memories)
    return tuple(one for one in found if isinstance(one, Buffer))


def operations(block: tuple[Statement, ...]) -> int:
    """Twice the multiply-adds that a block runs; loops of unknown length count once."""
    total = 0
    for statement in block:
        match statement:
            case Let(expr=Apply(op="madd", type=one)):
                total += 2 * one.lanes
            case For(start=Const() as start, stop=Const() as stop, step=step, body=body):
                rounds = -(-(_number(stop) - _number(start)) // step)
                total += max(0, rounds) * operations(body)
            case For(body=body) | While(body=body):
                total += operations(body)
            case If(then=then):
                total += operations(then)
            case _:
                pass
    return total


def profile_table(calls: list[Timed]) -> str:
    """The calls, slowest first, until 95 % of the time is explained; then sums by kernel."""
    whole = sum(one.milliseconds for one in calls)
    lines = [f"  {whole:.2f} ms in {len(calls)} calls", "      ms    %  GFLOP/s   MB"]
    seen = 0.0
    for one in sorted(calls, key=lambda one: -one.milliseconds):
        if seen > 0.95 * whole:
            break
        seen += one.milliseconds
        lines.append(f"{_figures(one.milliseconds, whole, one)}  {_described(one)}")
    by_kernel: dict[str, list[Timed]] = {}
    for one in calls:
        by_kernel.setdefault(one.kernel.rstrip("0123456789").rstrip("_"), []).append(one)
    lines.append("  by kernel:")
    for kernel, group in sorted(
        by_kernel.items(), key=lambda pair: -sum(one.milliseconds for one in pair[1])
    ):
        time = sum(one.milliseconds for one in group)
        rate = sum(one.operations for one in group) / time / 1e6 if time else 0
        lines.append(f"{time:8.2f} {100 * time / whole:4.1f} {rate:8.1f}  {kernel} x{len(group)}")
    return "\n".join(lines)


def _figures(time: float, whole: float, one: Timed) -> str:
    megabytes = sum(buffer.bytes for buffer in one.buffers) / 1e6
    return f"{time:8.3f} {100 * time / whole:4.1f} {one.gigaflops:8.1f} {megabytes:6.2f}"


def _described(one: Timed) -> str:
    return f"{one.kernel}  {' '.join(f'{b.kind[0]}:{b.size}' for b in one.buffers)}"
