"""Networks of bytes: what compiled code gives, and that it computes on bytes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

import likewise
from likewise.conform.check import conform
from likewise.conform.compare import compare, judge
from likewise.conform.engines import engines
from likewise.conform.inputs import draw_feeds
from likewise.conform.subject import Subject
from likewise.ir import DType
from likewise.targets.litert import emit_program
from likewise.targets.wasm import load
from likewise.targets.wasm.prepare import prepare
from tests.models.feeds import VOCABULARIES
from tools.models import ensure

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.network

QDQ = ("resnet18_qdq", "mobilenetv2_qdq")


@cache
def subject(name: str) -> Subject:
    return Subject(likewise.load(ensure(name)))


def test_operators_of_bytes_give_the_very_numbers_of_numpy() -> None:
    model = subject("resnet18_int8").model
    feeds = draw_feeds(model.inputs, {}, {}, seed=5)
    (expected,) = model.run(feeds).values()
    made = likewise.compile(model)
    assert made.plain is not None
    for module in (made.data, made.plain):
        (answer,) = load(module).run(feeds).values()
        np.testing.assert_array_equal(answer, expected)
    assert np.unique(expected).size > 100


@pytest.mark.parametrize("name", QDQ)
def test_floats_between_quantizers_keep_the_contract(name: str) -> None:
    one = subject(name)
    feeds = draw_feeds(one.model.inputs, {}, {}, seed=5)
    truth = one.oracle(feeds)
    limits = one.limits(feeds, truth, noises=1)
    made = likewise.compile(one.model, golden=False)
    assert made.plain is not None
    for module in (made.data, made.plain):
        for output, answer in load(module).run(feeds).items():
            assert np.unique(answer).size > 100
            verdict = judge(compare(answer, truth[output]), limits[output])
            assert verdict.good, verdict.reason


@pytest.mark.parametrize("name", QDQ)
def test_floats_between_quantizers_are_computed_on_integers(name: str) -> None:
    names = [node.operator.name for node in prepare(subject(name).graph).nodes]
    assert not {"Conv", "Gemm", "MatMul"} & set(names)
    assert names.count("ConvInteger") >= 20


@pytest.mark.parametrize("name", QDQ)
def test_the_integers_of_the_model_are_those_of_the_tflite_file(name: str) -> None:
    one = subject(name)
    assert len(likewise.compile(one.model, "litert").data) < 1.1 * len(one.onnx_bytes)
    kinds = [
        one.inputs[1].dtype
        for one in emit_program(one.graph).operations
        if "CONV" in one.builtin and one.inputs[1] is not None
    ]
    assert kinds.count(DType.INT8) >= 16


def test_an_lstm_quantized_step_by_step_keeps_the_contract(tmp_path: Path) -> None:
    """As onnxruntime's dynamic quantization writes it, on every target that computes it."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    file = tmp_path / "dynamic.onnx"
    quantize_dynamic(ensure("lstm_tagger"), file, weight_type=QuantType.QInt8)
    one = Subject(likewise.load(file), file=file)
    operators = [node.operator.name for node in one.graph.nodes]
    assert "DynamicQuantizeLSTM" in operators
    assert "LSTM" not in operators
    (port,) = one.model.inputs
    shape = tuple(int(str(dim)) for dim in port.shape or ())
    words = np.random.default_rng(5).integers(0, VOCABULARIES["lstm_tagger"], shape)
    here = engines()
    report = conform(one, [{port.name: words}], [here[name] for name in ("wasm", "litert")])
    assert report.good, [answer.error or answer.worst for answer in report.answers]
    peer = conform(one, [{port.name: words}], [here["onnxruntime"]])
    assert all(answer.good for answer in peer.answers)
