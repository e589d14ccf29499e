"""Signed webhooks, after the Standard Webhooks specification 1.0 (https://www.standardwebhooks.com)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore

from frontdesk.desk.deliveries import GONE, Outgoing, Result
from frontdesk.desk.targets import Network, addresses
from frontdesk.errors import InvalidInput

_TIMEOUT_S = 15.0
_ANSWER_BYTES = 16 * 1024


class WebhookSender:
    """Posts what is signed. No redirect is followed, and of an answer only its status matters."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed

    async def send(self, message: Outgoing) -> Result:
        if not message.url:
            return Result(error="The webhook is paused or removed.", is_final=True)
        began = time.monotonic()
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                status = await self._post(message)
        except InvalidInput as refusal:
            return Result(error=refusal.faults[0].detail, took_ms=_since(began))
        except TimeoutError:
            return Result(error=f"No answer within {_TIMEOUT_S:g} seconds.", took_ms=_since(began))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            return Result(
                error=f"It cannot be reached: {str(error) or type(error).__name__}.", took_ms=_since(began)
            )
        is_fine = 200 <= status < 300
        return Result(
            error=None if is_fine else f"It answered {status}.",
            status=status,
            took_ms=_since(began),
            is_final=status == GONE,
        )

    async def _post(self, message: Outgoing) -> int:
        at = int(time.time())
        headers: dict[bytes | str, bytes | str] = {
            "content-type": "application/json",
            "user-agent": "frontdesk",
            "webhook-id": message.id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(message.secret, message.id, at, message.body),
        }
        async with (
            httpcore.AsyncConnectionPool(network_backend=_CheckedNetwork(self._allowed)) as pool,
            pool.stream("POST", message.url, headers=headers, content=message.body) as response,
        ):
            # Reading a little lets a polite server end its answer; an endless one is left.
            read = 0
            async for piece in response.aiter_stream():
                read += len(piece)
                if read > _ANSWER_BYTES:
                    break
            return int(response.status)


def signature(secret: str, message_id: str, at: int, body: bytes) -> str:
    """The header `webhook-signature`: HMAC-SHA256 of id, time and body under the secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{at}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, and to no others."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await asyncio.to_thread(addresses, host, port, self._allowed)
        for number, address in enumerate(found, start=1):
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError:
                if number == len(found):
                    raise
        raise httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("webhooks go over the network")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
