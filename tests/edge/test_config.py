"""The settings: what is wrong in them is named, and nothing is guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from likewise.errors import InputError
from likewise_edge.config import Config, read_config

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_all_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    config = read_config(path)
    assert config == Config()
    assert config.server.host == "127.0.0.1"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        'state = "here"\nkeys = "/keys"\n[models.m]\nsource = "shop"\n'
        '[models.n]\nsource = "https://example.org/n.lwb"\ncheck_seconds = 60\n'
    )
    config = read_config(path)
    assert (config.state, str(config.keys)) == (tmp_path / "here", "/keys")
    assert config.models["m"].source == str(tmp_path / "shop")
    assert config.models["n"].source == "https://example.org/n.lwb"
    assert config.models["n"].check_seconds == 60.0


WRONG = {
    "no TOML": ("[", "this is no TOML"),
    "an unknown entry": ("[server]\nprot = 1\n", "there is no entry 'server.prot'; allowed: host"),
    "another type": (
        "[server]\nport = 'a'\n",
        "server.port is wrong; given: 'a'; allowed: a whole",
    ),
    "a flag for a number": ("[server]\nqueue = true\n", "server.queue is wrong; given: True"),
    "below 0": ("[server]\nqueue = -1\n", "server.queue is wrong; given: -1"),
    "no time at all": (
        "[server]\nbody_seconds = 0\n",
        "server.body_seconds is wrong; given: 0; allowed: a number above 0",
    ),
    "no table": ("server = 1\n", "server is no table; given: 1"),
    "no port": ("[server]\nport = 70000\n", "server.port is wrong; given: 70000; allowed: 0 to"),
    "no path": ("state = 1\n", "state is wrong; given: 1; allowed: a path"),
    "a name that is none": ("[models.'a/b']\nsource = 'x'\n", "'a/b' in [models] can be no name"),
    "no source": ("[models.m]\n", "models.m.source is missing; allowed: a file, a folder or an"),
    "no model": (
        "[watch.w]\nfolder = 'a'\nanswers = 'b'\n",
        "watch.w.model is missing",
    ),
    "no numbers": (
        "[watch.w]\nfolder='a'\nanswers='b'\nmodel='m'\nimages = {mean = 1}\n",
        "watch.w.images.mean is wrong; given: 1; allowed: a list of numbers",
    ),
    "open to all": (
        "[server]\nhost = '0.0.0.0'\n",
        "others than this machine could use the models without a token",
    ),
    "half of TLS": ("[server]\ntls_key = 'k'\n", "server.tls_certificate and server.tls_key go"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong(tmp_path: Path, case: str) -> None:
    content, message = WRONG[case]
    path = tmp_path / "config.toml"
    path.write_text(content)
    with pytest.raises(InputError) as raised:
        read_config(path)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read '.*none\.toml': No such file"):
        read_config(tmp_path / "none.toml")


def test_open_to_all_with_a_token_or_on_purpose(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for entry in ('token_file = "t"', "allow_anonymous = true"):
        path.write_text(f'[server]\nhost = "0.0.0.0"\n{entry}\n')
        assert read_config(path).server.host == "0.0.0.0"
