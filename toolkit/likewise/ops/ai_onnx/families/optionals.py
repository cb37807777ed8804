"""Optional, OptionalGetElement, OptionalHasElement. An empty optional is None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError, LikewiseError, UnsupportedError
from likewise.ir import DType, OptionalType, TensorType, Type
from likewise.ops.case import Case, boolean, f32
from likewise.ops.checks import without_content
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class Optional(Operator, versions=(15, 28)):
    """The input as an optional; without input an empty one for elements of `type`."""

    type: Type | None = None
    on_narrow = "take"

    def infer(self, value: Type | None = None) -> OptionalType:
        if value is not None:
            return OptionalType(without_content(value))
        if self.type is None:
            raise InferenceError("an empty optional needs the attribute 'type'")
        return OptionalType(self.type)

    def evaluate(self, value: Any = None) -> Any:
        return value

    def lower(self, _: Lowering, value: Any = None) -> Any:
        return value

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1])], [f32([1])])
        yield Case(cls(), [[f32([1])]], [[f32([1])]])
        yield Case(cls(type=TensorType(DType.FLOAT, (2,))), [], [None])
        yield Case(cls(), [], error="an empty optional needs the attribute 'type'")


class OptionalGetElement(Operator, versions=(15, 18, 28)):
    """What the optional holds; a tensor or sequence as it is. An empty optional is an error."""

    on_narrow = "take"

    def infer(self, value: Type) -> Type:
        if not isinstance(value, OptionalType):
            return value
        if value.element is None:
            raise InferenceError("the optional is always empty")
        return value.element

    def evaluate(self, value: Any) -> Any:
        if value is None:
            raise LikewiseError("the optional is empty")
        return value

    def lower(self, _: Lowering, value: Any) -> Any:
        if value is None:
            raise UnsupportedError("the optional is empty")
        return value

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1])], [f32([1])])
        yield Case(cls(), [[f32([1])]], [[f32([1])]])


class OptionalHasElement(Operator, versions=(15, 18, 28)):
    """Whether there is an element: true for tensors and sequences, false without input."""

    on_narrow = "take"

    def infer(self, value: Type | None = None) -> TensorType:
        made = TensorType(DType.BOOL, ())
        if isinstance(value, OptionalType):
            return made
        return made.with_value(np.array(value is not None))

    def evaluate(self, value: Any = None) -> Array:
        return np.array(value is not None)

    def lower(self, lowering: Lowering, value: Any = None) -> TensorView:
        return lowering.constant(np.array(value is not None))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1])], [boolean(True)])
        yield Case(cls(), [[]], [boolean(True)])
        yield Case(cls(), [None], [boolean(False)])
        yield Case(cls(), [], [boolean(False)])
