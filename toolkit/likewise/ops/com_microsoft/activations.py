"""The activations that fused operators name by a string."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ops.build import Builder
    from likewise.ops.operator import V

__all__ = ["activated"]


def activated(b: Builder[V], x: V, name: str, parameters: Sequence[float] = ()) -> V:
    """`x` through the activation called `name` (none: ""), with its parameters in ONNX's order."""
    made: V
    first, second = (*parameters, None, None)[:2]
    match name:
        case "":
            return x
        case "Relu" | "Tanh" | "Sigmoid" | "Softplus" | "Softsign":
            made = b.op(name, x)
        case "LeakyRelu" | "Elu" | "ThresholdedRelu":
            given = {} if first is None else {"alpha": first}
            made = getattr(b, name)(x, **given)
        case "HardSigmoid" | "Selu":
            second_name = "beta" if name == "HardSigmoid" else "gamma"
            given = {} if first is None else {"alpha": first}
            if second is not None:
                given[second_name] = second
            made = getattr(b, name)(x, **given)
        case "Clip":
            made = b.Clip(x, first, second)
        case _:
            raise UnsupportedError(
                "unknown activation",
                given=name,
                allowed="Relu, Tanh, Sigmoid, Softplus, Softsign, LeakyRelu, Elu, "
                "ThresholdedRelu, HardSigmoid, Selu, Clip",
            )
    return made
