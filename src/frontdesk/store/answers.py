"""Answers kept for a while, to be given again: in Redis for all web processes, or in the memory of this one.

No more bytes are kept than the limit says; what is nearest its end goes first. Kept answers are a convenience: whatever
goes wrong here only means that a model is asked.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from time import monotonic
from typing import Any

from frontdesk.store.redis_link import Pauses, RedisLink

log = logging.getLogger(__name__)

_LARGEST_BYTES = 2**20
_BESIDE_BYTES = 200  # what an answer takes besides itself: its key, its place in the index
_PATIENCE_S = 0.1
_ANSWER = "frontdesk:answer:"
_INDEX, _SIZES, _TOTAL = "frontdesk:answers:ends", "frontdesk:answers:sizes", "frontdesk:answers:bytes"

# KEYS: index of ends, sizes, total. ARGV: what keys begin with, the key, the answer, seconds, bytes, limit.
_PUT = """
local function forget(key)
  local size = redis.call('HGET', KEYS[2], key)
  if size then
    redis.call('HDEL', KEYS[2], key)
    redis.call('DECRBY', KEYS[3], size)
  end
  redis.call('ZREM', KEYS[1], key)
  redis.call('DEL', ARGV[1] .. key)
end
local now = tonumber(redis.call('TIME')[1])
forget(ARGV[2])
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do forget(key) end
while tonumber(redis.call('GET', KEYS[3]) or 0) + ARGV[5] > tonumber(ARGV[6]) do
  local next = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  if not next then
    redis.call('DEL', KEYS[3])
    break
  end
  forget(next)
end
redis.call('SET', ARGV[1] .. ARGV[2], ARGV[3], 'EX', ARGV[4])
redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[5])
redis.call('INCRBY', KEYS[3], ARGV[5])
"""


class Answers:
    """Keeps answers by key. For use on one event loop."""

    def __init__(self, limit_bytes: int, link: RedisLink | None = None) -> None:
        self._limit_bytes, self._link = limit_bytes, link
        self._own = _OwnMemory(limit_bytes)
        self._client: Any = None
        self._pauses = Pauses()

    async def get(self, key: str) -> bytes | None:
        """The answer kept under this key, if there is one."""
        if self._link is None or self._pauses.last:
            return self._own.get(key)
        found: bytes | None = await self._asked("GET", _ANSWER + key)
        return found

    async def put(self, key: str, answer: bytes, seconds: float) -> None:
        """Keep an answer for so many seconds, at most. One that is very large is not kept."""
        size_bytes = len(answer) + _BESIDE_BYTES
        if size_bytes > min(_LARGEST_BYTES, self._limit_bytes):
            return
        if self._link is None or self._pauses.last:
            self._own.put(key, answer, seconds, size_bytes)
            return
        ends = max(int(seconds), 1)
        keys = (_INDEX, _SIZES, _TOTAL)
        await self._asked("EVAL", _PUT, 3, *keys, _ANSWER, key, answer, ends, size_bytes, self._limit_bytes)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            await self._client.aclose()

    async def _asked(self, *command: str | bytes | int) -> Any:
        from redis.exceptions import RedisError

        if self._client is None:
            assert self._link is not None
            self._client = self._link.async_client(answer_s=_PATIENCE_S)
        try:
            told = await self._client.execute_command(*command)
        except (RedisError, OSError, TimeoutError) as error:
            self._pauses.failed()
            log.debug("answers are not kept together (%s)", error)
            return None
        self._pauses.worked()
        return told


class _OwnMemory:
    """Answers in this process: what was used least lately goes first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes, self._bytes = limit_bytes, 0
        self._kept: OrderedDict[str, tuple[bytes, float, int]] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept[1] < monotonic():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def put(self, key: str, answer: bytes, seconds: float, size_bytes: int) -> None:
        self._forget(key)
        self._kept[key] = (answer, monotonic() + seconds, size_bytes)
        self._bytes += size_bytes
        while self._bytes > self._limit_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept[2]
