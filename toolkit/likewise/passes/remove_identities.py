"""Leave out nodes that hand their input on: Identity, Dropout outside training, idle casts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ir import TensorType
from likewise.passes.rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Graph, Node, Value
    from likewise.ops.build import GraphBuilder

__all__ = ["remove_identities"]


def remove_identities(graph: Graph) -> Graph:
    """`graph` whose readers of an idle node read its input instead."""
    return rewrite(graph, _replacement)


def _replacement(node: Node, _: GraphBuilder) -> Sequence[Value | None] | None:
    return node.inputs[:1] if node.operator.domain == "" and _is_idle(node) else None


def _is_idle(node: Node) -> bool:
    match node.operator.name:
        case "Identity":
            return True
        case "Dropout":
            return len(node.outputs) == 1 and not _may_train(node)
        case "Cast" | "CastLike":
            source, target = node.inputs[0], node.outputs[0]
            kinds = [value.type for value in (source, target) if value is not None]
            dtypes = {kind.dtype for kind in kinds if isinstance(kind, TensorType)}
            return len(kinds) == 2 and len(dtypes) == 1
    return False


def _may_train(node: Node) -> bool:
    """Whether the input `training_mode` of a Dropout is there and not a constant False."""
    mode = node.inputs[2] if len(node.inputs) > 2 else None
    if mode is None:
        return False
    known = mode.type.constant if isinstance(mode.type, TensorType) else None
    return known is None or bool(known.item())
