"""Timing beside the browser's peers: who is timed, and what is said where one cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import TensorProto, helper

from likewise.conform import contest
from likewise.conform.contest import PEERS, time_in_chromium
from likewise.conform.subject import Subject
from likewise.errors import InputError, LikewiseError
from tests.conform.conftest import feeds, model_of, small

if TYPE_CHECKING:
    from pathlib import Path

    from likewise.conform.engines import Engine


def of_floats() -> Subject:
    nodes = [helper.make_node("MatMul", ["x", "c"], ["m"]), helper.make_node("Tanh", ["m"], ["y"])]
    weights = np.ones((6, 5), np.float32)
    floats = TensorProto.FLOAT
    return Subject(model_of(nodes, {"x": (floats, [3, 6])}, {"y": floats}, c=weights))


def test_every_engine_is_timed_in_every_turn(here: dict[str, Engine]) -> None:
    assert here
    subject = of_floats()
    times = time_in_chromium(subject, feeds(subject), list(PEERS), runs=3, warmup=1)
    assert list(times) == ["likewise", "onnxruntime-web", "litert-js"]
    assert [len(one) for one in times.values()] == [3, 3, 3]
    assert all(time >= 0 for one in times.values() for time in one)


@pytest.mark.parametrize(
    ("peer", "package"),
    [("onnxruntime-web", "onnxruntime-web"), ("litert-js", "@litertjs/core")],
)
def test_what_is_missing_is_said(
    peer: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = small()
    monkeypatch.setenv("LIKEWISE_NODE_MODULES", str(tmp_path))
    with pytest.raises(InputError) as caught:
        time_in_chromium(subject, feeds(subject), [peer], 1, 0)
    assert f"{peer} cannot run here; npm install {package}, here or in a" in str(caught.value)


def test_a_browser_that_is_missing_is_said(
    here: dict[str, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here
    subject = small()
    monkeypatch.setattr(contest, "without_chromium", lambda: "apt-get install chromium")
    with pytest.raises(InputError, match="onnxruntime-web cannot run here; apt-get install"):
        time_in_chromium(subject, feeds(subject), ["onnxruntime-web"], 1, 0)


def test_an_engine_that_fails_is_named(here: dict[str, Engine]) -> None:
    assert here
    subject = small()  # one of its outputs is int64
    message = r"the page failed; given: .*litert-js: Element type INT64 is not supported"
    with pytest.raises(LikewiseError, match=message):
        time_in_chromium(subject, feeds(subject), ["litert-js"], 1, 0)
