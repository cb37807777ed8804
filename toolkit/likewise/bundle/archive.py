"""A bundle's file: a zip whose members are stored, first the manifest and its signature."""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from likewise.bundle.keys import is_signed
from likewise.bundle.manifest import Manifest
from likewise.errors import InputError, LikewiseError, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from likewise.bundle.keys import PublicKey
    from likewise.bundle.manifest import Part

__all__ = ["MANIFEST", "SIGNATURE", "Bundle", "open_bundle", "write_bundle"]

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
MANIFEST_LIMIT: Final = 1 << 20
_SIGNATURE_BYTES: Final = 64
_CHUNK: Final = 1 << 20
_STAMP: Final = (1980, 1, 1, 0, 0, 0)


def write_bundle(
    path: Path, manifest: Manifest, parts: Mapping[str, bytes], key: Ed25519PrivateKey
) -> None:
    """The same manifest, parts and key give the same bytes.

    Raises `InputError` where the file cannot be written.
    """
    said = manifest.to_bytes()
    members = {MANIFEST: said, SIGNATURE: key.sign(said)}
    members |= {part.name: parts[part.name] for part in manifest.parts}
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name, _STAMP), content)
    except OSError as error:
        raise InputError(f"cannot write {str(path)!r}: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Bundle:
    """An open bundle whose manifest has been believed; its parts are checked as they are read."""

    manifest: Manifest
    said: bytes
    signature: bytes
    _archive: zipfile.ZipFile

    @property
    def id(self) -> str:
        """What no other bundle has: the SHA-256 of the manifest, which names those of the parts."""
        return sha256(self.said).hexdigest()

    def read(self, part: Part) -> Iterator[bytes]:
        """The part, a chunk at a time; raises `ModelError` where it is not what was signed."""
        digest, left = sha256(), part.size
        try:
            with self._archive.open(part.name) as file:
                while chunk := file.read(min(_CHUNK, left + 1)):
                    digest.update(chunk)
                    left -= len(chunk)
                    if left < 0:
                        break
                    yield chunk
        except (KeyError, zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
            raise ModelError("the bundle is damaged", given=error).at(part.name) from None
        if left or digest.hexdigest() != part.sha256:
            raise ModelError(
                "the bundle is damaged: this is not the content that its manifest names",
                given=f"{part.size - left} bytes, SHA-256 {digest.hexdigest()}",
                allowed=f"{part.size} bytes, SHA-256 {part.sha256}",
            ).at(part.name)


@contextmanager
def open_bundle(path: Path, keys: Sequence[PublicKey]) -> Iterator[Bundle]:
    """The bundle at `path`, signed by one of `keys`.

    Raises `InputError` for a file that cannot be read, `ModelError` where it is no bundle, is
    damaged or is signed by none of them.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            said = _member(archive, MANIFEST, MANIFEST_LIMIT)
            signature = _member(archive, SIGNATURE, _SIGNATURE_BYTES)
            if not is_signed(said, signature, keys):
                raise ModelError(
                    "the signature is by none of the trusted keys",
                    given=f"{len(keys)} trusted key{'s' if len(keys) != 1 else ''}",
                    hint="put the signer's public key (likewise keygen writes NAME.pub) there",
                )
            yield Bundle(Manifest.from_bytes(said), said, signature, archive)
    except LikewiseError as error:
        raise error.at(path.name) from None
    except zipfile.BadZipFile as error:
        raise ModelError(
            "this is no bundle, or a damaged one", given=error, hint="`likewise bundle` writes them"
        ).at(path.name) from None
    except OSError as error:
        if error.filename is None or str(error.filename) != str(path):
            raise  # the disk is full, say: the fault is not this file's
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise ModelError(f"this is no bundle: it has no {name!r}") from None
    if info.file_size > limit or info.compress_type != zipfile.ZIP_STORED:
        raise ModelError(f"{name!r} is too large", given=info.file_size, allowed=f"{limit} bytes")
    with archive.open(info) as file:
        return file.read(limit)
