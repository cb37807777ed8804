"""Compiled to WebAssembly, on wasmtime."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from likewise.conform.engines import Answer, Engine
from likewise.conform.engines.compiled import MODES, compiled, module_of
from likewise.targets.wasm import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.subject import Feeds, Subject

__all__ = ["ENGINE"]


class _Wasmtime(Engine):
    name = "wasm"
    modes: ClassVar[tuple[str, ...]] = MODES
    order: ClassVar[int] = 10

    def missing(self) -> str:
        return "" if find_spec("wasmtime") else "pip install 'likewise[wasm]'"

    def version(self) -> str:
        return f"wasmtime {version('wasmtime')}"

    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        runner = load(module_of(compiled(subject), mode or MODES[0]), subject.model.name)
        return Answer([runner.run(one) for one in feeds])


ENGINE = _Wasmtime()
