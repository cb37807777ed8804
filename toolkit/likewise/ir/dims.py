"""Symbolic dimensions: integer polynomials over named sizes, with floor division and maximum.

A `Dim` is an `int` or an `Expression`. Expressions are kept in one normal form, so two that are
equal as polynomials compare equal, and one without symbols is an `int` at once. Only products of
long sums stay as they are: multiplied out they would fill the memory.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from likewise.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Dim",
    "Expression",
    "ceil_divide",
    "checked_rank",
    "fresh",
    "fresh_dims",
    "maximum",
    "minimum",
    "product",
    "same",
    "symbol",
]

Dim: TypeAlias = "int | Expression"


_LONGEST_PRODUCT: Final = 256  # terms of a product that is multiplied out
_HEAVIEST: Final = 1 << 13
_DEEPEST: Final = 60


@dataclass(frozen=True)
class _Function:
    """An atom that is not a sum of monomials: `floordiv(a, b)`, `max(a, b)`, a long `product`."""

    name: str
    left: Dim
    right: Dim

    @cached_property
    def weight(self) -> int:
        """See `Expression`."""
        return 1 + sum(side.weight for side in (self.left, self.right) if not isinstance(side, int))

    @cached_property
    def depth(self) -> int:
        """How deep functions nest in it."""
        return 1 + max(side.depth for side in (self.left, self.right) if not isinstance(side, int))

    def __str__(self) -> str:
        if self.name == "product":
            return f"{_grouped(self.left)}*{_grouped(self.right)}"
        if self.name == "floordiv":
            return f"{_grouped(self.left)} // {_grouped(self.right)}"
        return f"{self.name}({self.left}, {self.right})"

    def substitute(self, bindings: Mapping[str, int]) -> Dim:
        left, right = _substitute(self.left, bindings), _substitute(self.right, bindings)
        if self.name == "product":
            return left * right
        return left // right if self.name == "floordiv" else maximum(left, right)


_Atom: TypeAlias = str | _Function
_Monomial: TypeAlias = tuple[_Atom, ...]


@dataclass(frozen=True)
class Expression:
    """A sum of monomials with integer coefficients, sorted; never a plain number.

    Sizes are never negative, which `//` relies on nowhere: it is exact floor division.
    """

    terms: tuple[tuple[_Monomial, int], ...]

    @cached_property
    def weight(self) -> int:
        """How many symbols and functions it is written with: what working with it costs."""
        atoms = [atom for monomial, _ in self.terms for atom in monomial]
        inner = sum(1 if isinstance(atom, str) else atom.weight for atom in atoms)
        return len(self.terms) + inner

    @cached_property
    def depth(self) -> int:
        """How deep functions nest in it."""
        atoms = [atom for monomial, _ in self.terms for atom in monomial]
        return max((atom.depth for atom in atoms if not isinstance(atom, str)), default=0)

    def __add__(self, other: Dim) -> Dim:
        if not isinstance(other, (int, Expression)):
            return NotImplemented
        total = dict(self.terms)
        for monomial, factor in _terms(other):
            total[monomial] = total.get(monomial, 0) + factor
        return _normal(total)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        return self + (other * -1)

    def __rsub__(self, other: Dim) -> Dim:
        return (self * -1) + other

    def __mul__(self, other: Dim) -> Dim:
        if not isinstance(other, (int, Expression)):
            return NotImplemented
        if len(self.terms) * len(_terms(other)) > _LONGEST_PRODUCT:
            return _atom(_Function("product", self, other))
        total: dict[_Monomial, int] = {}
        for (a, i), (b, j) in itertools.product(self.terms, _terms(other)):
            monomial = tuple(sorted(a + b, key=str))
            total[monomial] = total.get(monomial, 0) + i * j
        return _normal(total)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        return _floor_divide(self, other)

    def __rfloordiv__(self, other: Dim) -> Dim:
        return _floor_divide(other, self)

    def __mod__(self, other: Dim) -> Dim:
        return self - (self // other) * other

    def __str__(self) -> str:
        parts = []
        for monomial, factor in self.terms:
            names = "*".join(_grouped_atom(atom, len(monomial), factor) for atom in monomial)
            if not monomial:
                parts.append(str(factor))
            elif factor == 1:
                parts.append(names)
            else:
                parts.append(f"-{names}" if factor == -1 else f"{factor}*{names}")
        return " + ".join(parts).replace("+ -", "- ")

    __repr__ = __str__

    @property
    def symbols(self) -> frozenset[str]:
        """The names it depends on."""
        found: set[str] = set()
        for monomial, _ in self.terms:
            for atom in monomial:
                if isinstance(atom, str):
                    found.add(atom)
                else:
                    for side in (atom.left, atom.right):
                        found |= side.symbols if isinstance(side, Expression) else set()
        return frozenset(found)

    def substitute(self, bindings: Mapping[str, int]) -> Dim:
        """The expression with the named symbols replaced; an int once no symbol is left."""
        total: Dim = 0
        for monomial, factor in self.terms:
            term: Dim = factor
            for atom in monomial:
                if isinstance(atom, str):
                    term = term * (bindings[atom] if atom in bindings else symbol(atom))
                else:
                    term = term * atom.substitute(bindings)
            total = total + term
        return total


def symbol(name: str) -> Expression:
    """The size called `name`."""
    return Expression((((name,), 1),))


_counter = itertools.count(1)
RANK_LIMIT: Final = 64  # NumPy's own


def fresh(hint: str) -> Expression:
    """A size that only a run can tell, different from every other; `hint` says whose it is."""
    return symbol(f"_{hint}{next(_counter)}")


def fresh_dims(hint: str, rank: int) -> tuple[Expression, ...]:
    """`rank` sizes that only a run can tell; raises `InferenceError` beyond what NumPy holds."""
    return tuple(fresh(hint) for _ in range(checked_rank(rank)))


def checked_rank(rank: int) -> int:
    """`rank`; raises `InferenceError` beyond what NumPy holds."""
    if rank > RANK_LIMIT:
        raise InferenceError("a tensor has too many dims", given=rank, allowed=RANK_LIMIT)
    return rank


def product(dims: Iterable[Dim]) -> Dim:
    """The number of elements of a shape."""
    total: Dim = 1
    for dim in dims:
        total = total * dim
    return total


def ceil_divide(a: Dim, b: Dim) -> Dim:
    """`a / b` rounded up."""
    return (a + b - 1) // b


def maximum(a: Dim, b: Dim) -> Dim:
    """The larger of two sizes."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    if a == b:
        return a
    left, right = sorted((a, b), key=str)
    return _atom(_Function("max", left, right))


