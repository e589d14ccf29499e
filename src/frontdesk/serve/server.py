"""How a web process runs its application: uvicorn, told to stop in a way that nobody notices.

    SIGTERM ─> event streams and long waits end ─> whoever has connected by now is let in ─> nobody else is
            ─> requests that were on their way arrive ─> everything that was asked is answered

A proxy may ask another replica when it could not connect, but never when it has sent a request already that may have
been done. So a connection that the kernel accepted must not be closed unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Protocol, cast

import uvicorn
from starlette.types import Receive, Scope, Send

_KEEP_ALIVE_S = 75
_PATIENCE_S = 5
_ARRIVAL_LOOKS, _LOOK_S = 100, 0.01


class StreamingApp(Protocol):
    """An ASGI application that can be told to end its event streams."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def end_streams(self) -> None: ...


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: StreamingApp) -> None:
        super().__init__(config)
        self._app = app
        self._listeners: list[socket.socket] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn closes what it listens on before all who wait there are let in; these stay open.
        self._listeners = [listener.dup() for listener in sockets or ()]
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn waits for open responses first, and an event stream stays open until it is told.
        self._app.end_streams()
        for server in self.servers:
            server.close()
        await self._let_in_the_last()
        await self._hear_the_last()
        await super().shutdown(sockets)

    async def _let_in_the_last(self) -> None:
        """Accept whoever has connected already: closing the socket would cut them off."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            with listener, contextlib.suppress(BlockingIOError, ConnectionAbortedError):
                while True:
                    connection, _ = listener.accept()
                    connection.setblocking(False)
                    await loop.connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make = cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _hear_the_last(self) -> None:
        """Wait a moment for the first request of connections that are new."""
        for _ in range(_ARRIVAL_LOOKS):
            if all(getattr(one, "cycle", None) is not None for one in self.server_state.connections):
                return
            await asyncio.sleep(_LOOK_S)


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
