"""The benchmark in the browser besides timing: inputs, ratios, goals, the page, mistakes."""

from __future__ import annotations

import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.browser.beside import Beside, beside_table
from benchmarks.browser.chart import draw
from benchmarks.browser.cold import Visits
from benchmarks.browser.contests import CONTESTS, Contest
from benchmarks.browser.profile import operations
from benchmarks.browser.report import (
    cold_section,
    contest_section,
    missed_contests,
    missed_visits,
)
from benchmarks.browser.run import Outcome, Timed
from benchmarks.browser.site import Prepared, Size, served
from benchmarks.timing import Times
from likewise.loop import F32, FunctionBuilder
from likewise.loop.nodes import Call
from likewise.loop.types import type_named
from tools.models import NAMES


def prepared(goal: float, refused: str = "") -> Prepared:
    size = Size(2_000, 1_000), Size(50_000_000, 40_000_000)
    return Prepared(
        Contest("net", "A net", goal),
        Path("net.wasm"),
        [],
        {},
        {},
        {},
        56_996,
        9_000_000,
        dict.fromkeys(ENGINES, size),
        {},
        refused,
    )


ENGINES = ("likewise", "onnxruntime-web", "LiteRT.js")


def outcome(goal: float, apart: float | None = 1e-6) -> Outcome:
    return Outcome(
        prepared(goal),
        {
            "fast": Timed(20, 30, (10, 20, 10), (8, 8, 8), apart),
            "strict": Timed(20, 30, (20, 20, 20), None, 0.0),
            "peer": Timed(900, 200, (20, 60, 30), (20, 20, 18), 0.0),
            "peer, 2 threads": Timed(900, 200, (15, 15, 15), None, 0.0),
            "fast, 2 threads": Timed(20, 30, (18, 6, 16), None, 0.0),
            "litert": Timed(700, 100, (15, 24, 14), None, 2e-6),
            "litert, 2 threads": Timed(700, 100, (20, 20, 20), None, 2e-6),
        },
        Times((14.0, 16.0, 25.0)),
    )


def without_litert(one: Outcome) -> Outcome:
    engines = {name: timed for name, timed in one.engines.items() if "litert" not in name}
    return replace(one, prepared=prepared(2, "onnx2tf: no LSTM"), engines=engines)


def test_every_contest_has_a_model() -> None:
    assert {one.model for one in CONTESTS} <= set(NAMES)


def test_a_ratio_is_the_median_over_turns_not_of_medians() -> None:
    one = outcome(2)
    assert one.speed("fast") == 3
    assert one.speed("strict") == 1.5
    assert one.speed("fast", "peer, 2 threads") == 1.5
    assert one.busy_speed == 2.5


@pytest.mark.parametrize("apart", [None, 2e-3])
def test_wrong_outputs_have_no_ratio(apart: float | None) -> None:
    one = outcome(2, apart)
    assert one.speed("fast") is None
    assert one.busy_speed is None
    assert missed_contests([one]) == ["A net: its outputs are not those of onnxruntime-web"]


def test_goals_missed_are_said() -> None:
    assert missed_contests([outcome(3), outcome(3.5)]) == ["A net: 3.00 times as fast, not 3.5"]
    slow = outcome(3)
    slow = replace(slow, engines={**slow.engines, "litert": Timed(1, 1, (11, 22, 12), None, 0.0)})
    assert missed_contests([slow]) == ["A net: 1.10 times as fast as LiteRT.js, not 1.2"]
    goal = replace(prepared(2), contest=Contest("resnet50", "A net", 2))
    slow = replace(outcome(2), prepared=goal)
    assert missed_contests([slow]) == []
    busy = Timed(20, 30, (16, 17, 18), None, 0.0)
    slow = replace(slow, engines={**slow.engines, "fast, 2 threads": busy})
    assert missed_contests([slow]) == [
        "A net: two threads 0.62 times as fast as one, not 1.6",
        "A net: two threads 0.94 times as fast as those of onnxruntime-web",
    ]
    slow = replace(outcome(2), prepared=goal, wasmtime=Times((25.0,)))
    assert missed_contests([slow]) == ["A net: 0.40 of Chromium's speed under wasmtime, not 0.5"]
    times = {"fast": (60.0, 80.0), "peer": (100.0, 100.0), "litert": (90.0, 90.0)}
    visits = Visits(prepared(2), times, dict.fromkeys(times, 1))
    assert missed_visits([visits]) == ["A net: 0.70 of onnxruntime-web's time, not 0.5"]


