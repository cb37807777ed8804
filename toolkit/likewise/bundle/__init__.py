"""Bundles: what a device needs of one model in one signed file (`edge/README.md`, the format)."""

from likewise.bundle.archive import Bundle, open_bundle, write_bundle
from likewise.bundle.build import build
from likewise.bundle.engines import ENGINES, Engine
from likewise.bundle.keys import PublicKey, generate, read_private, read_public
from likewise.bundle.manifest import Manifest, Part

__all__ = [
    "ENGINES",
    "Bundle",
    "Engine",
    "Manifest",
    "Part",
    "PublicKey",
    "build",
    "generate",
    "open_bundle",
    "read_private",
    "read_public",
    "write_bundle",
]
