"""The benchmark of the edge agent: the load counts what it should, the page says what is missed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.edge.command import Outcome, missed, to_markdown
from benchmarks.edge.load import Answer, Question, at_a_rate, one_after_another
from tests.edge.devices import Device

if TYPE_CHECKING:
    from pathlib import Path

X = np.ones((2, 3), np.float32)


def test_the_load(tmp_path: Path) -> None:
    device = Device(tmp_path, "[server]\nqueue = 0\n")
    device.install(device.bundle(2))
    with device.serving() as agent:
        right = Question.of(agent.port, "m", {"x": X}, {"y": 2 * X})
        answers = one_after_another(right, 1, 0.5)
        assert {answer.outcome for answer in answers} == {"200"}
        wrong = replace(right, outputs={"y": 3 * X})
        assert {answer.outcome for answer in one_after_another(wrong, 1, 0.2)} == {"wrong"}
        many = at_a_rate(right, 40, 1.0)
        assert len(many) == 40
        assert {answer.outcome for answer in many} <= {"200", "429"}
        lost = replace(right, path="/v2/models/none/infer")
        assert {answer.outcome for answer in one_after_another(lost, 1, 0.1)} == {"404"}
        agent.stop()
        assert {answer.outcome for answer in one_after_another(right, 1, 0.1)} == {
            "ConnectionRefusedError"
        }


def outcome(answers: list[Answer], memory: float = 100.0, status: int = 0) -> Outcome:
    grows = [(second, memory if second > 50 else 100.0) for second in range(100)]
    return Outcome("wasm", 10.0, 0.05, answers, grows, 100.0, status)


def steady(seconds: float = 0.1, what: str = "200") -> list[Answer]:
    return [Answer(float(at), seconds, what) for at in range(100)]


def test_what_is_missed() -> None:
    assert not missed(outcome(steady()))
    assert missed(outcome([*steady(), Answer(5.0, 0.1, "500")])) == ["1 × 500"]
    assert missed(outcome([*steady(), *steady(0.001, "429")])) == []
    assert missed(outcome(steady(), memory=120.0)) == ["the memory grew by 20.0 MiB"]
    assert missed(outcome(steady(), status=-9)) == ["the agent ended with status -9"]
    assert missed(outcome([*steady(), Answer(50.0, 9.0, "200")])) == [
        "an accepted request took 9.00 s, not 5"
    ]
    crowded = [Answer(at / 10, 1.5, "200") for at in range(1000)]
    parts = [f"the median of part {n} is above what a full queue takes" for n in range(1, 6)]
    assert missed(outcome(crowded)) == parts
    assert missed(outcome(steady()[:60])) == parts[3:]


def test_the_page() -> None:
    page = to_markdown(outcome([*steady(), *steady(0.001, "429")])).splitlines()
    for line in (
        "| capacity, 4 connections | 10.0 a second |",
        "| answered with 200 | 100 |",
        "| answered with 429 | 100 |",
        "| 80 to 100 | 1.0 | 100 | 100 | 100 | 100.0 |",
        "- none",
    ):
        assert line in page
