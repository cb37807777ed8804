"""The graph made ready to be lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.passes import simplify
from likewise.passes.compute_on_integers import compute_on_integers
from likewise.passes.recognise import recognise

if TYPE_CHECKING:
    from likewise.ir import Graph

__all__ = ["prepare"]


def prepare(graph: Graph) -> Graph:
    """The graph with what exporters write out recognised, products of quantized tensors on
    integers, and all constants computed.
    """
    return simplify(compute_on_integers(recognise(graph)), kept=())
