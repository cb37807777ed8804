"""A compiled model: its TFLite file, and what it takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from likewise.errors import InputError
from likewise.targets.litert.emit import emit_program
from likewise.targets.litert.halve import halve
from likewise.targets.litert.host import Runner
from likewise.targets.litert.writer import write
from likewise.targets.ports import Port, Signature

if TYPE_CHECKING:
    import os

    from likewise.ir import Graph

__all__ = ["Artefact", "WeightsType", "compile_graph"]

WeightsType = Literal["float32", "float16"]


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model as a TFLite file: `data`, of which `weight_bytes` are weights and constants."""

    name: str
    weights_type: WeightsType
    source_sha256: str
    signature: Signature
    data: bytes = field(repr=False)
    weight_bytes: int

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write the file to `path`; returns what was written, raises `InputError` if it cannot."""
        where = Path(path)
        try:
            where.write_bytes(self.data)
        except OSError as error:
            raise InputError(f"cannot write {str(where)!r}: {error.strerror}") from None
        return (where,)

    def load(self, *, threads: int = 1) -> Runner:
        """Ready to run on ai-edge-litert or tflite-runtime, whichever is there."""
        return Runner(self.data, self.name, threads=threads)


def compile_graph(
    graph: Graph,
    *,
    weights_type: WeightsType = "float32",
    name: str = "model",
    source_sha256: str = "",
) -> Artefact:
    """The artefact of a graph whose inputs have static shapes.

    Raises `UnsupportedError` that lists everything that cannot be compiled.
    """
    program = emit_program(graph)
    if weights_type == "float16":
        program = halve(program)
    signature = Signature(
        *(
            tuple(Port(value.name, value.type) for value in values)
            for values in (graph.inputs, graph.outputs)
        )
    )
    metadata: dict[str, Any] = {"source_sha256": source_sha256, "weights_type": weights_type}
    sizes = [one.data.nbytes for one in program.tensors() if one.data is not None]
    return Artefact(
        name=name,
        weights_type=weights_type,
        source_sha256=source_sha256,
        signature=signature,
        data=write(program, metadata),
        weight_bytes=sum(sizes),
    )
