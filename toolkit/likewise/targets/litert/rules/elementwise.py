"""What is computed element by element: the layout of the inputs is that of the output."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir import DType
from likewise.passes.layout import Layout
from likewise.targets.litert.emitter import Laid, common, require
from likewise.targets.litert.rules import rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Node
    from likewise.targets.litert.emitter import Emitter
    from likewise.targets.litert.program import Tensor

__all__ = ["elementwise"]

_UNARY: Final = {
    "Abs": "ABS",
    "Ceil": "CEIL",
    "Cos": "COS",
    "Exp": "EXP",
    "Floor": "FLOOR",
    "HardSwish": "HARD_SWISH",
    "Log": "LOG",
    "Neg": "NEG",
    "Not": "LOGICAL_NOT",
    "Relu": "RELU",
    "Round": "ROUND",
    "Sigmoid": "LOGISTIC",
    "Sign": "SIGN",
    "Sin": "SIN",
    "Sqrt": "SQRT",
    "Tanh": "TANH",
}
_BINARY: Final = {
    "Add": ("ADD", "AddOptions"),
    "And": ("LOGICAL_AND", ""),
    "BitwiseXor": ("BITWISE_XOR", ""),
    "Div": ("DIV", "DivOptions"),
    "Mul": ("MUL", "MulOptions"),
    "Or": ("LOGICAL_OR", ""),
    "Pow": ("POW", ""),
    "Sub": ("SUB", "SubOptions"),
    "Xor": ("NOT_EQUAL", ""),
}
_COMPARISONS: Final = {
    "Equal": "EQUAL",
    "Greater": "GREATER",
    "GreaterOrEqual": "GREATER_EQUAL",
    "Less": "LESS",
    "LessOrEqual": "LESS_EQUAL",
}
_FOLDED: Final = {"Max": "MAXIMUM", "Min": "MINIMUM"}
_MOST_AXES: Final = 4
"""With more, several builtins do not broadcast."""
_MOST_EQUAL_AXES: Final = 6


def elementwise(
    e: Emitter,
    builtin: str,
    inputs: Sequence[Laid],
    dtype: DType | None = None,
    kind: str = "",
    **options: Any,
) -> Laid:
    """A builtin on inputs that broadcast against each other."""
    shape = np.broadcast_shapes(*(one.shape for one in inputs))
    layout = common(inputs, len(shape))
    tensors = [
        one.tensor if one.rank == 0 and shape else e.broadcast(one, layout) for one in inputs
    ]
    stored = layout.stored(shape)
    uneven = len({one.shape for one in tensors}) > 1
    if len(shape) > (_MOST_AXES if uneven else _MOST_EQUAL_AXES):
        merged = _merged(e, tensors, stored)
        sizes = np.broadcast_shapes(*(one.shape for one in merged))
        made = e.op(builtin, merged, sizes, dtype or inputs[-1].dtype, kind, **options)
        return Laid(e.reshape(made, stored), layout)
    return Laid(e.op(builtin, tensors, stored, dtype or inputs[-1].dtype, kind, **options), layout)


def _merged(e: Emitter, tensors: Sequence[Tensor], shape: Sequence[int]) -> list[Tensor]:
    """The tensors with neighbouring axes that broadcast alike taken as one."""
    full = [one.shape or (1,) * len(shape) for one in tensors]
    kinds = [tuple(sizes[at] == 1 for sizes in full) for at in range(len(shape))]
    groups: list[list[int]] = []
    for at, kind in enumerate(kinds):
        if groups and kinds[groups[-1][-1]] == kind:
            groups[-1].append(at)
        else:
            groups.append([at])
    require(len(groups) <= _MOST_AXES, "TFLite does not broadcast so many axes", list(shape))
    return [
        e.reshape(one, [prod(sizes[at] for at in group) for group in groups])
        for one, sizes in zip(tensors, full, strict=True)
    ]


def _unary(name: str, builtin: str) -> None:
    @rule(name, builtin=builtin)
    def emit(e: Emitter, _: Node, x: Laid) -> Laid:
        return elementwise(e, builtin, [x])


def _binary(name: str, builtin: str, kind: str) -> None:
    @rule(name, builtin=builtin)
    def emit(e: Emitter, _: Node, a: Laid, b: Laid) -> Laid:
        require(a.dtype is b.dtype, f"TFLite's {builtin} takes one element type", b.dtype)
        return elementwise(e, builtin, [a, b], None, kind)


def _comparison(name: str, builtin: str) -> None:
    @rule(name, builtin=builtin)
    def emit(e: Emitter, _: Node, a: Laid, b: Laid) -> Laid:
        return elementwise(e, builtin, [a, b], DType.BOOL)


def _folded(name: str, builtin: str) -> None:
    @rule(name, builtin=builtin)
    def emit(e: Emitter, _: Node, *inputs: Laid) -> Laid:
        made = inputs[0]
        for one in inputs[1:]:
            made = elementwise(e, builtin, [made, one], None, "MaximumMinimumOptions")
        return made


for _name, _builtin in _UNARY.items():
    _unary(_name, _builtin)
for _name, (_builtin, _kind) in _BINARY.items():
    _binary(_name, _builtin, _kind)
for _name, _builtin in _COMPARISONS.items():
    _comparison(_name, _builtin)
for _name, _builtin in _FOLDED.items():
    _folded(_name, _builtin)


_RANGES: Final = {(0, None): "RELU", (0, 6): "RELU6", (-1, 1): "RELU_N1_TO_1"}
"""Bounds of Clip that have a builtin, which can be part of the operation before."""


@rule("Clip", builtin="MAXIMUM")
def clip(e: Emitter, _: Node, x: Laid, low: Laid | None = None, high: Laid | None = None) -> Laid:
    """MAXIMUM with the lower bound, then MINIMUM with the upper one, or both in one."""
    bounds = tuple(
        None if one is None else one.data.item() if one.data is not None else "unknown"
        for one in (low, high)
    )
    if bounds in _RANGES and x.dtype is DType.FLOAT:
        return elementwise(e, _RANGES[bounds], [x])
    if low is not None:
        x = elementwise(e, "MAXIMUM", [x, low], None, "MaximumMinimumOptions")
    if high is not None:
        x = elementwise(e, "MINIMUM", [x, high], None, "MaximumMinimumOptions")
    return x


@rule("Where", builtin="SELECT_V2")
def where(e: Emitter, _: Node, condition: Laid, x: Laid, y: Laid) -> Laid:
    """SELECT_V2."""
    return elementwise(e, "SELECT_V2", [condition, x, y], x.dtype)


@rule("Cast", builtin="CAST")
def cast(e: Emitter, node: Node, x: Laid) -> Laid:
    """CAST, but to bool by comparing: everything but zero is true."""
    operator: Any = node.operator
    if operator.to is DType.BOOL:
        zero = e.constant(np.zeros((), x.dtype.numpy))
        return elementwise(e, "NOT_EQUAL", [x, zero], DType.BOOL)
    return Laid(e.cast(x.tensor, operator.to), x.layout)


@rule("Mod", builtin="FLOOR_MOD")
def mod(e: Emitter, _: Node, a: Laid, b: Laid) -> Laid:
    """FLOOR_MOD, whose sign is the divisor's."""
    return elementwise(e, "FLOOR_MOD", [a, b])


