"""A compiled model: its module, the plain-SIMD twin beside it, and what they take and give."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from likewise.errors import InputError
from likewise.ir import TensorType
from likewise.lower.graph import lower_graph
from likewise.lower.plan import plan_memory
from likewise.lower.threads import share_out
from likewise.lower.tiles import default_tiles
from likewise.targets.golden import vectors
from likewise.targets.ports import Port, Signature
from likewise.targets.wasm import page
from likewise.targets.wasm.host import Runner, load
from likewise.targets.wasm.module import Numerics, emit
from likewise.targets.wasm.prepare import prepare
from likewise.targets.wasm.sections import (
    CODE,
    DATA,
    read_section,
    section_sizes,
    with_section,
)
from likewise.targets.wasm.weights import Placement, weights_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from likewise.ir import Graph
    from likewise.lower.port import Port as PlacedPort
    from likewise.lower.tiles import Tiles
    from likewise.targets.wasm.encoder import Module
    from likewise.targets.wasm.tune import Tuning

__all__ = ["Artefact", "Progress", "Signature", "compile_graph"]

Progress: TypeAlias = "Callable[[str, float], None]"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model as WebAssembly.

    `data` is the module. In fast numerics it uses relaxed SIMD, and `plain` is its twin for
    engines without, which gives what strict numerics give; in strict numerics `plain` is None.
    Both end with the same constants: of the twin only what is before them is kept, `plain_head`.
    `weights` is what both need in a file beside them; None where the weights stand inside.
    `memory_bytes` is what a run needs in all: weights, and the `scratch_bytes` that inputs, outputs
    and intermediate values share. Up to `threads` can share the work of a run. `tuning` is what
    trying tiles found, where that was asked for.
    """

    name: str
    numerics: Numerics
    source_sha256: str
    signature: Signature
    data: bytes = field(repr=False)
    plain_head: bytes | None = field(repr=False)
    memory_bytes: int
    scratch_bytes: int
    weights: bytes | None = field(default=None, repr=False)
    threads: int = 1
    tuning: Tuning | None = field(default=None, repr=False)

    @property
    def plain(self) -> bytes | None:
        """The plain-SIMD twin, put together at each call."""
        return None if self.plain_head is None else self._with_constants(self.plain_head)

    def _with_constants(self, head: bytes) -> bytes:
        start = len(self.data) - section_sizes(self.data).get(DATA, 0)
        return b"".join((head, memoryview(self.data)[start:]))

    @property
    def code_bytes(self) -> int:
        """The size of the code in `data`."""
        return section_sizes(self.data).get(CODE, 0)

    @property
    def weight_bytes(self) -> int:
        """The size of the weights and other constants, in `data` or beside it."""
        if self.weights is not None:
            return len(self.weights)
        return section_sizes(self.data).get(DATA, 0)

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write `data` to `path` and what belongs beside it: a twin, separate weights, tiles.

        `model.wasm` has `model.plain.wasm` and `model.weights`, which both modules name in their
        sections; tiles that were tried stand in `model.tiles.json`. Returns what was written;
        raises `InputError` where that cannot be.
        """
        where = Path(path)
        modules = [(where, self.data)]
        if plain := self.plain:
            modules.append((where.with_name(f"{where.stem}.plain{where.suffix}"), plain))
        files = modules
        if self.weights is not None:
            beside = where.with_name(f"{where.stem}.weights")
            if beside == where:
                raise InputError(
                    f"{str(where)!r} is where the weights go",
                    hint=f"call the module {where.stem}.wasm",
                )
            files = [(file, _naming(module, beside.name)) for file, module in modules]
            files.append((beside, self.weights))
        for file, content in files:
            try:
                file.write_bytes(content)
            except OSError as error:
                raise InputError(f"cannot write {str(file)!r}: {error.strerror}") from None
        written = [file for file, _ in files]
        if self.tuning is not None:
            written.append(self.tuning.tiles.save(where.with_name(f"{where.stem}.tiles.json")))
        return tuple(written)

    def load(self, threads: int | None = None) -> Runner:
        """Ready to run on wasmtime (the extra `wasm`), with no more threads than that.

        In Pyodide it runs on the WebAssembly of the browser, the plain-SIMD twin where that lacks
        relaxed SIMD.
        """
        return load(self._usable, self.name, weights=self.weights, threads=threads)

    async def load_async(self) -> Runner:
        """As `load` in Pyodide, where a page's own thread may not wait for a large module."""
        data = self._usable
        alone = sys.platform == "emscripten" and self.threads == 1
        made = await page.instantiated(data) if alone else None
        return Runner(data, self.name, self.weights, made=made)

    @property
    def _usable(self) -> bytes:
        """The module that the engine at hand takes."""
        if sys.platform == "emscripten" and self.plain_head is not None:
            lacking = not page.supported(self.data)
            return self._with_constants(self.plain_head) if lacking else self.data
        return self.data


def compile_graph(
    graph: Graph,
    *,
    numerics: Numerics = "fast",
    weights: Placement = "inside",
    threads: int = 1,
    name: str = "model",
    source_sha256: str = "",
    golden: bool = False,
    progress: Progress = lambda *_: None,
    tiles: Tiles | None = None,
    tune: bool = False,
) -> Artefact:
    """The artefact of a graph whose inputs have static shapes, with golden vectors if asked for.

    `progress` is told each step, and which part of it is done. Kernels have the `tiles` that the
    table says, or with `tune` those that are fastest under wasmtime.

    Raises `UnsupportedError` that lists everything that cannot be compiled.
    """
    ready = prepare(graph)
    tiles = (tiles or default_tiles()).under(numerics)
    tuning = None
    if tune:
        from likewise.targets.wasm.tune import tune as try_tiles

        tuning = try_tiles(
            ready,
            tiles,
            fused=numerics == "fast",
            progress=lambda part: progress("trying tiles", part),
        )
        tiles = tuning.tiles
    lowered = lower_graph(ready, lambda part: progress("lowering", part), tiles, threads)
    program = share_out(lowered.program, threads)
    plan = plan_memory(program)
    separate = weights_of(program, plan) if weights == "separate" else None
    stored, content = separate or (None, None)

    if golden:
        progress("running golden vectors", 0.0)
    expected = vectors(graph) if golden else None

    def module(mode: Numerics, part: float) -> Module:
        progress("writing the module", part)
        return emit(
            program,
            plan,
            inputs=lowered.inputs,
            outputs=lowered.outputs,
            numerics=mode,
            source_sha256=source_sha256,
            golden=expected,
            weights=stored,
            threads=threads,
        )

    data = module(numerics, 0.0).encode()
    head = b"".join(module("strict", 0.5).parts()[0]) if numerics == "fast" else None
    progress("done", 1.0)
    return Artefact(
        name=name,
        numerics=numerics,
        threads=threads,
        source_sha256=source_sha256,
        signature=Signature(_ports(lowered.inputs), _ports(lowered.outputs)),
        data=data,
        plain_head=head,
        memory_bytes=plan.size,
        scratch_bytes=plan.scratch,
        weights=content,
        tuning=tuning,
    )


def _naming(module: bytes, weights: str) -> bytes:
    """The module with the file of its weights called that."""
    section = read_section(module)
    return with_section(module, section | {"weights": section["weights"] | {"name": weights}})


def _ports(placed: tuple[PlacedPort, ...]) -> tuple[Port, ...]:
    return tuple(Port(one.name, TensorType(one.dtype, one.dims)) for one in placed)
