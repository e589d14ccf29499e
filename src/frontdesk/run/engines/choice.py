"""Which engine carries jobs: by the name that the settings have."""

from __future__ import annotations

from pathlib import Path

from frontdesk.desk.engine import Engine
from frontdesk.errors import SettingsError
from frontdesk.run.engines.local import LocalEngine
from frontdesk.store.redis_link import RedisLink


def engine_called(name: str, bells: Path, redis: RedisLink | None) -> Engine:
    """The engine; `bells` is a folder for sockets of this machine."""
    if name not in ("local", "redis", "ray"):
        raise SettingsError(f"engine = {name!r} must be `local`, `redis` or `ray`.")
    # Workers that have jobs done on a Ray cluster hear of them as others do: through Redis, where there is one.
    if name == "local" or (name == "ray" and redis is None):
        return LocalEngine(bells)
    if redis is None:
        raise SettingsError("engine = `redis` needs the address of Redis, too: the setting `redis`.")
    from frontdesk.run.engines.redis import RedisEngine  # its libraries take a quarter of a second

    return RedisEngine(redis, LocalEngine(bells))
