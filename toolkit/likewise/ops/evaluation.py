"""Operators on arrays: how `evaluate` meets the element types that NumPy lacks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import TensorType, type_of
from likewise.ops.conversion import convert
from likewise.ops.narrow import is_narrow, widened
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.ir import Type

__all__ = ["as_tuple", "evaluate", "evaluator"]


def evaluate(operator: Operator, inputs: Sequence[Any], **keywords: Any) -> tuple[Any, ...]:
    """The outputs of `operator` on `inputs`: arrays, lists of arrays, dicts, None for absent."""
    if any(map(is_narrow, inputs)):
        return as_tuple(_evaluate_narrow(operator, *inputs, **keywords))
    return as_tuple(operator.evaluate(*inputs, **keywords))


def evaluator(operator: Any, kinds: Sequence[Type]) -> Callable[..., Any]:
    """What evaluates `operator` on inputs of these types, many times: looked up once."""
    if any(isinstance(kind, TensorType) and kind.dtype.is_narrow for kind in kinds):
        return partial(_evaluate_narrow, operator)
    found: Callable[..., Any] = operator.evaluate
    return found


def as_tuple(made: Any) -> tuple[Any, ...]:
    """What `infer` or `evaluate` gives, one output or a tuple, as a tuple."""
    return made if isinstance(made, tuple) else (made,)


def _evaluate_narrow(operator: Operator, *inputs: Any, **keywords: Any) -> Any:
    """The outputs on inputs of which one has a narrow type, as `on_narrow` says.

    The types to round to are those that `infer` gives.
    """
    if operator.on_narrow == "take":
        return operator.evaluate(*inputs, **keywords)
    if operator.on_narrow == "expand" or type(operator).evaluate is Operator.evaluate:
        return Operator.evaluate(operator, *inputs)
    kinds = as_tuple(operator.infer(*(None if x is None else type_of(x) for x in inputs)))
    wide = (widened(x) if is_narrow(x) else x for x in inputs)
    made = as_tuple(operator.evaluate(*wide, **keywords))
    return (*map(_rounded, made, kinds),)


def _rounded(x: Any, kind: Any) -> Any:
    if isinstance(kind, TensorType) and kind.dtype.is_narrow:
        return convert(np.asarray(x), kind.dtype)
    return x
