"""Graph → graph. Each pass is a plain function in a module of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from likewise.ir import Graph

__all__ = ["simplify"]


def simplify(graph: Graph) -> Graph:
    """What every target wants done first."""
    return graph
