"""Loop: a graph run again and again, carrying values."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, Graph, TensorType, Type, Value, fresh, symbol
from likewise.ops.bodies import (
    after_iterations,
    any_shape,
    check_condition,
    stack,
    stacked,
    symbol_sizes,
)
from likewise.ops.build import GraphBuilder
from likewise.ops.case import Case, boolean, f32, i64
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim
    from likewise.lower import Held, Lowering, TensorView
    from likewise.ops.bodies import Run


class Loop(Operator, versions=(1, 11, 13, 16, 19, 21, 23, 24, 25)):
    """Runs `body` up to `M` times while `cond` holds, carrying values and collecting others.

    `body`: (iteration, condition, carried…) → (condition, carried…, collected…); the outputs are
    the last carried values, then the collected ones stacked along a new first axis. Without
    `cond` the condition that the body makes is ignored, as ONNX says. The shapes of carried
    values may change from one iteration to the next, those of collected ones must not.
    """

    body: Graph
    on_narrow = "take"

    def infer(
        self, M: TensorType | None = None, cond: TensorType | None = None, *v_initial: Type
    ) -> tuple[Type, ...]:
        if M is not None:
            check_dtype(M, {DType.INT64}, "M")
        if cond is not None:
            check_condition(cond)
        if M is None and cond is None:
            raise InferenceError("a loop without trip count and condition never ends")
        inputs, outputs = self.body.inputs, self.body.outputs
        if len(inputs) != 2 + len(v_initial) or len(outputs) < 1 + len(v_initial):
            raise InferenceError(
                "the body does not fit the values that the loop carries",
                given=f"{len(inputs)} inputs, {len(outputs)} outputs",
                allowed=f"{2 + len(v_initial)} inputs, {1 + len(v_initial)} or more outputs",
            )
        carried = [
            after_iterations(first, before.type, after.type)
            for first, before, after in zip(v_initial, inputs[2:], outputs[1:], strict=False)
        ]
        trips: Dim = fresh("trips")
        if cond is None and M is not None and M.constant is not None:
            trips = max(int(M.constant.item()), 0)
        collected = [stacked(value.type, trips) for value in outputs[1 + len(v_initial) :]]
        return (*carried, *collected)

    def evaluate(
        self, M: Array | None = None, cond: Array | None = None, *v_initial: Any, run: Run
    ) -> tuple[Any, ...]:
        iterations = count() if M is None else range(int(M.item()))
        going: Any = np.array(True) if cond is None else cond
        carried = list(v_initial)
        collected: list[list[Any]] = [[] for _ in self.body.outputs[1 + len(carried) :]]
        for iteration in iterations:
            if cond is not None and not going.item():
                break
            going, *made = run(self.body, (np.array(iteration, np.int64), going, *carried))
            carried, rest = made[: len(carried)], made[len(carried) :]
            for values, value in zip(collected, rest, strict=True):
                values.append(value)
        kinds = [value.type for value in self.body.outputs[1 + len(carried) :]]
        sizes = symbol_sizes(self.body.inputs[2:], [getattr(x, "shape", ()) for x in v_initial])
        stacks = [stack(values, kind, sizes) for values, kind in zip(collected, kinds, strict=True)]
        return (*carried, *stacks)

    def lower(
        self,
        lowering: Lowering,
        M: TensorView | None = None,
        cond: TensorView | None = None,
        *v_initial: Held,
    ) -> tuple[Held, ...]:
        carried, holds = len(v_initial), lowering.constant(np.array(True))

        def step(number: TensorView, states: Sequence[Held]) -> Any:
            going, *made = lowering.graph(self.body, [number, holds, *states])
            return made[:carried], made[carried:], None if cond is None else going

        trips = M if M is None or M.data is None else max(int(M.data.item()), 0)
        made = lowering.repeat(
            step, v_initial, trips=trips, going=cond, captures=self.body.captures
        )
        return (*made.states, *made.collected)

    @classmethod
    def body_inputs(cls, name: str, inputs: Sequence[Type | None]) -> Sequence[Type | None]:  # noqa: ARG003 — there is only one
        scalars = (TensorType(DType.INT64, ()), TensorType(DType.BOOL, ()))
        return (*scalars, *(None if x is None else any_shape(x) for x in inputs[2:]))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        doubling, x = cls(body=doubling_body()), f32([1, 2])
        yield Case(doubling, [i64(3), None, x], [f32([8, 16]), f32([[1, 2], [2, 4], [4, 8]])])
        yield Case(doubling, [i64(2), boolean(True), x], [f32([4, 8]), f32([[1, 2], [2, 4]])])
        yield Case(doubling, [i64([1]), boolean([True]), x], [f32([2, 4]), f32([[1, 2]])])
        nothing = np.zeros((0, 2), np.float32)
        yield Case(doubling, [i64(0), None, x], [x, nothing])
        yield Case(doubling, [i64(-1), None, x], [x, nothing])
        yield Case(doubling, [i64(5), boolean(False), x], [x, nothing])
        once = cls(body=doubling_body(going=False))
        yield Case(once, [i64(5), boolean(True), x], [f32([2, 4]), f32([[1, 2]])])
        yield Case(once, [None, boolean(True), x], [f32([2, 4]), f32([[1, 2]])])
        yield Case(once, [i64(2), None, x], [f32([4, 8]), f32([[1, 2], [2, 4]])])
        squares = f32([2, 2.5, 2.5, 3, 2.5, 3, 3, 3.5, 2.5, 3, 3, 3.5, 3, 3.5, 3.5, 4])
        yield Case(cls(body=growing_body()), [i64(2), None, f32([0.5, 1])], [squares])
        yield Case(doubling, [i64(3), None], error="the body does not fit")
        yield Case(doubling, [None, None, x], error="never ends")
        yield Case(doubling, [i64(3), None, i64(1)], error="element types of a carried value")


def doubling_body(*, going: bool = True) -> Graph:
    """(_, _, x) → (going, x + x, x)."""
    b = GraphBuilder()
    x = Value("x", TensorType(DType.FLOAT, (symbol("n"),)))
    made = [b.constant(np.array(going)), b.Add(x, x), x]
    return b.graph("doubling", [*_scalars(), x], made)


def growing_body() -> Graph:
    """(_, going, x) → (going, all sums of two elements of x)."""
    b = GraphBuilder()
    number, going = _scalars()
    x = Value("x", TensorType(DType.FLOAT, None))
    sums = b.Add(b.Reshape(x, b.ints(-1, 1)), b.Reshape(x, b.ints(1, -1)))
    return b.graph("growing", [number, going, x], [going, b.Reshape(sums, b.ints(-1))])


def _scalars() -> tuple[Value, Value]:
    """The first two inputs of a body: the iteration and the condition."""
    iteration = Value("iteration", TensorType(DType.INT64, ()))
    return iteration, Value("going", TensorType(DType.BOOL, ()))
