"""Compiling one case: live inputs where that is possible, else small parameters as constants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import LikewiseError, UnsupportedError
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets.wasm import Artefact, compile_graph, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.ir import Graph
    from likewise.targets.wasm import Runner

SMALL = 64
"""Elements of a parameter: axes, a shape, repeats, k, a number."""


@dataclass(frozen=True)
class CompiledCase:
    """The artefact in fast numerics, whose twin is the strict form, and what was made constant."""

    artefact: Artefact
    constants: frozenset[str]

    def runners(self) -> tuple[Runner, Runner]:
        """In strict numerics, and in fast ones."""
        assert self.artefact.plain is not None
        return load(self.artefact.plain), load(self.artefact.data)


def compile_case(graph: Graph, feeds: Mapping[str, Any]) -> CompiledCase:
    """`graph` for the shapes of `feeds`, all inputs live.

    Where that is refused the small integer, boolean and one-element inputs beside the first are
    made constants, as they are in models; at least one input stays live. Raises
    `UnsupportedError` where it is refused then too: the first refusal.
    """
    for name, value in feeds.items():
        if not isinstance(value, np.ndarray):
            raise UnsupportedError("an input is no tensor").at(name)
    try:
        return CompiledCase(_compiled(graph, feeds), frozenset())
    except LikewiseError as error:
        parameters = _parameters(feeds)
        if not parameters:
            raise
        first = error
    fixed = graph
    for name in parameters:
        fixed = with_constant(fixed, name, feeds[name])
    live = {name: array for name, array in feeds.items() if name not in parameters}
    try:
        return CompiledCase(_compiled(fixed, live), frozenset(parameters))
    except UnsupportedError as error:
        raise error from first


def _parameters(feeds: Mapping[str, Any]) -> list[str]:
    small = [
        name
        for name, array in feeds.items()
        if array.size <= SMALL and (array.dtype.kind in "iub" or array.size == 1)
    ]
    return small if len(small) < len(feeds) else small[1:]


def _compiled(graph: Graph, feeds: Mapping[str, Any]) -> Artefact:
    shapes = {name: array.shape for name, array in feeds.items()}
    return compile_graph(simplify(specialize(graph, shapes)), numerics="fast")


def with_constant(graph: Graph, name: str, array: np.ndarray[Any, Any]) -> Graph:
    """The graph with the input `name` made a constant; its type is to be inferred anew."""
    fixed = next(value for value in graph.inputs if value.name == name)
    return replace(
        graph,
        inputs=tuple(value for value in graph.inputs if value is not fixed),
        constants={**graph.constants, fixed: array},
    )