def minimum(a: Dim, b: Dim) -> Dim:
    """The smaller of two sizes."""
    return a + b - maximum(a, b)


def same(a: Dim, b: Dim) -> bool | None:
    """Whether two dims are equal for all sizes (True) or for none (False); None: it depends."""
    difference = a - b
    if isinstance(difference, int):
        return difference == 0
    return False if (_least(difference) or 0) > 0 or (_least(-difference) or 0) > 0 else None


def _least(dim: Dim) -> int | None:
    """What `dim` is never below, sizes being 0 or more; None: no such bound is known."""
    if isinstance(dim, int):
        return dim
    total = 0
    for monomial, factor in dim.terms:
        bounds = [_least_atom(atom) for atom in monomial]
        known = [bound for bound in bounds if bound is not None]
        if len(known) < len(bounds) or (len(known) > 1 and min(known) < 0):
            return None
        if monomial and factor < 0:
            return None
        total += factor * math.prod(known)
    return total


def _least_atom(atom: _Atom) -> int | None:
    if isinstance(atom, str):
        return 0
    left, right = _least(atom.left), _least(atom.right)
    if atom.name == "product":
        if left is None or right is None or min(left, right) < 0:
            return None
        return left * right
    if atom.name == "max":
        return max((bound for bound in (left, right) if bound is not None), default=None)
    if left is None or right is None or right <= 0:
        return None
    return left // right if isinstance(atom.right, int) else min(left, 0)


def _substitute(dim: Dim, bindings: Mapping[str, int]) -> Dim:
    return dim.substitute(bindings) if isinstance(dim, Expression) else dim


def _terms(dim: Dim) -> tuple[tuple[_Monomial, int], ...]:
    return dim.terms if isinstance(dim, Expression) else (((), int(dim)),)


def _atom(atom: _Function) -> Expression:
    return _checked(Expression((((atom,), 1),)))


def _checked(dim: Expression) -> Expression:
    """`dim`; raises `InferenceError` where it is so long that only malice can have written it."""
    if dim.weight > _HEAVIEST or dim.depth > _DEEPEST:
        raise InferenceError(
            "a size depends on others in too many ways",
            given=f"{dim.weight} symbols and functions, {dim.depth} deep",
            allowed=f"{_HEAVIEST}, {_DEEPEST} deep",
        )
    return dim


def _normal(total: Mapping[_Monomial, int]) -> Dim:
    kept = {monomial: factor for monomial, factor in total.items() if factor}
    if not kept:
        return 0
    if tuple(kept) == ((),):
        return kept[()]
    # Constants last, as people write them.
    return _checked(
        Expression(tuple(sorted(kept.items(), key=lambda item: (not item[0], str(item[0])))))
    )


def _divided(dim: Dim) -> _Function | None:
    """The floor division by a positive number that `dim` is, if it is nothing else."""
    if not isinstance(dim, Expression) or len(dim.terms) != 1:
        return None
    atoms, factor = dim.terms[0]
    atom = atoms[0] if factor == 1 and len(atoms) == 1 else None
    if not isinstance(atom, _Function) or atom.name != "floordiv":
        return None
    return atom if isinstance(atom.right, int) and atom.right > 0 else None


def _floor_divide(a: Dim, b: Dim) -> Dim:
    if b == 0:
        raise ZeroDivisionError("division of a symbolic dim by zero")
    if b == 1:
        return a
    if a == b:
        return 1
    inner = _divided(a)
    if inner is not None and isinstance(b, int) and b > 0:
        return _floor_divide(inner.left, inner.right * b)
    divisor = _terms(b)
    if len(divisor) != 1:
        return _atom(_Function("floordiv", a, b))
    (monomial, factor) = divisor[0]
    exact: dict[_Monomial, int] = {}
    rest: dict[_Monomial, int] = {}
    for atoms, coefficient in _terms(a):
        quotient = _without(atoms, monomial)
        if quotient is not None and coefficient % factor == 0:
            exact[quotient] = coefficient // factor
        else:
            rest[atoms] = coefficient
    remainder = _normal(rest)
    if isinstance(remainder, int) and isinstance(b, int):
        return _normal(exact) + remainder // b
    return _normal(exact) + _atom(_Function("floordiv", remainder, b)) if rest else _normal(exact)


def _without(atoms: _Monomial, divisor: _Monomial) -> _Monomial | None:
    """`atoms` with one occurrence of each of `divisor` taken out, or None."""
    left = list(atoms)
    for atom in divisor:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def _grouped(dim: Dim) -> str:
    text = str(dim)  # once: twice at each level is exponential
    simple = isinstance(dim, int) or (len(dim.terms) == 1 and " " not in text)
    return text if simple else f"({text})"


def _grouped_atom(atom: _Atom, length: int, factor: int) -> str:
    text = str(atom)
    return f"({text})" if " // " in text and (length > 1 or factor != 1) else text
