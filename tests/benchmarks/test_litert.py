"""The section that the TFLite benchmark writes, and what it is told."""

from __future__ import annotations

import pytest

from benchmarks.litert.command import main
from benchmarks.litert.report import Outcome, missed, section
from benchmarks.timing import Times

FAST = Outcome("a", Times((9.0, 10.0, 11.0)), Times((12.0,)), 2**20, 2**21)
SLOW = Outcome("b", Times((10.0,)), Times((9.0,)), 2**20, 2**20)


def test_the_goal() -> None:
    assert missed([FAST, SLOW]) == ["b"]
    assert missed([FAST]) == []


def test_the_section() -> None:
    text = section({"system": "Linux"}, [FAST, SLOW])
    assert "| a | 10.0 (9.5 to 10.5) | 12.0 (12.0 to 12.0) | 1.20 | 1.0 / 2.0 |" in text
    assert "Missed: b." in text
    assert "All reach it." in section({}, [FAST])


def test_an_unknown_model(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["alexnet"])
    assert exit_.value.code == 2
    assert "no benchmark of 'alexnet'; there are: mobilenetv2, resnet50" in capsys.readouterr().err
