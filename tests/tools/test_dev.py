"""tools/dev.py and tools/environment.py: what can be checked without installing anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import dev, environment

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS = str(len(os.sched_getaffinity(0)))


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete environment in an empty folder, which nothing may rebuild."""
    folder = tmp_path / ".venv"
    folder.mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", folder)
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(environment, "PYTHON", python)
    monkeypatch.setattr(environment, "STAMP", folder / "likewise-stamp")
    monkeypatch.setattr(environment, "UNFINISHED", tmp_path / ".cache" / "dev-unfinished")
    monkeypatch.setattr(environment, "LOCK", tmp_path / ".cache" / "dev.lock")
    (folder / "likewise-stamp").write_text(environment.wanted_stamp())
    return folder


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `prepare` does, in order, instead of doing it."""
    done: list[str] = []
    monkeypatch.setattr(environment, "_make_venv", lambda: done.append("venv"))
    monkeypatch.setattr(environment, "_pip", lambda *arguments: done.append(arguments[0]))
    return done


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_complete_environment_is_left_alone(venv: Path, steps: list[str]) -> None:
    environment.prepare()
    assert steps == []


def test_a_changed_pyproject_is_installed_again(venv: Path, steps: list[str]) -> None:
    (venv.parent / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    environment.prepare()
    environment.prepare()
    assert steps == ["install"]


def test_a_moved_environment_is_made_anew(venv: Path, steps: list[str]) -> None:
    stamp = venv / "likewise-stamp"
    stamp.write_text("/elsewhere\n" + stamp.read_text().split("\n", 1)[1])
    environment.prepare()
    assert steps == ["venv", "install"]


def test_an_environment_whose_python_is_gone_is_made_anew(venv: Path, steps: list[str]) -> None:
    (venv / "bin" / "python").unlink()
    environment.prepare()
    assert steps == ["venv", "install"]


def test_after_an_interruption_it_is_made_anew(
    venv: Path, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (venv.parent / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    with monkeypatch.context() as patch:
        patch.setattr(environment, "_pip", interrupt)
        with pytest.raises(KeyboardInterrupt):
            environment.prepare()
    assert not (venv / "likewise-stamp").exists()
    environment.prepare()
    assert steps == ["venv", "install"]


@pytest.mark.parametrize(
    ("output", "start"),
    [
        ("WARNING: Retrying: Temporary failure in name resolution", "pip could not reach"),
        ("ERROR: No matching distribution found for x", "pip failed; it said:\n    ERROR: No"),
    ],
)
def test_explain_pip(output: str, start: str) -> None:
    assert environment.explain_pip(output).startswith(start)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["-m", "not slow", "-n", WORKERS, "--dist=worksteal"]),
        (["--all"], ["-n", WORKERS, "--dist=worksteal"]),
        (["--all", "-k", "conv"], ["-n", WORKERS, "--dist=worksteal", "-k", "conv"]),
        (["-n0", "-x"], ["-m", "not slow", "-n0", "-x"]),
        (["-m", "slow", "--pdb"], ["-m", "slow", "--pdb"]),
    ],
)
def test_pytest_arguments(given: list[str], expected: list[str]) -> None:
    assert dev.pytest_arguments(given) == expected


def test_a_failing_step_does_not_hide_the_next(capfd: pytest.CaptureFixture[str]) -> None:
    steps = [("first", ["-c", "exit(3)"]), ("second", ["-c", "print('ran')"])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dev, "PYTHON", sys.executable)
        assert dev._steps(steps, []) == 3
    out = capfd.readouterr().out
    assert "ran" in out
    assert "failed: first (exit status 3)" in out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("prepare", "interrupted; the next run completes the installation"),
        ("run", "interrupted\n"),
    ],
)
def test_an_interruption_says_what_is_left_to_do(
    name: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unfinished = tmp_path / "unfinished"
    if name == "prepare":
        unfinished.touch()
    monkeypatch.setattr(dev, "UNFINISHED", unfinished)
    monkeypatch.setattr(dev, "prepare", lambda: None)
    monkeypatch.setattr(dev, name, interrupt)
    assert dev.main(["bench"]) == 130
    assert message in capsys.readouterr().err


def test_an_unknown_command_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["tset"]) == 2
    assert "no command 'tset'; there are: demo, test, lint" in capsys.readouterr().err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main([]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in dev.COMMANDS)


def test_without_a_python_the_wrapper_says_what_to_install(tmp_path: Path) -> None:
    wrapper = tmp_path / "dev"
    wrapper.write_bytes((ROOT / "dev").read_bytes())
    done = subprocess.run(
        ["/bin/sh", wrapper, "help"],
        env={"PATH": "/usr/bin:/bin", "LIKEWISE_PYTHON": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "found no Python from 3.11 to 3.14 (tried /bin/false)" in done.stderr
    assert "sudo apt-get install python3 python3-venv" in done.stderr
