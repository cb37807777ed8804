"""A loop-IR program and its memory plan as one WebAssembly module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from likewise.lower.plan import MemoryPlan, plan_memory
from likewise.targets.wasm.emit import emit_function
from likewise.targets.wasm.encoder import PAGE, FunctionBody, Module
from likewise.targets.wasm.sections import SECTION, section_text
from likewise.targets.wasm.threads import (
    EXPORTS,
    filled_once,
    jobs_of,
    thread_functions,
    ticket_of,
)
from likewise.targets.wasm.weights import constants_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.loop.nodes import Call, Program
    from likewise.lower.graph import Lowered
    from likewise.lower.port import Port
    from likewise.targets.wasm.encoder import Data
    from likewise.targets.wasm.weights import StoredWeights

__all__ = ["Numerics", "emit", "emit_lowered"]

Numerics = Literal["strict", "fast"]


def emit(
    program: Program,
    plan: MemoryPlan,
    *,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    numerics: Numerics = "fast",
    source_sha256: str = "",
    golden: Mapping[str, Any] | None = None,
    weights: StoredWeights | None = None,
    threads: int = 1,
) -> Module:
    """A program's module. The same program always gives the same bytes.

    With `weights`, from `weights_of`, constants do not stand in it: the host reads them from a
    file into memory before the first run. With more than one of `threads` it imports its memory,
    and that many share out the calls in parts.
    """
    positions = {one.name: at for at, one in enumerate(program.functions)}
    exports = {"run": positions["run"]}
    helpers: list[FunctionBody] = []
    tickets: dict[Call, int] = {}
    if threads > 1:
        jobs = jobs_of(program.functions)
        tickets = {job: ticket_of(number, job) for number, job in enumerate(jobs)}
        helpers = thread_functions(jobs, plan.addresses, positions)
        exports |= {name: positions[name] for name in EXPORTS}
    bodies = [
        emit_function(one, plan.addresses, positions, tickets, fused=numerics == "fast")
        for one in program.functions
    ]
    signature: dict[str, Any] = {
        "version": 1,
        "numerics": numerics,
        "source_sha256": source_sha256,
        "inputs": [_port(one, program, plan) for one in inputs],
        "outputs": [_port(one, program, plan) for one in outputs],
        "golden": golden or {},
    }
    data: tuple[Data, ...] = ()
    if weights is not None:
        signature["weights"] = weights.entry()
    elif constants := constants_of(program, plan):
        data = (constants,)
    pages = -(-plan.size // PAGE)
    if threads > 1:
        signature["threads"] = {"count": threads, "pages": pages}
        helpers.append(filled_once([(one.offset, one.size) for one in data]))
    functions = (*bodies, *helpers)
    return Module(
        functions,
        pages=pages,
        exports=exports,
        data=data,
        custom={SECTION: section_text(signature)},
        shared=threads > 1,
        start=len(functions) - 1 if threads > 1 else None,
    )


def emit_lowered(
    lowered: Lowered, *, numerics: Numerics = "fast", source_sha256: str = ""
) -> bytes:
    """The bytes of a lowered graph's module, its memory planned here."""
    return emit(
        lowered.program,
        plan_memory(lowered.program),
        inputs=lowered.inputs,
        outputs=lowered.outputs,
        numerics=numerics,
        source_sha256=source_sha256,
    ).encode()


def _port(port: Port, program: Program, plan: MemoryPlan) -> dict[str, Any]:
    buffer = program.buffer(port.buffer)
    entry = {
        "name": port.name,
        "dtype": str(port.dtype),
        "shape": list(port.shape),
        "offset": plan.addresses[buffer],
        "bytes": buffer.bytes,
    }
    if port.length is not None:
        offset = plan.addresses[program.buffer(port.length.buffer)]
        entry["length"] = {"offset": offset, "axis": port.length.axis}
    return entry
