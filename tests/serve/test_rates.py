"""Counting requests in one process, and together with others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from frontdesk.serve.rates import Rates
from frontdesk.store.redis_link import RedisLink
from frontdesk.store.shared_counts import SharedCounts
from support.servers.redis import RedisServer


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def replica(server: RedisServer, window_s: float = 60.0) -> Rates:
    return Rates(SharedCounts(RedisLink(server.url()), window_s))


def test_alone_a_process_counts_for_itself() -> None:
    rates = Rates()
    standings = [rates.take("alice", 2) for _ in range(3)]
    assert [standing.left for standing in standings] == [1, 0, 0]
    assert [standing.is_over for standing in standings] == [False, False, True]
    assert rates.is_over("alice", 2)
    assert not rates.is_over("bob", 2)


async def _come_round(*replicas: Rates) -> None:
    """Wait until they have told what they counted, and heard what all did."""
    for rates in replicas:
        if rates._telling is not None:
            await rates._telling


def test_replicas_count_together_and_not_those_of_others(server: RedisServer) -> None:
    async def ask() -> None:
        one, other = replica(server), replica(server)
        for _ in range(6):
            one.take("alice", 10)
        await _come_round(one)
        for _ in range(3):
            other.take("alice", 10)
        other.take("bob", 10)
        await _come_round(other)
        standing = other.take("alice", 10)
        assert (standing.left, standing.is_over) == (0, False)
        await _come_round(other)
        assert one.take("alice", 10).left == 3, "it tells before it hears"
        await _come_round(one)
        assert one.take("alice", 10).is_over
        assert other.take("bob", 10).left == 8

    asyncio.run(ask())
    keys = server.client().keys("*")
    assert len(keys) == 2
    assert "alice" not in str(keys)


def test_a_window_ends_for_all_by_the_clock_of_redis(server: RedisServer) -> None:
    async def ask() -> None:
        one, other = replica(server, 0.5), replica(server, 0.5)
        for _ in range(3):
            one.take("carol", 3)
        await _come_round(one)
        other.take("carol", 3)
        await _come_round(other)
        assert other.is_over("carol", 3)
        await asyncio.sleep(0.6)
        assert not other.is_over("carol", 3)
        assert other.take("carol", 3).left == 2

    asyncio.run(ask())


def test_a_redis_that_hangs_or_forgets_costs_no_request_and_no_count(server: RedisServer) -> None:
    async def ask() -> None:
        rates = replica(server)
        for _ in range(3):
            rates.take("dave", 5)
        await _come_round(rates)
        server.freeze()
        try:
            began = asyncio.get_running_loop().time()
            assert rates.take("dave", 5).left == 1
            assert asyncio.get_running_loop().time() - began < 0.1
            await _come_round(rates)
        finally:
            server.thaw()
        server.client().flushall()
        await asyncio.sleep(0.2)
        rates.take("dave", 5)
        await _come_round(rates)
        assert rates.take("dave", 5).is_over, "what this process counted by itself stays counted"

    asyncio.run(ask())


def test_a_crowd_of_strangers_does_not_make_each_of_them_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    forget = Rates._forget

    def counted(rates: Rates, at: float) -> None:
        looks.append(at)
        forget(rates, at)

    monkeypatch.setattr("frontdesk.serve.rates._LARGEST", 100)
    monkeypatch.setattr(Rates, "_forget", counted)
    rates = Rates()
    for number in range(1000):
        rates.take(f"stranger {number}", 10)
    assert 1 <= len(looks) <= 3
    assert rates.take("stranger 0", 10).left == 8
