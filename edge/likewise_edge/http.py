"""The HTTP side: the Open Inference Protocol v2, health, metrics and the status page."""

from __future__ import annotations

import asyncio
import hmac
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import likewise
from likewise.errors import InputError, LikewiseError, MissingDependencyError
from likewise_edge.logs import facts, log
from likewise_edge.page import status_page
from likewise_edge.protocol import HEADER_LENGTH, model_metadata, read_request, write_response
from likewise_edge.serving import RefusalError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from likewise_edge.agent import Agent
    from likewise_edge.serving import Slot

__all__ = ["application"]

_OPEN: Final = ("/v2/health/live", "/v2/health/ready")
"""What is answered without a token: those who watch over the device need no more."""
BODIES: Final = 4
"""So many bodies of the largest size may be under way at once, in bytes together."""


def application(agent: Agent, token: str | None = None) -> ASGIApp:
    """The ASGI application; with a token only those who bear it are answered."""
    pages = _Pages(agent)
    versions = ("", "/versions/{version}")
    routes = [
        Route("/", pages.status),
        Route("/metrics", pages.metrics),
        Route("/v2", pages.server),
        Route("/v2/health/live", pages.live),
        Route("/v2/health/ready", pages.ready),
        Route("/v2/repository/index", pages.index, methods=["POST"]),
        *(Route(f"/v2/models/{{name}}{v}", pages.model) for v in versions),
        *(Route(f"/v2/models/{{name}}{v}/ready", pages.model_ready) for v in versions),
        *(Route(f"/v2/models/{{name}}{v}/infer", pages.infer, methods=["POST"]) for v in versions),
    ]
    made = Starlette(
        routes=routes,
        exception_handlers={
            LikewiseError: _refused,
            404: _not_found,
            405: _not_found,
            Exception: _broken,
        },
    )
    return made if token is None else _Guarded(made, token)


class _Guarded:
    """Lets through those who bear the token."""

    def __init__(self, inner: ASGIApp, token: str) -> None:
        self._inner = inner
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _OPEN:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._wanted):
                said = "another" if given else "none"
                refusal = JSONResponse(
                    {"error": f"a bearer token is needed; given: {said}"},
                    401,
                    {"www-authenticate": "Bearer"},
                )
                await refusal(scope, receive, send)
                return
        await self._inner(scope, receive, send)


class _Pages:
    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._bodies = 0

    async def status(self, _: Request) -> Response:
        content = status_page(self._agent)
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return Response(
            content, media_type="text/html", headers={"content-security-policy": policy}
        )

    async def metrics(self, _: Request) -> Response:
        content = self._agent.metrics.page(self._agent.slots.values())
        return Response(content, media_type="text/plain; version=0.0.4")

    async def server(self, _: Request) -> Response:
        return JSONResponse(
            {
                "name": "likewise-edge",
                "version": likewise.__version__,
                "extensions": ["binary_tensor_data", "model_repository"],
            }
        )

    async def live(self, _: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        ready = self._agent.ready
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def index(self, _: Request) -> Response:
        return JSONResponse(
            [
                {
                    "name": slot.name,
                    "version": str(slot.loaded.manifest.version) if slot.loaded else "",
                    "state": "READY" if slot.loaded else "UNAVAILABLE",
                    "reason": "",
                }
                for slot in self._agent.slots.values()
            ]
        )

    async def model(self, request: Request) -> Response:
        return JSONResponse(model_metadata(self._slot(request).ready().manifest))

    async def model_ready(self, request: Request) -> Response:
        slot = self._slot(request)
        ready = slot.loaded is not None
        return JSONResponse({"name": slot.name, "ready": ready}, 200 if ready else 503)

    async def infer(self, request: Request) -> Response:
        name, response = request.path_params["name"], None
        label = name if name in self._agent.slots else ""
        try:
            response = await self._infer(request)
        except LikewiseError as error:
            response = await _refused(request, error)
        except ClientDisconnect:
            response = Response(status_code=499)  # nobody reads it; it is counted
        finally:
            status = response.status_code if response is not None else 500
            self._agent.metrics.requests.labels(label, status).inc()
        return response

    async def _infer(self, request: Request) -> Response:
        slot = self._slot(request)
        slot.check_room()
        body = await self._body(request)
        start = time.perf_counter()
        manifest = slot.check_room().manifest
        outputs = [port.name for port in manifest.outputs]
        asked = await asyncio.to_thread(
            read_request, body, request.headers.get(HEADER_LENGTH), outputs
        )
        limit = self._agent.config.server.deadline_seconds
        left = min(asked.seconds or limit, limit) - (time.perf_counter() - start)
        ran_on, made = await slot.run(asked.feeds, max(left, 0.0))
        content, headers = await asyncio.to_thread(write_response, asked, ran_on.manifest, made)
        self._agent.metrics.seconds.labels(slot.name).observe(time.perf_counter() - start)
        return Response(content, headers=headers)

    async def _body(self, request: Request) -> bytes:
        """The body, within its limits of size and time."""
        server = self._agent.config.server
        limit = server.max_body_bytes
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise _too_large(length, limit)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise RefusalError(
                415, "bodies are taken as they are", given="compressed", allowed="plain"
            )
        chunks, size = [], 0
        try:
            async with asyncio.timeout(server.body_seconds):
                async for chunk in request.stream():
                    size += len(chunk)
                    self._bodies += len(chunk)
                    if size > limit:
                        raise _too_large(f"over {limit}", limit)
                    if self._bodies > BODIES * limit:
                        raise RefusalError(503, "too many large requests at once")
                    chunks.append(chunk)
        except TimeoutError:
            raise RefusalError(
                408, "the request came too slowly", allowed=f"{server.body_seconds:g} s"
            ) from None
        finally:
            self._bodies -= size
        return b"".join(chunks)

    def _slot(self, request: Request) -> Slot:
        slot = self._agent.slot(request.path_params["name"])
        version = request.path_params.get("version")
        loaded = slot.loaded
        if version is not None and loaded and version != str(loaded.manifest.version):
            raise RefusalError(
                404,
                f"the model {slot.name!r} has no version {version!r}",
                allowed=loaded.manifest.version,
            )
        return slot


def _too_large(given: str, limit: int) -> RefusalError:
    return RefusalError(413, "the request is too large", given=f"{given} bytes", allowed=f"{limit}")


async def _refused(_: Request, error: Exception) -> Response:
    if isinstance(error, RefusalError):
        later = {"retry-after": str(error.after)} if error.status in {429, 503, 504} else {}
        return JSONResponse({"error": str(error)}, error.status, later)
    status = 400 if isinstance(error, InputError | MissingDependencyError) else 500
    if status == 500:
        log.error("a run failed", extra=facts(reason=str(error)))
    return JSONResponse({"error": str(error)}, status)


async def _not_found(request: Request, error: Any) -> Response:
    what = f"{request.method} {request.url.path} is none of the protocol's"
    return JSONResponse({"error": what}, error.status_code)


async def _broken(request: Request, error: Exception) -> Response:
    log.error("a fault of the agent", exc_info=error, extra=facts(path=request.url.path))
    return JSONResponse({"error": "a fault of the agent: its log says which"}, 500)
