"""The kernels of support vector machines."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.loop import BOOL, F64, I32
from likewise.loop import math as loop_math

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView

__all__ = ["KernelType", "coupled_view", "kernel", "kernel_view", "parameters"]

KernelType: TypeAlias = Literal["LINEAR", "POLY", "RBF", "SIGMOID"]


def parameters(values: tuple[float, ...] | None) -> tuple[float, float, float]:
    """gamma, coef0 and degree; 0, 0 and 3 where they are not given."""
    if not values:
        return 0.0, 0.0, 3.0
    if len(values) != 3:
        raise InferenceError(
            "kernel_params does not fit", given=list(values), allowed="gamma, coef0, degree"
        )
    return values[0], values[1], values[2]


def kernel(
    kind: KernelType, x: Array, vectors: Array, settings: tuple[float, float, float]
) -> Array:
    """How alike each row of `x` [N, F] and each of `vectors` [M, F] are: [N, M]."""
    gamma, coef0, degree = settings
    dot = x @ vectors.T
    if kind == "LINEAR":
        return dot
    if kind == "POLY":
        return (gamma * dot + coef0) ** degree
    if kind == "SIGMOID":
        return np.tanh(gamma * dot + coef0)
    squares = np.square(x).sum(1)[:, None] + np.square(vectors).sum(1)
    return np.exp(-gamma * np.maximum(squares - 2 * dot, 0))


def kernel_view(
    lowering: Lowering,
    kind: KernelType,
    x: TensorView,
    vectors: Array,
    settings: tuple[float, float, float],
) -> TensorView:
    """`kernel` for compiled targets; all in float64."""
    gamma, coef0, degree = settings
    dot = lowering.matmul(x, lowering.constant(np.ascontiguousarray(vectors.T)))
    if kind == "LINEAR":
        return dot

    def curved(k: Kernel, value: Value) -> Value:
        inner = value * gamma + coef0
        if kind == "SIGMOID":
            return loop_math.tanh(k, inner)
        return loop_math.power(k, inner, k.const(degree, inner.type))

    def radial(k: Kernel, value: Value, own: Value, other: Value) -> Value:
        return loop_math.exp(k, k.max((own + other) - value * 2.0, 0.0) * -gamma)

    if kind != "RBF":
        return lowering.elementwise(curved, DType.DOUBLE, dot, cost=60)
    squares = lowering.elementwise(lambda _, v: v * v, DType.DOUBLE, x)
    own = lowering.reduce(squares, [1], 0.0, lambda _, a, b: a + b)
    others = lowering.constant(np.square(vectors).sum(1))
    return lowering.elementwise(radial, DType.DOUBLE, dot, own, others, cost=30)


def coupled_view(lowering: Lowering, won: TensorView, classes: int) -> TensorView:
    """`couple` for compiled targets: [N, classes] from the chances of i against j, [N, pairs]."""
    won = lowering.materialise(won)
    made = lowering.empty(DType.DOUBLE, (won.shape[0], classes))
    system = lowering.empty(DType.DOUBLE, (classes, classes))
    moved = lowering.empty(DType.DOUBLE, (classes,))
    table = lowering.constant(np.array(list(combinations(range(classes), 2)), np.int32))
    with lowering.kernel("f64_couple") as k, k.loop(won.shape[0]) as row:
        zero, put = k.const(0.0, F64), partial(_put, k)

        def product() -> tuple[Value, Value]:
            """Sets system times p; gives its product with p, and how far it is from even."""
            total, far = k.var(zero), k.var(zero)
            with k.loop(classes) as i:
                line = k.var(zero)
                with k.loop(classes) as j:
                    line.set(line.get() + system.read(k, (i, j)) * made.read(k, (row, j)))
                put(moved, (i,), line.get())
                total.set(total.get() + made.read(k, (row, i)) * line.get())
            with k.loop(classes) as i:
                far.set(k.max(far.get(), abs(moved.read(k, (i,)) - total.get())))
            return total.get(), far.get()

        with k.loop(classes) as i:
            put(made, (row, i), k.const(1 / classes, F64))
        _fill_system(k, system, table, lambda pair: won.read(k, (row, pair)))
        going, rounds = k.var(k.const(True, BOOL)), k.var(k.index(0))
        with k.while_(lambda: going.get() & (rounds.get() < max(100, classes))):
            rounds.set(rounds.get() + 1)
            start, far = product()
            going.set(far >= 0.005 / classes)
            with k.if_(going.get()):
                total = k.var(start)
                with k.loop(classes) as t:
                    own, here = system.read(k, (t, t)), moved.read(k, (t,))
                    step = (total.get() - here) / own
                    scale = 1.0 + step
                    put(made, (row, t), made.read(k, (row, t)) + step)
                    found = total.get() + step * (step * own + here * 2.0)
                    total.set(found / (scale * scale))
                    with k.loop(classes) as i:
                        part = moved.read(k, (i,)) + step * system.read(k, (t, i))
                        put(moved, (i,), part / scale)
                        put(made, (row, i), made.read(k, (row, i)) / scale)
    return made


def _put(k: Kernel, view: TensorView, index: tuple[Value, ...], value: Value) -> None:
    buffer, position = view.address(k, index)
    k.write(buffer, position, value)


def _fill_system(
    k: Kernel, system: TensorView, pairs: TensorView, chance_of: Callable[[Value], Value]
) -> None:
    """The equations [K, K] of `couple`, from the chance of each of the `pairs` [P, 2]."""
    with k.loop(system.shape[0]) as i, k.loop(system.shape[1]) as j:
        _put(k, system, (i, j), k.const(0.0, F64))
    with k.loop(pairs.shape[0]) as pair:
        i, j = (pairs.read(k, (pair, k.index(side))).cast(I32) for side in (0, 1))
        chance = chance_of(pair)
        other = 1.0 - chance
        for at, back, lost in ((i, j, other), (j, i, chance)):
            _put(k, system, (at, back), -(chance * other))
            _put(k, system, (at, at), system.read(k, (at, at)) + lost * lost)
