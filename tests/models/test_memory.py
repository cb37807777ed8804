"""What a module takes besides its weights, beside what its graph forces.

The bound is 1.3 times the largest pair of live activations that the graph forces. It is read as
narrowly as it can be: of each node that reads an element again and again, the two largest of the
tensors that it reads and makes, for these must stand beside each other in any order of the nodes.
A sum of two tensors is not counted, though its operands and those of what made them are alive
together in the graph: a kernel can add where it writes, and over what it adds. That is stricter
than counting all that is alive (4.8 MB for resnet50, whose residual sums hold 6.4 MB).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import pytest

from likewise.ir import TensorType
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from tests.models.compiled import SUBJECTS, artefact
from tests.models.peers import model
from tests.models.test_compiled import SLOW

if TYPE_CHECKING:
    from likewise.ir import Graph, Value

pytestmark = pytest.mark.network

NAMES = [name for name in SUBJECTS if not name.startswith("silero")]
APART = {"Conv", "ConvTranspose", "Gemm", "MatMul", "MaxPool", "AveragePool", "LSTM"}
"""They read an element again and again: what they make cannot take its place."""
TIMES = 1.3


def largest_pair(graph: Graph) -> int:
    """The bytes of the two largest tensors that one node needs at the same time."""

    def size(value: Value) -> int:
        one = value.type
        assert isinstance(one, TensorType)
        return prod(int(str(dim)) for dim in one.shape) * one.dtype.numpy.itemsize

    largest = 0
    for node in graph.nodes:
        if node.operator.name in APART:
            read = [size(one) for one in node.reads if one not in graph.constants]
            made = [size(one) for one in node.outputs if one is not None]
            largest = max(largest, sum(sorted([*read, *made])[-2:]))
    return largest


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in NAMES],
)
def test_memory_is_near_the_least(name: str) -> None:
    subject = SUBJECTS[name]
    pair = largest_pair(
        simplify(specialize(model(name).graph, subject.shapes(), subject.constants))
    )
    made, _ = artefact(name)
    beyond = (made.memory_bytes - made.weight_bytes) / pair
    print(f"{name}: {beyond:.2f} times the largest pair, {pair:,} bytes")
    assert beyond <= TIMES