@rule("Atan", builtin="ATAN2")
def atan(e: Emitter, _: Node, x: Laid) -> Laid:
    """ATAN2 of x and 1."""
    one = e.parameter(np.ones(x.tensor.shape, np.float32))
    return elementwise(e, "ATAN2", [x, Laid(one, x.layout)])


@rule("Asin", "Acos", builtin="ATAN2")
def arc(e: Emitter, node: Node, x: Laid) -> Laid:
    """ATAN2 of the two legs, of which one is sqrt((1 - x)(1 + x))."""
    one = e.constant(np.ones((), np.float32))
    left = elementwise(e, "SUB", [one, x], None, "SubOptions")
    right = elementwise(e, "ADD", [x, one], None, "AddOptions")
    leg = elementwise(e, "SQRT", [elementwise(e, "MUL", [left, right], None, "MulOptions")])
    return elementwise(e, "ATAN2", [x, leg] if node.operator.name == "Asin" else [leg, x])


@rule("Gelu", builtin="GELU")
def gelu(e: Emitter, node: Node, x: Laid) -> Laid:
    """GELU, both forms."""
    operator: Any = node.operator
    return elementwise(
        e, "GELU", [x], None, "GeluOptions", Approximate=operator.approximate == "tanh"
    )


@rule("LeakyRelu", builtin="LEAKY_RELU")
def leaky_relu(e: Emitter, node: Node, x: Laid) -> Laid:
    """LEAKY_RELU."""
    operator: Any = node.operator
    return elementwise(e, "LEAKY_RELU", [x], None, "LeakyReluOptions", Alpha=operator.alpha)


@rule("Elu", builtin="ELU")
def elu(e: Emitter, node: Node, x: Laid) -> Laid:
    """ELU, whose alpha is 1."""
    operator: Any = node.operator
    require(operator.alpha == 1.0, "TFLite's ELU has alpha 1", operator.alpha)
    return elementwise(e, "ELU", [x])


@rule("Identity", builtin="RESHAPE")
def identity(_e: Emitter, _: Node, x: Laid) -> Laid:
    """The value itself."""
    return x


@rule("Transpose", builtin="RESHAPE")
def transpose(_e: Emitter, node: Node, x: Laid) -> Laid:
    """Another reading of the same storage."""
    operator: Any = node.operator
    return x.transposed(operator.perm or range(x.rank)[::-1])


@rule("PRelu", builtin="PRELU")
def prelu(e: Emitter, _: Node, x: Laid, slope: Laid) -> Laid:
    """PRELU; the slope broadcasts to the input."""
    layout = x.layout if x.rank else Layout.plain(0)
    return Laid(e.op("PRELU", [x.tensor, e.broadcast(slope, layout)], x.tensor.shape), layout)
