"""DictVectorizer: the values of a map in the order of a vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, MapType, TensorType
from likewise.ops.ai_onnx_ml.castmap import check_map
from likewise.ops.case import Case, f32, strings
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class DictVectorizer(Operator, versions=(1,)):
    """A 1-d tensor: for each key of the vocabulary its value, 0 or "" where the map lacks it.

    Keys that the vocabulary lacks are left out, as onnxruntime does; ONNX forbids them.
    """

    int64_vocabulary: tuple[int, ...] | None = None
    string_vocabulary: tuple[str, ...] | None = None

    def infer(self, x: MapType) -> TensorType:
        check_map(x)
        if bool(self.int64_vocabulary) == bool(self.string_vocabulary):
            raise InferenceError("one of the two vocabularies must be given")
        wanted = DType.STRING if self.string_vocabulary else DType.INT64
        if x.key is not wanted:
            raise InferenceError(
                "the keys of X are not of the vocabulary's type", given=x.key, allowed=wanted
            )
        if not isinstance(x.value, TensorType):
            raise InferenceError("the values of X are not numbers or strings", given=x)
        return TensorType(x.value.dtype, (len(self._vocabulary),))

    @property
    def _vocabulary(self) -> tuple[Any, ...]:
        return self.int64_vocabulary or self.string_vocabulary or ()

    def evaluate(self, x: dict[Any, Any]) -> Array:
        sample = next(iter(x.values()), np.float32(0))
        empty = "" if isinstance(sample, str) else 0
        dtype = object if isinstance(sample, str) else np.asarray(sample).dtype
        return np.array([x.get(key, empty) for key in self._vocabulary], dtype)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = {"a": np.float32(4), "c": np.float32(8)}
        words = cls(string_vocabulary=("a", "c", "b", "z"))
        yield Case(words, [x], [f32([4, 8, 0, 0])])
        yield Case(cls(int64_vocabulary=(7, 5)), [{5: "x", 6: "y"}], [strings(["", "x"])])
        yield Case(words, [{1: np.float32(2)}], error="keys of X are not of the vocabulary's type")
        yield Case(cls(), [x], error="one of the two vocabularies must be given")
