"""What can be proved about symbolic sizes: which are never negative, which is the smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import Dim, Expression, maximum, minimum
from likewise.ops.narrow import widened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from likewise.ir import TensorType

__all__ = ["as_dim", "known_dims", "known_int", "lesser", "nonnegative", "positive_part"]


def as_dim(value: Any) -> Dim:
    """An element of a known value: a NumPy integer becomes an int, an expression stays."""
    return value if isinstance(value, Expression) else int(value)


def known_dims(x: TensorType | None) -> list[Dim] | None:
    """The elements of `x` in order, symbolic ones included; None where they are not known."""
    if x is None or x.value is None:
        return None
    return [as_dim(value) for value in np.ravel(widened(x.value))]


def known_int(x: TensorType | None) -> int | None:
    """The first element of `x` where it is known as a number."""
    return (
        None if x is None or x.constant is None or x.constant.size == 0 else int(x.constant.flat[0])
    )


def nonnegative(dim: Dim) -> bool:
    """Whether `dim` is 0 or more whatever its symbols stand for: they are sizes."""
    if isinstance(dim, int):
        return dim >= 0
    return all(
        factor >= 0 and all(_atom_is_nonnegative(atom) for atom in monomial)
        for monomial, factor in dim.terms
    )


def _atom_is_nonnegative(atom: Any) -> bool:
    if isinstance(atom, str):
        return True
    both: Iterable[bool] = (nonnegative(atom.left), nonnegative(atom.right))
    return any(both) if atom.name == "max" else all(both)


def lesser(a: Dim, b: Dim) -> Dim:
    """The smaller of two, without `max` where it can be told which it is."""
    if nonnegative(b - a):
        return a
    return b if nonnegative(a - b) else minimum(a, b)


def positive_part(dim: Dim) -> Dim:
    """`dim`, or 0 where it is negative."""
    return dim if nonnegative(dim) else maximum(dim, 0)
