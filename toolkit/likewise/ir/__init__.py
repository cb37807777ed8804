"""The graph IR: immutable graphs of typed values, and what can be known of them beforehand."""

from likewise.ir.dims import (
    Dim,
    Expression,
    ceil_divide,
    checked_rank,
    fresh,
    fresh_dims,
    maximum,
    minimum,
    product,
    same,
    symbol,
)
from likewise.ir.graph import Graph, Node, OperatorLike, Value
from likewise.ir.text import to_text
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
from likewise.ir.verify import verify

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
    "checked_rank",
    "fresh",
    "fresh_dims",
    "maximum",
    "minimum",
    "product",
    "same",
    "symbol",
    "to_text",
    "type_of",
    "verify",
]
