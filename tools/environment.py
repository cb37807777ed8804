"""The virtual environment that `./dev` works in: made once, renewed when pyproject.toml changes.

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DevError", "prepare", "run", "say"]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "likewise-stamp"
"""Stands only beside a complete installation, and says of what; `dev` looks for it too."""
UNFINISHED = ROOT / ".cache" / "dev-unfinished"
"""Stands while an installation is under way: found at the start, the one before was cut short."""
LOCK = ROOT / ".cache" / "dev.lock"

START = time.monotonic()

UNREACHABLE = (
    "Connection refused",
    "Connection to",
    "Failed to establish a new connection",
    "Name or service not known",
    "Network is unreachable",
    "ProxyError",
    "Temporary failure in name resolution",
    "timed out",
)
"""What pip says when it cannot reach a package registry."""


class DevError(Exception):
    """A command of `./dev` cannot go on; the message says why and what to do."""


def say(text: str) -> None:
    """Print a step, with the time since the start."""
    print(f"[{time.monotonic() - START:6.1f} s] {text}", flush=True)


def run(command: Sequence[str | Path], **variables: str) -> int:
    """Run `command` in the repository's root with `variables` added; its exit status."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables})
    with _ended(process):
        return process.wait()


def prepare() -> None:
    """Make the environment complete and up to date; quick when it is already."""
    wanted = wanted_stamp()
    if _is_complete(wanted):
        return
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another ./dev, which is installing")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(wanted):
            _install(wanted)


def wanted_stamp() -> str:
    """What the stamp of a complete environment says: where it stands and what is installed."""
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return f"{ROOT}\n{digest}\n"


def _is_complete(wanted: str) -> bool:
    # The interpreter below may be gone: an upgrade of the system takes the old one away.
    return PYTHON.exists() and STAMP.is_file() and STAMP.read_text() == wanted


def _install(wanted: str) -> None:
    # A package whose installation was cut short can look installed to pip: start from nothing.
    anew = UNFINISHED.exists() or not _is_usable()
    UNFINISHED.touch()
    STAMP.unlink(missing_ok=True)
    if anew:
        _make_venv()
    say("installing likewise and what its development needs (pip install -e '.[dev]')")
    _pip("install", "--editable", f"{ROOT}[dev]")
    STAMP.write_text(wanted)
    UNFINISHED.unlink()
    say("the environment is ready")


def _is_usable() -> bool:
    """Whether .venv stands where it was made and its Python and pip work."""
    if STAMP.is_file() and STAMP.read_text().splitlines()[0] != str(ROOT):
        return False
    code = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    return PYTHON.exists() and not subprocess.run([PYTHON, "-c", code], check=False).returncode


def _make_venv() -> None:
    version = "{}.{}.{}".format(*sys.version_info)
    say(f"making .venv with Python {version}")
    # This may run in the very environment that is made anew: use the Python below it.
    base: str = getattr(sys, "_base_executable", None) or sys.executable
    create = [base, "-m", "venv", "--clear", str(VENV)]
    if find_spec("ensurepip") is None and not _install_ensurepip():
        if subprocess.run(
            [base, "-m", "pip", "--version"], capture_output=True, check=False
        ).returncode:
            raise DevError(_without_ensurepip())
        # Debian's pip can install into an environment that was made without one.
        _check([*create, "--without-pip"])
        _check([base, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "pip"])
        return
    _check(create)


def _install_ensurepip() -> bool:
    """Install Debian's package that carries ensurepip, if this is Debian's Python and root."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None or sys.base_prefix != "/usr":
        return False
    package = _venv_package()
    say(f"this Python lacks ensurepip: installing {package} with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", package]
    for command in (["apt-get", "update"], install):
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode:
            say(f"apt-get failed: {done.stderr.strip()}")
            return False
    return True


def _venv_package() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def _without_ensurepip() -> str:
    return (
        "this Python cannot make a virtual environment: its module ensurepip is missing\n"
        f"({sys.executable}). Debian and Ubuntu keep it in a package of its own:\n\n"
        f"    sudo apt-get install {_venv_package()}\n\nthen run ./dev again"
    )


def _check(command: Sequence[str]) -> None:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )
    with _ended(process):
        output, _ = process.communicate()
    if process.returncode:
        raise DevError(f"{' '.join(command)} failed:\n{output.strip()}")


def _pip(*arguments: str) -> None:
    """Run the environment's pip, showing on one line what it does; quotes it when it fails."""
    options = ("--no-input", "--disable-pip-version-check", "--progress-bar=off")
    process = subprocess.Popen(
        [str(PYTHON), "-m", "pip", *arguments, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    lines: list[str] = []
    with _ended(process), _ticker(lines):
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if not sys.stdout.isatty() and line.lstrip().startswith("Downloading "):
                say(f"  {line.strip()}")
        process.wait()
    if process.returncode:
        raise DevError(explain_pip("\n".join(lines)))


def explain_pip(output: str) -> str:
    """Why pip failed, in a sentence, from what it printed; the end of that goes with it."""
    lines = [line for line in output.splitlines() if "(Retry(total=" not in line]
    tail = "\n".join(f"    {line}" for line in lines[-20:])
    if any(sign in output for sign in UNREACHABLE):
        return (
            f"pip could not reach a package registry; it said:\n{tail}\n"
            "Is there a network, and are pip's settings right? "
            "`.venv/bin/python -m pip config list` shows them. Then run ./dev again: it goes on "
            "with what has been downloaded"
        )
    return f"pip failed; it said:\n{tail}"


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """Let no child outlive an interruption: Ctrl-C reaches it too, so first let it end itself."""
    try:
        yield
    except KeyboardInterrupt:
        try:
            process.wait(timeout=5)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        raise


@contextlib.contextmanager
def _ticker(lines: Sequence[str]) -> Iterator[None]:
    """On a terminal, keep the newest of `lines` and the running time on one line."""
    if not sys.stdout.isatty():
        yield
        return
    done = threading.Event()

    def tick() -> None:
        while not done.wait(0.2):
            newest = next((line for line in reversed(lines) if _is_progress(line)), "")
            text = f"[{time.monotonic() - START:6.1f} s]   {newest.strip()}"
            print(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        print("\r\x1b[K", end="", flush=True)


def _is_progress(line: str) -> bool:
    return bool(line) and not line.startswith(("WARNING", "DEPRECATION"))
