"""A graph whose shapes are known becomes a program: each node's `lower`, or its expansion's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import DType, Graph, TensorType, Value
from likewise.lower.lowering import Lowering
from likewise.lower.port import Length, Port
from likewise.lower.sequences import Held, content, each, open_ended
from likewise.lower.view import TensorView
from likewise.ops.build import Builder, GraphBuilder
from likewise.ops.evaluation import evaluate
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.loop import Program
    from likewise.lower.tiles import Shape, Tiles

__all__ = ["Lowered", "ViewBuilder", "lower_graph", "lower_nodes"]


@dataclass(frozen=True, slots=True)
class Lowered:
    """The program of a graph, and where its inputs and outputs are.

    `shapes` says, by the functions' names, what the kernels compute whose tiles can be chosen.
    """

    program: Program
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    shapes: Mapping[str, Shape] = field(default_factory=dict)


class ViewBuilder(Builder[TensorView]):
    """Applies operators to views: what `expand` is given when a graph is lowered."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering

    def apply(
        self, operator: Operator, inputs: Sequence[TensorView | None]
    ) -> tuple[TensorView, ...]:
        """The operator's outputs: computed now where all inputs are known, else lowered."""
        known = [content(one) for one in inputs]
        foldable = operator.deterministic and not operator.subgraphs
        if foldable and all(
            one is None or data is not None for one, data in zip(inputs, known, strict=True)
        ):
            return tuple(map(self._constant, evaluate(operator, known)))
        lower = getattr(operator, "lower", None)
        if not operator.keeps_extents and any(map(open_ended, inputs)):
            raise UnsupportedError(
                "it reads what has a size that depends on data",
                hint="such a value can only be an output of the model",
            )
        if lower is not None:
            found = lower(self.lowering, *inputs)
        elif _computable(operator):
            found = self._expanded(operator, inputs)
        else:
            raise UnsupportedError(_NOT_COMPUTED)
        return cast("tuple[TensorView, ...]", found if isinstance(found, tuple) else (found,))

    def _expanded(
        self, operator: Operator, inputs: Sequence[TensorView | None]
    ) -> tuple[TensorView | None, ...]:
        """The expansion as a graph, so that what several of its nodes read is computed once."""
        builder = GraphBuilder()
        given = [
            None if one is None else Value(f"{operator.name}.{position}", self.type(one))
            for position, one in enumerate(inputs)
        ]
        made = operator.expand(builder, *given)
        outputs = made if isinstance(made, tuple) else (made,)
        there = [one for one in given if one is not None]
        graph = builder.graph(operator.name, there, [one for one in outputs if one is not None])
        views = iter(self.lowering.graph(graph, [one for one in inputs if one is not None]))
        return tuple(None if one is None else next(views) for one in outputs)

    def type(self, x: TensorView) -> TensorType:
        return TensorType(x.dtype, x.shape, x.data)

    def _constant(self, made: Any) -> Any:
        if made is None or isinstance(made, list):
            return made and [self._constant(one) for one in made]
        if not isinstance(made, np.ndarray | np.generic):
            raise UnsupportedError("compiled code has numbers only", given=type(made).__name__)
        return self.lowering.constant(np.asarray(made))


def lower_graph(
    graph: Graph,
    progress: Callable[[float], None] = lambda _: None,
    tiles: Tiles | None = None,
    threads: int = 1,
) -> Lowered:
    """The program that computes a graph, with those tiles or the default ones.

    It is for so many threads to share out. `progress` is told which part of the nodes is done.

    Raises `UnsupportedError` that lists every node that cannot be compiled, with the reason.
    """
    lowering = Lowering(tiles, threads)
    views, inputs = [], []
    faults: list[LikewiseError] = []
    for value in graph.inputs:
        try:
            dtype, shape = _static(value.type, value.name)
            views.append(lowering.input(value.name, dtype, shape))
        except UnsupportedError as error:
            faults.append(error)
        else:
            inputs.append(Port(value.name, dtype, shape, f"in.{value.name}"))
    for value in graph.outputs:
        if not isinstance(value.type, TensorType):
            refused = UnsupportedError("compiled code gives tensors only", given=value.type)
            faults.append(refused.at(f"output {value.name!r}"))
    if faults:
        raise _all_at_once(faults, graph)
    made = lower_nodes(lowering, graph, views, progress)
    outputs = [
        _output(lowering, value.name, view) for value, view in zip(graph.outputs, made, strict=True)
    ]
    program = lowering.finish()
    names = {one.name for one in program.functions}
    shapes = {name: shape for name, shape in lowering.shapes.items() if name in names}
    return Lowered(program, tuple(inputs), tuple(outputs), shapes)


