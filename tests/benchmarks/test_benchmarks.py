"""What the benchmarks do besides timing: turns, goals, the page, mistakes."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import ONE_THREAD, main
from benchmarks.numpy_target import Contest, Outcome
from benchmarks.page import SECTIONS, with_section
from benchmarks.report import missed_goals, to_markdown
from benchmarks.startup import Opening
from benchmarks.timing import Subject, Times, time_in_turn


def times(*values: float) -> Times:
    return Times(tuple(sorted(values)))


def test_subjects_take_turns_and_slow_ones_sit_some_out() -> None:
    calls: list[str] = []
    subjects = [
        Subject("a", lambda: calls.append("a")),
        Subject("b", lambda: calls.append("b"), every=2),
    ]
    found = time_in_turn(subjects, 3)
    assert "".join(calls) == "ababaab"
    assert (len(found["a"].values), len(found["b"].values)) == (3, 2)


def test_median_and_quartiles() -> None:
    assert times(5, 1, 2, 4, 3).median == 3
    assert times(5, 1, 2, 4, 3).spread == (2, 4)
    assert times(7).spread == (7, 7)


OUTCOMES = [
    Outcome(Contest("a", {}, "A net", 4, 5), times(30), times(10), times(120)),
    Outcome(Contest("b", {}, "B net", 2.5), times(30), times(10), None, "ValueError: no"),
]
OPENINGS = [
    Opening("likewise", milliseconds=30, own=10, mapped=90, peak=150),
    Opening("onnxruntime", milliseconds=200, own=110, mapped=0, peak=210),
]


def test_goals_missed_are_said() -> None:
    assert missed_goals(OUTCOMES, {"import likewise": 61}, OPENINGS, 100) == [
        "A net: 4.00 times the reference's speed, not 5",
        "B net: 3.00 times onnxruntime's time, not 2.5",
        "`import likewise` adds 61 ms, not 60",
    ]
    heavy = [Opening("likewise", milliseconds=501, own=100, mapped=100, peak=250)]
    assert missed_goals([], {}, heavy, 100) == [
        "resnet50 opens in 501 ms, not 500",
        "resnet50 takes 200 MiB once open",
    ]


def test_the_page_has_machine_times_ratios_and_failures() -> None:
    page = to_markdown({"processor": "P"}, OUTCOMES, {"import likewise": 1.25}, OPENINGS, 100)
    each = "30.0 (30.0 to 30.0) | 10.0 (10.0 to 10.0)"
    for line in (
        "| processor | P |",
        f"| A net | {each} | 120 (120 to 120) | 3.00 | ≤ 4 | 4.0 | ≥ 5 |",
        f"| B net | {each} | fails | 3.00 | ≤ 2.5 |  |  |",
        "ReferenceEvaluator fails on B net (ValueError: no).",
        "| `import likewise` | 1.2 | ≤ 60 |",
        "| likewise | 30 | 10 | 90 | 150 |",
        "- B net: 3.00 times onnxruntime's time, not 2.5",
    ):
        assert line in page.splitlines()
    assert "- none" in to_markdown({}, [], {}, OPENINGS, 100).splitlines()


def test_an_unknown_model_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ONE_THREAD:  # set back what the benchmark sets
        monkeypatch.setenv(name, "1")
    with pytest.raises(SystemExit) as exit_:
        main(["alexnet"])
    assert exit_.value.code == 2
    assert "no benchmark of 'alexnet'; there are: mobilenetv2" in capsys.readouterr().err


def test_a_section_is_replaced_and_the_others_stay() -> None:
    first, second, *_ = SECTIONS
    page = with_section("", second, "two")
    page = with_section(page, first, "one\n\n### Part\n\ntext\n")
    page = with_section(page, second, "new")
    assert page.startswith("# Performance\n")
    assert page.endswith(f"## {first}\n\none\n\n### Part\n\ntext\n\n## {second}\n\nnew\n")
    with pytest.raises(ValueError, match="no section 'Weather'; there are: The NumPy target"):
        with_section(page, "Weather", "")
