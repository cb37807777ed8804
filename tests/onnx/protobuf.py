"""The same message read by protobuf and by likewise, compared field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

MODELS = Path(__file__).parent.parent / "models"
GRAPHS = sorted(MODELS.glob("*.graph.onnx"))


def class_name(descriptor: Any) -> str:
    """The name of our class for a protobuf message: nested names are joined."""
    return descriptor.full_name.removeprefix("onnx.").replace(".", "")


def assert_same(ours: Any, theirs: Any, path: str = "model") -> None:
    assert type(ours).__name__ == class_name(theirs.DESCRIPTOR), path
    for field in theirs.DESCRIPTOR.fields:
        place = f"{path}.{field.name}"
        mine, other = getattr(ours, field.name), getattr(theirs, field.name)
        if field.is_repeated:
            assert len(mine) == len(other), place
            if field.message_type is None:
                assert list(mine) == list(other), place
            else:
                for index, pair in enumerate(zip(mine, other, strict=True)):
                    assert_same(*pair, f"{place}[{index}]")
        elif not theirs.HasField(field.name):
            assert mine is None or mine in {0, "", b""}, place
        elif field.message_type is not None:
            assert_same(mine, other, place)
        else:
            assert mine == other or (np.isnan(mine) and np.isnan(other)), place
