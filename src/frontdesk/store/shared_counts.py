"""Counting with other processes, in Redis: each tells now and then what it counted, and hears what all did."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from frontdesk.store.redis_link import Pauses, RedisLink

log = logging.getLogger(__name__)

_ANSWER_S = 0.5

# KEYS: counters. ARGV: how long one lasts in milliseconds, then how many more for each. The first that counts
# begins the window; it is Redis's clock that ends it, so that clocks of machines need not agree.
_ADD = """
local told = {}
for i, key in ipairs(KEYS) do
  local total = redis.call('INCRBY', key, ARGV[i + 1])
  local left = redis.call('PTTL', key)
  if left < 0 then
    redis.call('PEXPIRE', key, ARGV[1])
    left = tonumber(ARGV[1])
  end
  told[#told + 1] = total
  told[#told + 1] = left
end
return told
"""


class Total(NamedTuple):
    """What all processes counted in a window, and how long that still lasts."""

    number: int
    left_s: float


class SharedCounts:
    """Windows of `window_s` seconds that all processes count in."""

    def __init__(self, link: RedisLink, window_s: float) -> None:
        self._client = link.client(answer_s=_ANSWER_S)
        self._add = self._client.register_script(_ADD)
        self._window_ms = int(window_s * 1000)
        self._pauses = Pauses()

    def add(self, more: Mapping[str, int]) -> Mapping[str, Total]:
        """Count this many more; give the totals, or nothing while Redis is away."""
        from redis.exceptions import RedisError

        if not more or self._pauses.last:
            return {}
        try:
            told: Any = self._add(keys=[*map(_key, more)], args=[self._window_ms, *more.values()])
        except (RedisError, OSError) as error:
            self._pauses.failed()
            log.debug("requests are not counted together (%s)", error)
            return {}
        self._pauses.worked()
        return {
            name: Total(number, left_ms / 1000)
            for name, number, left_ms in zip(more, told[::2], told[1::2], strict=True)
        }


def _key(name: str) -> str:
    """Names and addresses of people are nobody's to read there."""
    return f"frontdesk:count:{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"
