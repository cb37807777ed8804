"""Whatever a file contains: an answer or a `LikewiseError`, in little time and memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tests.onnx.mutations import mutated
from tests.onnx.protobuf import GRAPHS
from tests.onnx.reading import read_everything

MEMORY_PER_BYTE = 130
"""The worst ratio of memory to file: messages without content, two bytes each."""
MEMORY_BESIDES = 1 << 20


def _of_all_types() -> bytes:
    """A model with a tensor of every element type, raw and typed, and a sparse one."""
    rng = np.random.default_rng(0)
    tensors = []
    for number in TensorProto.DataType.values():
        if number not in {TensorProto.UNDEFINED, TensorProto.STRING}:
            values = rng.integers(0, 2, 5).astype(helper.tensor_dtype_to_np_dtype(number))
            tensors.append(helper.make_tensor(f"t{number}", number, [5], values))
            raw = TensorProto(name=f"r{number}", data_type=number, dims=[4], raw_data=bytes(64))
            tensors.append(raw)
    text = TensorProto(name="s", data_type=TensorProto.STRING, dims=[2])
    text.string_data.extend([b"a", b"\xff"])
    tensors.append(text)
    indices = helper.make_tensor("i", TensorProto.INT64, [2], [1, 3])
    sparse = helper.make_sparse_tensor(helper.make_tensor("v", 1, [2], [1, 2]), indices, [2, 2])
    graph = helper.make_graph([], "g", [], [], tensors, sparse_initializer=[sparse])
    return helper.make_model(graph).SerializeToString()


SMALL = [path.read_bytes() for path in GRAPHS if path.stat().st_size < 15_000]
ALL_TYPES = _of_all_types()


def test_the_originals_are_models() -> None:
    assert SMALL
    assert all(read_everything(data) for data in [*SMALL, ALL_TYPES])


def _check(data: bytes) -> None:
    tracemalloc.start()
    try:
        read_everything(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_PER_BYTE * len(data) + MEMORY_BESIDES


@given(mutated([ALL_TYPES]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_tensors(data: bytes) -> None:
    _check(data)


@given(mutated(SMALL))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_models(data: bytes) -> None:
    _check(data)


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_random_bytes(data: bytes) -> None:
    _check(data)


@pytest.mark.slow
@given(mutated([path.read_bytes() for path in GRAPHS]))
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_large_models(data: bytes) -> None:
    read_everything(data)
