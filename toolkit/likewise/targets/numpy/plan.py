"""Running a graph with NumPy: node after node, each array let go after its last reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import LikewiseError
from likewise.ir import DType, Graph, TensorType, UnknownRankError, type_of
from likewise.ops.evaluation import evaluator
from likewise.ops.inference import UNFIT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.ir import Node, Value

__all__ = ["Plan"]


class Plan:
    """A graph made ready to run: values are slots of a list, and lifetimes are known.

    Call `run` as often as wanted; nothing is kept between calls.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._slots: dict[Value, int] = {}
        self._inputs = [self._slot(value) for value in graph.inputs]
        self._captures = [self._slot(value) for value in graph.captures]
        for value in graph.constants:
            self._slot(value)
        self._steps = [_Step(node, self._slot) for node in graph.nodes]
        self._outputs = [self._slot(value) for value in graph.outputs]
        self._initial: list[Any] = [None] * len(self._slots)
        for value, array in graph.constants.items():
            # A view of a file may lie at any byte, and NumPy copies what is not aligned every time.
            self._initial[self._slots[value]] = np.require(array, requirements="A")
        self._plan_frees()

    def _slot(self, value: Value) -> int:
        return self._slots.setdefault(value, len(self._slots))

    def _plan_frees(self) -> None:
        kept = {*self._outputs, *(self._slots[value] for value in self.graph.constants)}
        freed: set[int] = set()
        for step in reversed(self._steps):
            last = {*step.reads, *step.writes} - kept - freed
            step.frees = tuple(last - {-1})
            freed |= last

    def run(
        self,
        inputs: Sequence[Any],
        captures: Sequence[Any] = (),
        tap: Callable[[Node, tuple[Any, ...]], None] | None = None,
    ) -> list[Any]:
        """The outputs for `inputs` (and `captures`, for a subgraph), in the graph's order.

        `tap` is called after each node with the node and its outputs, as they are.
        """
        slots = self._initial.copy()
        for slot, array in zip(self._inputs, inputs, strict=True):
            slots[slot] = array
        for slot, array in zip(self._captures, captures, strict=True):
            slots[slot] = array
        with np.errstate(all="ignore"):
            for step in self._steps:
                made = step.evaluate(slots)
                if tap is not None:
                    tap(step.node, made)
                for slot, array in zip(step.writes, made, strict=False):
                    if slot >= 0:
                        slots[slot] = array
                for slot in step.frees:
                    slots[slot] = None
        return [slots[slot] for slot in self._outputs]


class _Step:
    """One node of a plan: where it reads and writes."""

    def __init__(self, node: Node, slot: Callable[[Value], int]) -> None:
        self.node = node
        self._evaluate = evaluator(node.operator, [value.type for value in node.inputs if value])
        self.inputs = tuple(-1 if value is None else slot(value) for value in node.inputs)
        self.reads = tuple(slot(value) for value in node.reads)
        self.writes = tuple(-1 if value is None else slot(value) for value in node.outputs)
        self.frees: tuple[int, ...] = ()
        self.bodies = {
            graph: (Plan(graph), tuple(slot(value) for value in graph.captures))
            for graph in node.operator.subgraphs
        }

    def evaluate(self, slots: Sequence[Any]) -> tuple[Any, ...]:
        arguments = [None if slot < 0 else slots[slot] for slot in self.inputs]
        try:
            if self.bodies:
                made = self._evaluate(*arguments, run=self._run(slots))
            else:
                made = self._evaluate(*arguments)
        except LikewiseError as error:
            error.at(self.node.label)
            raise
        except UNFIT as error:
            raise _failure(self.node, arguments, error) from error
        made = made if isinstance(made, tuple) else (made,)
        return tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in made)

    def _run(self, slots: Sequence[Any]) -> Callable[[Graph, Sequence[Any]], list[Any]]:
        def run(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
            plan, captures = self.bodies[graph]
            return plan.run(inputs, [slots[slot] for slot in captures])

        return run


def _failure(node: Node, arguments: Sequence[Any], error: Exception) -> LikewiseError:
    given = ", ".join(_described(array) for array in arguments)
    if not node.operator.subgraphs:
        # What went in may break a rule of the operator that only the run's shapes show.
        try:
            node.operator.infer(*(None if x is None else type_of(x) for x in arguments))
        except LikewiseError as rule:
            return rule.at(node.label)
        except (*UNFIT, UnknownRankError):
            pass
    why = "there is not enough memory" if isinstance(error, MemoryError) else str(error)
    return LikewiseError(f"cannot be computed: {why}", given=given or None).at(node.label)


def _described(array: Any) -> str:
    if isinstance(array, np.ndarray):
        return str(TensorType(DType.of(array.dtype), array.shape))
    return "absent" if array is None else type(array).__name__
