"""What `frontdesk doctor` says of Redis."""

from __future__ import annotations

import time

from frontdesk.cli.finding import Finding
from frontdesk.errors import SettingsError
from frontdesk.settings import Settings
from frontdesk.store.redis_link import RedisLink

_WHAT = "Redis"
_OLDEST = (6, 2)


def check_redis(settings: Settings) -> Finding:
    """Whether it answers as it should. Without it jobs run all the same, later and on one machine."""
    try:
        link = RedisLink(settings.redis)
    except SettingsError as error:
        return Finding(_WHAT, False, str(error), "Correct FRONTDESK_REDIS, or leave it out.")
    from redis.exceptions import RedisError

    try:
        with link.client() as client:
            client.ping()
            began = time.perf_counter()
            client.ping()
            took_ms = (time.perf_counter() - began) * 1000
            server = client.info("server")
    except (RedisError, OSError) as error:
        mend = "Start it, or correct FRONTDESK_REDIS. Until it answers, workers only look every few seconds."
        return Finding(_WHAT, False, f"{link.name} does not answer ({error})", mend)
    version = str(server["redis_version"])
    is_well = tuple(map(int, version.split(".")[:2])) >= _OLDEST
    told = f"{link.name}, version {version}, answers in {took_ms:.1f} ms"
    return Finding(_WHAT, is_well, told, "Install Redis 6.2 or newer.")
