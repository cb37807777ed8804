"""What a benchmark ran on, for the tables that quote it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

__all__ = ["describe", "hardware"]


def hardware() -> dict[str, str]:
    """The processor and the system, each a short text."""
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"{_vector_instructions()}",
        "system": f"{platform.system()} {platform.machine()}",
    }


def describe() -> dict[str, str]:
    """The hardware, and the versions that matter to the NumPy target."""
    return {
        **hardware(),
        "Python": platform.python_version(),
        "NumPy": f"{np.__version__} with {_matrix_library()}",
        "onnxruntime": version("onnxruntime"),
        "onnx": version("onnx"),
    }


def _processor() -> str:
    return _cpu_info().get("model name") or platform.processor() or platform.machine()


def _cpu_info() -> dict[str, str]:
    """What Linux says of the first core; empty elsewhere."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _vector_instructions() -> str:
    flags = _cpu_info().get("flags", _cpu_info().get("Features", "")).split()
    known = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
    return next((name for flag, name in known.items() if flag in flags), "vectors unknown")


def _matrix_library() -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"
