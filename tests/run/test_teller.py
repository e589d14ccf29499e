"""What is due is sent, whatever else goes wrong."""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from frontdesk.desk.deliveries import Deliveries, Outgoing, Result
from frontdesk.desk.telling import Channel, delivery
from frontdesk.errors import StoreUnavailable
from frontdesk.run.teller import Teller
from frontdesk.store.telling_tables import deliveries
from support.desks import open_office
from support.moments import now


class Unpruned(Deliveries):
    """Of a database that has no time to delete what is old."""

    def prune(self) -> None:
        raise StoreUnavailable("The server's database is too busy for this now.")


class Recorder:
    """Takes letters in."""

    def __init__(self) -> None:
        self.got = threading.Event()

    async def send(self, message: Outgoing) -> Result:
        self.got.set()
        return Result()


def test_letters_go_out_although_old_ones_cannot_be_removed(tmp_path: Path) -> None:
    with open_office(tmp_path / "office") as office:
        row = delivery("alice", Channel.CHAT, b"{}", now())
        office.database.write(lambda c: c.execute(sa.insert(deliveries).values(**row)))
        there = Recorder()
        teller = Teller(Unpruned(office.database), office.engine, {Channel.CHAT: there})
        teller.start()
        try:
            assert there.got.wait(20)
        finally:
            teller.stop()
