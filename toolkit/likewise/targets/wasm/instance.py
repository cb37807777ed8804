"""Instances of a module on wasmtime (the extra `wasm`), alone or with threads that help."""

from __future__ import annotations

import ctypes
import threading
import weakref
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import LikewiseError, MissingDependencyError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Instance"]

_STACK: Final = 4 << 20
"""Bytes of a helping thread's stack; wasmtime gives WebAssembly up to 512 KiB of it."""


class Instance:
    """A module's `run`, and its memory as an array of bytes, which never moves.

    A module whose memory of so many `pages` is shared is instantiated once for each of `threads`;
    all but the first wait for `run` to give them work.
    """

    def __init__(self, module: bytes, threads: int = 1, pages: int | None = None) -> None:
        wasmtime = _wasmtime()
        config = wasmtime.Config()
        config.cranelift_opt_level = "speed"
        config.wasm_relaxed_simd = True
        config.wasm_threads = pages is not None
        try:
            config.shared_memory = pages is not None
            engine = wasmtime.Engine(config)
            compiled = wasmtime.Module(engine, module)
            imports = [] if pages is None else [_shared_memory(wasmtime, engine, pages)]
            store = wasmtime.Store(engine)
            exports = wasmtime.Instance(store, compiled, imports).exports(store)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            given = " ".join(str(error).split())  # it comes in several lines
            raise ModelError("the WebAssembly module cannot be used", given=given) from None
        if pages is None:
            memory = exports["memory"]
            address, size = memory.data_ptr(store), memory.data_len(store)
        else:
            memory = imports[0]
            address, size = memory.data_ptr(), memory.data_len()
        self._kept = store, memory, exports
        self.memory: np.ndarray[Any, Any] = np.ctypeslib.as_array(
            (ctypes.c_uint8 * size).from_address(ctypes.addressof(address.contents))
        )
        self.run = self.function("run")
        if pages is not None and threads > 1:
            self._help(wasmtime, engine, compiled, memory, threads - 1)

    def function(self, name: str) -> Callable[[], None]:
        """An exported function that takes nothing."""
        store, _, exports = self._kept
        return _unchecked(_wasmtime(), store, exports[name])

    @property
    def size(self) -> int:
        """The bytes of the memory."""
        return self.memory.size

    def write(self, offset: int, array: np.ndarray[Any, Any]) -> None:
        """Copy an array into the memory."""
        part = self.memory[offset : offset + array.nbytes]
        part.view(array.dtype).reshape(array.shape)[...] = array

    def read(
        self, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> np.ndarray[Any, Any]:
        """A copy of an array in the memory."""
        size = prod(shape) * dtype.itemsize
        return self.memory[offset : offset + size].view(dtype).reshape(shape).copy()

    def _help(self, wasmtime: Any, engine: Any, compiled: Any, memory: Any, count: int) -> None:
        """Start so many threads, which end when this is no longer needed."""
        store, _, exports = self._kept
        exports["crew"](store, count, 1)
        stop = _unchecked(wasmtime, store, exports["stop"])
        former = threading.stack_size(_STACK)
        try:
            for number in range(1, count + 1):
                store = wasmtime.Store(engine)
                own = wasmtime.Instance(store, compiled, [memory]).exports(store)
                work = _unchecked(wasmtime, store, own["work"], number)
                fail = _unchecked(wasmtime, store, own["fail"])
                threading.Thread(
                    target=_work, args=(work, fail), name="likewise", daemon=True
                ).start()
        finally:
            threading.stack_size(former)
        weakref.finalize(self, stop)


def _work(work: Callable[[], None], fail: Callable[[], None]) -> None:
    try:
        work()
    except LikewiseError:
        fail()  # so `run` fails, too


def _wasmtime() -> Any:
    try:
        import wasmtime
    except ImportError:
        raise MissingDependencyError("wasmtime", "wasm", "running WebAssembly in Python") from None
    return wasmtime


def _shared_memory(wasmtime: Any, engine: Any, pages: int) -> Any:
    bindings = wasmtime._ffi  # noqa: SLF001 — the C API has no public name

    class SharedMemory(wasmtime.SharedMemory):  # type: ignore[misc]
        def _as_extern(self) -> Any:  # that of wasmtime-py 50 raises TypeError
            union = bindings.wasmtime_extern_union(sharedmemory=self.ptr())
            return bindings.wasmtime_extern_t(bindings.WASMTIME_EXTERN_SHAREDMEMORY, union)

    kind = wasmtime.MemoryType(wasmtime.Limits(pages, pages), shared=True)
    return SharedMemory(engine, kind)


def _unchecked(wasmtime: Any, store: Any, function: Any, argument: int = 0) -> Callable[[], None]:
    """A call without wasmtime-py's checks, of a function that takes an i32 or nothing."""
    bindings = wasmtime._ffi  # noqa: SLF001 — the C API has no public name
    context, handle = store._context(), ctypes.byref(function._func)  # noqa: SLF001
    slots = (bindings.wasmtime_val_raw * 1)()
    trap = ctypes.POINTER(bindings.wasm_trap_t)()

    def call(_kept: Any = store) -> None:
        slots[0].i32 = argument
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
