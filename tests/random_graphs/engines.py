"""Drawn models in Node and Chromium, many at a time: the bits that wasmtime gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from likewise.targets.wasm import Numerics
from tests.wasm.engines import Packed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.random_graphs.targets import Prepared
    from tests.wasm.engines import Results

__all__ = ["Batch"]


class Batch:
    """Modules of drawn models in a folder that must be empty; `apart` runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self._packed: dict[Numerics, Packed] = {}
        for mode in get_args(Numerics):
            (folder / mode).mkdir()
            (folder / f"site-{mode}").mkdir()
            self._packed[mode] = Packed(folder / mode)

    def add(self, prepared: Prepared) -> None:
        """Put a model in, strict and fast; its name is its number."""
        for mode, packed in self._packed.items():
            packed.add(str(self.count), prepared.module(mode), prepared.drawn.feeds)
        self.count += 1

    def apart(self) -> dict[str, list[int]]:
        """By engine the numbers of the models that it gives other bits for."""
        return {name: numbers for name, numbers in self._apart() if numbers}

    def _apart(self) -> Iterator[tuple[str, list[int]]]:
        yield "Node strict", self._other("strict", self._packed["strict"].in_node())
        for mode, packed in self._packed.items():
            found = packed.in_chromium(self.folder / f"site-{mode}")
            assert found.relaxed, "this Chromium has no relaxed SIMD"
            yield f"Chromium {mode}", self._other(mode, found)

    def _other(self, mode: Numerics, found: Results) -> list[int]:
        expected = self._packed[mode].expected
        return [int(name) for name in expected if found.results[name] != expected[name]]
