"""Who comes while somebody writes waits, and then all of them are written at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import pytest
import sqlalchemy as sa

from frontdesk.errors import Conflict, StoreUnavailable
from frontdesk.store.group_commit import Line

_NO_CONNECTION = cast(sa.Connection, None)


class Ledger:
    """Transactions that are lists: what a write adds is kept when all went well."""

    def __init__(self) -> None:
        self.committed: list[list[Any]] = []
        self._open: list[Any] = []
        self.is_away = False

    def transaction(self, write: Callable[[sa.Connection], Any]) -> Any:
        self._open = []
        result = write(_NO_CONNECTION)
        if self.is_away:
            raise StoreUnavailable("It is not there now.")
        self.committed.append(self._open)
        return result

    def writing(self, what: object) -> Callable[[sa.Connection], object]:
        def write(_: sa.Connection) -> object:
            self._open.append(what)
            if isinstance(what, Exception):
                raise what
            return what

        return write


class Crowd:
    """A line whose first writer is held up until `let_go`."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.ledger = Ledger()
        self._line, self._pool = Line(self.ledger.transaction), pool
        self._held_up, self._may_go = threading.Event(), threading.Event()
        self._first = pool.submit(self._line.write, self._wait)
        assert self._held_up.wait(10)

    def _wait(self, _: sa.Connection) -> None:
        self._held_up.set()
        assert self._may_go.wait(10)

    def write(self, what: object) -> Future[object]:
        """Have it written by a thread of its own, which is in line once this returns."""
        about_to = threading.Event()

        def write() -> object:
            about_to.set()
            return self._line.write(self.ledger.writing(what))

        written = self._pool.submit(write)
        assert about_to.wait(10)
        time.sleep(0.02)
        return written

    def let_go(self) -> None:
        self._may_go.set()


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with ThreadPoolExecutor(100) as pool:
        crowd = Crowd(pool)
        yield crowd
        crowd.let_go()


def test_those_who_came_meanwhile_are_written_at_once_in_their_order(crowd: Crowd) -> None:
    written = [crowd.write(number) for number in range(8)]
    assert crowd.ledger.committed == []
    crowd.let_go()
    assert [one.result(10) for one in written] == [*range(8)]
    assert crowd.ledger.committed == [[], [*range(8)]]


def test_nobody_waits_for_more_than_a_group(crowd: Crowd) -> None:
    written = [crowd.write(number) for number in range(70)]
    crowd.let_go()
    assert [one.result(10) for one in written] == [*range(70)]
    assert [len(group) for group in crowd.ledger.committed] == [0, 64, 6]


def test_what_one_raises_is_raised_there_and_undoes_nobody_elses(crowd: Crowd) -> None:
    before, refused, after = (crowd.write(what) for what in (1, Conflict("no"), 2))
    crowd.let_go()
    assert (before.result(10), after.result(10)) == (1, 2)
    with pytest.raises(Conflict):
        refused.result(10)
    assert crowd.ledger.committed == [[], [1], [2]]


def test_all_hear_that_the_database_is_away_and_the_line_goes_on_when_it_is_back(crowd: Crowd) -> None:
    written = [crowd.write(number) for number in range(3)]
    crowd.ledger.is_away = True
    crowd.let_go()
    for one in written:
        with pytest.raises(StoreUnavailable):
            one.result(10)
    crowd.ledger.is_away = False
    assert crowd.write(9).result(10) == 9
    assert crowd.ledger.committed == [[9]]
