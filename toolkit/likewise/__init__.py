"""One ONNX model that answers in Python, in the browser and on the edge: likewise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.errors import (
    InferenceError,
    InputError,
    LikewiseError,
    MissingDependencyError,
    ModelError,
    UnsupportedError,
)
from likewise.lazy import offered

if TYPE_CHECKING:
    from likewise.compiler import compile  # noqa: A004 — see there
    from likewise.frames import run_frame
    from likewise.model import Model, Port, load
    from likewise.targets.wasm.artefact import Artefact

__all__ = [
    "Artefact",
    "InferenceError",
    "InputError",
    "LikewiseError",
    "MissingDependencyError",
    "Model",
    "ModelError",
    "Port",
    "UnsupportedError",
    "__version__",
    "compile",
    "load",
    "run_frame",
]

__version__ = "0.1.0.dev0"


_OFFERED = {
    "Artefact": "likewise.targets.wasm.artefact",
    "Model": "likewise.model",
    "Port": "likewise.model",
    "compile": "likewise.compiler",
    "load": "likewise.model",
    "run_frame": "likewise.frames",
}

# In the browser every module of start-up counts.
__getattr__ = offered(__name__, _OFFERED)
