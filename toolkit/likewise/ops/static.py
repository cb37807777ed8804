"""What `lower` must know of its inputs when it runs: contents and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import UnsupportedError
from likewise.ir import TensorType

if TYPE_CHECKING:
    from likewise.ir import Array
    from likewise.lower import TensorView
    from likewise.ops.operator import Operator

__all__ = ["content", "output_shape", "output_shapes", "tensor_type"]


def content(x: TensorView, name: str) -> Array:
    """The elements of the input called `name`; refused where only a run can tell them."""
    if x.data is None:
        raise UnsupportedError(
            f"{name} is not known at compile time", allowed="a constant", hint="fold or bake it"
        )
    return x.data


def tensor_type(x: TensorView | None) -> TensorType | None:
    """The type that `infer` takes for a view."""
    return None if x is None else TensorType(x.dtype, x.shape, x.data)


def output_shapes(operator: Operator, *inputs: TensorView | None) -> list[tuple[int, ...]]:
    """The shapes of the outputs, from `infer`; refused where they depend on data."""
    made: Any = operator.infer(*map(tensor_type, inputs))
    found = []
    for one in made if isinstance(made, tuple) else (made,):
        if not isinstance(one, TensorType) or not one.is_static:
            raise UnsupportedError("the shape of the output depends on data", given=one)
        found.append(tuple(int(dim) for dim in one.shape))  # type: ignore[arg-type]  # static
    return found


def output_shape(operator: Operator, *inputs: TensorView | None) -> tuple[int, ...]:
    """The shape of the only output."""
    return output_shapes(operator, *inputs)[0]
