"""A loop-IR program and its memory plan as one WebAssembly module."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from likewise.loop.nodes import Buffer, Program
from likewise.lower.plan import MemoryPlan
from likewise.targets.wasm.emit import emit_function
from likewise.targets.wasm.encoder import PAGE, Data, Module

__all__ = ["SECTION", "Numerics", "Port", "emit"]

Numerics = Literal["strict", "fast"]
SECTION = "likewise"


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the model: its name there, ONNX dtype and shape, and its buffer."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    buffer: Buffer


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
        "inputs": [_port(one, plan) for one in inputs],
        "outputs": [_port(one, plan) for one in outputs],
        "golden": golden or {},
    }
    data = tuple(
        Data(plan.addresses[one], memoryview(one.data.reshape(-1)).cast("B"))
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


def _port(port: Port, plan: MemoryPlan) -> dict[str, Any]:
    return {
        "name": port.name,
        "dtype": port.dtype,
        "shape": list(port.shape),
        "offset": plan.addresses[port.buffer],
        "bytes": port.buffer.bytes,
    }
