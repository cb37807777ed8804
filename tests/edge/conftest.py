from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.edge.devices import Device

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)
