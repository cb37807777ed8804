"""RegexFullMatch: which strings a regular expression matches from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType
from likewise.ops.case import Case, boolean, f32, strings
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator
from likewise.ops.re2 import compile_re2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class RegexFullMatch(Operator, versions=(20,)):
    """True where `pattern`, in the syntax of RE2, matches the whole string.

    What Python's `re` cannot express the same way is refused by name.
    """

    bounded = False  # Python's matcher may take exponential time

    pattern: str = ""

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, {DType.STRING}, "X")
        compile_re2(self.pattern)
        return TensorType(DType.BOOL, x.dims)

    def evaluate(self, x: Array) -> Array:
        match = compile_re2(self.pattern).fullmatch
        found = [match(text) is not None for text in x.ravel().tolist()]
        return np.array(found, bool).reshape(x.shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        def gives(pattern: str, *expected: bool) -> Case:
            return Case(cls(pattern=pattern), [x], [boolean(expected)])

        x = strings(["ab", "a\n", "A1", "", "é"])
        yield gives("[a-z]+", True, False, False, False, False)
        yield gives(r"[[:alpha:]\n]*", True, True, False, True, False)
        yield gives("a$\n", False, False, False, False, False)
        yield gives("(?i)a.?", True, False, True, False, False)
        yield gives("(?s).*", True, True, True, True, True)
        yield gives(r"\w{0,2}", True, False, True, True, False)
        yield gives(r"\Qa\Eb|\x{e9}|\A\z", True, False, False, True, True)
        yield Case(cls(pattern="x"), [strings([])], [boolean([])])
        yield Case(cls(pattern="a(?=b)"), [x], error="'(?=' is not in RE2's syntax")
        yield Case(cls(pattern=r"(a)\1"), [x], error=r"'\1' is not in RE2's syntax")
        yield Case(cls(pattern=r"\p{Greek}"), [x], error=r"'\p' cannot be matched")
        yield Case(cls(pattern="(a"), [x], error="is not a regular expression")
        yield Case(cls(), [f32(1)], error="X has an element type")
