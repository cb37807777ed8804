"""One value from all along some axes, wherever these are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir import DType
from likewise.targets.litert.emitter import Laid, require
from likewise.targets.litert.program import Tensor
from likewise.targets.litert.rules import rule
from likewise.targets.litert.rules.products import last
from likewise.targets.litert.rules.shapes import known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Node
    from likewise.targets.litert.emitter import Emitter

_REDUCTIONS: Final = {
    "ReduceMax": "REDUCE_MAX",
    "ReduceMean": "MEAN",
    "ReduceMin": "REDUCE_MIN",
    "ReduceProd": "REDUCE_PROD",
    "ReduceSum": "SUM",
}
_OF_BOOL: Final = {"REDUCE_MAX": "REDUCE_ANY", "REDUCE_MIN": "REDUCE_ALL"}
_EVERYWHERE: Final = {"GlobalAveragePool": "MEAN", "GlobalMaxPool": "REDUCE_MAX"}


def _reduced(e: Emitter, builtin: str, x: Laid, axes: Sequence[int], *, keepdims: bool) -> Laid:
    if not axes:
        return x
    if x.dtype is DType.BOOL:
        builtin = _OF_BOOL.get(builtin, builtin)
    places = sorted(x.layout.place(axis) for axis in axes)
    sizes = [
        1 if at in places else n
        for at, n in enumerate(x.tensor.shape)
        if keepdims or at not in places
    ]
    inputs = [x.tensor, e.ints(places)]
    made = e.op(builtin, inputs, sizes, kind="ReducerOptions", KeepDims=keepdims)
    return Laid(made, x.layout if keepdims else x.layout.without(axes))


def _reduction(name: str, builtin: str) -> None:
    @rule(name, builtin=builtin)
    def emit(e: Emitter, node: Node, x: Laid, axes: Laid | None = None) -> Laid:
        operator: Any = node.operator
        chosen = operator.axes(x.rank, known(axes, "axes"))
        return _reduced(e, builtin, x, chosen, keepdims=bool(operator.keepdims))


def _everywhere(name: str, builtin: str) -> None:
    @rule(name, builtin=builtin)
    def emit(e: Emitter, _: Node, x: Laid) -> Laid:
        return _reduced(e, builtin, x, range(2, x.rank), keepdims=True)


for _name, _builtin in _REDUCTIONS.items():
    _reduction(_name, _builtin)
for _name, _builtin in _EVERYWHERE.items():
    _everywhere(_name, _builtin)


def _position(name: str, builtin: str) -> None:
    @rule(name, builtin=builtin)
    def emit(e: Emitter, node: Node, x: Laid) -> Laid:
        operator: Any = node.operator
        require(not operator.select_last_index, f"TFLite's {builtin} gives the first place")
        axis = operator.axis % x.rank
        place = x.layout.place(axis)
        sizes = [n for at, n in enumerate(x.tensor.shape) if at != place]
        inputs = [x.tensor, e.parameter(np.array(place, np.int32))]
        kind = f"Arg{name[3:]}Options"
        made = e.op(builtin, inputs, sizes, DType.INT64, kind, OutputType="INT64")
        if not operator.keepdims:
            return Laid(made, x.layout.without([axis]))
        return Laid(e.reshape(made, [*sizes[:place], 1, *sizes[place:]]), x.layout)


_position("ArgMax", "ARG_MAX")
_position("ArgMin", "ARG_MIN")


@rule("TopK", builtin="TOPK_V2")
def top_k(e: Emitter, node: Node, x: Laid, k: Laid) -> tuple[Laid, Laid]:
    """TOPK_V2, largest first; the smallest were negated before."""
    operator: Any = node.operator
    require(operator.largest and operator.sorted, "TFLite's TOPK_V2 gives the largest, sorted")
    count = known(k, "k")
    x = last(e, x, operator.axis)
    sizes = (*x.tensor.shape[:-1], int(count.item()))  # type: ignore[union-attr]
    values = Tensor(e.fresh("top_k"), x.dtype, sizes)
    places = Tensor(e.fresh("places"), DType.INT32, sizes)
    wanted = e.parameter(np.array(sizes[-1], np.int32))
    e.add("TOPK_V2", [x.tensor, wanted], [values, places], "TopKV2Options")
    return Laid(values, x.layout), Laid(e.cast(places, DType.INT64), x.layout)


@rule("CumSum", builtin="CUMSUM")
def cumulated(e: Emitter, node: Node, x: Laid, axis: Laid) -> Laid:
    """CUMSUM along the stored axis."""
    operator: Any = node.operator
    chosen = known(axis, "axis")
    place = x.layout.place(int(chosen.item()))  # type: ignore[union-attr]
    inputs = [x.tensor, e.parameter(np.array(place, np.int32))]
    made = e.op(
        "CUMSUM",
        inputs,
        x.tensor.shape,
        kind="CumsumOptions",
        Exclusive=bool(operator.exclusive),
        Reverse=bool(operator.reverse),
    )
    return Laid(made, x.layout)
