"""How a web process runs its application: uvicorn, told to let event streams go when it stops."""

from __future__ import annotations

import socket

import uvicorn

from frontdesk.serve.app import App

_KEEP_ALIVE_S = 75
_PATIENCE_S = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn waits for open responses first, and an event stream stays open until it is told.
        self._app.end_streams()
        await super().shutdown(sockets)


def server_for(app: App) -> uvicorn.Server:
    """The server of one web process."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,  # exchange.py has its own
        log_config=None,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_PATIENCE_S,
    )
    return _Server(config, app)


def run(app: App, listener: socket.socket) -> None:
    """Serve `app` on a socket that listens already, until SIGTERM or SIGINT."""
    server_for(app).run(sockets=[listener])
