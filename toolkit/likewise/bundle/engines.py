"""What can run a model on a device: one entry an engine, which says how it is made and loaded."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from likewise.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from likewise.ir import Graph
    from likewise.targets.ports import Runs

__all__ = ["ENGINES", "Engine", "engine_named"]


CORES: Final = 4
"""So many threads can share the work of a module: a Raspberry Pi has the cores."""


@dataclass(frozen=True, slots=True)
class Engine:
    """`part` is the file in a bundle, `packages` are those that can run it, of which one is needed.

    `write` turns a graph of settled inputs into that file's bytes and raises `UnsupportedError`
    where the engine cannot run it; `load` makes the file ready to run.
    """

    name: str
    part: str
    packages: tuple[str, ...]
    write: Callable[[Graph], bytes]
    load: Callable[[Path], Runs]


def engine_named(name: str) -> Engine:
    """Raises `InputError` where there is none."""
    for engine in ENGINES:
        if engine.name == name:
            return engine
    allowed = ", ".join(engine.name for engine in ENGINES)
    raise InputError(f"there is no engine {name!r}", allowed=allowed)


def _write_wasm(graph: Graph) -> bytes:
    from likewise.passes import simplify
    from likewise.targets.wasm import compile_graph

    return compile_graph(simplify(graph), threads=CORES).data


def _load_wasm(path: Path) -> Runs:
    from likewise.targets.wasm import load

    return load(path)


def _write_litert(graph: Graph) -> bytes:
    from likewise.passes import simplify
    from likewise.targets.litert import compile_graph

    return compile_graph(simplify(graph)).data


def _load_litert(path: Path) -> Runs:
    from likewise.targets.litert import load

    return load(path, threads=os.cpu_count() or 1)


def _write_onnx(graph: Graph) -> bytes:
    from likewise.onnx.exporter import save

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        save(graph, path)
        return path.read_bytes()


def _load_onnx(path: Path) -> Runs:
    from likewise.model import load

    return load(path)


ENGINES: Final[Iterable[Engine]] = (
    Engine(
        "litert", "model.tflite", ("ai-edge-litert", "tflite-runtime"), _write_litert, _load_litert
    ),
    Engine("wasm", "model.wasm", ("wasmtime",), _write_wasm, _load_wasm),
    Engine("numpy", "model.onnx", ("numpy",), _write_onnx, _load_onnx),
)
"""In the order in which they are tried; a new one is one more entry."""
