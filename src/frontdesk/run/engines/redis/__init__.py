"""The engine of many machines: ids in RQ's queues, news by publishing."""

from frontdesk.run.engines.redis.engine import RedisEngine

__all__ = ["RedisEngine"]
