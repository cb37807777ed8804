"""Running a module in Python on wasmtime (the extra `wasm`)."""

from __future__ import annotations

import ctypes
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError, LikewiseError, MissingDependencyError, ModelError
from likewise.ir import DType, TensorType, symbol
from likewise.targets.ports import Port, check_feeds
from likewise.targets.wasm.sections import read_section
from likewise.targets.wasm.weights import StoredWeights

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from likewise.targets.wasm.weights import WeightsSource

__all__ = ["Runner", "load"]

Array = np.ndarray[Any, Any]


class Runner:
    """One instance of a module; it is not to be used from two threads at once.

    A module of separate weights needs `weights`, or the folder where they lie beside it.
    """

    def __init__(
        self,
        module: bytes,
        name: str = "module",
        weights: WeightsSource | None = None,
        folder: Path | None = None,
    ) -> None:
        section = read_section(module)
        self.name = name
        self.numerics: str = section["numerics"]
        self.source_sha256: str = section["source_sha256"]
        self.golden: dict[str, Any] = section["golden"]
        self.inputs = tuple(map(_port, section["inputs"]))
        self.outputs = tuple(map(_port, section["outputs"]))
        self._instantiate(module)
        if "weights" in section:
            self._fill(StoredWeights.read(section["weights"]), weights, folder)
        self._views = {
            kind: {
                entry["name"]: self._view(entry["dtype"], entry["shape"], entry["offset"])
                for entry in section[kind]
            }
            for kind in ("inputs", "outputs")
        }
        self._lengths = {
            entry["name"]: (length["axis"], self._view("int32", [1], length["offset"]))
            for entry in section["outputs"]
            if (length := entry.get("length")) is not None
        }

    def _instantiate(self, module: bytes) -> None:
        wasmtime = _wasmtime()
        config = wasmtime.Config()
        config.cranelift_opt_level = "speed"
        config.wasm_relaxed_simd = True
        try:
            store = wasmtime.Store(wasmtime.Engine(config))
            instance = wasmtime.Instance(store, wasmtime.Module(store.engine, module), [])
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            raise ModelError("the WebAssembly module cannot be used", given=error) from None
        exports = instance.exports(store)
        self._store, self._run, self._memory = store, exports["run"], exports["memory"]
        self._call = _unchecked(wasmtime, store, self._run)

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
            stored.fill(self._bytes(0, self.memory_bytes), source)
        except LikewiseError as error:
            raise error.at(self.name) from None

    def _view(self, dtype: str, shape: list[int], offset: int) -> Array:
        """An array in the module's memory, which never moves."""
        kind = DType[dtype.upper()].numpy
        return self._bytes(offset, prod(shape) * kind.itemsize).view(kind).reshape(shape)

    def _bytes(self, offset: int, size: int) -> Array:
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents) + offset
        return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))

    @property
    def memory_bytes(self) -> int:
        """The size of the module's memory."""
        return int(self._memory.data_len(self._store))

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Array]:
        """Outputs by name, copied out of the module; raises InputError for wrong feeds."""
        try:
            arrays = check_feeds(self.inputs, feeds)
            for port, array in zip(self.inputs, arrays, strict=True):
                self._views["inputs"][port.name][...] = array
            self.run_in_place()
        except LikewiseError as error:
            raise error.at(self.name) from None
        return {name: self.output_view(name).copy() for name in self._views["outputs"]}

    def input_view(self, name: str) -> Array:
        """An input's memory, to be written in place before `run_in_place`."""
        return self._views["inputs"][name]

    def output_view(self, name: str) -> Array:
        """An output's memory, to be read after `run_in_place`.

        Where the size of an axis depends on data it is the size of the last run.
        """
        view = self._views["outputs"][name]
        if name in self._lengths:
            axis, length = self._lengths[name]
            view = view[(*[slice(None)] * axis, slice(length.item()))]
        return view

    def run_in_place(self) -> None:
        """Run on what the inputs' memory holds."""
        self._call()


def load(
    module: bytes | str | os.PathLike[str],
    name: str | None = None,
    *,
    weights: WeightsSource | None = None,
) -> Runner:
    """Compile and instantiate a module, from its bytes or a path, called `name` in errors.

    Where its weights lie in a file of their own, a path finds them beside it; `weights`, a path
    or bytes, says otherwise, and is needed for bytes. Weights inside leave it unread.

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
        return Runner(content, name or str(path), weights, path.parent)
    return Runner(module, name or "module", weights)


def _wasmtime() -> Any:
    try:
        import wasmtime
    except ImportError:
        raise MissingDependencyError("wasmtime", "wasm", "running WebAssembly in Python") from None
    return wasmtime


def _unchecked(wasmtime: Any, store: Any, function: Any) -> Any:
    """A call without wasmtime-py's checks of arguments, of which there are none."""
    bindings = wasmtime._bindings  # noqa: SLF001 — the C API has no public name
    context, handle = store._context(), ctypes.byref(function._func)  # noqa: SLF001
    slots = (bindings.wasmtime_val_raw * 1)()
    trap = ctypes.POINTER(bindings.wasm_trap_t)()

    def call() -> None:
        error = bindings.wasmtime_func_call_unchecked(context, handle, slots, 1, ctypes.byref(trap))
        if error:
            raise LikewiseError(
                "the module failed",
                given=wasmtime.WasmtimeError._from_ptr(error),  # noqa: SLF001
            )
        if trap:
            reason = wasmtime.Trap._from_ptr(trap).message  # noqa: SLF001
            raise LikewiseError("the module trapped", given=reason)

    return call


def _port(entry: dict[str, Any]) -> Port:
    shape = list(entry["shape"])
    if length := entry.get("length"):
        shape[length["axis"]] = symbol(f"{entry['name']}_{length['axis']}")
    return Port(entry["name"], TensorType(DType[entry["dtype"].upper()], tuple(shape)))
