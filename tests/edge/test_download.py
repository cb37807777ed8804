"""Downloads: they go on where they broke off, notice changes, and end in clear words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from likewise.errors import LikewiseError
from likewise_edge.download import ATTEMPTS, download, forget, taken
from tests.edge.sites import Site, site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as made:
        made.content = CONTENT
        yield made


def fetch(server: Site, folder: Path) -> bytes | None:
    path = download(server.url, folder, pause=0.01)
    return None if path is None else path.read_bytes()


def test_whole(server: Site, tmp_path: Path) -> None:
    assert fetch(server, tmp_path) == CONTENT


def test_it_goes_on(server: Site, tmp_path: Path) -> None:
    server.piece = len(CONTENT) // 3
    assert fetch(server, tmp_path) == CONTENT
    assert server.sent == len(CONTENT)
    assert [asked.get("range") for asked in server.asked][:2] == [None, f"bytes={server.piece}-"]


def test_it_goes_on_in_another_call(server: Site, tmp_path: Path) -> None:
    server.piece = 100
    with pytest.raises(LikewiseError) as raised:
        fetch(server, tmp_path)
    assert str(raised.value) == (
        f"{server.url}: the download broke off 5 times; given: 500 of 10240 bytes came; "
        "the next attempt goes on where it was"
    )
    server.piece = None
    assert fetch(server, tmp_path) == CONTENT
    assert server.sent == len(CONTENT)


def test_the_content_changes_on_the_way(server: Site, tmp_path: Path) -> None:
    server.piece = 100
    with pytest.raises(LikewiseError):
        fetch(server, tmp_path)
    server.piece, server.content = None, CONTENT[::-1]
    assert fetch(server, tmp_path) == CONTENT[::-1]


def test_without_a_validator_it_begins_anew(server: Site, tmp_path: Path) -> None:
    server.piece, server.etags = 100, False
    with pytest.raises(LikewiseError, match="100 of 10240 bytes came"):
        fetch(server, tmp_path)
    server.piece = None
    assert fetch(server, tmp_path) == CONTENT


def test_all_of_it_is_there(server: Site, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    assert fetch(server, tmp_path) == CONTENT
    assert server.sent == len(CONTENT)


def test_what_was_taken_is_not_fetched_again(server: Site, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    taken(server.url, tmp_path)
    assert fetch(server, tmp_path) is None
    assert not list(tmp_path.glob("*.part"))
    server.content = b"new"
    assert fetch(server, tmp_path) == b"new"
    forget(server.url, tmp_path)
    assert fetch(server, tmp_path) == b"new"


def test_a_server_that_refuses(server: Site, tmp_path: Path) -> None:
    server.status = 403
    with pytest.raises(LikewiseError, match=r"m\.lwb: the server refuses; given: status 403"):
        fetch(server, tmp_path)
    assert len(server.asked) == 1


def test_a_server_that_is_not_well(server: Site, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(LikewiseError, match="the download broke off 5 times; given: status 503"):
        fetch(server, tmp_path)
    assert len(server.asked) == ATTEMPTS


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(LikewiseError, match=r"broke off 5 times; given: .*Connection refused"):
        download("http://127.0.0.1:1/m.lwb", tmp_path, pause=0.01)


def test_another_scheme(tmp_path: Path) -> None:
    with pytest.raises(LikewiseError, match="this is no address of a bundle; given: file:///x"):
        download("file:///x", tmp_path)
