"""A loop-IR program and its memory plan as one WebAssembly module."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.lower.plan import MemoryPlan, plan_memory
from likewise.targets.wasm.emit import emit_function
from likewise.targets.wasm.encoder import PAGE, Data, Module

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.loop.nodes import Program
    from likewise.lower.graph import Lowered
    from likewise.lower.port import Port

__all__ = ["SECTION", "Numerics", "emit", "emit_lowered"]

Numerics = Literal["strict", "fast"]
SECTION = "likewise"


def emit(
    program: Program,
    plan: MemoryPlan,
    *,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    numerics: Numerics = "fast",
    source_sha256: str = "",
    golden: Mapping[str, Any] | None = None,
) -> bytes:
    """The module's bytes. The same program always gives the same bytes."""
    positions = {one.name: at for at, one in enumerate(program.functions)}
    bodies = tuple(
        emit_function(one, plan.addresses, positions, fused=numerics == "fast")
        for one in program.functions
    )
    signature = {
        "version": 1,
        "numerics": numerics,
        "source_sha256": source_sha256,
        "inputs": [_port(one, program, plan) for one in inputs],
        "outputs": [_port(one, program, plan) for one in outputs],
        "golden": golden or {},
    }
    data = tuple(
        Data(plan.addresses[one], _bytes(one.data))
        for one in program.buffers
        if one.data is not None and one.size
    )
    text = json.dumps(signature, separators=(",", ":"), sort_keys=True)
    return Module(
        bodies,
        pages=-(-plan.size // PAGE),
        exports={"run": positions["run"]},
        data=data,
        custom={SECTION: text.encode()},
    ).encode()


def emit_lowered(
    lowered: Lowered, *, numerics: Numerics = "fast", source_sha256: str = ""
) -> bytes:
    """The module of a lowered graph, its memory planned here."""
    return emit(
        lowered.program,
        plan_memory(lowered.program),
        inputs=lowered.inputs,
        outputs=lowered.outputs,
        numerics=numerics,
        source_sha256=source_sha256,
    )


def _bytes(array: np.ndarray[Any, Any]) -> memoryview:
    """The bytes of an array, not copied where they lie together."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _port(port: Port, program: Program, plan: MemoryPlan) -> dict[str, Any]:
    buffer = program.buffer(port.buffer)
    return {
        "name": port.name,
        "dtype": str(port.dtype),
        "shape": list(port.shape),
        "offset": plan.addresses[buffer],
        "bytes": buffer.bytes,
    }
