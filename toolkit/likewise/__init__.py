"""One ONNX model that answers in Python, in the browser and on the edge: likewise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import (
    InferenceError,
    InputError,
    LikewiseError,
    MissingDependencyError,
    ModelError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from likewise.model import Model, Port, load

__all__ = [
    "InferenceError",
    "InputError",
    "LikewiseError",
    "MissingDependencyError",
    "Model",
    "ModelError",
    "Port",
    "UnsupportedError",
    "__version__",
    "load",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # The loader is imported when first used: in the browser every module of start-up counts.
    if name in {"Model", "Port", "load"}:
        from likewise import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
