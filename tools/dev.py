"""The commands of `./dev`; `./dev help` lists them. Standard library only."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    # Run as a file, by `dev`: the repository's root is what `tools` is imported from.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools.environment import PYTHON, UNFINISHED, DevError, prepare, run, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LINT = (
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format --check", ("-m", "ruff", "format", "--check", ".")),
    ("mypy", ("-m", "mypy")),
    ("biome ci wasm/runtime", ("-m", "tools.node", "wasm/runtime", "lint")),
    ("biome ci web-demo", ("-m", "tools.node", "web-demo", "lint")),
)
FORMAT = (
    ("ruff check --fix", ("-m", "ruff", "check", "--fix", ".")),
    ("ruff format", ("-m", "ruff", "format", ".")),
    ("biome check --write wasm/runtime", ("-m", "tools.node", "wasm/runtime", "format")),
    ("biome check --write web-demo", ("-m", "tools.node", "web-demo", "format")),
)
DOCS = (("support table", ("tools/support_table.py",)),)
"""What `./dev docs` runs: a step's title and Python's arguments. A new table is one more line."""

DEMO_MODELS = ("ppocr_det", "ppocr_cls", "ppocr_rec")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def demo(arguments: Sequence[str]) -> int:
    """Read a page of text with PP-OCRv4, then serve the page; --no-page leaves that out."""
    return run([PYTHON, "-m", "tools.models", "--quiet", *DEMO_MODELS]) or run(
        [PYTHON, "-m", "demo", *arguments]
    )


def test(arguments: Sequence[str]) -> int:
    """Lint, then run the tests; [--all] with the slow ones; other arguments go on to pytest."""
    status = lint([])
    say("pytest")
    return (
        run([PYTHON, "-m", "pytest", *pytest_arguments(arguments)], **_unset(ONE_THREAD)) or status
    )


def lint(arguments: Sequence[str]) -> int:
    """Check the code: ruff check, ruff format --check, mypy, biome."""
    return _steps(LINT, arguments)


def format_code(arguments: Sequence[str]) -> int:
    """Let ruff and biome format the code and repair what they can."""
    return _steps(FORMAT, arguments)


def bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks, with one thread each; arguments go on to them."""
    return run([PYTHON, "-m", "benchmarks", *arguments], **_unset(ONE_THREAD))


def docs(arguments: Sequence[str]) -> int:
    """Write the generated tables anew; arguments go on to each: --check only compares."""
    return _steps(DOCS, arguments)


def build_pyodide(arguments: Sequence[str]) -> int:
    """Write the distribution for Pyodide, which a page serves by itself, to build/pyodide."""
    return run([PYTHON, "-m", "tools.pyodide", *arguments])


def help_(_arguments: Sequence[str] = ()) -> int:
    """List the commands."""
    print("usage: ./dev COMMAND [ARGUMENT ...]\n")
    for name, command in COMMANDS.items():
        print(f"  {name:15}{(command.__doc__ or '').splitlines()[0]}")
    print("\nThe first run makes a virtual environment in .venv and installs what is needed.")
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo,
    "test": test,
    "lint": lint,
    "format": format_code,
    "bench": bench,
    "docs": docs,
    "build-pyodide": build_pyodide,
    "help": help_,
}


def pytest_arguments(arguments: Sequence[str]) -> list[str]:
    """What pytest is given for the arguments of `./dev test`: what they leave open is added."""
    given = [argument for argument in arguments if argument != "--all"]
    added: list[str] = []
    if "--all" not in arguments and not any(argument.startswith("-m") for argument in given):
        added += ["-m", "not slow"]
    alone = ("-n", "--numprocesses", "--pdb", "--collect-only", "--co")
    if not any(argument.startswith(alone) for argument in given):
        added += ["-n", str(len(os.sched_getaffinity(0))), "--dist=worksteal"]
    return [*added, *given]


def _steps(steps: Sequence[tuple[str, Sequence[str]]], arguments: Sequence[str]) -> int:
    """Run every step, so that one run shows all that is wrong; the first failure's status."""
    failed = []
    for title, command in steps:
        say(title)
        status = run([PYTHON, *command, *arguments])
        if status:
            failed.append((title, status))
    for title, status in failed:
        say(f"failed: {title} (exit status {status})")
    return failed[0][1] if failed else 0


def _unset(variables: dict[str, str]) -> dict[str, str]:
    """Those of `variables` that the environment does not set."""
    return {name: value for name, value in variables.items() if name not in os.environ}


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` begin with; the exit status."""
    name = arguments[0] if arguments else "help"
    if name in {"-h", "--help", "help"}:
        return help_()
    if name not in COMMANDS:
        print(f"./dev: no command {name!r}; there are: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        prepare()
        return COMMANDS[name](arguments[1:])
    except DevError as error:
        print(f"./dev: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        rest = "; the next run completes the installation" if UNFINISHED.exists() else ""
        print(f"\n./dev: interrupted{rest}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    # `./dev help | head -3` ends quietly, as programs do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
