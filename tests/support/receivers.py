"""Those who are told: a web server for webhooks, and a mail server."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

Message = tuple[dict[str, str], bytes]


@dataclass
class Receiver:
    """What arrived, and what is answered: a status for each message in turn, the last one for all that follow."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    got: list[Message] = field(default_factory=list)
    how: Callable[[Any], None] | None = None

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A real web server on a free port."""
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = received.answers[min(len(received.got), len(received.answers)) - 1]
            if received.how is not None:
                received.how(self)
                return
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", f"{received.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    received.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()


def answer_without_end(handler: Any) -> None:
    """An answer that goes on for longer than anybody should read."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b"x" * 10_000)
            time.sleep(0.001)
    except OSError:
        return


@dataclass
class MailBox:
    """A mail server's address, and the letters that were handed in."""

    port: int = 0
    refuses: int = 0
    letters: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.refuses:
            self.refuses -= 1
            return "451 Come back later"
        letter = message_from_bytes(envelope.content or b"", policy=policy.default)
        letter["X-To"] = ", ".join(map(str, envelope.rcpt_tos))
        letter["X-TLS"] = str(session.ssl is not None)
        self.letters.append(letter)
        return "250 OK"


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailBox]:
    """A real SMTP server on a free port; with `tls` it takes nothing before STARTTLS."""
    box = MailBox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        box.port = free.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, tls_context=tls, require_starttls=tls is not None
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
