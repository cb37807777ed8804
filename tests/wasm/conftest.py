"""The built TypeScript runtime, and modules for it to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wasm.modules import write
from tools.node import Node, build

RUNTIME = Path(__file__).resolve().parent.parent.parent / "wasm" / "runtime"


@pytest.fixture(scope="session")
def node() -> Node:
    """Node, with the runtime built."""
    return build(RUNTIME)


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every module and `cases.json`."""
    folder = tmp_path_factory.mktemp("modules")
    write(folder)
    return folder
