"""StringSplit: each string cut into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class StringSplit(Operator, versions=(20,)):
    """The parts between delimiters along a new last axis, filled up with "", and their numbers.

    Without a delimiter runs of whitespace separate, and none is left at either end. The empty
    string has no parts, with a delimiter too: ONNX is silent there, onnxruntime does so.
    """

    delimiter: str = ""
    maxsplit: int = -1

    def infer(self, x: TensorType) -> tuple[TensorType, TensorType]:
        check_dtype(x, {DType.STRING}, "X")
        return (
            TensorType(DType.STRING, (*x.shape, fresh("parts"))),
            TensorType(DType.INT64, x.shape),
        )

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        parts = [self._split(text) for text in x.ravel().tolist()]
        counts = np.array([len(found) for found in parts], np.int64)
        longest = int(counts.max(initial=0))
        padded = np.empty((len(parts), longest), object)
        for row, found in zip(padded, parts, strict=True):
            row[:] = found + [""] * (longest - len(found))
        return padded.reshape(*x.shape, longest), counts.reshape(x.shape)

    def _split(self, text: str) -> list[str]:
        if not self.delimiter:
            return text.strip().split(None, self.maxsplit)
        return text.split(self.delimiter, self.maxsplit) if text else []

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = strings(["a,b,,c", "", "d"])
        parts = strings([["a", "b", "", "c"], [""] * 4, ["d", "", "", ""]])
        yield Case(cls(delimiter=","), [x], [parts, i64(4, 0, 1)])
        once = strings([["a", "b,,c"], ["", ""], ["d", ""]])
        yield Case(cls(delimiter=",", maxsplit=1), [x], [once, i64(2, 0, 1)])
        yield Case(cls(), [strings("  a \t b ")], [strings(["a", "b"]), i64(2)])
        yield Case(cls(maxsplit=1), [strings([" a b  c "])], [strings([["a", "b  c"]]), i64([2])])
        nothing = np.zeros((0, 2), object)
        yield Case(cls(), [nothing], [np.zeros((0, 2, 0), object), np.zeros((0, 2), np.int64)])
        yield Case(cls(), [f32(1)], error="X has an element type")
