"""Looking for new bundles where the settings say: in a file, a folder, or at an address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from likewise.bundle import open_bundle, read_public
from likewise.errors import InputError, LikewiseError, ModelError
from likewise_edge.download import download, forget, taken
from likewise_edge.install import Trial, install

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.bundle.keys import PublicKey
    from likewise_edge.store import Store

__all__ = ["trusted_keys", "update"]


def update(store: Store, name: str, source: str, keys: Sequence[PublicKey], trial: Trial) -> bool:
    """Install what `source` offers for the model; whether that is new.

    In a folder the bundle of the highest version counts. Raises `LikewiseError` where it cannot
    be had or is not taken.
    """
    if "://" in source:
        found = download(source, store.incoming)
        if found is None:
            return False
        try:
            new = install(store, found, keys, trial, name=name)[2]
        except ModelError as error:  # what came is not what was signed: it is fetched anew
            forget(source, store.incoming)
            raise error.at(source) from None
        except InputError as error:
            taken(source, store.incoming)
            raise error.at(source) from None
        taken(source, store.incoming)
        return new
    path = Path(source)
    if path.is_dir():
        newest = _newest(path, name, keys)
        if newest is None:
            return False
        path = newest
    return install(store, path, keys, trial, name=name)[2]


def trusted_keys(folder: Path) -> list[PublicKey]:
    """The keys `NAME.pub` in a folder; raises `InputError` where there is none."""
    paths = sorted(folder.glob("*.pub"))
    if not paths:
        raise InputError(
            f"there is no trusted key in {str(folder)!r}",
            hint="copy the NAME.pub there that `likewise keygen` wrote",
        )
    return [read_public(path) for path in paths]


def _newest(folder: Path, name: str, keys: Sequence[PublicKey]) -> Path | None:
    """The bundle of that model with the highest version; those that cannot be read are passed."""
    found: list[tuple[int, Path]] = []
    broken: list[LikewiseError] = []
    for path in sorted(folder.glob("*.lwb")):
        try:
            with open_bundle(path, keys) as bundle:
                if bundle.manifest.name == name:
                    found.append((bundle.manifest.version, path))
        except LikewiseError as error:
            broken.append(error)
    if not found and broken:
        raise broken[0]
    return max(found)[1] if found else None
