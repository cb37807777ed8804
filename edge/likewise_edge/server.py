"""The process: uvicorn around the application, signals, the watchdog, and an end in order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import time
from threading import Thread
from typing import TYPE_CHECKING, Final

import uvicorn

from likewise.errors import InputError, LikewiseError
from likewise_edge.agent import Agent
from likewise_edge.connections import bounded
from likewise_edge.http import application
from likewise_edge.logs import facts, log
from likewise_edge.notify import notify, watchdog_seconds
from likewise_edge.store import Store
from likewise_edge.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from likewise_edge.config import Config

__all__ = ["is_well", "serve"]

_M_ARENA_MAX: Final = -8
"""glibc's number of that setting, in its `malloc.h`."""
HANG_SECONDS: Final = 120.0
"""A run that takes longer never ends: systemd's watchdog is told no more that all is well."""


def serve(config: Config) -> None:
    """Serve until a signal says to end; raises `LikewiseError` where it cannot begin."""
    _share_memory()
    store = Store(config.state)
    with store.serving():
        asyncio.run(_serve(Agent(config, store)))


def _share_memory() -> None:
    """Let all threads take memory from two places: glibc's many keep what each of them freed."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


class _Server(uvicorn.Server):
    """Signals are the agent's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(agent: Agent) -> None:
    server = _Server(_uvicorn(agent))
    listening = _bound(agent.config.server.host, agent.config.server.port)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    host, port = listening.getsockname()[:2]
    log.info("listening", extra=facts(host=host, port=port, tls=server.config.is_ssl))
    for name in agent.config.models:
        # The end waits for none of them: an installation may be cut short at any moment.
        Thread(target=_keep_updated, args=(agent, name), name=f"update-{name}", daemon=True).start()
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(server.serve([listening]))
        works = [_keep_refreshed(agent), _stay_alive(agent)]
        watches = agent.config.watch.items()
        works += [Watcher(agent, name, watch).keep_watching() for name, watch in watches]
        beside = [group.create_task(work) for work in works]
        await ended.wait()
        log.info("ending")
        notify("STOPPING=1")
        agent.draining = server.should_exit = True
        await answering
        for task in beside:
            task.cancel()
    await asyncio.to_thread(agent.close)


def _uvicorn(agent: Agent) -> uvicorn.Config:
    server = agent.config.server
    return uvicorn.Config(
        application(agent, _token(server.token_file)),
        http=bounded(server),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(server.drain_seconds),
        ssl_certfile=server.tls_certificate,
        ssl_keyfile=server.tls_key,
    )


def _token(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"cannot read the token in {str(path)!r}: {error.strerror}") from None
    if len(token) < 16:
        raise InputError(
            f"the token in {str(path)!r} is too short",
            given=f"{len(token)} characters",
            allowed="16 or more",
            hint="make one with: openssl rand -hex 32",
        )
    return token


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except socket.gaierror as error:
        raise InputError(f"cannot listen: {error.strerror}", given=host) from None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise LikewiseError(f"cannot listen: {reason}", given=f"{host}:{port}") from None


async def _keep_refreshed(agent: Agent, seconds: float = 0.5) -> None:
    """Look at the store again and again: what a command installed is served at once."""
    await asyncio.to_thread(agent.refresh)
    agent.settled = True
    notify("READY=1")
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(agent.refresh)


def _keep_updated(agent: Agent, name: str) -> None:
    """Look again and again for a new bundle of the model."""
    while True:
        agent.update(name)
        time.sleep(agent.config.models[name].check_seconds)


async def _stay_alive(agent: Agent) -> None:
    """Tell systemd that all is well, while it is."""
    limit = watchdog_seconds()
    while limit is not None:
        if is_well(agent, time.monotonic()):
            notify("WATCHDOG=1")
        await asyncio.sleep(limit / 3)


def is_well(agent: Agent, now: float) -> bool:
    """Whether no run has begun so long before `now`, by `time.monotonic`, that it cannot end."""
    begun = [slot.began for slot in agent.slots.values()]
    return all(it is None or now - it < HANG_SECONDS for it in begun)
