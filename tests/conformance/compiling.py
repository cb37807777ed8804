"""Compiling one case: live inputs where that is possible, else small parameters as constants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import likewise
from likewise.errors import LikewiseError, UnsupportedError
from likewise.ir import TensorType
from likewise.lower.graph import Lowered, lower_graph
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets.wasm import Numerics, emit_lowered, load
from likewise.targets.wasm.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np

    from likewise.ir import Graph
    from likewise.targets.wasm import Runner
    from tests.conformance.onnx_cases import OnnxCase

T = TypeVar("T")

MODES: tuple[Numerics, Numerics] = ("strict", "fast")

SMALL = 64
"""Elements of a parameter: axes, a shape, repeats, k, a number."""


@dataclass(frozen=True)
class CompiledCase:
    """The program of a case, and which inputs were made constants for it."""

    lowered: Lowered
    constants: frozenset[str]

    def runners(self) -> list[Runner]:
        """In strict numerics, and in fast ones."""
        return [load(emit_lowered(self.lowered, numerics=mode)) for mode in MODES]


def compile_case(graph: Graph, feeds: Mapping[str, Any]) -> CompiledCase:
    """`graph` for the shapes of `feeds`, with parameters fixed where that is needed."""
    return CompiledCase(*with_fixed_parameters(graph, feeds, _lowered))


def compiled_data_sets(
    case: OnnxCase,
) -> Iterator[tuple[CompiledCase, dict[str, Any], list[Any]]]:
    """For each data set of a case its program, what that is fed, and the outputs expected of it."""
    model = likewise.load(case.model())
    for inputs, outputs in case.data_sets():
        feeds = {port.name: value for port, value in zip(model.inputs, inputs, strict=False)}
        compiled = compile_case(model.graph, feeds)
        live = {name: feeds[name] for name in feeds if name not in compiled.constants}
        yield compiled, live, outputs


def with_fixed_parameters(
    graph: Graph,
    feeds: Mapping[str, Any],
    compiled: Callable[[Graph, Mapping[str, Any]], T],
) -> tuple[T, frozenset[str]]:
    """What `compiled` makes of `graph` for `feeds`, all inputs live; and what had to be constant.

    Where that is refused parameters are made constants, as they are in models: first the small
    integers and booleans, then all of one element, then the small vectors of floats too. An
    input stays live, until at last what takes nothing but parameters, such as Range, is computed
    now. Raises `UnsupportedError` where it is refused then too.
    """
    if not all(isinstance(value.type, TensorType) for value in graph.inputs):
        raise UnsupportedError("an input is no tensor but a sequence, optional or map")
    try:
        return compiled(graph, feeds), frozenset()
    except LikewiseError as error:
        refused: LikewiseError = error
    for parameters in _parameters(feeds):
        fixed = graph
        for name in parameters:
            fixed = with_constant(fixed, name, feeds[name])
        live = {name: array for name, array in feeds.items() if name not in parameters}
        try:
            return compiled(fixed, live), frozenset(parameters)
        except LikewiseError as error:
            refused = error
    raise refused


def _parameters(feeds: Mapping[str, Any]) -> Iterator[list[str]]:
    """What may be a parameter, in the order in which it is tried."""
    small = [name for name, array in feeds.items() if array.size <= SMALL]
    integers = [n for n in small if feeds[n].dtype.kind in "iub"]
    narrow = [n for n in small if n in integers or feeds[n].size == 1]
    vectors = [n for n in small if n in narrow or feeds[n].ndim == 1]
    before: list[str] = []
    for names in (integers, narrow, vectors):
        chosen = names if len(names) < len(feeds) else names[1:]
        if chosen != before:
            yield chosen
        before = chosen
    if all(array.size == 1 or (array.ndim == 1 and n in integers) for n, array in feeds.items()):
        yield list(feeds)


def interpreted(
    lowered: Lowered, made: Mapping[str, np.ndarray[Any, Any]]
) -> dict[str, np.ndarray[Any, Any]]:
    """The outputs by name from what the interpreter gives for buffers."""
    outputs = {}
    for port in lowered.outputs:
        array = made[port.buffer].view(port.dtype.numpy).reshape(port.shape)
        if port.length is not None:
            before = [slice(None)] * port.length.axis
            array = array[(*before, slice(made[port.length.buffer].item()))]
        outputs[port.name] = array
    return outputs


def as_stored(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What the interpreter takes for an array: bfloat16 as its bits."""
    return array.view("u2") if array.dtype.kind == "V" else array


def _lowered(graph: Graph, feeds: Mapping[str, Any]) -> Lowered:
    shapes = {name: array.shape for name, array in feeds.items()}
    return lower_graph(prepare(simplify(specialize(graph, shapes))))


def with_constant(graph: Graph, name: str, array: np.ndarray[Any, Any]) -> Graph:
    """The graph with the input `name` made a constant; its type is to be inferred anew."""
    fixed = next(value for value in graph.inputs if value.name == name)
    return replace(
        graph,
        inputs=tuple(value for value in graph.inputs if value is not fixed),
        constants={**graph.constants, fixed: array},
    )
