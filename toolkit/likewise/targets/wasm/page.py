"""Instances of a module on the WebAssembly of the browser or Node that Pyodide runs in."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import LikewiseError, ModelError, UnsupportedError

if TYPE_CHECKING:
    from likewise.ir import Array

__all__ = ["PageInstance", "compiled", "supported"]


class PageInstance:
    """A module's `run`, and its memory, which is not Python's: arrays are copied once each way.

    `module` is what the module was compiled to where that was awaited. A page's own thread compiles
    no module of 8 MB and more at once: there it has to be.
    """

    def __init__(self, data: bytes, pages: int | None = None, module: Any = None) -> None:
        import js
        from pyodide.ffi import JsException, to_js

        if pages is not None:
            raise UnsupportedError(
                "threads of a module are the page's business, not Pyodide's",
                hint="compile it with threads=1",
            )
        try:
            module = module or js.WebAssembly.Module.new(to_js(data))
            instance = js.WebAssembly.Instance.new(module)
        except JsException as error:
            raise ModelError(
                "the WebAssembly module cannot be used",
                given=str(error),
                hint="await load_async() where a page's own thread may not wait",
            ) from None
        self._array = js.Uint8Array
        self._memory = instance.exports.memory
        self._run = instance.exports.run
        self._error = JsException

    @property
    def memory(self) -> Array:
        """Not to be had: `write` and `read` copy."""
        raise UnsupportedError(
            "the memory of a page's module is not Python's",
            hint="run(…) copies; weights have to stand inside the module",
        )

    @property
    def size(self) -> int:
        """The bytes of the memory."""
        return int(self._memory.buffer.byteLength)

    def write(self, offset: int, array: Array) -> None:
        """Copy an array into the memory."""
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        self._array.new(self._memory.buffer, offset, flat.size).assign(flat)

    def read(self, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """A copy of an array in the memory."""
        made = np.empty(prod(shape) * dtype.itemsize, np.uint8)
        self._array.new(self._memory.buffer, offset, made.size).assign_to(made)
        return made.view(dtype).reshape(shape)

    def run(self) -> None:
        """Run on what the memory holds."""
        try:
            self._run()
        except self._error as error:
            raise LikewiseError("the module trapped", given=str(error)) from None


def supported(data: bytes) -> bool:
    """Whether the engine takes the module: one of fast numerics needs relaxed SIMD."""
    import js
    from pyodide.ffi import to_js

    return bool(js.WebAssembly.validate(to_js(data)))


async def compiled(data: bytes) -> Any:
    """The module compiled beside what else the page does."""
    import js
    from pyodide.ffi import to_js

    return await js.WebAssembly.compile(to_js(data))
