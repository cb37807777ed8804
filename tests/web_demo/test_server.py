"""The server of `./dev demo`: it says where the page is, and Ctrl-C ends it quietly."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

from demo.web.server import POLICY, serve, served
from tools.environment import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SERVE = "import sys; from demo.web.server import serve; sys.exit(serve(0))"


def test_it_prints_the_address_and_ctrl_c_ends_it(site: Path) -> None:
    del site  # it is built, so that this is a second start
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout
        assert started.stderr
        said = ""
        while "http" not in said:
            said += started.stdout.readline()
            assert started.poll() is None
        found = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert found
        with urllib.request.urlopen(found[0]) as answer:
            assert answer.headers["Content-Security-Policy"] == POLICY
            assert b"<title>likewise" in answer.read()
        started.send_signal(signal.SIGINT)
        assert started.wait(30) == 0
        assert started.stderr.read() == ""


def test_a_port_that_is_taken_is_told(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(site) as address:
        port = int(address.rstrip("/").rsplit(":", 1)[1])
        assert serve(port) == 1
    assert f"port {port}" in capsys.readouterr().err
