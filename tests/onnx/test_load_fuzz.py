"""Whatever a model says: a model comes out or a `LikewiseError`, quickly and in little memory."""

from __future__ import annotations

import time
import tracemalloc
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import likewise
from likewise.errors import LikewiseError
from tests.onnx.distortions import distorted, small_models
from tests.onnx.mutations import mutated

SECONDS = 5.0
"""Of processor time: for files of some kilobytes on a slow and busy machine."""
MEMORY = 48 << 20
"""What folding may make of a file of some kilobytes."""
LETTERS = 10_000

FUZZED = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def load(data: bytes) -> likewise.Model | None:
    """The model in `data`, None where it is refused; in the time and memory allowed."""
    message = ""
    tracemalloc.start()
    start = time.process_time()
    try:
        return likewise.load(data)
    except LikewiseError as error:
        message = str(error)
        return None
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(message) < LETTERS
        assert time.process_time() - start < SECONDS
        assert peak < MEMORY + 200 * len(data)


def test_the_originals_load() -> None:
    models = small_models()
    assert len(models) > 500
    for data in models[::7]:
        likewise.load(data)


@given(st.integers(0, 1 << 32))
@settings(FUZZED, max_examples=600)
def test_distorted_models(seed: int) -> None:
    random = Random(seed)
    load(distorted(random.choice(small_models()), random))


@given(st.data())
@settings(FUZZED, max_examples=200)
def test_mutated_models(data: st.DataObject) -> None:
    load(data.draw(mutated(small_models())))


@pytest.mark.slow
@given(st.integers(0, 1 << 32))
@settings(FUZZED, max_examples=30_000)
def test_more_distorted_models(seed: int) -> None:
    random = Random(seed)
    load(distorted(random.choice(small_models()), random))
