"""Einsum: sums of products by Einstein's convention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32
from likewise.ops.checks import NUMBERS, broadcast, check_dtype, check_same_dtype, unify
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, TensorType

_DOTS = "..."


class Einsum(Operator, versions=(12, 28)):
    """`equation` as NumPy has it: "ij,jk->ik", with an ellipsis for broadcast axes.

    Without an arrow the output has the letters that occur once, sorted, after the ellipsis.
    """

    equation: str

    def infer(self, *inputs: TensorType) -> TensorType:
        if not inputs:
            raise InferenceError("there are no operands", allowed="one input or more")
        for index, x in enumerate(inputs):
            check_dtype(x, NUMBERS, f"input {index}")
        check_same_dtype(**{f"input {index}": x for index, x in enumerate(inputs)})
        terms, output = self._terms(len(inputs))
        sizes: dict[str, Dim] = {}
        dots: tuple[Dim, ...] = ()
        for term, x in zip(terms, inputs, strict=True):
            dots = broadcast(dots, self._bind(term, x, sizes))
        shape: list[Dim] = []
        for letter in output:
            if letter == _DOTS:
                shape += dots
            elif letter in sizes:
                shape.append(sizes[letter])
            else:
                raise InferenceError(f"the output names {letter!r}, which no input has")
        return inputs[0].with_shape(shape)

    def _terms(self, count: int) -> tuple[list[list[str]], list[str]]:
        """The letters of each operand and of the output, an ellipsis as one."""
        text = self.equation.replace(" ", "")
        left, arrow, right = text.partition("->")
        terms = [_letters(term) for term in left.split(",")]
        if len(terms) != count:
            raise InferenceError(
                "the equation has another number of operands", given=count, allowed=len(terms)
            )
        if arrow:
            return terms, _letters(right)
        every = [letter for term in terms for letter in term]
        once = sorted(x for x in set(every) if every.count(x) == 1 and x != _DOTS)
        return terms, ([_DOTS] if _DOTS in every else []) + once

    def _bind(self, term: list[str], x: TensorType, sizes: dict[str, Dim]) -> tuple[Dim, ...]:
        """Learn the sizes of a term's letters; returns the dims of its ellipsis."""
        named = len(term) - (_DOTS in term)
        if x.rank < named or (x.rank > named and _DOTS not in term):
            raise InferenceError(f"the term {''.join(term)!r} does not fit its operand", given=x)
        hidden = x.rank - named
        before = term.index(_DOTS) if _DOTS in term else len(term)
        dims = (*x.shape[:before], *x.shape[before + hidden :])
        letters = [letter for letter in term if letter != _DOTS]
        for letter, dim in zip(letters, dims, strict=True):
            known = sizes.get(letter, 1)
            if known == 1:
                sizes[letter] = dim
            elif dim != 1:
                sizes[letter] = unify(known, dim, f"the sizes of {letter!r}")
        return x.shape[before : before + hidden] if _DOTS in term else ()

    def evaluate(self, *inputs: Array) -> Array:
        half = inputs[0].dtype.kind in "fV" and inputs[0].dtype.itemsize == 2
        wide = [x.astype(np.float32) for x in inputs] if half else inputs
        made = np.einsum(self.equation.replace(" ", ""), *wide, optimize=len(inputs) > 1)
        return np.asarray(made, inputs[0].dtype)

    def flops(
        self,
        inputs: Sequence[TensorType | None],
        outputs: Sequence[TensorType | None],  # noqa: ARG002 — the letters tell all
    ) -> Dim:
        terms, _ = self._terms(len(inputs))
        sizes: dict[str, Dim] = {}
        for term, x in zip(terms, inputs, strict=True):
            if x is None or x.dims is None:
                return 0
            self._bind(term, x, sizes)
        total: Dim = 2
        for size in sizes.values():
            total = total * size
        return total

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2], [3, 4]]), f32([[5, 6, 7], [8, 9, 10]])
        yield Case(cls(equation="ij,jk->ik"), [a, b], [a @ b])
        yield Case(cls(equation="ij,jk"), [a, b], [a @ b])
        yield Case(cls(equation="ii -> i"), [a], [f32([1, 4])])
        yield Case(cls(equation="ii"), [a], [f32(5)])
        yield Case(cls(equation="...i->..."), [b], [f32([18, 27])])
        yield Case(cls(equation="bij,bjk->bik"), [a[None], b[None]], [(a @ b)[None]])
        yield Case(cls(equation="ij,jk->ik"), [a, b.T.copy()], error="the sizes of 'j' differ")
        yield Case(cls(equation="ij->ik"), [a], error="the output names 'k'")
        yield Case(cls(equation="i,j->ij"), [f32([1])], error="another number of operands")
        yield Case(cls(equation="i->i"), [a], error="does not fit its operand")


def _letters(term: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(term):
        if term.startswith(_DOTS, at):
            found.append(_DOTS)
            at += len(_DOTS)
            continue
        if not (term[at].isascii() and term[at].isalpha()):
            raise InferenceError(f"the equation has a {term[at]!r}", allowed="letters, ... , ->")
        found.append(term[at])
        at += 1
    return found