def test_the_sections_have_machine_times_ratios_and_refusals() -> None:
    section = contest_section(
        {"processor": "P"}, [outcome(2)], {"B net": "no Pow"}, "chart.svg"
    ).splitlines()
    for line in (
        "| processor | P |",
        "![Times as fast as onnxruntime-web](chart.svg)",
        (
            "| A net | 10.0 (10.0 to 15.0) | 20.0 (20.0 to 20.0) | 30.0 (25.0 to 45.0) "
            "| 15.0 (14.5 to 19.5) | 3.00 | ≥ 2 | 2.50 | 1.50 | 1.40 | ≥ 1.2 | 1e-06 | 2e-06 |"
        ),
        "| A net | 6.0 | 15.0 | 20.0 | 1.67 |  | 2.50 | — |",
        "| A net | 10.0 (10.0 to 15.0) | 16.0 (15.0 to 20.5) | 0.62 |  |",
        (
            "| A net | 20 | 30 | 2.0 (1.0) | 50,000 (40,000) | 57 | 9,000 | 900 | 200 "
            "| 2.0 (1.0) | 50,000 (40,000) | 700 | 100 | 2.0 (1.0) | 50,000 (40,000) |"
        ),
        "- B net: no Pow",
        "- none",
    ):
        assert line in section
    busy = outcome(2)
    busy = replace(busy, engines={**busy.engines, "peer, 2 threads": busy.engines["peer"]})
    assert "| 1.67 |  | — | — |\n" in contest_section({}, [busy], {}, "")
    lone = contest_section({}, [without_litert(outcome(2))], {}, "")
    assert "| — | 3.00 | ≥ 2 | 2.50 | 1.50 | — | ≥ 1.2 | 1e-06 | — |" in lone
    assert "Not on LiteRT.js: A net (onnx2tf: no LSTM)." in lone
    visits = Visits(
        prepared(2),
        {"fast": (30, 40), "peer": (100, 100), "litert": (70, 90)},
        {"fast": 52_000, "peer": 20_000_000, "litert": 15_000_000},
    )
    assert (
        "| A net | 35.0 (32.5 to 37.5) | 100 (100 to 100) | 80.0 (75.0 to 85.0) "
        "| 52 | 20,000 | 15,000 | 0.35 | ≤ 0.5 |"
    ) in cold_section({}, [visits]).splitlines()


def test_the_chart_names_models_and_is_reproducible(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for file in files:
        draw([outcome(2), outcome(1.8)], file)
    first, second = (file.read_text() for file in files)
    assert first == second
    assert "A net" in first


def test_pages_are_isolated_and_modules_have_their_type(tmp_path: Path) -> None:
    (tmp_path / "a.wasm").write_bytes(b"\0asm")
    with served(tmp_path) as address, urllib.request.urlopen(f"{address}/a.wasm") as answer:
        assert answer.headers["content-type"] == "application/wasm"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-embedder-policy"] == "require-corp"


def test_multiply_adds_are_counted_by_rounds_and_lanes() -> None:
    b = FunctionBuilder("sum")
    total = b.var(b.const(0.0, F32.with_lanes(4)))
    with b.loop(5), b.loop(0, 9, 2):
        total.set(b.madd(total.get(), total.get(), total.get()))
    products = b.var(b.const(0, type_named("i16x8")))
    with b.loop(3):
        products.set(b.apply("dot", products.get(), products.get()).bitcast(products.type))
    kernel = b.finish()
    twice = (Call(kernel.name, ()), Call(kernel.name, ()))
    assert operations(twice, {kernel.name: kernel}) == 2 * (5 * 5 * 4 + 3 * 8) * 2


def test_an_unknown_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["browser", "alexnet"])
    assert exit_.value.code == 2
    assert "no benchmark of 'alexnet'; there are: resnet18" in capsys.readouterr().err


def test_a_folder_that_is_no_checkout_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["browser", "resnet18", "--beside", str(tmp_path)])
    assert exit_.value.code == 2
    assert f"--beside {tmp_path} is no checkout" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.network
def test_a_model_is_timed_visited_and_profiled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.browser.run.WARM_UP", 50)
    monkeypatch.setattr("benchmarks.browser.run.TURN", 1)
    monkeypatch.setattr("benchmarks.browser.profile.WARM_UP", 50)
    monkeypatch.setattr("benchmarks.browser.command.COLD", ("mobilenetv2",))
    assert main(["browser", "mobilenetv2", "--runs", "1"]) == 0
    shown = capsys.readouterr().out
    assert "| mobilenetv2 224 |" in shown
    assert "its outputs are not" not in shown
    assert "from navigation to" in shown
    assert main(["browser", "mobilenetv2", "--only", "profile"]) == 0
    assert "f32_gemm_6x8" in capsys.readouterr().out


def test_two_checkouts_side_by_side() -> None:
    """By the least and by the lower quartile: other work on the machine stretches those least."""
    table = beside_table([Beside("A net", (3.0, 2.0, 9.0, 4.0), (1.0, 2.0, 8.0, 1.0), 1e-6)])
    head, line = table.splitlines()
    assert head.split()[-2:] == ["fast", "apart"]
    assert line.split() == ["2.000", "2.250", "1.000", "1.000", "2.00", "2.25", "1e-06", "A", "net"]
