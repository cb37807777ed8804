"""Graph → graph. Each pass is a plain function in a module of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.passes.fold_batch_normalization import fold_batch_normalization
from likewise.passes.fold_constants import KEPT, fold_constants
from likewise.passes.remove_dead_code import remove_dead_code
from likewise.passes.remove_identities import remove_identities

if TYPE_CHECKING:
    from collections.abc import Container

    from likewise.ir import Graph

__all__ = ["simplify"]


def simplify(graph: Graph, kept: Container[str] = KEPT) -> Graph:
    """What every target wants done first; the meaning stays, the bits may round once less.

    Operators of `kept` names are not computed beforehand.
    """
    graph = fold_constants(remove_identities(graph), kept)
    return remove_dead_code(fold_batch_normalization(graph))
