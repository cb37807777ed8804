"""The benchmark in Pyodide besides timing: bytes counted, ratios, goals, the page, mistakes."""

from __future__ import annotations

import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import main
from benchmarks.browser.contests import Contest
from benchmarks.pyodide.measure import Outcome, Speed, Visits
from benchmarks.pyodide.report import missed, section
from benchmarks.pyodide.site import Put, served

if TYPE_CHECKING:
    from pathlib import Path


def outcome(compiling: float = 9000, python: float = 10, *, same: bool = True) -> Outcome:
    stages = {"core": (1000.0,), "packages": (900.0,), "imports": (300.0, 500.0)}
    slow = (python * 2,) * 6
    return Outcome(
        Put(Contest("mobilenetv2", "A net", 1), {}, {}, 14.0),
        {
            "prebuilt": Visits((300, 500), 14_600_000, {}),
            "numpy": Visits((4000,), 35_000_000, stages),
            "compile": Visits((9000,), 35_000_000, {**stages, "compiling": (compiling,)}, 42),
        },
        Speed((python, *slow, python), (90, 10, 10, 30, 30, 30, 30, 30), same),
        "1.2.3",
    )


def test_the_section_has_bytes_stages_and_speeds() -> None:
    lines = section({"processor": "P"}, [outcome()]).splitlines()
    for line in (
        "| processor | P |",
        (
            "| A net: module compiled beforehand, npm runtime | 400 (350 to 450) | 14,600 |  |  |  "
            "|  |  |"
        ),
        "| A net: Pyodide, NumPy | 4000 (4000 to 4000) | 35,000 | 1000 | 900 | 400 |  |  |",
        (
            "| A net: Pyodide, compiled in the page | 9000 (9000 to 9000) | 35,000 | 1000 | 900 "
            "| 400 | 9000 | 42 |"
        ),
        "| A net | 10.000 | 10.000 | 1.00 | 0 | yes |",
        "- none",
    ):
        assert line in lines


def test_goals_missed_are_said() -> None:
    assert missed([outcome()]) == []
    assert missed([outcome(21_000, 12, same=False)]) == [
        "A net: compiles in 21.0 s, not 20",
        "A net: other bits from Python than from JavaScript",
        "A net: 1.20 times JavaScript's time, not 1.1",
    ]
    small = replace(outcome(), speed=Speed((0.09,), (0.05,), same=True))
    assert missed([small]) == []


def test_the_server_counts_what_it_gives(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(70_000))
    with served(tmp_path) as server:
        for count in (1, 2):
            with urllib.request.urlopen(f"{server.address}/a.bin") as answer:
                assert len(answer.read()) == 70_000
            assert server.given == [70_000] * count


def test_an_unknown_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["pyodide", "alexnet"])
    assert exit_.value.code == 2
    said = capsys.readouterr().err
    assert "no benchmark of 'alexnet'; there are: mobilenetv2, silero_vad" in said


@pytest.mark.slow
@pytest.mark.network
def test_a_model_is_visited_and_run_from_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pyodide", "silero_vad", "--runs", "1", "--turns", "3"]) == 0
    shown = capsys.readouterr().out
    assert "at 16 kHz: Pyodide, compiled in the page |" in shown
    assert "| yes |" in shown
