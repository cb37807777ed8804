"""Types through one operator: arity, unknown ranks, and content known beforehand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, Expression, TensorType, Type, UnknownRankError, symbol
from likewise.ops.evaluation import as_tuple, evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array
    from likewise.ops.operator import Operator

__all__ = ["UNFIT", "infer_outputs"]

_LARGEST_KNOWN = 512  # elements: shape arithmetic is small, weights are folded by a pass
_MOST_OPERATIONS = 1 << 18
UNFIT: Final = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError),
    *(TypeError, ValueError),
)
"""What an operator that is handed nonsense may raise, such as a map where it takes a tensor."""
_RANKS_TRIED = (1, 2, 3, 4, 0, 5)


def infer_outputs(operator: Operator, inputs: Sequence[Type | None]) -> tuple[Type | None, ...]:
    """The types of all outputs of `operator`, with their content where the inputs' tells it.

    Raises `InferenceError` for a wrong number of inputs or types that contradict the operator.
    """
    _check_arity(operator, inputs)
    try:
        outputs = _inferred(operator, inputs)
    except UnknownRankError:
        return _without_rank(operator, inputs)
    return _with_content(operator, inputs, outputs)


def _inferred(operator: Operator, inputs: Sequence[Type | None]) -> tuple[Any, ...]:
    try:
        return as_tuple(operator.infer(*inputs))
    except UNFIT as error:
        raise _unfit(error) from error


def _check_arity(operator: Operator, inputs: Sequence[Type | None]) -> None:
    least, most = operator.arity()
    there = len(inputs)
    if (
        there < least
        or any(x is None for x in inputs[:least])
        or (most is not None and there > most)
    ):
        names = operator.input_names()
        raise InferenceError(
            "wrong number of inputs",
            given=there - sum(x is None for x in inputs[:least]),
            allowed=f"{least} to {'any number' if most is None else most} ({', '.join(names)})",
        )


def _without_rank(operator: Operator, inputs: Sequence[Type | None]) -> tuple[Type | None, ...]:
    """The element types alone: those that the operator gives for some rank that it accepts."""
    failure: LikewiseError | None = None
    for rank in _RANKS_TRIED:
        guess = tuple(symbol(f"_rank{axis}") for axis in range(rank))
        tried = [
            TensorType(x.dtype, guess) if isinstance(x, TensorType) and x.dims is None else x
            for x in inputs
        ]
        try:
            outputs = _inferred(operator, tried)
        except UnknownRankError:
            continue
        except LikewiseError as error:
            failure = failure or error
            continue
        return tuple(TensorType(x.dtype, None) if isinstance(x, TensorType) else x for x in outputs)
    raise failure or InferenceError("no rank of the inputs fits the operator")


def _with_content(
    operator: Operator, inputs: Sequence[Type | None], outputs: tuple[Type | None, ...]
) -> tuple[Type | None, ...]:
    """`outputs` with the values that follow from the inputs' values (shape arithmetic)."""
    if not operator.foldable or any(
        not isinstance(x, TensorType) or x.value is not None or not _small(x)
        for x in outputs
        if x is not None
    ):
        return outputs
    values: list[Array | None] = []
    for x in inputs:
        value = x.value if isinstance(x, TensorType) else None
        if x is not None and (value is None or value.size > _LARGEST_KNOWN):
            return outputs
        values.append(value)
    symbolic = any(
        isinstance(x, TensorType) and x.value is not None and x.constant is None for x in inputs
    )
    if not values or (symbolic and not operator.symbolic):
        return outputs
    if not _is_quick(operator, inputs, outputs):
        return outputs
    return _evaluated(operator, values, outputs, symbolic=symbolic)


def _is_quick(
    operator: Operator, inputs: Sequence[Type | None], outputs: Sequence[Type | None]
) -> bool:
    operations = operator.flops(
        *([x if isinstance(x, TensorType) else None for x in side] for side in (inputs, outputs))
    )
    return isinstance(operations, int) and operations <= _MOST_OPERATIONS


def _unfit(error: Exception) -> InferenceError:
    return InferenceError(
        "its inputs or attributes do not fit the operator", given=f"{type(error).__name__}: {error}"
    )


def _small(x: TensorType) -> bool:
    return x.is_static and isinstance(x.size, int) and x.size <= _LARGEST_KNOWN


def _evaluated(
    operator: Operator,
    values: Sequence[Array | None],
    outputs: tuple[Type | None, ...],
    *,
    symbolic: bool,
) -> tuple[Type | None, ...]:
    try:
        with np.errstate(all="ignore"):
            results = evaluate(operator, values)
    except (LikewiseError, *UNFIT) as error:
        # An expression that has no truth value or no such operation: not known.
        if symbolic or isinstance(error, MemoryError):
            return outputs
        raise error if isinstance(error, LikewiseError) else _unfit(error) from error
    known: list[Type | None] = []
    for x, result in zip(outputs, results, strict=False):
        if isinstance(x, TensorType):
            array = np.asarray(result)
            if array.dtype == object and x.dtype is not DType.STRING:
                usable = all(isinstance(v, (int, np.integer, Expression)) for v in array.flat)
                known.append(x.with_value(array) if usable else x)
            else:
                known.append(replace(x, value=array))
        else:
            known.append(x)
    return (*known, *outputs[len(known) :])
