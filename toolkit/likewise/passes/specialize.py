"""A graph for inputs of given shapes: types inferred anew, branches taken where that is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError, LikewiseError
from likewise.ir import DType, Expression, Graph, SequenceType, TensorType, Value, symbol
from likewise.ops.build import GraphBuilder
from likewise.ops.checks import FLOATS, without_content
from likewise.ops.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from likewise.ir import Node, Type
    from likewise.ops.operator import Operator

    _Mapping: TypeAlias = Mapping[Value, Value]

__all__ = ["specialize"]


def specialize(
    graph: Graph,
    shapes: Mapping[str, Sequence[int]],
    constants: Mapping[str, Any] | None = None,
) -> Graph:
    """`graph` whose inputs named in `shapes` have those shapes; names and order stay.

    Inputs named in `constants` are inputs no longer: they have the value given there.
    The branch that an If with a known condition takes stands in its place: the other one may not
    even fit the shapes.

    A symbolic size that a shape fixes is fixed in the other inputs too.
    Raises `InputError` for a name that is no input or a shape that does not fit it, and
    `InferenceError` where the graph cannot take the shapes.
    """
    names = [value.name for value in graph.inputs]
    for name in (*shapes, *(constants or ())):
        if name not in names:
            raise InputError(f"there is no input {name!r}", allowed=", ".join(names) or "none")
    graph = _with_constants(graph, constants or {})
    types = [_fixed(value, shapes.get(value.name)) for value in graph.inputs]
    sizes: dict[str, int] = {}
    for value, kind in zip(graph.inputs, types, strict=True):
        sizes |= _symbols(value.type, kind)
    return _inferred(graph, [_substituted(kind, sizes) for kind in types], {})


def _with_constants(graph: Graph, constants: Mapping[str, Any]) -> Graph:
    """`graph` with the inputs named in `constants` as constants of their element type."""
    arrays = {}
    for value in graph.inputs:
        if value.name not in constants:
            continue
        kind = value.type
        if not isinstance(kind, TensorType):
            raise InputError(f"input {value.name!r} is no tensor", given=kind)
        given = np.asarray(constants[value.name])
        with np.errstate(all="ignore"):
            array = convert(given, kind.dtype)
        rounding = 0.01 if kind.dtype in FLOATS else 0.0
        if not np.allclose(
            convert(array, DType.of(given.dtype)), given, rounding, atol=0, equal_nan=True
        ):
            raise InputError(
                f"input {value.name!r} does not hold that value", given=given, allowed=kind
            )
        _fixed(value, array.shape)
        arrays[value] = array
    inputs = tuple(value for value in graph.inputs if value not in arrays)
    return replace(graph, inputs=inputs, constants={**graph.constants, **arrays})


def _symbols(declared: Type, fixed: Type) -> dict[str, int]:
    """What a declared type's symbols are in the fixed one."""
    if not isinstance(declared, TensorType) or not isinstance(fixed, TensorType):
        return {}
    pairs = zip(declared.dims or (), fixed.dims or (), strict=False)
    return {
        name: size
        for dim, size in pairs
        if isinstance(dim, Expression) and isinstance(size, int)
        for name in dim.symbols
        if dim == symbol(name)
    }


def _substituted(kind: Type, sizes: Mapping[str, int]) -> Type:
    return kind.substitute(sizes) if isinstance(kind, TensorType) else kind


def _fixed(value: Value, shape: Sequence[int] | None) -> Type:
    kind = value.type
    if shape is None:
        return kind
    if not isinstance(kind, TensorType):
        raise InputError(f"input {value.name!r} has no shape", given=kind)
    sizes = tuple(shape)
    if kind.dims is not None and (
        len(kind.dims) != len(sizes)
        or any(isinstance(d, int) and d != n for d, n in zip(kind.dims, sizes, strict=True))
    ):
        raise InputError(
            f"the shape for input {value.name!r} does not fit", given=list(sizes), allowed=kind
        )
    return TensorType(kind.dtype, sizes)


