"""Ed25519 keys that sign bundles (the extra `bundle`), as PEM files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likewise.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PublicKey as PublicKey,
    )
else:
    PublicKey = Any

__all__ = ["PublicKey", "default_key", "generate", "is_signed", "read_private", "read_public"]


def default_key() -> Path:
    """Where `likewise keygen` writes, and `likewise bundle` looks, when no path is given."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
    return Path(home, "likewise", "bundle.key")


def generate(path: Path) -> tuple[Path, Path]:
    """Write a new private key to `path`, readable by its owner alone, and the public one beside it.

    Returns both paths. Raises `InputError` where one of them exists or cannot be written.
    """
    serialization = _cryptography().serialization
    private = _ed25519().Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    secret = private.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    beside = path.with_suffix(".pub")
    for file, content, mode in ((path, secret, 0o600), (beside, public, 0o644)):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            raise InputError(
                f"there is a key {str(file)!r} already", hint="give another path with -o"
            ) from None
        except OSError as error:
            raise InputError(f"cannot write {str(file)!r}: {error.strerror}") from None
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
    return path, beside


def read_private(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file without a password; raises `InputError` where it is none."""
    content = _read(path, "make one with: likewise keygen")
    try:
        key = _cryptography().serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError) as error:
        raise InputError(f"{str(path)!r} holds no private key: {error}") from None
    if not isinstance(key, _ed25519().Ed25519PrivateKey):
        raise InputError(f"{str(path)!r} holds another kind of key", allowed="Ed25519")
    return key


def read_public(path: Path) -> PublicKey:
    """The key in a PEM file; raises `InputError` where it is none."""
    content = _read(path, "`likewise keygen` writes it beside the private key")
    try:
        key = _cryptography().serialization.load_pem_public_key(content)
    except ValueError as error:
        raise InputError(f"{str(path)!r} holds no public key: {error}") from None
    if not isinstance(key, _ed25519().Ed25519PublicKey):
        raise InputError(f"{str(path)!r} holds another kind of key", allowed="Ed25519")
    return key


def is_signed(content: bytes, signature: bytes, keys: Iterable[PublicKey]) -> bool:
    """Whether the signature over `content` is that of one of `keys`."""
    from cryptography.exceptions import InvalidSignature

    for key in keys:
        try:
            key.verify(signature, content)
        except InvalidSignature:
            continue
        return True
    return False


def _read(path: Path, hint: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read the key {str(path)!r}: {error.strerror}", hint=hint
        ) from None


def _cryptography() -> Any:
    try:
        from cryptography.hazmat import primitives
        from cryptography.hazmat.primitives import serialization  # noqa: F401 — of `primitives`
    except ImportError:
        raise MissingDependencyError("cryptography", "bundle", "signing bundles") from None
    return primitives


def _ed25519() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return ed25519
