"""Running a module in Python on wasmtime (the extra `wasm`)."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from likewise.errors import LikewiseError, MissingDependencyError, ModelError
from likewise.ir import DType, TensorType
from likewise.targets.ports import Port, check_feeds
from likewise.targets.wasm.sections import read_section

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Runner", "load"]

Array = np.ndarray[Any, Any]


class Runner:
    """One instance of a module; it is not to be used from two threads at once."""

    def __init__(self, module: bytes, name: str = "module") -> None:
        section = read_section(module)
        self.name = name
        self.numerics: str = section["numerics"]
        self.source_sha256: str = section["source_sha256"]
        self.golden: dict[str, Any] = section["golden"]
        self.inputs = tuple(map(_port, section["inputs"]))
        self.outputs = tuple(map(_port, section["outputs"]))
        self._instantiate(module)
        self._views = {
            kind: {
                port.name: self._view(port, entry["offset"], entry["bytes"])
                for port, entry in zip(ports, section[kind], strict=True)
            }
            for kind, ports in (("inputs", self.inputs), ("outputs", self.outputs))
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

    def _view(self, port: Port, offset: int, size: int) -> Array:
        """The port's part of the module's memory, which never moves."""
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents) + offset
        raw = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))
        kind = cast("TensorType", port.type)
        return raw.view(kind.dtype.numpy).reshape(kind.dims)

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
        return {name: view.copy() for name, view in self._views["outputs"].items()}

    def input_view(self, name: str) -> Array:
        """An input's memory, to be written in place before `run_in_place`."""
        return self._views["inputs"][name]

    def output_view(self, name: str) -> Array:
        """An output's memory, to be read after `run_in_place`."""
        return self._views["outputs"][name]

    def run_in_place(self) -> None:
        """Run on what the inputs' memory holds."""
        self._call()


def load(module: bytes, name: str = "module") -> Runner:
    """Compile and instantiate a module, called `name` in errors.

    Raises `ModelError` for bytes that are none of ours, `MissingDependencyError` where wasmtime
    is not installed.
    """
    return Runner(module, name)


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
    return Port(entry["name"], TensorType(DType[entry["dtype"].upper()], tuple(entry["shape"])))
