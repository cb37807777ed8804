"""Einsum: products of tensors, summed, as an equation of index letters says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, product
from likewise.ops.case import Case, f32, i8
from likewise.ops.checks import NUMBERS, check_dtype, check_same_dtype, unify
from likewise.ops.contraction import Operand, contract, plain
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from likewise.ir import Dim, TensorType
    from likewise.ops.build import Builder
    from likewise.ops.contraction import Labels

_COMPUTED_IN: Final = {
    DType.FLOAT16: DType.FLOAT,
    DType.BFLOAT16: DType.FLOAT,
    DType.INT8: DType.INT32,
    DType.INT16: DType.INT32,
    DType.UINT8: DType.UINT32,
    DType.UINT16: DType.UINT32,
}


class Einsum(Operator, versions=(12, 28)):
    """The sum, over every letter that the output lacks, of the product of the inputs' elements.

    Without `->` the output has the ellipsis and then, in ASCII order, the letters that occur once.
    Every ellipsis stands for the same number of dims. A dim of size 1 meets any size. float16 and
    bfloat16 are summed in float32 and rounded once; integers wrap.
    """

    equation: str

    def infer(self, first: TensorType, *rest: TensorType) -> TensorType:
        inputs = (first, *rest)
        for index, x in enumerate(inputs):
            check_dtype(x, NUMBERS, f"Inputs[{index}]")
        check_same_dtype(**{f"Inputs[{index}]": x for index, x in enumerate(inputs)})
        terms, output = parse_equation(self.equation, [x.rank for x in inputs])
        sizes = _sizes(terms, inputs)
        return first.with_shape(sizes[label] for label in output)

    def expand(self, b: Builder[V], *inputs: V) -> V:
        dtype = b.type(inputs[0]).dtype
        work = _COMPUTED_IN.get(dtype, dtype)
        terms, output = parse_equation(self.equation, [b.type(x).rank for x in inputs])
        sizes = _sizes(terms, [b.type(x) for x in inputs])
        operands = [
            Operand(x if work is dtype else b.Cast(x, to=work.value), labels)
            for x, labels in zip(inputs, terms, strict=True)
        ]
        y: V = contract(b, [plain(b, operand, sizes) for operand in operands], output)
        return y if work is dtype else b.Cast(y, to=dtype.value)

    def flops(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType | None]
    ) -> Dim:
        there = [x for x in inputs if x is not None]
        if any(x.dims is None for x in (*there, *outputs) if x is not None):
            return 0
        terms, _ = parse_equation(self.equation, [x.rank for x in there])
        return product(_sizes(terms, there).values()) * len(there)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2, 3], [4, 5, 6]]), f32([[1, 0], [2, 1], [0, 3]])
        yield Case(cls(equation="ij->ji"), [a], [a.T.copy()])
        yield Case(cls(equation="ba"), [a], [a.T.copy()])
        yield Case(cls(equation="ij->i"), [a], [f32([6, 15])])
        yield Case(cls(equation="ij, jk"), [a, b], [a @ b])
        yield Case(cls(equation="i,i"), [a[0], a[1]], [f32(32)])
        yield Case(cls(equation="i,j"), [a[0], a[1]], [np.outer(a[0], a[1])])
        yield Case(cls(equation="ij,ij->j"), [a, a], [(a * a).sum(0)])
        square = np.stack([a[:, :2], a[:, 1:]])
        yield Case(cls(equation="...ii->...i"), [square], [f32([[1, 5], [2, 6]])])
        yield Case(cls(equation="bii"), [square], [f32([6, 8])])
        yield Case(cls(equation="...ij,...jk->...ik"), [square, square], [square @ square])
        yield Case(cls(equation="...j,kj"), [square, b.T.copy()[:, :2]], [square @ b[:2]])
        yield Case(
            cls(equation="bhid,bhjd->bhij"),
            [square[None]] * 2,
            [(square @ square.transpose(0, 2, 1))[None]],
        )
        yield Case(cls(equation="ij,jk,kl->il"), [a, b, a], [a @ b @ a])
        yield Case(cls(equation=",->"), [f32(3), f32(4)], [f32(12)])
        yield Case(cls(equation="i,i->i"), [f32([3]), f32([4, 5])], [f32([12, 15])])
        yield Case(cls(equation="ij->ij"), [f32([[3]])], [f32([[3]])])
        yield Case(cls(equation="ij,jk->ik"), [a[:, :0], b[:0]], [np.zeros((2, 2), np.float32)])
        yield Case(cls(equation="i,i"), [i8([100, 100]), i8([2, 1])], [i8(44)])
        yield Case(cls(equation="ij,jk"), [a, a], error="dims called 'j' differ; given: 3 and 2")
        yield Case(cls(equation="ii"), [a[:1]], error="dims called 'i' differ; given: 1 and 3")
        yield Case(cls(equation="ij"), [a, a], error="the equation has 1 terms; given: ij")
        yield Case(cls(equation="ijk"), [a], error="the term 'ijk' does not fit")
        yield Case(cls(equation="ij->ii"), [a], error="the output 'ii' names a dim twice")
        yield Case(cls(equation="ij->k"), [a], error="the output 'k' has a dim that no term has")
        yield Case(cls(equation="i1"), [a], error="'1' is no index")


def parse_equation(equation: str, ranks: Sequence[int]) -> tuple[list[Labels], Labels]:
    """The labels of the dims of each input, given their ranks, and those of the output."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(ranks):
        raise InferenceError(
            f"the equation has {len(texts)} terms", given=equation, allowed=f"{len(ranks)} inputs"
        )
    widths = {
        rank - len(text.replace("...", "", 1))
        for text, rank in zip(texts, ranks, strict=True)
        if "..." in text
    }
    if len(widths) > 1:
        raise InferenceError("the ellipses stand for different numbers of dims", given=equation)
    width = max(0, *widths, 0)
    terms = [_labels(text, width) for text in texts]
    for text, labels, rank in zip(texts, terms, ranks, strict=True):
        if len(labels) != rank:
            raise InferenceError(f"the term {text!r} does not fit the input", given=f"{rank} dims")
    letters = [label for labels in terms for label in labels]
    if arrow:
        output = _labels(right, width)
    else:
        dots = [label for label in dict.fromkeys(letters) if label[0] == "."]
        once = sorted(name for name in set(letters) if letters.count(name) == 1 and name[0] != ".")
        output = (*dots, *once)
    if len(set(output)) != len(output):
        raise InferenceError(f"the output {right!r} names a dim twice", given=equation)
    if not set(output) <= set(letters):
        raise InferenceError(f"the output {right!r} has a dim that no term has", given=equation)
    return terms, output


def _labels(text: str, width: int) -> Labels:
    before, dots, behind = text.partition("...")
    for letter in before + behind:
        if not (letter.isascii() and letter.isalpha()):
            raise InferenceError(f"{letter!r} is no index", given=text, allowed="letters and ...")
    middle = (f".{axis}" for axis in range(width)) if dots else ()
    return (*before, *middle, *behind)


def _sizes(terms: Iterable[Labels], inputs: Iterable[TensorType]) -> dict[str, Dim]:
    """The size that each label stands for; 1 gives way to any other."""
    sizes: dict[str, Dim] = {}
    for labels, x in zip(terms, inputs, strict=True):
        own: dict[str, Dim] = {}
        for label, dim in zip(labels, x.shape, strict=True):
            what = "dims of an ellipsis" if label[0] == "." else f"dims called {label!r}"
            own[label] = unify(own.get(label, dim), dim, what)
            known = sizes.get(label, 1)
            sizes[label] = known if dim == 1 else dim if known == 1 else unify(known, dim, what)
    return sizes
