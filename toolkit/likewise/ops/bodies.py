"""What the operators with subgraphs (If, Loop, Scan, SequenceMap) share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import (
    DType,
    Expression,
    Graph,
    OptionalType,
    SequenceType,
    TensorType,
    Type,
    symbol,
)
from likewise.ops.build import GraphBuilder
from likewise.ops.checks import check_dtype, join, normalize_axis, without_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from likewise.ir import Array, Dim, Value

    Run: TypeAlias = Callable[[Graph, Sequence[Any]], list[Any]]

__all__ = [
    "after_iterations",
    "any_shape",
    "check_condition",
    "constant_graph",
    "stack",
    "stacked",
    "symbol_sizes",
]


def check_condition(cond: TensorType) -> None:
    """Refuse a condition that is not one boolean."""
    check_dtype(cond, {DType.BOOL}, "cond")
    if cond.is_static and cond.size != 1:
        raise InferenceError("cond does not hold one element", given=cond)


def any_shape(x: Type) -> Type:
    """`x` with its shapes forgotten: what a loop may turn it into."""
    if isinstance(x, TensorType):
        return TensorType(x.dtype, None)
    if isinstance(x, (SequenceType, OptionalType)):
        return type(x)(None if x.element is None else any_shape(x.element))
    return x


def after_iterations(first: Type, before: Type, after: Type) -> Type:
    """The type of a carried value after any number of iterations, none included.

    `before` and `after` are its types in the body: a dim that an iteration keeps stays as it was.
    """
    what = "a carried value"
    if not (isinstance(first, TensorType) and isinstance(after, TensorType)):
        return join(first, after, what)
    if not isinstance(before, TensorType) or before.dims is None or after.dims is None:
        return join(first, after, what)
    if first.dims is None or not len(first.dims) == len(before.dims) == len(after.dims):
        return join(first, after, what)
    triples = zip(first.dims, before.dims, after.dims, strict=True)
    kept = tuple(initial if old == new else new for initial, old, new in triples)
    return join(first, TensorType(after.dtype, kept), what)


def stacked(element: Type, length: Dim, axis: int = 0) -> TensorType:
    """The type of `length` values of one type, stacked along a new `axis`."""
    if not isinstance(element, TensorType):
        raise InferenceError("a collected value is not a tensor", given=element)
    if element.dims is None:
        return without_content(element)  # type: ignore[return-value]  # a tensor stays one
    axis = normalize_axis(axis, element.rank + 1, "scan output axis")
    dims = list(element.dims)
    dims.insert(axis, length)
    return element.with_shape(dims)


def stack(values: Sequence[Array], kind: Type, sizes: Mapping[str, int], axis: int = 0) -> Array:
    """`values` along a new `axis`.

    With no values the shape is that of `kind`, its symbols being `sizes`, unknown dims 0.
    """
    if values:
        return np.stack(values, axis)
    if not isinstance(kind, TensorType):
        raise LikewiseError("a collected value is not a tensor", given=kind)
    dims = [dim if isinstance(dim, int) else 0 for dim in kind.substitute(sizes).dims or ()]
    dims.insert(axis if axis >= 0 else axis + len(dims) + 1, 0)
    return np.zeros(dims, kind.dtype.numpy)


def symbol_sizes(values: Iterable[Value], shapes: Iterable[Sequence[int]]) -> dict[str, int]:
    """What the symbols in the types of a body's inputs are, from the shapes that come in."""
    sizes = {}
    for value, shape in zip(values, shapes, strict=False):
        dims = value.type.dims if isinstance(value.type, TensorType) else None
        for dim, size in zip(dims or (), shape, strict=False):
            for name in dim.symbols if isinstance(dim, Expression) else ():
                if dim == symbol(name):
                    sizes[name] = size
    return sizes


def constant_graph(*arrays: Array) -> Graph:
    """A graph without inputs that gives `arrays`: a branch for the cases of If."""
    b = GraphBuilder()
    return b.graph("constant", (), [b.constant(array) for array in arrays])
