"""Instances of a module on the WebAssembly of the browser or Node that Pyodide runs in."""

from __future__ import annotations

from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import LikewiseError, ModelError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array

__all__ = ["PageInstance", "instantiated", "supported"]


class PageInstance:
    """A module's `run`, and its memory, which is not Python's: arrays are copied once each way.

    `made` is its instance where that was awaited. A page's own thread makes none of a module of
    8 MB and more at once: there it has to be.
    """

    def __init__(self, data: bytes, pages: int | None = None, made: Any = None) -> None:
        import js
        from pyodide.ffi import JsException

        if pages is not None:
            raise UnsupportedError(
                "threads of a module are the page's business, not Pyodide's",
                hint="compile it with threads=1",
            )
        if made is None:
            with _refused(), _viewed(data) as view:
                made = js.WebAssembly.Instance.new(js.WebAssembly.Module.new(view))
        self._memory = js.Uint8Array.new(made.exports.memory.buffer)  # it never grows
        self._parts: dict[tuple[int, int], Any] = {}
        self._run = made.exports.run
        self._error = JsException

    @property
    def memory(self) -> Array:
        """Not to be had: `write` and `read` copy."""
        raise UnsupportedError(
            "the memory of a page's module is not Python's", hint="run(…) copies"
        )

    @property
    def size(self) -> int:
        """The bytes of the memory."""
        return int(self._memory.length)

    def write(self, offset: int, array: Array) -> None:
        """Copy an array into the memory."""
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        self._part(offset, flat.size).assign(flat)

    def read(self, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """A copy of an array in the memory."""
        made = np.empty(shape, dtype)
        self._part(offset, prod(shape) * dtype.itemsize).assign_to(made.reshape(-1).view(np.uint8))
        return made

    def _part(self, offset: int, size: int) -> Any:
        """Bytes of the memory, found once: a call of JavaScript costs as much as a small kernel."""
        found = self._parts.get((offset, size))
        if found is None:
            found = self._parts[offset, size] = self._memory.subarray(offset, offset + size)
        return found

    def run(self) -> None:
        """Run on what the memory holds."""
        try:
            self._run()
        except self._error as error:
            raise LikewiseError("the module trapped", given=str(error)) from None


def supported(data: bytes) -> bool:
    """Whether the engine takes the module: one of fast numerics needs relaxed SIMD."""
    import js

    with _viewed(data) as view:
        return bool(js.WebAssembly.validate(view))


async def instantiated(data: bytes) -> Any:
    """An instance, made beside what else the page does."""
    import js

    with _refused(), _viewed(data) as view:
        return (await js.WebAssembly.instantiate(view)).instance


@contextmanager
def _viewed(data: bytes) -> Iterator[Any]:
    """The bytes where they lie, for JavaScript to read: the engine keeps a copy of its own."""
    from pyodide.ffi import create_proxy

    proxy = create_proxy(data)
    view = proxy.getBuffer("u8")
    try:
        yield view.data
    finally:
        view.release()
        proxy.destroy()


@contextmanager
def _refused() -> Iterator[None]:
    """What the engine says of a module that it does not take, as an error of ours."""
    from pyodide.ffi import JsException

    try:
        yield
    except JsException as error:
        if error.name == "RangeError":
            raise UnsupportedError(
                "the module is too large for this thread or its memory",
                given=error.message,
                hint="await load_async() where a page's own thread may not wait",
            ) from None
        raise ModelError("the WebAssembly module cannot be used", given=str(error)) from None
