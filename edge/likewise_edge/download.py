"""Bundles over HTTP(S): a download that breaks off goes on where it was."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from likewise.errors import InputError, LikewiseError, ModelError
from likewise_edge import durable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["download", "forget", "taken"]

SECONDS: Final = 30.0
"""How long a server may be silent."""
ATTEMPTS: Final = 5
LARGEST: Final = 4 << 30
_CHUNK: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class _Meta:
    """What is known of a download: the content's validator, and whether it was taken already."""

    validator: str = ""
    is_etag: bool = False
    done: bool = False


def download(url: str, folder: Path, *, pause: float = 1.0) -> Path | None:
    """The content at `url` as a file in `folder`; None where it has not changed since `taken`.

    A connection that breaks is made again some times, `pause` seconds after the first one, and
    each attempt, a later call's too, goes on behind what is there. Raises `LikewiseError` where
    the content cannot be had.
    """
    if not url.startswith(("http://", "https://")):
        raise InputError("this is no address of a bundle", given=url, allowed="http:// or https://")
    part, meta = _paths(url, folder)
    for attempt in range(ATTEMPTS):
        try:
            with durable.disk_errors("downloading"):
                return part if _fetch(url, part, meta) else None
        except _BrokenError as error:
            if attempt + 1 == ATTEMPTS:
                raise LikewiseError(
                    f"the download broke off {ATTEMPTS} times",
                    given=error,
                    hint="the next attempt goes on where it was",
                ).at(url) from None
            time.sleep(pause * 2**attempt)
        except LikewiseError as error:
            raise error.at(url) from None
    raise AssertionError


def taken(url: str, folder: Path) -> None:
    """The file that `download` gave is needed no more; the same content is not fetched again."""
    part, meta = _paths(url, folder)
    known = _read(meta)
    durable.replace(meta, _text(_Meta(known.validator, known.is_etag, done=True)))
    durable.remove(part)


def forget(url: str, folder: Path) -> None:
    """Remove the file that `download` gave; the next call fetches it anew."""
    for path in _paths(url, folder):
        durable.remove(path)


class _BrokenError(Exception):
    """The connection broke, or the server is not well: it may work the next time."""


def _paths(url: str, folder: Path) -> tuple[Path, Path]:
    name = sha256(url.encode()).hexdigest()[:16]
    return folder / f"{name}.part", folder / f"{name}.meta"


def _read(meta: Path) -> _Meta:
    try:
        return _Meta(**json.loads(meta.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return _Meta()


def _text(meta: _Meta) -> bytes:
    return json.dumps(asdict(meta)).encode()


def _fetch(url: str, part: Path, meta: Path) -> bool:
    """One attempt; False where nothing has changed."""
    known = _read(meta)
    there = part.stat().st_size if part.exists() and known.validator and not known.done else 0
    headers = {"accept-encoding": "identity"}
    if there:
        headers |= {"range": f"bytes={there}-", "if-range": known.validator}
    elif known.done and known.validator:
        name = "if-none-match" if known.is_etag else "if-modified-since"
        headers[name] = known.validator
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 — http(s) alone
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            _receive(answer, part, meta, there)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 304:
                return False
            if error.code == 416 and error.headers.get("content-range") == f"bytes */{there}":
                return True  # all of it is there
            if error.code == 416:  # what is there is not the beginning of what is offered
                durable.remove(part)
                raise _BrokenError("the content changed") from None
            if error.code >= 500 or error.code == 429:
                raise _BrokenError(f"status {error.code}") from None
            raise LikewiseError("the server refuses", given=f"status {error.code}") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        raise _BrokenError(getattr(error, "reason", None) or error) from None
    except ConnectionError as error:
        raise _BrokenError(error) from None
    return True


def _receive(answer: Any, part: Path, meta: Path, there: int) -> None:
    """Write what comes behind the bytes that are there, or anew where the server begins anew."""
    if answer.status == 206:
        said = answer.headers.get("content-range", "")
        if not said.startswith(f"bytes {there}-"):
            raise ModelError("the server sends another range", given=said, allowed=f"{there}-")
    else:
        there = 0
        etag, modified = (answer.headers.get(name, "") for name in ("etag", "last-modified"))
        weak = etag.startswith("W/")
        validator = modified if weak or not etag else etag
        durable.remove(part)
        durable.replace(meta, _text(_Meta(validator, is_etag=validator == etag != "")))
    length = answer.headers.get("content-length")
    size = there + int(length) if length is not None else None
    if size is not None and size > LARGEST:
        raise ModelError("the bundle is too large", given=size, allowed=LARGEST)
    durable.append(part, _chunks(answer, there))
    if size is not None and part.stat().st_size < size:
        raise _BrokenError(f"{part.stat().st_size} of {size} bytes came")


def _chunks(answer: Any, size: int) -> Iterator[bytes]:
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
        if size > LARGEST:
            raise ModelError("the bundle is too large", allowed=LARGEST)
        yield chunk
