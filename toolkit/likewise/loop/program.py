"""Writing a whole program: its buffers and functions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from likewise.loop.builder import FunctionBuilder
from likewise.loop.nodes import Buffer, Function, Program
from likewise.loop.types import STORAGES, LoopError, Storage
from likewise.loop.verifier import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ProgramBuilder"]


class ProgramBuilder:
    """Collects buffers and functions; `run` must be the last function."""

    def __init__(self) -> None:
        self.buffers: dict[str, Buffer] = {}
        self.functions: dict[str, Function] = {}

    def _add(self, buffer: Buffer) -> Buffer:
        if buffer.name in self.buffers:
            raise LoopError("two buffers have one name", given=buffer.name)
        self.buffers[buffer.name] = buffer
        return buffer

    def input(self, name: str, storage: Storage, size: int) -> Buffer:
        """Memory that the host fills before `run`."""
        return self._add(Buffer(name, storage, size, "input"))

    def output(self, name: str, storage: Storage, size: int) -> Buffer:
        """Memory that the host reads after `run`."""
        return self._add(Buffer(name, storage, size, "output"))

    def scratch(self, name: str, storage: Storage, size: int) -> Buffer:
        """Memory whose content `run` finds unspecified."""
        return self._add(Buffer(name, storage, size, "scratch"))

    def constant(self, name: str, data: np.ndarray, storage: Storage | None = None) -> Buffer:
        """Memory that holds `data`; bfloat16 is passed as uint16 with its storage."""
        data = np.ascontiguousarray(data)
        found = storage or STORAGES.get(_storage_name(data.dtype))
        if found is None or data.dtype != found.numpy:
            raise LoopError("no storage holds such constants", given=data.dtype)
        return self._add(Buffer(name, found, data.size, "constant", data))

    @contextmanager
    def function(self, name: str) -> Iterator[FunctionBuilder]:
        """Write a function; it is added when the block ends without an error."""
        builder = FunctionBuilder(name)
        yield builder
        self.add(builder.finish())

    def add(self, function: Function) -> Function:
        """Add a finished function."""
        if function.name in self.functions:
            raise LoopError("two functions have one name", given=function.name)
        self.functions[function.name] = function
        return function

    def finish(self) -> Program:
        """The verified program."""
        program = Program(tuple(self.buffers.values()), tuple(self.functions.values()))
        verify(program)
        return program


def _storage_name(dtype: np.dtype) -> str:
    if dtype.kind == "b":
        return "bool"
    return f"{dtype.kind}{dtype.itemsize * 8}"
