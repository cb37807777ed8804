"""FusedConv: a convolution, a sum and an activation in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from likewise.ops.case import Case, f32
from likewise.ops.com_microsoft.activations import activated
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class FusedConv(Operator, versions=(1,)):
    """activation(Conv(X, W, B) + Z)."""

    activation: str = ""
    activation_params: tuple[float, ...] = ()
    auto_pad: Literal["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"] = "NOTSET"
    dilations: tuple[int, ...] | None = None
    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        bias: TensorType | None = None,
        z: TensorType | None = None,
    ) -> TensorType:
        made: TensorType = infer_expansion(self, x, w, bias, z)
        return made

    def expand(self, b: Builder[V], x: V, w: V, bias: V | None = None, z: V | None = None) -> V:
        made: V = b.Conv(x, w, bias, **convolution(self))
        if z is not None:
            made = b.Add(made, z)
        return activated(b, made, self.activation, self.activation_params)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, w = f32([[[1, -2, 3]]]), f32([[[1, 1]]])
        yield Case(cls(activation="Relu"), [x, w], [f32([[[0, 1]]])])
        leaky = cls(activation="LeakyRelu", activation_params=(0.5,))
        yield Case(leaky, [x, w, f32([1]), f32([[[-2, 0]]])], [f32([[[-1, 2]]])])
        clip = cls(activation="Clip", activation_params=(0.0, 0.5))
        yield Case(clip, [x, w], [f32([[[0, 0.5]]])])
        yield Case(cls(activation="Wave"), [x, w], error="unknown activation; given: Wave")


def convolution(operator: Operator) -> dict[str, Any]:
    """The attributes of `operator` that are those of Conv."""
    names = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
    return {name: value for name in names if (value := getattr(operator, name)) is not None}
