"""Gradient: derivatives of one tensor with respect to others, as a graph of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import InferenceError, ModelError, UnsupportedError
from likewise.ops.case import Case, f32
from likewise.ops.differentiation import derivatives
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Node, TensorType, Value
    from likewise.ops.build import GraphBuilder, OldForm


class Gradient(Operator, versions=(1,)):
    """dy/dx for each name in `xs`, at the values that the inputs give for `xs` and `zs`.

    The names are those of the graph that the node stands in, so it is turned into nodes of that
    graph while a model is read. Refused by name are operators without a rule for their derivative.
    """

    replaced = True

    xs: tuple[str, ...]
    y: str
    zs: tuple[str, ...] = ()

    def infer(self, first: TensorType, *inputs: TensorType) -> Any:  # noqa: ARG002 — its arity
        raise UnsupportedError("Gradient names tensors of a graph and has no meaning without it")

    @classmethod
    def upgrade(cls, old: OldForm) -> tuple[Value, ...]:
        xs, zs = (list(old.attributes.get(name) or ()) for name in ("xs", "zs"))
        names = [_text(name) for name in (*xs, *zs)]
        if len(old.inputs) != len(names):
            raise InferenceError(
                "the inputs do not fit xs and zs",
                given=len(old.inputs),
                allowed=f"{len(xs)} for xs, {len(zs)} for zs",
            )
        given = dict(zip(names, old.inputs, strict=True))
        y, path = _path(old.builder, _text(old.attributes.get("y", "")), given)
        y, inputs, nodes = _at_inputs(old.builder, y, path, given)
        wanted = [inputs[_text(name)] for name in xs]
        return tuple(derivatives(old.builder, y, wanted, nodes))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(xs=("x",), y="y"), [f32(1)], error="has no meaning without it")


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _path(builder: GraphBuilder, y: str, given: dict[str, Any]) -> tuple[Value, list[Node]]:
    """The value called `y` and the nodes that it takes to make it from the `given` names."""
    target = next(
        (v for node in builder.nodes for v in node.outputs if v is not None and v.name == y), None
    )
    if target is None:
        raise ModelError(f"no node before makes {y!r}, the tensor to be differentiated")
    depends = set(given)
    leading = []
    for node in builder.nodes:
        if any(value.name in depends for value in node.reads):
            made = {value.name for value in node.outputs if value is not None} - given.keys()
            if made:
                leading.append(node)
                depends |= made
    needed, path = {target}, []
    for node in reversed(leading):
        if needed.intersection(value for value in node.outputs if value is not None):
            path.append(node)
            needed.update(value for value in node.reads if value.name not in given)
    return target, path[::-1]


def _at_inputs(
    builder: GraphBuilder, y: Value, path: list[Node], given: dict[str, Any]
) -> tuple[Value, dict[str, Value], list[Node]]:
    """`y`, the values of the names, and the path, computed from what is `given`.

    The nodes that are there serve where the inputs are the named tensors themselves.
    """
    named = {value.name: value for node in path for value in node.reads if value.name in given}
    if all(given[name] is value for name, value in named.items()):
        return y, given, path
    new = {value: given[name] for name, value in named.items()}
    start = len(builder.nodes)
    for node in path:
        inputs = [None if value is None else new.get(value, value) for value in node.inputs]
        made = builder.apply(node.operator, inputs)  # type: ignore[arg-type]  # ir cannot name it
        pairs = zip(node.outputs, made, strict=False)
        new |= {value: copy for value, copy in pairs if value is not None}
    return new.get(y, y), given, builder.nodes[start:]
