"""Upsample: what Resize was called before opset 10."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from likewise.ir import DType, TensorType
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from likewise.ops.build import OldForm


class Upsample(Operator, versions=(1, 7, 9, 10)):
    """Resize with asymmetric coordinates, the nearest element being the one before."""

    mode: Literal["nearest", "linear"] = "nearest"
    replaced = True

    def infer(self, x: TensorType, scales: TensorType) -> TensorType:
        from likewise.ops.ai_onnx.resize import Resize

        return Resize(mode=self.mode).infer(x, None, scales)

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        height, width = (old.attributes.pop(f"{side}_scale", None) for side in ("height", "width"))
        if height is not None and width is not None:
            old.attributes["scales"] = (1.0, 1.0, height, width)
        old.to_input("scales", 1, DType.FLOAT)
        mode = old.attributes.get("mode", "nearest")
        mode = mode.decode() if isinstance(mode, bytes) else mode
        return old.builder.Resize(
            old.inputs[0],
            None,
            old.inputs[1],
            mode={"bilinear": "linear", "trilinear": "linear"}.get(mode, mode),
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
