"""Installing, going back, and coming up after whatever happened before."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from likewise.bundle.archive import open_bundle
from likewise.errors import InputError, LikewiseError
from likewise_edge.logs import facts, log
from likewise_edge.selftest import choose, surroundings
from likewise_edge.state import Chosen, Probation, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.bundle.keys import PublicKey
    from likewise_edge.store import Store

__all__ = ["Trial", "begin_serving", "end_probation", "end_serving", "install", "roll_back"]

RESERVE: Final = 16 << 20
"""Bytes that stay free on the disk."""
CRASHES: Final = 3
"""So many processes may end without order, each in another boot, before a bundle is to blame."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How the self-test goes: timed runs, and the seconds that one engine may take."""

    runs: int = 5
    seconds: float = 300.0


def install(
    store: Store,
    path: Path,
    keys: Sequence[PublicKey],
    trial: Trial,
    *,
    name: str | None = None,
    by_hand: bool = False,
) -> tuple[str, State, bool]:
    """Verify the bundle at `path`, test it here and switch to it: name, state, whether it is new.

    `name` is what the model must be called. Only `by_hand` is a lower version, or a bundle that
    was rejected before, taken. Raises `LikewiseError` where it is not to be had; what served
    before then still does.
    """
    with store.installing():
        with open_bundle(path, keys) as bundle:
            manifest, model = bundle.manifest, bundle.manifest.name
            if name is not None and model != name:
                raise InputError(
                    "this is the bundle of another model", given=model, allowed=name
                ).at(path.name)
            state = store.state(model)
            if state.current is not None and state.current.bundle == bundle.id:
                return model, state, False
            if not by_hand:
                _check_wanted(state, bundle.id, manifest.version)
            _check_space(store, sum(part.size for part in manifest.parts))
            folder = store.unpack(bundle)
        try:
            chosen = choose(folder, manifest, bundle.id, trial.runs, trial.seconds)
        except LikewiseError as error:
            reason = str(error)
            store.update(model, lambda it: it.rejecting(bundle.id, reason))
            raise error.at(path.name) from None
        return model, store.update(model, lambda it: it.switched(chosen)), True


def _check_wanted(state: State, bundle: str, version: int) -> None:
    if bundle in state.rejected:
        raise InputError(
            "this bundle was rejected on this device before",
            given=state.rejected[bundle],
            hint="`likewise-edge install` tries it again",
        )
    if state.current is not None and version < state.current.version:
        raise InputError(
            "this is an older version than the one that serves",
            given=version,
            allowed=f"{state.current.version} or higher",
            hint="`likewise-edge install` takes it all the same",
        )


def _check_space(store: Store, size: int) -> None:
    free = shutil.disk_usage(store.root).free
    if free < size + RESERVE:
        raise LikewiseError(
            "the disk is full",
            given=f"{free >> 20} MiB free",
            allowed=f"{(size + RESERVE) >> 20} MiB are needed",
            hint="free some space and try again",
        )


def roll_back(store: Store, name: str, reason: str) -> State:
    """Serve the bundle before, if there is one; the current one is rejected."""
    return store.update(name, lambda state: state.rolled_back(reason))


def begin_serving(store: Store, name: str, trial: Trial) -> State:
    """Settle what is to be served: called before a model is loaded by the agent.

    A bundle on probation whose process ended without order is rolled back; so is one whose files
    are damaged. Where the versions of the engines have changed, the self-test is done anew.
    """
    state = _noted(store, name, store.state(name), _after_a_crash)
    while state.current is not None:
        try:
            store.verify(state.current.bundle)
            if state.current.tested_with != surroundings():
                state = _tested_anew(store, name, state, state.current, trial)
            break
        except LikewiseError as error:
            back = partial(State.rolled_back, reason=str(error))
            _noted(store, name, state, back)
            state = back(state)
    return _noted(store, name, state, _running)


def _noted(store: Store, name: str, state: State, change: Callable[[State], State]) -> State:
    """`state` after the change; as it was where the disk is full, which keeps none from serving."""
    try:
        return store.update(name, change)
    except LikewiseError as error:
        log.error("not written", extra=facts(model=name, reason=str(error)))
        return state


def _tested_anew(store: Store, name: str, state: State, current: Chosen, trial: Trial) -> State:
    folder, manifest = store.folder(current.bundle), store.manifest(current.bundle)
    chosen = choose(folder, manifest, current.bundle, trial.runs, trial.seconds)
    after = replace(state, current=chosen)
    _noted(store, name, state, lambda it: replace(it, current=chosen))
    return after


def _after_a_crash(state: State) -> State:
    probation = state.probation
    if probation is None or not probation.running:
        return state
    crashes = probation.crashes + 1
    if probation.running == _boot() or crashes >= CRASHES:
        return state.rolled_back(f"the agent crashed while it was on probation ({crashes} times)")
    return replace(state, probation=Probation("", crashes))


def _running(state: State) -> State:
    if state.probation is None:
        return state
    return replace(state, probation=replace(state.probation, running=_boot()))


def end_probation(store: Store, name: str, bundle: str) -> State:
    """The bundle has proved itself, if it still serves."""

    def change(state: State) -> State:
        current = state.current
        return replace(state, probation=None) if current and current.bundle == bundle else state

    return store.update(name, change)


def end_serving(store: Store, name: str) -> None:
    """The agent ends in order: whatever follows is no crash of the bundle."""

    def change(state: State) -> State:
        if state.probation is None:
            return state
        return replace(state, probation=replace(state.probation, running=""))

    _noted(store, name, State(), change)


def _boot() -> str:
    """What this boot of the machine is called."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "boot"
