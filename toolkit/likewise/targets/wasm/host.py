"""Running a module in Python on wasmtime (the extra `wasm`)."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError, LikewiseError, MissingDependencyError, ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Runner", "Signature", "load"]

_NUMPY_NAMES = {"float": "float32", "double": "float64", "bfloat16": "uint16"}
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """One input or output: what the module's custom section says of it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    bytes: int


class Runner:
    """One instance of a module; it is not to be used from two threads at once."""

    def __init__(self, module: bytes) -> None:
        section = _read_section(module)
        self.numerics: str = section["numerics"]
        self.source_sha256: str = section["source_sha256"]
        self.golden: dict[str, Any] = section["golden"]
        self.inputs = _signatures(section["inputs"])
        self.outputs = _signatures(section["outputs"])
        self._instantiate(module)
        self._views = {
            kind: {one.name: self._view(one) for one in ports}
            for kind, ports in (("in", self.inputs), ("out", self.outputs))
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

    def _view(self, port: Signature) -> Array:
        """The port's part of the module's memory, which never moves."""
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents) + port.offset
        raw = np.ctypeslib.as_array((ctypes.c_uint8 * port.bytes).from_address(address))
        return raw.view(_numpy(port.dtype)).reshape(port.shape)

    @property
    def memory_bytes(self) -> int:
        """The size of the module's memory."""
        return int(self._memory.data_len(self._store))

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs by name, copied out of the module; raises InputError for wrong feeds."""
        self._fill(feeds)
        self.run_in_place()
        return {name: view.copy() for name, view in self._views["out"].items()}

    def input_view(self, name: str) -> Array:
        """An input's memory, to be written in place before `run_in_place`."""
        return self._views["in"][name]

    def output_view(self, name: str) -> Array:
        """An output's memory, to be read after `run_in_place`."""
        return self._views["out"][name]

    def run_in_place(self) -> None:
        """Run on what the inputs' memory holds."""
        self._call()

    def _fill(self, feeds: Mapping[str, Array]) -> None:
        views = self._views["in"]
        unknown = feeds.keys() - views.keys()
        missing = views.keys() - feeds.keys()
        if unknown or missing:
            raise InputError(
                "these are not the module's inputs",
                given=", ".join(sorted(feeds)),
                allowed=", ".join(views),
            )
        for name, view in views.items():
            given = np.asarray(feeds[name])
            if given.dtype != view.dtype or given.shape != view.shape:
                raise InputError(
                    "an input of another dtype or shape",
                    given=f"{given.dtype}{list(given.shape)}",
                    allowed=f"{view.dtype}{list(view.shape)}",
                ).at(f"input {name!r}")
            view[...] = given


def load(module: bytes) -> Runner:
    """Compile and instantiate a module; raises ModelError for bytes that are none of ours."""
    return Runner(module)


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


def _numpy(dtype: str) -> np.dtype[Any]:
    return np.dtype(_NUMPY_NAMES.get(dtype, dtype))


def _signatures(entries: list[dict[str, Any]]) -> tuple[Signature, ...]:
    return tuple(
        Signature(one["name"], one["dtype"], tuple(one["shape"]), one["offset"], one["bytes"])
        for one in entries
    )


def _read_section(module: bytes) -> dict[str, Any]:
    """The JSON of the custom section `likewise`, which stands first."""
    hint = "a module that `likewise compile` wrote is needed"
    if module[:8] != b"\0asm\1\0\0\0":
        raise ModelError("these bytes are no WebAssembly module", hint=hint)
    at = 8
    while at < len(module):
        number = module[at]
        size, at = _leb(module, at + 1)
        if number == 0:
            length, start = _leb(module, at)
            if module[start : start + length] == b"likewise":
                try:
                    found: dict[str, Any] = json.loads(module[start + length : at + size])
                except ValueError:
                    break
                return found
        at += size
    raise ModelError("this WebAssembly module has no section `likewise`", hint=hint)


def _leb(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(raw):
        byte = raw[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return number, at
