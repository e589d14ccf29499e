"""How a web process runs its application: uvicorn, told to let event streams go when it stops."""

from __future__ import annotations

import socket
from typing import Protocol

import uvicorn
from starlette.types import Receive, Scope, Send

_KEEP_ALIVE_S = 75
_PATIENCE_S = 5


class StreamingApp(Protocol):
    """An ASGI application that can be told to end its event streams."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def end_streams(self) -> None: ...


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: StreamingApp) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn waits for open responses first, and an event stream stays open until it is told.
        self._app.end_streams()
        await super().shutdown(sockets)


def server_for(app: StreamingApp, trusted_proxies: str = "") -> uvicorn.Server:
    """The server of one web process.

    Only `trusted_proxies` are believed in X-Forwarded-For and X-Forwarded-Proto: anybody can send those.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,  # exchange.py has its own
        log_config=None,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_PATIENCE_S,
    )
    return _Server(config, app)


def run(app: StreamingApp, listener: socket.socket, trusted_proxies: str) -> None:
    """Serve `app` on a socket that listens already, until SIGTERM or SIGINT."""
    server_for(app, trusted_proxies).run(sockets=[listener])
