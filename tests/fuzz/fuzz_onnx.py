"""Fuzz the reading of ONNX files: any other exception than a `LikewiseError` is a finding.

Run it by hand: `python tests/fuzz/fuzz_onnx.py -max_total_time=120`; see the README beside it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import atheris
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
SEED_BYTES = 15_000
sys.path[:0] = [str(ROOT), str(ROOT / "toolkit")]

with atheris.instrument_imports(include=["likewise"]):
    from likewise.ir import DType
    from likewise.onnx.encode import encode
    from likewise.onnx.messages import GraphProto, ModelProto
    from likewise.onnx.tensors import from_array
    from tests.onnx.reading import read_everything


def seeds() -> Iterator[bytes]:
    """A model with one tensor for each element type, and the smaller models of the tests."""
    for dtype in DType:
        tensor = from_array(np.zeros(5, dtype.numpy), "w", dtype)
        yield encode(ModelProto(ir_version=10, graph=GraphProto(initializer=[tensor])))
    for path in (ROOT / "tests" / "models").glob("*.graph.onnx"):
        if path.stat().st_size <= SEED_BYTES:
            yield path.read_bytes()


def main() -> None:
    """Start from `seeds`, with the arguments of the command line."""
    with tempfile.TemporaryDirectory() as folder:
        for index, seed in enumerate(seeds()):
            (Path(folder) / str(index)).write_bytes(seed)
        # The first folder receives what is found; seeds come after it.
        atheris.Setup([*sys.argv, "-rss_limit_mb=2048", "-timeout=10", folder], read_everything)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
