"""Scatter: the former name of ScatterElements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.ops.ai_onnx.scatterelements import ScatterElements
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from likewise.ir import TensorType
    from likewise.ops.build import OldForm


class Scatter(Operator, versions=(9, 11)):
    """ScatterElements without a reduction; deprecated since opset 11."""

    axis: int = 0
    replaced = True

    def infer(self, data: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        return ScatterElements(axis=self.axis).infer(data, indices, updates)

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        return old.builder.ScatterElements(*old.inputs, axis=old.attributes.get("axis", 0))
