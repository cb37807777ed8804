"""Running a module in Python: on wasmtime (the extra `wasm`), in Pyodide on the browser's own."""

from __future__ import annotations

import os
import sys
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError, LikewiseError
from likewise.ir import DType, TensorType, symbol
from likewise.targets.golden import self_test
from likewise.targets.ports import Port, check_feeds
from likewise.targets.wasm.instance import Instance
from likewise.targets.wasm.page import PageInstance
from likewise.targets.wasm.sections import read_section
from likewise.targets.wasm.weights import StoredWeights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.targets.golden import Mismatch
    from likewise.targets.wasm.weights import WeightsSource

__all__ = ["Runner", "load"]

Array = np.ndarray[Any, Any]


class Runner:
    """One instance of a module; it is not to be used from two threads at once.

    A module of separate weights needs `weights`, or the folder where they lie beside it. One that
    was compiled for several threads has so many, but no more than `threads`, or cores.
    """

    def __init__(
        self,
        module: bytes,
        name: str = "module",
        weights: WeightsSource | None = None,
        folder: Path | None = None,
        threads: int | None = None,
        *,
        made: Any = None,
    ) -> None:
        section = read_section(module)
        self.name = name
        self.numerics: str = section["numerics"]
        self.source_sha256: str = section["source_sha256"]
        self.golden: dict[str, Any] = section["golden"]
        self.inputs = tuple(map(_port, section["inputs"]))
        self.outputs = tuple(map(_port, section["outputs"]))
        shared = section.get("threads")
        self.threads = 1
        """How many share the work of a run."""
        if shared is not None:
            self.threads = max(1, min(shared["count"], threads or os.cpu_count() or 1))
        self._instance: Instance | PageInstance
        if sys.platform == "emscripten":
            self.threads = 1
            self._instance = PageInstance(module, shared and shared["pages"], made)
        else:
            try:
                self._instance = Instance(module, self.threads, shared and shared["pages"])
            except LikewiseError as error:
                raise error.at(name) from None
        if "weights" in section:
            self._fill(StoredWeights.read(section["weights"]), weights, folder)
        self._inputs = {entry["name"]: _place(entry) for entry in section["inputs"]}
        self._outputs = {entry["name"]: _place(entry) for entry in section["outputs"]}
        self._lengths = {
            entry["name"]: (length["axis"], length["offset"])
            for entry in section["outputs"]
            if (length := entry.get("length")) is not None
        }

    def _fill(
        self, stored: StoredWeights, weights: WeightsSource | None, folder: Path | None
    ) -> None:
        try:
            if weights is None and folder is None:
                raise InputError(
                    "the module's weights lie in a file of their own",
                    given="the module's bytes alone",
                    allowed=f"weights=…, a path to {stored.name!r} or its bytes",
                )
            source = (folder or Path()) / stored.name if weights is None else weights
            stored.fill(self._instance, source)
        except LikewiseError as error:
            raise error.at(self.name) from None

    @property
    def memory_bytes(self) -> int:
        """The size of the module's memory."""
        return self._instance.size

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Array]:
        """Outputs by name, copied out of the module; raises InputError for wrong feeds."""
        try:
            arrays = check_feeds(self.inputs, feeds)
            for port, array in zip(self.inputs, arrays, strict=True):
                self._instance.write(self._inputs[port.name][0], array)
            self.run_in_place()
        except LikewiseError as error:
            raise error.at(self.name) from None
        made = {name: self._instance.read(*place) for name, place in self._outputs.items()}
        return made | {name: self._cut(name, made[name]).copy() for name in self._lengths}

    def self_test(self) -> list[Mismatch] | None:
        """Run the golden vectors that the module carries: no mismatch is a pass.

        Gives the first of each output that has one, and None where the module carries none, which
        proves nothing.
        """
        try:
            return self_test(self.golden, self)
        except LikewiseError as error:
            raise error.at(self.name) from None

    def input_view(self, name: str) -> Array:
        """An input's memory, to be written before every `run_in_place`; not in Pyodide.

        A run uses it for other things once the input is read.
        """
        return self._view(*self._inputs[name])

    def output_view(self, name: str) -> Array:
        """An output's memory, to be read after `run_in_place`; not in Pyodide.

        Where the size of an axis depends on data it is the size of the last run.
        """
        return self._cut(name, self._view(*self._outputs[name]))

    def _view(self, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """An array in the module's memory, which never moves."""
        end = offset + prod(shape) * dtype.itemsize
        return self._instance.memory[offset:end].view(dtype).reshape(shape)

    def _cut(self, name: str, array: Array) -> Array:
        """An output with the size that the last run gave it."""
        if name not in self._lengths:
            return array
        axis, offset = self._lengths[name]
        length = self._instance.read(offset, np.dtype(np.int32), (1,)).item()
        return array[(*[slice(None)] * axis, slice(length))]

    def run_in_place(self) -> None:
        """Run on what the inputs' memory holds."""
        self._instance.run()


def load(
    module: bytes | str | os.PathLike[str],
    name: str | None = None,
    *,
    weights: WeightsSource | None = None,
    threads: int | None = None,
) -> Runner:
    """Compile and instantiate a module, from its bytes or a path, called `name` in errors.

    Where its weights lie in a file of their own, a path finds them beside it; `weights`, a path
    or bytes, says otherwise, and is needed for bytes. Weights inside leave it unread. A module that
    was compiled for several threads takes no more than `threads`, by default one a core.

    Raises `ModelError` for bytes that are none of ours or weights that are another module's,
    `InputError` for a file that cannot be read, `MissingDependencyError` where wasmtime is not
    installed.
    """
    if not isinstance(module, bytes):
        path = Path(module)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None
        return Runner(content, name or str(path), weights, path.parent, threads)
    return Runner(module, name or "module", weights, threads=threads)


def _place(entry: dict[str, Any]) -> tuple[int, np.dtype[Any], tuple[int, ...]]:
    """Where a port's array stands in the memory, and what it is."""
    return entry["offset"], DType[entry["dtype"].upper()].numpy, tuple(entry["shape"])


def _port(entry: dict[str, Any]) -> Port:
    shape = list(entry["shape"])
    if length := entry.get("length"):
        shape[length["axis"]] = symbol(f"{entry['name']}_{length['axis']}")
    return Port(entry["name"], TensorType(DType[entry["dtype"].upper()], tuple(shape)))
