"""Checks and shape rules that many operators share; what fails is an `InferenceError`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from likewise.errors import InferenceError
from likewise.ir import (
    Dim,
    DType,
    Expression,
    OptionalType,
    SequenceType,
    Shape,
    TensorType,
    Type,
    fresh,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "FLOATS",
    "INTEGERS",
    "NUMBERS",
    "broadcast",
    "check_dtype",
    "check_float",
    "check_rank",
    "check_same_dtype",
    "element_type",
    "join",
    "normalize_axes",
    "normalize_axis",
    "unify",
    "without_content",
]

FLOATS: Final = frozenset({DType.FLOAT, DType.FLOAT16, DType.BFLOAT16, DType.DOUBLE})
INTEGERS: Final = frozenset(
    DType[f"{sign}INT{bits}"] for sign in ("", "U") for bits in (8, 16, 32, 64)
)
NUMBERS: Final = FLOATS | INTEGERS


def check_dtype(x: TensorType, allowed: Collection[DType], name: str) -> None:
    """Refuse `x`, the input called `name`, unless its element type is among `allowed`."""
    if not isinstance(x, TensorType):
        raise InferenceError(f"{name} is not a tensor", given=x)
    if x.dtype not in allowed:
        raise InferenceError(
            f"{name} has an element type that the operator does not take",
            given=x.dtype,
            allowed=", ".join(sorted(map(str, allowed))),
        )


def check_float(x: TensorType, name: str) -> None:
    """Refuse `x` unless it is float16, bfloat16, float32 or float64."""
    check_dtype(x, FLOATS, name)


def check_same_dtype(**inputs: TensorType | None) -> None:
    """Refuse inputs (given by name, absent ones None) whose element types differ."""
    there = {name: x.dtype for name, x in inputs.items() if x is not None}
    if len(set(there.values())) > 1:
        raise InferenceError(
            "the element types differ",
            given=", ".join(f"{name} {dtype}" for name, dtype in there.items()),
            allowed="one type for all",
        )


def check_rank(x: TensorType, allowed: int | Collection[int], name: str) -> None:
    """Refuse `x`, the input called `name`, unless its rank is (among) `allowed`."""
    ranks = {allowed} if isinstance(allowed, int) else allowed
    if x.rank not in ranks:
        raise InferenceError(
            f"{name} has {x.rank} dims",
            given=x,
            allowed=" or ".join(map(str, sorted(ranks))) + " dims",
        )


def normalize_axis(axis: int, rank: int, name: str = "axis") -> int:
    """`axis` counted from the front; raises where it lies outside [-rank, rank)."""
    if not -rank <= axis < rank:
        raise InferenceError(
            f"{name} {axis} is out of range", allowed=f"{-rank} to {rank - 1} for {rank} dims"
        )
    return axis % rank


def normalize_axes(axes: Iterable[int], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, in the order given; raises for one out of range or twice."""
    found = tuple(normalize_axis(int(axis), rank, "axes:") for axis in axes)
    if len(set(found)) != len(found):
        raise InferenceError("an axis is named twice", given=list(found))
    return found


def unify(a: Dim, b: Dim, what: str = "the dims") -> Dim:
    """One dim where both must be equal: a number wins over a symbol; two numbers must agree."""
    if isinstance(a, int) and isinstance(b, int) and a != b:
        raise InferenceError(f"{what} differ", given=f"{a} and {b}", allowed="equal sizes")
    return a if isinstance(a, int) else b if isinstance(b, int) else a


def broadcast(*shapes: Shape) -> Shape:
    """The shape that `shapes` broadcast to, by NumPy's rule; symbols meet as well as they can.

    A symbol against 1 stays; against a larger number it becomes that number; of two symbols the
    first is kept.
    """
    rank = max(map(len, shapes), default=0)
    result: list[Dim] = []
    for column in zip(
        *[(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes], strict=True
    ):
        dims = [dim for dim in column if dim != 1]
        numbers = {dim for dim in dims if isinstance(dim, int)}
        if len(numbers) > 1:
            raise InferenceError(
                "the shapes do not broadcast",
                given=" and ".join(str(list(shape)) for shape in shapes),
                allowed="dims that are equal or 1, counted from the last",
            )
        result.append(next(iter(numbers), dims[0] if dims else 1))
    return tuple(result)


_VARIES: Final = "_each"
"""Starts the name of a size that may differ from one element of a sequence to the next."""


def join(a: Type, b: Type, what: str = "the values") -> Type:
    """The type of a value that is either an `a` or a `b`: what differs is not known.

    Raises where the element types, or the kinds of container, differ; `what` names the two.
    """
    if isinstance(a, TensorType) and isinstance(b, TensorType):
        if a.dtype is not b.dtype:
            raise InferenceError(f"the element types of {what} differ", given=f"{a} and {b}")
        if a.dims is None or b.dims is None or len(a.dims) != len(b.dims):
            return TensorType(a.dtype, None)
        dims = zip(a.dims, b.dims, strict=True)
        return TensorType(a.dtype, tuple(m if m == n else fresh(_VARIES[1:]) for m, n in dims))
    if isinstance(a, SequenceType) and isinstance(b, SequenceType):
        return SequenceType(_join_known(a.element, b.element, what))
    if isinstance(a, OptionalType) or isinstance(b, OptionalType):
        inside = (x.element if isinstance(x, OptionalType) else x for x in (a, b))
        return OptionalType(_join_known(next(inside), next(inside), what))
    if type(a) is not type(b):
        raise InferenceError(f"the types of {what} differ", given=f"{a} and {b}")
    return a


def _join_known(a: Type | None, b: Type | None, what: str) -> Type | None:
    return join(a, b, what) if a is not None and b is not None else a or b


def without_content(x: Type) -> Type:
    """`x` with no known content: the type of any value like it."""
    return TensorType(x.dtype, x.dims) if isinstance(x, TensorType) else x


def element_type(sequence: SequenceType, name: str = "input_sequence") -> TensorType:
    """The type of one element of a sequence of tensors, the input called `name`.

    Sizes that may differ between elements get new names each time: two elements need not agree.
    """
    if not isinstance(sequence, SequenceType):
        raise InferenceError(f"{name} is not a sequence", given=sequence)
    element = sequence.element
    if not isinstance(element, TensorType):
        raise InferenceError(f"{name} is not a sequence of tensors", given=sequence)
    if element.dims is None:
        return TensorType(element.dtype, None)
    return TensorType(
        element.dtype, tuple(fresh(_VARIES[1:]) if _varies(dim) else dim for dim in element.dims)
    )


def _varies(dim: Dim) -> bool:
    return isinstance(dim, Expression) and any(name.startswith(_VARIES) for name in dim.symbols)
