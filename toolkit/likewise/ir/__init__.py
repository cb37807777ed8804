"""The graph IR: immutable graphs of typed values, and what can be known of them beforehand."""

from likewise.ir.dims import Dim, Expression, ceil_divide, fresh, maximum, minimum, product, symbol
from likewise.ir.graph import Graph, Node, OperatorLike, Value
from likewise.ir.types import (
    Array,
    DType,
    MapType,
    OptionalType,
    SequenceType,
    Shape,
    TensorType,
    Type,
    UnknownRankError,
    type_of,
)

__all__ = [
    "Array",
    "DType",
    "Dim",
    "Expression",
    "Graph",
    "MapType",
    "Node",
    "OperatorLike",
    "OptionalType",
    "SequenceType",
    "Shape",
    "TensorType",
    "Type",
    "UnknownRankError",
    "Value",
    "ceil_divide",
    "fresh",
    "maximum",
    "minimum",
    "product",
    "symbol",
    "type_of",
]
