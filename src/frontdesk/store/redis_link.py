"""How to reach Redis: clients that give up soon, and what may be said of the address in a log.

What Redis holds may be lost at any time. Whoever uses it goes on without it while it is away, so no client waits
for long and none tries again by itself.
"""

from __future__ import annotations

import importlib.util
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from frontdesk.errors import SettingsError

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis

_CONNECT_S = 0.5
_ANSWER_S = 1.0
_SCHEMES = ("redis", "rediss", "unix")


class RedisLink:
    """An address of Redis. Nothing is connected before a client is used."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in _SCHEMES:
            raise SettingsError("redis must be an address such as redis://:PASSWORD@HOST:6379/0.")
        if any(importlib.util.find_spec(name) is None for name in ("redis", "rq")):
            raise SettingsError("Redis needs two packages more: pip install 'frontdesk[redis]'.")
        self._url = url
        self.name = without_password(url)
        try:
            self.database = int(self.client().connection_pool.connection_kwargs.get("db") or 0)
        except (ValueError, TypeError):  # whose words may have a part of the password in them
            raise SettingsError(
                f"redis = {self.name} is no address of Redis (characters of the password that mean something in a "
                "URL are written as %2F and the like)."
            ) from None

    def client(self, *, answer_s: float = _ANSWER_S) -> Redis:
        """A client that waits this long for an answer; a blocking command must be asked to take less."""
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client: Redis = Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), **_options(answer_s))
        return client

    def async_client(self, *, answer_s: float) -> AsyncRedis:
        """The same for an event loop."""
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        client: AsyncRedis = Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), **_options(answer_s))
        return client


def _options(answer_s: float) -> dict[str, Any]:
    return {
        "socket_connect_timeout": min(_CONNECT_S, answer_s),
        "socket_timeout": answer_s,
        "protocol": 2,  # no greeting and no notices on the line beside the answers
    }


class Pauses:
    """How long a Redis that does not answer is left alone: twice as long each time, a few seconds at most."""

    def __init__(self, first_s: float = 0.1, longest_s: float = 5.0) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._until = 0.0
        self.length_s = 0.0

    @property
    def last(self) -> bool:
        """Whether it is to be left alone still."""
        return time.monotonic() < self._until

    def failed(self) -> float:
        """It did not answer. Gives how long it is left alone now."""
        self.length_s = min(max(self.length_s * 2, self._first_s), self._longest_s)
        self._until = time.monotonic() + self.length_s
        return self.length_s

    def worked(self) -> bool:
        """It answered; whether it is back only now."""
        was_away, self.length_s, self._until = self.length_s > 0, 0.0, 0.0
        return was_away


def without_password(url: str) -> str:
    """The address as a log may have it. A password with a stroke in it, not written as %2F, cuts an address short."""
    scheme, _, rest = url.partition("://")
    parts = urlsplit(f"{scheme}://{rest.rpartition('@')[2]}")
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