def _inferred(graph: Graph, types: Sequence[Type], outer: Mapping[Value, Value]) -> Graph:
    """`graph` built again with inputs of `types`; `outer` maps the values around a subgraph."""
    builder = GraphBuilder()
    mapping: dict[Value, Value] = dict(outer)
    inputs = [Value(value.name, kind) for value, kind in zip(graph.inputs, types, strict=True)]
    mapping.update(zip(graph.inputs, inputs, strict=True))
    for value, array in graph.constants.items():
        mapping[value] = builder.named_constant(value.name, array)
    for node in graph.nodes:
        _add(node, builder, mapping)
    outputs = []
    for value in graph.outputs:
        made = mapping[value]
        inlined = made.name != value.name
        outputs.append(builder.op_named("Identity", [made], value.name) if inlined else made)
    return builder.graph(graph.name, inputs, outputs)


def _add(node: Node, builder: GraphBuilder, mapping: dict[Value, Value]) -> None:
    operator: Any = node.operator
    inputs = [None if value is None else mapping[value] for value in node.inputs]
    branch = _taken(operator, inputs)
    if branch is not None:
        mapping.update(
            (value, builder.named_constant(value.name, array))
            for value, array in branch.constants.items()
        )
        for inner in branch.nodes:
            _add(inner, builder, mapping)
        pairs = zip(node.outputs, branch.outputs, strict=False)
        mapping.update((old, mapping[made]) for old, made in pairs if old is not None)
        return
    if operator.subgraphs:
        known = [None if value is None else value.type for value in inputs]
        bodies = {
            name: _body(operator, name, body, known, mapping)
            for name, body in operator.attributes().items()
            if isinstance(body, Graph)
        }
        operator = operator.changed(**bodies)
    names = ["" if value is None else value.name for value in node.outputs]
    made = builder.apply(operator, inputs, names, node.name)
    mapping.update(
        (old, new) for old, new in zip(node.outputs, made, strict=True) if old is not None
    )


def _taken(operator: Any, inputs: Sequence[Value | None]) -> Graph | None:
    """The branch that an If takes, where its condition is known."""
    if operator.name != "If" or operator.domain != "" or inputs[0] is None:
        return None
    kind = inputs[0].type
    known = kind.constant if isinstance(kind, TensorType) else None
    if known is None or known.size != 1:
        return None
    taken: Graph = operator.then_branch if known.item() else operator.else_branch
    return taken


def _body(
    operator: Operator, name: str, body: Graph, inputs: Sequence[Type | None], outer: _Mapping
) -> Graph:
    """A subgraph with the input types that its node knows, where these say more.

    Values that a loop carries are taken to keep the shape they start with; those whose shape the
    body turns out to change are then left as the model declares them.
    """
    declared = [value.type for value in body.inputs]
    expected = [*operator.body_inputs(name, inputs), *declared][: len(declared)]
    known = [_merged(a, b) for a, b in zip(declared, expected, strict=True)]
    if operator.name != "Loop" or operator.domain:
        return _inferred_if_possible(body, known, outer)
    carried = {
        at: _merged(declared[at], without_content(kind))
        for at, kind in enumerate(inputs)
        if at >= 2 and kind is not None
    }
    while carried:
        tried = [carried.get(at, kind) for at, kind in enumerate(known)]
        made = _inferred_if_possible(body, tried, outer)
        kept = {
            at: kind
            for at, kind in carried.items()
            if _dims(made.inputs[at].type) == _dims(made.outputs[at - 1].type)
        }
        if kept.keys() == carried.keys():
            return made
        carried = kept
    return _inferred_if_possible(body, known, outer)


def _inferred_if_possible(graph: Graph, types: Sequence[Type], outer: _Mapping) -> Graph:
    """With input types that may turn out not to hold: then with the declared ones."""
    try:
        return _inferred(graph, types, outer)
    except LikewiseError:
        return _inferred(graph, [value.type for value in graph.inputs], outer)


def _dims(kind: Type) -> object:
    return kind.dims if isinstance(kind, TensorType) else kind


def _merged(declared: Type, known: Type | None) -> Type:
    if isinstance(known, TensorType) and known.dims is not None:
        return TensorType(known.dtype, known.dims)
    if isinstance(declared, SequenceType) and isinstance(known, SequenceType):
        return known
    return declared
