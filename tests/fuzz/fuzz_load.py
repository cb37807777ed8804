"""Fuzz `likewise.load`: any other exception than a `LikewiseError` is a finding.

Bytes are changed by libFuzzer, and models by `tests/onnx/distortions.py`, half and half.
Run it by hand: `python tests/fuzz/fuzz_load.py -max_total_time=120`; see the README beside it.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from random import Random

import atheris

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "toolkit")]

with atheris.instrument_imports(include=["likewise"]):
    import likewise
    from likewise.errors import LikewiseError
    from tests.onnx.distortions import distorted, small_models


def load(data: bytes) -> None:
    """Load what is in `data`."""
    with contextlib.suppress(LikewiseError):
        repr(likewise.load(data))


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Other bytes like `data`, `most` of them: another model where they are one."""
    random = Random(seed)
    if random.random() < 0.5:
        with contextlib.suppress(LikewiseError):
            made = distorted(data, random)
            if len(made) <= most:
                return made
    changed: bytes = atheris.Mutate(data, most)
    return changed


def main() -> None:
    """Start from small models of every operator, with the arguments of the command line."""
    with tempfile.TemporaryDirectory() as folder:
        for index, seed in enumerate(small_models()):
            (Path(folder) / str(index)).write_bytes(seed)
        options = ["-rss_limit_mb=2048", "-timeout=10", "-max_len=20000"]
        # The first folder receives what is found; seeds come after it.
        atheris.Setup([*sys.argv, *options, folder], load, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
