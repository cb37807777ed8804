"""Environments of their own for tools that need Python 3.12."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.environment import ROOT, DevError, say

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["environment", "find_python312"]

CACHE: Final = ROOT / ".cache"


def find_python312() -> str | None:
    """LIKEWISE_PYTHON312, else one on the PATH, else one of pyenv's; it can make environments."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(one / "bin" / "python") for one in sorted(pyenv.glob("3.12.*"))]
    code = "import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 12))"
    for program in (os.environ.get("LIKEWISE_PYTHON312"), "python3.12", *found):
        if program and shutil.which(program):
            tried = subprocess.run([program, "-c", code], capture_output=True, check=False)
            if not tried.returncode:
                return program
    return None


def environment(name: str, requirements: Sequence[str], size: str) -> Path:
    """The Python of the environment `.cache/NAME` with these packages, made where it is missing.

    Raises `DevError` without a Python 3.12, or where pip fails.
    """
    folder = CACHE / name
    program = folder / "bin" / "python"
    made = folder / "likewise-stamp"
    wanted = "\n".join(requirements)
    if made.is_file() and made.read_text() == wanted:
        return program
    base = find_python312()
    if base is None:
        raise DevError(
            f"{requirements[0]} needs Python 3.12, and none was found. One of these helps:\n"
            "    apt-get install python3.12 python3.12-venv     # Ubuntu 24.04\n"
            "    LIKEWISE_PYTHON312=/path/to/python3.12 ./dev …"
        )
    say(f"installing {requirements[0]} into .cache/{name} ({size})")
    steps: tuple[list[str | Path], ...] = (
        [base, "-m", "venv", "--clear", folder],
        [program, "-m", "pip", "install", "--quiet", *requirements],
    )
    for command in steps:
        if subprocess.run(command, check=False).returncode:
            raise DevError(f"{requirements[0]} could not be installed: see what pip says above")
    made.write_text(wanted)
    return program
