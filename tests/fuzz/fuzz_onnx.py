"""Fuzz the reading of ONNX files: any other exception than a `LikewiseError` is a finding.

Run it by hand: `python tests/fuzz/fuzz_onnx.py -max_total_time=120`; see the README beside it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent.parent
SEED_BYTES = 15_000
sys.path[:0] = [str(ROOT), str(ROOT / "toolkit")]

with atheris.instrument_imports(include=["likewise"]):
    from tests.onnx.reading import read_everything


def main() -> None:
    """Start from the smaller models of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        for path in (ROOT / "tests" / "models").glob("*.graph.onnx"):
            if path.stat().st_size <= SEED_BYTES:
                (Path(folder) / path.name).write_bytes(path.read_bytes())
        # The first folder receives what is found; seeds come after it.
        atheris.Setup([*sys.argv, "-rss_limit_mb=2048", "-timeout=10", folder], read_everything)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
