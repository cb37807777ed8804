"""The bundles on the device's disk, and which of them each model serves.

lock, installing, agent   locks
incoming/                 what is under way; nothing in it is needed
bundles/ID/               an unpacked bundle, whole from the moment it has this name
models/NAME.json          the model's `State`; replacing this file is the switch
"""

from __future__ import annotations

import contextlib
import fcntl
import uuid
from hashlib import sha256
from typing import TYPE_CHECKING

from likewise.bundle.archive import MANIFEST, SIGNATURE
from likewise.bundle.manifest import Manifest
from likewise.errors import LikewiseError, ModelError
from likewise_edge import durable
from likewise_edge.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from likewise.bundle.archive import Bundle

__all__ = ["Store"]


class Store:
    """A folder that one agent serves from; commands may change it meanwhile."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with durable.disk_errors("making the folder of the models"):
            for folder in (self.incoming, self.bundles, self.models):
                durable.make_folder(folder)
            for lock in ("lock", "installing", "agent"):  # a full disk would have no room for them
                (self.root / lock).touch()

    @property
    def incoming(self) -> Path:
        """For what is under way."""
        return self.root / "incoming"

    @property
    def bundles(self) -> Path:
        """Whole bundles, each in a folder called by its id."""
        return self.root / "bundles"

    @property
    def models(self) -> Path:
        """A file for each model."""
        return self.root / "models"

    def names(self) -> list[str]:
        """The models that the device has a state of."""
        return sorted(path.stem for path in self.models.glob("[!.]*.json"))

    def state(self, name: str) -> State:
        """Of the model; an empty one where it is not known."""
        try:
            content = (self.models / f"{name}.json").read_bytes()
        except FileNotFoundError:
            return State()
        try:
            return State.from_bytes(content)
        except LikewiseError as error:
            raise error.at(f"{name}.json") from None

    def update(self, name: str, change: Callable[[State], State]) -> State:
        """Change a model's state: the whole of the change is on the disk afterwards, or none."""
        with self._locked("lock"), durable.disk_errors("writing the state"):
            before = self.state(name)
            after = change(before)
            if after != before:
                durable.replace(self.models / f"{name}.json", after.to_bytes())
            return after

    def folder(self, bundle: str) -> Path:
        """Where that bundle's files are."""
        return self.bundles / bundle

    def unpack(self, bundle: Bundle) -> Path:
        """The bundle's folder, its parts verified while they are written."""
        target = self.folder(bundle.id)
        if target.exists():
            try:
                self.verify(bundle.id)
            except LikewiseError:
                self._discard(target)
            else:
                return target
        folder = self.incoming / f"{bundle.id}-{uuid.uuid4().hex[:8]}"
        try:
            with durable.disk_errors("unpacking"):
                durable.make_folder(folder)
                durable.write(folder / MANIFEST, [bundle.said])
                durable.write(folder / SIGNATURE, [bundle.signature])
                for part in bundle.manifest.parts:
                    durable.write(folder / part.name, bundle.read(part))
                durable.publish(folder, target)
        except LikewiseError:
            durable.remove(folder)
            raise
        return target

    def manifest(self, bundle: str) -> Manifest:
        """Of a bundle in the store, which was verified before it came here."""
        try:
            return Manifest.from_bytes((self.folder(bundle) / MANIFEST).read_bytes())
        except OSError as error:
            raise ModelError("the bundle is not on the disk", given=error.strerror).at(
                bundle[:12]
            ) from None

    def verify(self, bundle: str) -> Manifest:
        """Read every part and compare its hash; raises `ModelError` where one is damaged."""
        try:
            said = (self.folder(bundle) / MANIFEST).read_bytes()
            if sha256(said).hexdigest() != bundle:
                raise ModelError("the manifest is damaged")
            manifest = Manifest.from_bytes(said)
            for part in manifest.parts:
                with (self.folder(bundle) / part.name).open("rb") as file:
                    digest = sha256()
                    while chunk := file.read(1 << 20):
                        digest.update(chunk)
                if digest.hexdigest() != part.sha256:
                    raise ModelError("the part is damaged").at(part.name)
        except OSError as error:
            raise ModelError("the bundle is not whole", given=error.strerror).at(
                bundle[:12]
            ) from None
        except LikewiseError as error:
            raise error.at(bundle[:12]) from None
        return manifest

    @contextlib.contextmanager
    def installing(self) -> Iterator[None]:
        """Alone among those who install; what an earlier one left behind is cleared away."""
        with self._locked("installing"):
            self._clean()
            yield
            self._clean()

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """The one agent of this store; raises `LikewiseError` where there is another."""
        with self._locked("agent", wait=False):
            yield

    def _clean(self) -> None:
        with durable.disk_errors("clearing away"):
            for path in self.incoming.iterdir():
                if path.suffix not in {".part", ".meta"}:  # downloads, which go on
                    durable.remove(path)
            states = map(self.state, self.names())
            used = {c.bundle for s in states for c in (s.current, s.previous) if c is not None}
            for path in self.bundles.iterdir():
                if path.name not in used:
                    self._discard(path)

    def _discard(self, path: Path) -> None:
        """Remove a bundle; at no time is there half of one under its name."""
        aside = self.incoming / f"{path.name}-old-{uuid.uuid4().hex[:8]}"
        durable.publish(path, aside)
        durable.remove(aside)

    @contextlib.contextmanager
    def _locked(self, name: str, *, wait: bool = True) -> Iterator[None]:
        with (self.root / name).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise LikewiseError(
                    "another agent serves from this folder", given=str(self.root)
                ) from None
            yield
