"""Scan: a graph run over the slices of tensors, carrying states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, Graph, TensorType, Type, Value, fresh, symbol
from likewise.loop import I32
from likewise.ops.bodies import after_iterations, any_shape, stack, stacked, symbol_sizes
from likewise.ops.build import GraphBuilder
from likewise.ops.case import Case, f32
from likewise.ops.checks import normalize_axis, unify
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Dim
    from likewise.lower import Index, Kernel, Lowering, TensorView
    from likewise.ops.bodies import Run
    from likewise.ops.build import OldForm


class Scan(Operator, versions=(8, 9, 11, 16, 19, 21, 23, 24, 25)):
    """Runs `body` over the slices of the last `num_scan_inputs` inputs, carrying states.

    `body`: (states…, slices…) → (states…, collected…). Each scan input is sliced along its axis,
    forward (0) or backward (1); what is collected is stacked along its axis, appended (0) or
    prepended (1). Opset 8 had a batch axis and sequence lengths besides: a Scan over the batch.
    """

    body: Graph
    num_scan_inputs: int
    scan_input_axes: tuple[int, ...] | None = None
    scan_input_directions: tuple[int, ...] | None = None
    scan_output_axes: tuple[int, ...] | None = None
    scan_output_directions: tuple[int, ...] | None = None
    on_narrow = "take"

    def infer(self, first: Type, *others: Type) -> tuple[Type, ...]:
        inputs = (first, *others)
        states = self._states(len(inputs))
        self._check(len(inputs), states)
        trips: Dim | None = None
        for index, x in enumerate(inputs[states:]):
            if not isinstance(x, TensorType):
                raise InferenceError("a scan input is not a tensor", given=x)
            axis = normalize_axis(self._of(self.scan_input_axes, index), x.rank, "scan input axis")
            size = x.shape[axis]
            trips = size if trips is None else unify(trips, size, "the lengths of the scan inputs")
        carried = [
            after_iterations(initial, before.type, after.type)
            for initial, before, after in zip(
                inputs[:states], self.body.inputs, self.body.outputs, strict=False
            )
        ]
        collected = [
            stacked(value.type, fresh("trips") if trips is None else trips, axis)
            for axis, value in self._collected(states)
        ]
        return (*carried, *collected)

    def _states(self, inputs: int) -> int:
        if not 1 <= self.num_scan_inputs <= inputs:
            raise InferenceError(
                "num_scan_inputs does not fit", given=self.num_scan_inputs, allowed=f"1 to {inputs}"
            )
        return inputs - self.num_scan_inputs

    def _check(self, inputs: int, states: int) -> None:
        graph = self.body
        if len(graph.inputs) != inputs or len(graph.outputs) < states:
            raise InferenceError(
                "the body does not fit the inputs",
                given=f"{len(graph.inputs)} inputs, {len(graph.outputs)} outputs",
                allowed=f"{inputs} inputs, {states} or more outputs",
            )
        lengths = {
            "scan_input_axes": self.num_scan_inputs,
            "scan_input_directions": self.num_scan_inputs,
            "scan_output_axes": len(graph.outputs) - states,
            "scan_output_directions": len(graph.outputs) - states,
        }
        for name, length in lengths.items():
            values = self.__dict__[name]
            if values and len(values) != length:
                raise InferenceError(
                    f"{name} has a wrong length", given=len(values), allowed=length
                )

    @staticmethod
    def _of(values: tuple[int, ...] | None, index: int) -> int:
        return values[index] if values else 0

    def _collected(self, states: int) -> Iterator[tuple[int, Value]]:
        """Each collected output with the axis that it is stacked along."""
        for index, value in enumerate(self.body.outputs[states:]):
            yield self._of(self.scan_output_axes, index), value

    def evaluate(self, *inputs: Any, run: Run) -> tuple[Any, ...]:
        states = self._states(len(inputs))
        carried = list(inputs[:states])
        sliced = []
        for index, x in enumerate(inputs[states:]):
            moved = np.moveaxis(x, self._of(self.scan_input_axes, index), 0)
            backward = self._of(self.scan_input_directions, index)
            sliced.append(moved[::-1] if backward else moved)
        lengths = {len(x) for x in sliced}
        if len(lengths) > 1:
            raise LikewiseError(
                "the lengths of the scan inputs differ", given=sorted(lengths), allowed="one length"
            )
        collected: list[list[Any]] = [[] for _ in self.body.outputs[states:]]
        for slices in zip(*sliced, strict=True):
            made = run(self.body, (*carried, *map(np.asarray, slices)))
            carried = made[:states]
            for values, value in zip(collected, made[states:], strict=True):
                values.append(value)
        shapes = [
            *(getattr(x, "shape", ()) for x in inputs[:states]),
            *(x.shape[1:] for x in sliced),
        ]
        sizes = symbol_sizes(self.body.inputs, shapes)
        stacks = []
        for index, (axis, value) in enumerate(self._collected(states)):
            if self._of(self.scan_output_directions, index):
                collected[index].reverse()
            stacks.append(stack(collected[index], value.type, sizes, axis))
        return (*carried, *stacks)

    def lower(self, lowering: Lowering, *inputs: TensorView) -> tuple[Any, ...]:
        states = self._states(len(inputs))
        scanned = []
        for index, x in enumerate(inputs[states:]):
            axis = self._of(self.scan_input_axes, index) % x.rank
            order = [axis, *(i for i in range(x.rank) if i != axis)]
            rows = lowering.settle(x).transpose(order)
            backward = self._of(self.scan_input_directions, index)
            scanned.append(reversed_rows(rows) if backward else rows)

        def step(number: TensorView, before: Sequence[Any]) -> Any:
            slices = [row_of(rows, number) for rows in scanned]
            made = lowering.graph(self.body, [*before, *slices])
            return made[:states], made[states:], None

        made = lowering.repeat(
            step, inputs[:states], trips=scanned[0].shape[0], captures=self.body.captures
        )
        collected = []
        for index, rows in enumerate(made.collected):
            backward = self._of(self.scan_output_directions, index)
            axis = self._of(self.scan_output_axes, index) % rows.rank
            order = [*range(1, axis + 1), 0, *range(axis + 1, rows.rank)]
            collected.append((reversed_rows(rows) if backward else rows).transpose(order))
        return (*made.states, *collected)

    @classmethod
    def body_inputs(cls, name: str, inputs: Sequence[Type | None]) -> Sequence[Type | None]:  # noqa: ARG003 — there is only one
        if inputs and inputs[0] is None:  # opset 8 without sequence lengths
            inputs = inputs[1:]
        return tuple(None if x is None else any_shape(x) for x in inputs)

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        if old.opset > 8:
            return None
        return scan_over_batch(old)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        body = summing_body()
        x, zero = f32([[1, 2], [3, 4], [5, 6]]), f32([0, 0])
        sums = f32([[1, 2], [4, 6], [9, 12]])
        yield Case(cls(body=body, num_scan_inputs=1), [zero, x], [sums[2], sums])
        across = cls(body=body, num_scan_inputs=1, scan_input_axes=(1,), scan_output_axes=(-1,))
        yield Case(across, [zero, x.T.copy()], [sums[2], sums.T.copy()])
        backward = cls(
            body=body,
            num_scan_inputs=1,
            scan_input_directions=(1,),
            scan_output_directions=(1,),
        )
        yield Case(backward, [zero, x], [sums[2], f32([[9, 12], [8, 10], [5, 6]])])
        yield Case(cls(body=body, num_scan_inputs=1), [zero, x[:0]], [zero, x[:0]])
        yield Case(cls(body=body, num_scan_inputs=3), [zero, x], error="num_scan_inputs does not")
        yield Case(across, [zero, x[0]], error="scan input axis 1 is out of range")
        wrong = cls(body=body, num_scan_inputs=1, scan_output_axes=(0, 0))
        yield Case(wrong, [zero, x], error="scan_output_axes has a wrong length; given: 2")


def reversed_rows(x: TensorView) -> TensorView:
    """`x` with its first axis backward."""
    rest = x.rank - 1
    return x.slice([x.shape[0] - 1, *[0] * rest], [-1, *[1] * rest], x.shape)


def row_of(x: TensorView, number: TensorView) -> TensorView:
    """The element along the first axis of `x` whose number stands in memory."""

    def back(k: Kernel, index: Index) -> Index:
        with k.without_lanes():
            at = number.read(k, ()).cast(I32)
        return (at, *index)

    return x.viewed(x.shape[1:], back)


def scan_over_batch(old: OldForm) -> Any:
    """The form of opset 8, (sequence_lens, states…, scan inputs…): an outer Scan over axis 0.

    Its body cuts the scan inputs to the sequence's length, scans them, and fills the collected
    values up to the full length with zeros (ONNX leaves open what stands there).
    """
    attributes, b = old.attributes, old.builder
    lengths, *inputs = old.inputs
    types = [old.type(1 + index) for index in range(len(inputs))]
    states = len(inputs) - attributes["num_scan_inputs"]
    inner = GraphBuilder(f"{b.prefix}scan8_")
    values = [
        Value(f"item_{index}", TensorType(x.dtype, None if x.dims is None else x.dims[1:]))
        for index, x in enumerate(types)
        if x is not None
    ]
    given: list[Any] = list(values)
    if lengths is not None:
        length = Value("length", TensorType(DType.INT64, ()))
        full = inner.Shape(values[-1], start=0, end=1)
        stop = inner.Unsqueeze(length, inner.ints(0))
        for index in range(states, len(given)):
            given[index] = inner.Slice(given[index], inner.ints(0), stop, inner.ints(0))
        values.append(length)
    if "directions" in attributes:
        attributes["scan_input_directions"] = attributes.pop("directions")
    made = inner.op("Scan", *given, outputs=old.outputs, **attributes)
    made = list(made) if isinstance(made, tuple) else [made]
    if lengths is not None:
        for index in range(states, len(made)):
            pads = inner.Concat(inner.ints(0), inner.Sub(full, stop), axis=0)
            made[index] = inner.Pad(made[index], pads, None, inner.ints(0))
    body = inner.graph("scan8", values, made)
    if lengths is not None:
        inputs.append(lengths)
    return b.op("Scan", *inputs, outputs=old.outputs, body=body, num_scan_inputs=len(inputs))


def summing_body() -> Graph:
    """(sum, x) → (sum + x, sum + x)."""
    b = GraphBuilder()
    total = Value("total", TensorType(DType.FLOAT, (symbol("n"),)))
    x = Value("x", TensorType(DType.FLOAT, (symbol("n"),)))
    made = b.Add(total, x)
    return b.graph("summing", [total, x], [made, made])
