"""A compiled model: its module, the plain-SIMD twin beside it, and what they take and give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.errors import InputError
from likewise.ir import TensorType
from likewise.lower.graph import lower_graph
from likewise.lower.plan import plan_memory
from likewise.targets.ports import Port
from likewise.targets.wasm.host import Runner, load
from likewise.targets.wasm.module import Numerics, emit
from likewise.targets.wasm.sections import CODE, DATA, section_sizes

if TYPE_CHECKING:
    import os

    from likewise.ir import Graph
    from likewise.lower.port import Port as PlacedPort

__all__ = ["Artefact", "Signature", "compile_graph"]


@dataclass(frozen=True, slots=True)
class Signature:
    """What `run` takes and gives; every dim is a number."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def __str__(self) -> str:
        inputs, outputs = ", ".join(map(str, self.inputs)), ", ".join(map(str, self.outputs))
        return f"({inputs}) -> ({outputs})"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model as WebAssembly.

    `data` is the module. In fast numerics it uses relaxed SIMD, and `plain` is its twin for
    engines without, which gives what strict numerics give; in strict numerics `plain` is None.
    `memory_bytes` is what a run needs in all: weights, inputs, outputs and the `scratch_bytes`
    that intermediate values share.
    """

    name: str
    numerics: Numerics
    source_sha256: str
    signature: Signature
    data: bytes
    plain: bytes | None
    memory_bytes: int
    scratch_bytes: int

    @property
    def code_bytes(self) -> int:
        """The size of the code in `data`."""
        return section_sizes(self.data).get(CODE, 0)

    @property
    def weight_bytes(self) -> int:
        """The size of the weights and other constants in `data`."""
        return section_sizes(self.data).get(DATA, 0)

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write `data` to `path` and a twin beside it: `model.wasm` and `model.plain.wasm`.

        Returns what was written; raises `InputError` where that cannot be.
        """
        where = Path(path)
        files = [(where, self.data)]
        if self.plain is not None:
            files.append((where.with_name(f"{where.stem}.plain{where.suffix}"), self.plain))
        for file, content in files:
            try:
                file.write_bytes(content)
            except OSError as error:
                raise InputError(f"cannot write {str(file)!r}: {error.strerror}") from None
        return tuple(file for file, _ in files)

    def load(self) -> Runner:
        """Ready to run on wasmtime (the extra `wasm`)."""
        return load(self.data, self.name)


def compile_graph(
    graph: Graph, *, numerics: Numerics = "fast", name: str = "model", source_sha256: str = ""
) -> Artefact:
    """The artefact of a graph whose inputs have static shapes.

    Raises `UnsupportedError` that lists everything that cannot be compiled.
    """
    lowered = lower_graph(graph)
    plan = plan_memory(lowered.program)

    def module(mode: Numerics) -> bytes:
        return emit(
            lowered.program,
            plan,
            inputs=lowered.inputs,
            outputs=lowered.outputs,
            numerics=mode,
            source_sha256=source_sha256,
        )

    return Artefact(
        name=name,
        numerics=numerics,
        source_sha256=source_sha256,
        signature=Signature(_ports(lowered.inputs), _ports(lowered.outputs)),
        data=module(numerics),
        plain=module("strict") if numerics == "fast" else None,
        memory_bytes=plan.size,
        scratch_bytes=plan.scratch,
    )


def _ports(placed: tuple[PlacedPort, ...]) -> tuple[Port, ...]:
    return tuple(Port(one.name, TensorType(one.dtype, one.shape)) for one in placed)
