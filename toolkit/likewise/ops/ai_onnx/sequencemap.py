"""SequenceMap: a graph run on every element of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, Graph, SequenceType, TensorType, Type, Value
from likewise.ops.build import GraphBuilder
from likewise.ops.case import Case, f32
from likewise.ops.checks import without_content
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.lower import Lowering
    from likewise.ops.bodies import Run


class SequenceMap(Operator, versions=(17,)):
    """Runs `body` with the i-th element of each sequence and with the tensors as they are.

    Each output is the sequence of what the body made.
    """

    body: Graph
    on_narrow = "take"

    def infer(self, input_sequence: SequenceType, *additional_inputs: Type) -> tuple[Type, ...]:
        if not isinstance(input_sequence, SequenceType):
            raise InferenceError("input_sequence is not a sequence", given=input_sequence)
        given = 1 + len(additional_inputs)
        if len(self.body.inputs) != given:
            raise InferenceError(
                "the body does not fit the inputs",
                given=f"{len(self.body.inputs)} inputs",
                allowed=f"{given} inputs",
            )
        return tuple(SequenceType(without_content(value.type)) for value in self.body.outputs)

    def evaluate(self, *inputs: Any, run: Run) -> tuple[Any, ...]:
        lengths = {len(x) for x in inputs if isinstance(x, list)}
        if len(lengths) > 1:
            raise LikewiseError("the lengths of the sequences differ", given=sorted(lengths))
        made: list[list[Any]] = [[] for _ in self.body.outputs]
        for index in range(lengths.pop()):
            elements = [x[index] if isinstance(x, list) else x for x in inputs]
            for sequence, value in zip(made, run(self.body, elements), strict=True):
                sequence.append(value)
        return tuple(made)

    def lower(self, lowering: Lowering, *inputs: Any) -> tuple[Any, ...]:
        return self.evaluate(*inputs, run=lowering.graph)

    @classmethod
    def body_inputs(cls, name: str, inputs: Sequence[Type | None]) -> Sequence[Type | None]:  # noqa: ARG003 — there is only one
        return tuple(
            x.element if isinstance(x, SequenceType) else None if x is None else without_content(x)
            for x in inputs
        )

    @classmethod
    def cases(cls) -> Iterator[Case]:
        adding = cls(body=adding_body())
        x, y = [f32([1, 2]), f32([3])], f32([10])
        yield Case(adding, [x, y], [[f32([11, 12]), f32([13])]])
        yield Case(adding, [x, x], [[f32([2, 4]), f32([6])]])
        yield Case(adding, [[], y], [[]])
        yield Case(adding, [x, x[:1]], error="the lengths of the sequences differ; given: [1, 2]")
        yield Case(adding, [x], error="the body does not fit the inputs; given: 2 inputs")
        yield Case(adding, [y, x], error="input_sequence is not a sequence")


def adding_body() -> Graph:
    """(a, b) → a + b."""
    b = GraphBuilder()
    values = [Value(name, TensorType(DType.FLOAT, None)) for name in ("a", "b")]
    return b.graph("adding", values, [b.Add(*values)])
