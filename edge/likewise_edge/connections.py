"""What uvicorn leaves open: clients that are too many, or too slow to say what they want."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from likewise_edge.config import Server

__all__ = ["bounded"]


def bounded(limits: Server) -> type[H11Protocol]:
    """A protocol that keeps the limits: connections, and seconds until a request's head is there.

    Who does not read its answer within `body_seconds` is cut off too.
    """

    class Bounded(H11Protocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > limits.max_connections:
                transport.write(_full(limits.max_connections))
                transport.close()
                return
            peer = transport.get_extra_info("socket")
            milliseconds = int(limits.body_seconds * 1e3)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
            self._await_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:
                self._await_head()
            else:
                self._forget()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            super().connection_lost(exc)

        def _await_head(self) -> None:
            if self._late is None:
                self._late = self.loop.call_later(limits.body_seconds, self.transport.close)

        def _forget(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

    return Bounded


def _full(limit: int) -> bytes:
    """A whole answer that refuses the connection."""
    body = json.dumps({"error": f"too many connections; allowed: {limit}"}).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
        f"retry-after: 1\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