def _output(lowering: Lowering, name: str, view: TensorView) -> Port:
    buffer = lowering.output(f"out.{name}", view)
    length = None
    if view.extent is not None:
        length = Length(lowering.output(f"length.{name}", view.extent.count), view.extent.axis)
    return Port(name, view.dtype, view.shape, buffer, length)


_NOT_COMPUTED = "compiled targets do not compute this operator"


def _computable(operator: Operator) -> bool:
    """Whether it says how compiled targets compute it."""
    return hasattr(operator, "lower") or type(operator).expand is not Operator.expand


def _all_at_once(faults: list[LikewiseError], graph: Graph) -> LikewiseError:
    """The faults of inputs, and of the nodes that would fail whatever the inputs are."""
    texts = [str(fault) for fault in faults]
    texts += [
        f"{node.label}: {_NOT_COMPUTED}"
        for node in graph.walk()
        if not _computable(cast("Operator", node.operator))
    ]
    if len(texts) == 1:
        return faults[0]
    return UnsupportedError(
        f"{len(texts)} inputs and nodes cannot be compiled", given="\n  " + "\n  ".join(texts)
    )


def lower_nodes(
    lowering: Lowering,
    graph: Graph,
    inputs: Sequence[Held],
    progress: Callable[[float], None] = lambda _: None,
) -> list[Any]:
    """The outputs of a graph on views; its captures are found in `lowering.values`.

    Raises `UnsupportedError` that lists every node that cannot be compiled, with the reason.
    """
    builder = ViewBuilder(lowering)
    values = lowering.values
    values.update(zip(graph.inputs, inputs, strict=True))
    unstorable = _add_constants(lowering, graph)
    readers = Counter(value for node in graph.nodes for value in node.reads)
    readers.update(graph.outputs)
    for value in (*graph.inputs, *graph.captures):
        if value in values:
            shared = partial(lowering.shared, readers=readers[value])
            values[value] = each(shared, values[value])
    faults: list[str] = []
    for done, node in enumerate(graph.nodes):
        progress(done / len(graph.nodes))
        missing = [value for value in node.reads if value not in values]
        faults += [f"{node.label}: it reads {one}" for one in missing if one in unstorable]
        if missing:  # because another node failed, or it is no number
            continue
        if cast("Operator", node.operator).subgraphs:
            for value in node.reads:  # not inside a branch or loop, which may never run
                values[value] = each(lowering.settle, values[value])
        given = [None if one is None else values[one] for one in node.inputs]
        try:
            made = builder.apply(cast("Operator", node.operator), given)
        except (UnsupportedError, NotImplementedError) as error:
            faults.append(f"{node.label}: {error}")
            continue
        except LikewiseError as error:
            raise error.at(node.label) from None
        for output, view in zip(node.outputs, made, strict=False):
            if output is not None:
                values[output] = each(partial(lowering.shared, readers=readers[output]), view)
    if faults:
        raise UnsupportedError(
            f"{len(faults)} nodes cannot be compiled", given="\n  " + "\n  ".join(faults)
        )
    lost = [value for value in graph.outputs if value not in values]
    if lost:
        raise UnsupportedError("an output is no tensor that compiled code can hold", given=lost[0])
    return [values[value] for value in graph.outputs]


def _add_constants(lowering: Lowering, graph: Graph) -> set[Value]:
    """Give the graph's constants buffers; those that cannot have one, such as strings."""
    unstorable = set()
    for value, array in graph.constants.items():
        try:
            view = lowering.constant(array, cast("TensorType", value.type).dtype)
        except UnsupportedError:
            unstorable.add(value)
        else:
            lowering.values[value] = view
    return unstorable


def _static(one: object, name: str) -> tuple[DType, tuple[int, ...]]:
    if not isinstance(one, TensorType):
        raise UnsupportedError("compiled code takes tensors only", given=one).at(f"input {name!r}")
    sizes = [size for size in one.shape if isinstance(size, int)]
    if len(sizes) != len(one.shape):
        raise UnsupportedError(
            "compiled code needs every size", given=one, hint=f"pass --shape {name}=…"
        ).at(f"input {name!r}")
    return one.dtype, tuple(sizes)
