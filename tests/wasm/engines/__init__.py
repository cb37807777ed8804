"""Running many modules in wasmtime, Node and Chromium, and what each gives, as digests.

    packed = Packed(folder)
    packed.add("name", module, feeds)      # any number of them
    in_wasmtime, in_node, in_chromium = packed.expected, packed.in_node(), packed.in_chromium()

A digest is the SHA-256 of an output's bytes, every NaN made the same one. One Node process and
one page run everything that was added; what fails there has the error's text for its digests.
`packed.keep` leaves wasmtime out, and `packed.arrays_in_chromium()` gives the outputs themselves.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.conform.engines.outside import answer_of_node
from likewise.ir import DType
from likewise.targets.wasm import load
from tests.wasm.conftest import RUNTIME
from tests.wasm.serving import served
from tools.browser import launch
from tools.node import build

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Packed", "Results", "digests"]

HERE = Path(__file__).resolve().parent
BATCH = 16 << 20
"""Bytes of a file, about: what an engine reads at once."""

Array = np.ndarray[Any, Any]
Digests = dict[str, str]


@dataclass(frozen=True)
class Results:
    """What an engine gave: digests by output by case, or the error. `relaxed`: has relaxed SIMD."""

    relaxed: bool
    results: Mapping[str, Digests | str]


def canonical(array: Array) -> Array:
    """The elements with every NaN as the same one."""
    if array.dtype.kind not in "fV":
        return array
    quiet = array.dtype.type(np.nan)
    with np.errstate(over="ignore"):
        return np.where(np.isnan(array.astype(np.float32)), quiet, array)


def digests(outputs: Mapping[str, Array]) -> Digests:
    """The SHA-256 of each output."""
    return {
        name: sha256(np.ascontiguousarray(canonical(array)).tobytes()).hexdigest()
        for name, array in outputs.items()
    }


@dataclass
class Packed:
    """Modules and their inputs in files that engines read; `expected` is wasmtime's answer."""

    folder: Path
    expected: dict[str, Digests] = field(default_factory=dict)
    _index: list[dict[str, Any]] = field(default_factory=list)
    _size: int = BATCH

    def add(self, name: str, module: bytes, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run the module in wasmtime, and keep it for the others; what wasmtime gave."""
        outputs = load(module, threads=2).run(feeds)
        self.expected[name] = digests(outputs)
        self.keep(name, module, feeds)
        return outputs

    def keep(self, name: str, module: bytes, feeds: Mapping[str, Array]) -> None:
        """Have the engines outside Python run the module."""
        if self._size >= BATCH:
            self._index.append({"file": f"{len(self._index)}.bin", "cases": []})
            self._size = 0
        batch = self._index[-1]
        with (self.folder / batch["file"]).open("ab") as stream:
            entry = {
                "name": name,
                "module": self._put(stream, module),
                "feeds": {name: self._put(stream, one.tobytes()) for name, one in feeds.items()},
            }
        batch["cases"].append(entry)

    def _put(self, stream: Any, content: bytes) -> tuple[int, int]:
        start = self._size
        stream.write(content)
        self._size += len(content)
        return start, len(content)

    def _write_index(self) -> None:
        (self.folder / "index.json").write_text(json.dumps(self._index))

    def in_node(self) -> Results:
        """What Node gives."""
        self._write_index()
        node = build(RUNTIME)
        runtime = RUNTIME / "dist" / "node" / "index.js"
        return Results(**answer_of_node([node.program, HERE / "node.js", runtime, self.folder]))

    def in_chromium(self, site: Path) -> Results:
        """What headless Chromium gives on one page; `site` is an empty folder to serve."""
        return Results(**self._on_a_page(site, "digest"))

    def arrays_in_chromium(self, site: Path) -> dict[str, list[Array] | str]:
        """The outputs in order by case, or the error; Chromium must have relaxed SIMD."""
        found = self._on_a_page(site, "content")
        assert found["relaxed"]
        return {
            name: made if isinstance(made, str) else [_array(one) for one in made.values()]
            for name, made in found["results"].items()
        }

    def _on_a_page(self, site: Path, shown: str) -> dict[str, Any]:
        self._write_index()
        build(RUNTIME)
        for name in ("index.html", "engine.js"):
            (site / name).symlink_to(HERE / name)
        (site / "runtime").symlink_to(RUNTIME / "dist")
        (site / "packed").symlink_to(self.folder)
        with served(site, isolated=True) as address, launch() as browser:
            page = browser.new_page()
            page.set_default_timeout(0)
            page.goto(address)
            page.wait_for_function("() => Boolean(globalThis.runAll)")
            found: dict[str, Any] = page.evaluate("shown => globalThis.runAll(shown)", shown)
            return found


def _array(shown: Mapping[str, Any]) -> Array:
    content = np.frombuffer(b64decode(shown["bytes"]), DType[shown["dtype"].upper()].numpy)
    return content.reshape(shown["shape"])
