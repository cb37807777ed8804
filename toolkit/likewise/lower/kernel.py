"""Kernels: loop-IR functions whose buffers become parameters by themselves.

A kernel may write a loop whose counter is the lane axis (`lanes_over`). While it does, values are
vectors of `lanes` elements along that axis: a load is one vector load where the index advances by
one, a splat where it does not advance, separate loads where it advances by more. Where vectors
cannot do it, `LoopError` is raised and the caller writes the scalar form instead.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from likewise.loop.builder import FunctionBuilder
from likewise.loop.half import round_to_bf16, round_to_f16
from likewise.loop.nodes import Apply, Buffer, BufferParam, Load, Memory, Operand, Ref
from likewise.loop.types import BF16, F16, I32, Storage, Type, scalar_or_vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.loop.values import Value, ValueLike

__all__ = ["Kernel"]


class Kernel(FunctionBuilder):
    """A function being written; `arguments` are the buffers to call it with, in order."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.arguments: list[Buffer] = []
        self.lanes = 1
        self._lane_id: int | None = None
        self._params: dict[Buffer, BufferParam] = {}

    def pointer(self, memory: Memory) -> BufferParam:
        """The parameter that stands for a buffer."""
        if isinstance(memory, BufferParam):
            return memory
        found = self._params.get(memory)
        if found is None:
            found = self._params[memory] = self.memory(memory.storage)
            self.arguments.append(memory)
        return found

    @contextmanager
    def lanes_over(self, index: Value, lanes: int) -> Iterator[None]:
        """Inside, `index` is the lane axis: it stands for `lanes` neighbouring numbers."""
        if not isinstance(index.node, Ref) or lanes == 1:
            yield
            return
        before = self.lanes, self._lane_id
        self.lanes, self._lane_id = lanes, index.node.id
        yield
        self.lanes, self._lane_id = before

    def lane_axis(self, index: Value) -> Value:
        """The index as a value of its own, so that it can be a lane axis whatever it is made of."""
        found = self.var(index).get()
        if isinstance(found.node, Ref):
            self.facts.ranges[found.node.id] = index.range()
        return found

    @contextmanager
    def without_lanes(self) -> Iterator[None]:
        """Inside, loads give scalars, as indices that come from data must be.

        Such an index may not depend on the lane axis: then `load` raises and the loop is
        written without lanes.
        """
        lanes, self.lanes = self.lanes, 1
        yield
        self.lanes = lanes

    def type_of(self, storage: Storage) -> Type:
        """The type that a value of this storage has here: a scalar, or a vector in a lane loop."""
        return scalar_or_vector(storage.value, self.lanes)

    def number(self, number: float, storage: Storage) -> Value:
        """A constant of the type that values of this storage have here."""
        return self.const(number, self.type_of(storage))

    def read(self, buffer: Memory, index: Value) -> Value:
        """One element, or in a lane loop the elements that the lanes need."""
        memory = self.pointer(buffer) if isinstance(buffer, Buffer) else buffer
        if self.lanes == 1:
            return self.load(memory, index)
        step = self._lane_step(index)
        if step == 1:
            return self.load(memory, index, self.lanes)
        one = self.type_of(memory.storage)
        first = self.load(memory, index)
        if one.is_bool:
            if step == 0:
                return self.select(first, self.const(True, one), self.const(False, one))
            raise self.fault("no vector of separate bools")
        found = self.splat(first, one)
        if step:
            for lane in range(1, self.lanes):
                found = self.with_lane(found, lane, self.load(memory, index + lane * step))
        return found

    def _lane_step(self, index: Value) -> int:
        """How far the index advances from lane to lane; raises where that is no constant."""
        if self._lane_id is None:
            return 0
        form = self.facts.affine(index.node)
        for one, _ in form.terms:
            if one != self._lane_id and self.depends(one, self._lane_id):
                raise self.fault("an index is not affine in the lane axis")
        return form.coefficient(self._lane_id)

    def depends(self, identity: int, on: int, *, through_loads: bool = True) -> bool:
        """Whether a value is computed from another, or read at an address that is."""
        waiting, seen = [identity], {identity}
        while waiting:
            one = waiting.pop()
            if one == on:
                return True
            made = self.facts.definitions.get(one)
            reads: tuple[Operand, ...] = ()
            if isinstance(made, Apply):
                reads = made.args
            elif through_loads and isinstance(made, Load):
                reads = (made.index,)
            fresh = {ref.id for ref in reads if isinstance(ref, Ref)} - seen
            seen |= fresh
            waiting += fresh
        return False

    def index_values(self, index: Value) -> Value:
        """An index as data: an i32, or in a lane loop the i32 of every lane."""
        if self.lanes == 1 or self._lane_step(index) == 0:
            return self.splat(index, scalar_or_vector(I32, self.lanes))
        step = self._lane_step(index)
        one = I32.with_lanes(self.lanes)
        return self.splat(index, one) + self.vector([at * step for at in range(self.lanes)], one)

    def write(self, buffer: Buffer, index: ValueLike, value: Value) -> None:
        """Store one element, or in a lane loop the neighbouring elements of all lanes."""
        if self.lanes > 1 and self._lane_step(self.index(index)) != 1:
            raise self.fault("a lane loop writes neighbouring elements only")
        self.store(self.pointer(buffer), index, value)

    def narrow(self, value: Value, storage: Storage) -> Value:
        """The value as `storage` would keep it: wrapped to its width, or rounded to its floats."""
        if storage is F16:
            return round_to_f16(self, value)
        if storage is BF16:
            return round_to_bf16(self, value)
        if storage.bytes > 2 or value.type.is_bool:
            return value
        spare = value.type.bits - storage.bytes * 8
        if value.type.kind == "u":
            return value & ((1 << storage.bytes * 8) - 1)
        return (value << spare) >> spare
