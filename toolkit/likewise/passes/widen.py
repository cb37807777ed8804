"""The same graph in float64: the oracle that every target's error is measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import (
    DType,
    Graph,
    MapType,
    OptionalType,
    SequenceType,
    TensorType,
    Value,
)
from likewise.ops import find_operator
from likewise.ops.build import GraphBuilder
from likewise.ops.conversion import convert

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from likewise.ir import Node, Type

__all__ = ["widen", "widened_array", "widened_type"]

_NARROW: Final = frozenset({DType.FLOAT, DType.FLOAT16, DType.BFLOAT16})
_LIMITS: Final = {
    DType.FLOAT: 3.4028234663852886e38,
    DType.FLOAT16: 65504.0,
    DType.BFLOAT16: 3.3895313892515355e38,
}
"""The largest finite number of each."""
_CODES: Final = frozenset({"output_dtype", "precision", "stash_type"})
"""Attributes that hold an element type as its number; the others hold a `DType`."""


def widen(graph: Graph) -> Graph:
    """`graph` with float32, float16 and bfloat16 made float64, in inputs and constants too.

    Names, order and shapes stay. Integers, and floats of 8 bits and less, are what they were. An
    input that ONNX gives no double to (the scales of Resize) gets the narrow value; an operator
    that takes none at all, makes its own float32, draws at random or writes strings works in the
    element types that it had, with Casts around it. Give it a graph that is specialised and
    simplified, so that no shape is still to be computed from floats.

    Raises `UnsupportedError` for such an operator on sequences, `InferenceError` where a subgraph
    does not take double.
    """
    return _widened(graph, {})


def widened_type(kind: Any) -> Any:
    """A type with the narrow floats in it made double."""
    match kind:
        case TensorType(dtype=dtype) if dtype in _NARROW:
            value = kind.constant
            return TensorType(DType.DOUBLE, kind.dims, None if value is None else _wide(value))
        case SequenceType(element=element):
            return SequenceType(widened_type(element))
        case OptionalType(element=element):
            return OptionalType(widened_type(element))
        case MapType(key=key, value=value):
            return MapType(key, widened_type(value))
    return kind


def widened_array(value: Any) -> Any:
    """An array, or a list of arrays, with narrow floats made float64; anything else as it is."""
    if isinstance(value, list):
        return [widened_array(one) for one in value]
    if isinstance(value, np.ndarray) and value.dtype.kind in "fV":
        return _wide(value) if DType.of(value.dtype) in _NARROW else value
    return value


def _wide(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return convert(array, DType.DOUBLE)


def _widened(graph: Graph, outer: Mapping[Value, Value]) -> Graph:
    """`graph` built anew; `outer` maps the values around a subgraph."""
    builder = GraphBuilder("wide_")
    mapping = dict(outer)
    inputs = [Value(value.name, widened_type(value.type)) for value in graph.inputs]
    mapping.update(zip(graph.inputs, inputs, strict=True))
    for value, array in graph.constants.items():
        mapping[value] = builder.named_constant(value.name, widened_array(array))
    for node in graph.nodes:
        _add(node, builder, mapping)
    return builder.graph(graph.name, inputs, [mapping[value] for value in graph.outputs])


def _add(node: Node, builder: GraphBuilder, mapping: dict[Value, Value]) -> None:
    before: Any = node.operator
    changes = {name: _attribute(name, getattr(before, name), mapping) for name in before.defaults}
    after = before.changed(
        **{name: new for name, new in changes.items() if new is not getattr(before, name)}
    )
    first = len(builder.nodes)
    for operator, narrow in _ways(node, before, after):
        try:
            made = _apply(node, operator, narrow, builder, mapping)
        except InferenceError as error:
            del builder.nodes[first:]
            refused = error
        else:
            pairs = zip(node.outputs, made, strict=True)
            mapping.update((old, new) for old, new in pairs if old is not None and new is not None)
            return
    raise refused


def _attribute(name: str, value: Any, mapping: Mapping[Value, Value]) -> Any:
    """The attribute widened: the very same object where there is nothing to widen."""
    if isinstance(value, Graph):
        return _widened(value, mapping)
    if isinstance(value, DType):
        return DType.DOUBLE if value in _NARROW else value
    if isinstance(value, int) and name in _CODES:
        return DType.DOUBLE.value if value in {one.value for one in _NARROW} else value
    return widened_array(widened_type(value))


def _ways(node: Node, before: Any, after: Any) -> Iterator[tuple[Any, frozenset[int]]]:
    """Operators to try, each with the positions of the inputs that it gets in narrow types."""
    places = [at for at, value in enumerate(node.inputs) if value and _is_narrow(value.type)]
    text = any(_is_text(value.type) for value in node.outputs if value)
    if before.subgraphs or (before.deterministic and not text):
        yield after, frozenset()
        yield from ((after, frozenset({at})) for at in places)
    if not before.subgraphs:
        yield before, frozenset(places)


def _is_narrow(kind: Type) -> bool:
    return isinstance(kind, TensorType) and kind.dtype in _NARROW


def _is_text(kind: Type) -> bool:
    return isinstance(kind, TensorType) and kind.dtype is DType.STRING


def _apply(
    node: Node,
    operator: Any,
    narrow: frozenset[int],
    builder: GraphBuilder,
    mapping: Mapping[Value, Value],
) -> list[Value | None]:
    """The node's outputs in wide types, made with `operator` and Casts where they are needed."""
    inputs = [None if value is None else mapping[value] for value in node.inputs]
    if (operator.name, operator.domain) == ("Clip", ""):
        inputs = _bounded(node, inputs, builder)
    for at in narrow:
        value, kind = inputs[at], node.inputs[at].type  # type: ignore[union-attr]
        inputs[at] = _cast(builder, value, kind.dtype)  # type: ignore[arg-type,union-attr]
    names = ["" if value is None else value.name for value in node.outputs]
    first = len(builder.nodes)
    made = builder.apply(operator, inputs, names, node.name)
    outputs: list[Value | None] = []
    for value, old in zip(made, node.outputs, strict=True):
        if old is None or not _holds_narrow(value.type):
            outputs.append(value)
        elif _is_narrow(value.type):
            value = builder.rename(value, f"narrow_{old.name}", first)
            outputs.append(_cast(builder, value, DType.DOUBLE, old.name))
        else:
            raise UnsupportedError("it has no form in float64", given=value.type).at(node.label)
    return outputs


def _bounded(
    node: Node, inputs: Sequence[Value | None], builder: GraphBuilder
) -> list[Value | None]:
    """A Clip's inputs, absent bounds being the limits of the element type that it had."""
    kind: Any = node.inputs[0].type  # type: ignore[union-attr]
    limit = _LIMITS.get(kind.dtype)
    given = [*inputs, None, None][:3]
    if limit is None:
        return given
    pairs = zip(given[1:], (-limit, limit), strict=True)
    return [given[0], *(builder.constant(end) if one is None else one for one, end in pairs)]


def _holds_narrow(kind: Any) -> bool:
    return bool(widened_type(kind) != kind)


def _cast(builder: GraphBuilder, value: Value, to: DType, name: str = "") -> Value:
    operator: Any = find_operator("Cast")
    return builder.apply(operator(to=to), [value], [name] if name else [])[0]
