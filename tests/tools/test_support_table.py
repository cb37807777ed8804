"""tools/support_table.py: what the documentation says of support is current and true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import support_table
from tools.support_table import Survey

if TYPE_CHECKING:
    from pathlib import Path

    from likewise.ops import Operator


def test_the_tables_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert support_table.main(["--check"]) == 0, capsys.readouterr().err


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a README, which the tool takes for its own."""
    (tmp_path / "docs").mkdir()
    readme = f"# x\n{support_table.START}\nold\n{support_table.END}\n## y\n"
    (tmp_path / "README.md").write_text(readme)
    monkeypatch.setattr(support_table, "ROOT", tmp_path)
    monkeypatch.setattr(support_table, "README", tmp_path / "README.md")
    monkeypatch.setattr(support_table, "PAGE", tmp_path / "docs" / "support.md")
    return tmp_path


def operator(module: str, *, replaced: bool = False) -> type[Operator]:
    class Made:
        versions = (1, 7)

    Made.__module__ = module
    made: type[Operator] = Made  # type: ignore[assignment]
    made.replaced = replaced
    return made


SURVEY = Survey(
    ours={
        ("", "Add"): operator("likewise.ops.ai_onnx.families.arithmetic"),
        ("", "Upsample"): operator("likewise.ops.ai_onnx.upsample", replaced=True),
        ("", "Own"): operator("likewise.ops.ai_onnx.own"),
        ("com.microsoft", "Gelu"): operator("likewise.ops.com_microsoft.gelu"),
    },
    standard=frozenset({("", "Add"), ("", "Upsample"), ("", "Sub")}),
    uses={
        "one": frozenset({("", "Add")}),
        "two": frozenset({("", "Add"), ("", "Sub")}),
        "three": frozenset({("", "Upsample")}),
        "own": frozenset({("", "Own")}),
    },
    kinds={"one": "node", "two": "node", "three": "simple"},
    failing={
        "NumPy": frozenset({"two"}),
        "WebAssembly": frozenset({"one", "two"}),
        "Other": frozenset({"three"}),
    },
    apart={"Other": frozenset({"one", "own"})},
)


HERE = "../toolkit/likewise/ops/ai_onnx"
FOREIGN = "not of ONNX: onnxruntime writes it"
DEPRECATED = "deprecated: becomes other operators"


def test_what_is_generated(files: Path) -> None:
    made = support_table.generated(SURVEY)
    readme = made[files / "README.md"]
    assert readme.startswith(f"# x\n{support_table.START}\n")
    assert readme.endswith(f"{support_table.END}\n## y\n")
    assert "old" not in readme
    for row in (
        "| `node` | 2 | 1 | 0 | 2 |",
        "| `simple` | 1 | 1 | 1 | 0 |",
        "| **all** | **3** | **2** | **1** | **2** |",
        "| `ai.onnx` | 3 | 2 |",
        "| `com.microsoft` | — | 1 |",
    ):
        assert row in readme
    page = made[files / "docs" / "support.md"]
    for row in (
        f"| [Add]({HERE}/families/arithmetic.py) | 1 of 2 | 0 of 2 | 1 | 1, 7 | |",
        "| Sub | 0 of 1 | 0 of 1 | 1 | | not yet |",
        f"| [Own]({HERE}/own.py) | 1 | 1 | | 1, 7 | {FOREIGN} |",
        f"| [Upsample]({HERE}/upsample.py) | 1 | 1 | 0 of 1 | 1, 7 | {DEPRECATED} |",
        "| [Gelu](../toolkit/likewise/ops/com_microsoft/gelu.py) | 1, 7 |",
    ):
        assert row in page.splitlines()


def test_stale_files_are_named_and_then_written(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(support_table, "survey", lambda: SURVEY)
    assert support_table.main(["--check"]) == 1
    assert "docs/support.md is stale: run ./dev docs" in capsys.readouterr().err
    assert support_table.main([]) == 0
    assert support_table.main(["--check"]) == 0


def test_a_readme_without_markers_is_refused(files: Path) -> None:
    (files / "README.md").write_text("# x\n")
    with pytest.raises(ValueError, match=r"README\.md lacks the markers"):
        support_table.generated(SURVEY)
