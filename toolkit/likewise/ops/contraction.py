"""Products of tensors with named dims, summed over dims, written with matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias

from likewise.ops.operator import V

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from likewise.ir import Dim
    from likewise.ops.build import Builder

__all__ = ["Labels", "Operand", "contract", "plain"]

Labels: TypeAlias = tuple[str, ...]
"""The names of an operand's dims."""

_TO_THE_END: Final = (1 << 63) - 1


class Operand(NamedTuple, Generic[V]):
    """A value with the labels of its dims."""

    x: V
    labels: Labels


def plain(b: Builder[V], operand: Operand[V], sizes: Mapping[str, Dim]) -> Operand[V]:
    """`operand` with each label once (the diagonal of dims that share one), and without the dims
    of size 1 whose label has another size in `sizes`: they broadcast.
    """
    x, labels = operand
    repeated = next((label for label in labels if labels.count(label) > 1), None)
    while repeated is not None:
        x, labels = _diagonal(b, x, labels, repeated)
        repeated = next((label for label in labels if labels.count(label) > 1), None)
    dims = b.type(x).shape
    ones = [i for i, name in enumerate(labels) if dims[i] == 1 and sizes[name] != 1]
    if ones:
        x = b.Squeeze(x, b.ints(*ones))
    return Operand(x, tuple(name for i, name in enumerate(labels) if i not in ones))


def contract(b: Builder[V], operands: Sequence[Operand[V]], output: Labels) -> V:
    """The product of `operands`, from left to right, summed over the labels not in `output`.

    The dims of the result are those of `output`, in that order.
    """
    made = operands[0]
    for index, other in enumerate(operands[1:], 2):
        later = {name for operand in operands[index:] for name in operand.labels} | {*output}
        made = _summed(b, made, later | {*other.labels})
        made = _product(b, made, _summed(b, other, later | {*made.labels}), later)
    made = _summed(b, made, output)
    return _ordered(b, made, output)


def _diagonal(b: Builder[V], x: V, labels: Labels, label: str) -> tuple[V, Labels]:
    """The first two dims called `label` made one, which comes last: their joint indices."""
    first = labels.index(label)
    second = labels.index(label, first + 1)
    rest = [i for i in range(len(labels)) if i not in {first, second}]
    lines = b.Transpose(x, perm=(*rest, first, second))
    step = b.Add(b.Shape(lines, start=-1), b.ints(1))
    lines = _merged(b, lines, [*[1] * len(rest), 2])
    last = b.ints(len(rest))
    diagonal = b.Slice(lines, b.ints(0), b.ints(_TO_THE_END), last, step)
    return diagonal, (*(labels[i] for i in rest), label)


def _summed(b: Builder[V], operand: Operand[V], wanted: Collection[str]) -> Operand[V]:
    """`operand` summed over the labels that are not `wanted`."""
    gone = [i for i, name in enumerate(operand.labels) if name not in wanted]
    if not gone:
        return operand
    x = b.ReduceSum(operand.x, b.ints(*gone), keepdims=0)
    return Operand(x, tuple(name for name in operand.labels if name in wanted))


def _ordered(b: Builder[V], operand: Operand[V], labels: Labels) -> V:
    """The value with its dims in the order of `labels`, of size 1 for those that it lacks."""
    x, there = operand.x, [name for name in labels if name in operand.labels]
    order = tuple(operand.labels.index(name) for name in there)
    if order != tuple(range(len(order))):
        x = b.Transpose(x, perm=order)
    missing = [i for i, name in enumerate(labels) if name not in operand.labels]
    made: V = b.Unsqueeze(x, b.ints(*missing)) if missing else x
    return made


def _product(b: Builder[V], left: Operand[V], right: Operand[V], wanted: set[str]) -> Operand[V]:
    """The product, summed over the labels of both that are not `wanted`: a matrix product."""
    shared = [name for name in left.labels if name in right.labels]
    batch = tuple(name for name in shared if name in wanted)
    summed = tuple(name for name in shared if name not in wanted)
    rows = tuple(name for name in left.labels if name not in right.labels)
    columns = tuple(name for name in right.labels if name not in left.labels)
    labels = (*batch, *rows, *columns)
    if not summed:
        every = (*batch, *rows, *columns)
        return Operand(b.Mul(_ordered(b, left, every), _ordered(b, right, every)), labels)
    a = _ordered(b, left, (*batch, *rows, *summed))
    c = _ordered(b, right, (*batch, *summed, *columns))
    single = [1] * len(batch)
    x = b.MatMul(
        _merged(b, a, [*single, len(rows), len(summed)]),
        _merged(b, c, [*single, len(summed), len(columns)]),
    )
    if len(rows) == len(columns) == 1:
        return Operand(x, labels)
    n, m = len(batch), len(batch) + len(rows)
    behind = len(batch) + len(summed)
    parts = [_dims(b, x, 0, n), _dims(b, a, n, m), _dims(b, c, behind, behind + len(columns))]
    return Operand(_reshaped(b, x, parts), labels)


def _merged(b: Builder[V], x: V, counts: Sequence[int]) -> V:
    """`x` with so many dims, in order, taken together; none make a dim of size 1."""
    if all(count == 1 for count in counts):
        return x
    parts, start = [], 0
    for count in counts:
        part = _dims(b, x, start, start + count)
        parts.append(part if count == 1 else b.ReduceProd(part, b.ints(0)))
        start += count
    return _reshaped(b, x, parts)


def _dims(b: Builder[V], x: V, start: int, end: int) -> Any:
    return b.Shape(x, start=start, end=end)


def _reshaped(b: Builder[V], x: V, parts: Sequence[V]) -> V:
    made: V = b.Reshape(x, b.Concat(*parts, axis=0), allowzero=1)
    return made
