"""Ids of predictions that prove whose they are, although most predictions are never written down.

An id is a UUID of version 7 whose last 32 bits are not random: they are a keyed hash (BLAKE2s, RFC 7693) of the
rest, the owner, the task, the model and the version. So whoever comes with an id can be believed, or not, on any web
process and days later, without a row for each prediction. A guess is right once in four thousand million times,
and would let its maker say something about an answer of their own that they never got: nothing more.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.monitor_tables import receipt_keys

Key = tuple[str, str, int]
"""A task, one of its models and the number of a version."""

_NAME = "receipts"
_SIGNED_CHARACTERS, _TAG_BYTES = 28, 4
_HASHES_KEPT = 10_000
_LAST_MS = 2**47  # the year 6429; an id has room for years that no datetime has


class Receipts:
    """Makes ids, and tells whether one is what its holder says."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._secret = b""
        self._hashes: dict[tuple[str, Key], Any] = {}

    def prepare(self) -> None:
        """Get the key, made by whoever comes first. It takes a query, so call it before ids are needed."""
        query = sa.select(receipt_keys.c.secret).where(receipt_keys.c.name == _NAME)
        while not self._secret:
            with self._database.read() as connection:
                found = connection.execute(query).scalar()
            if found:
                self._secret = bytes.fromhex(found)
                return
            new = sa.insert(receipt_keys).values(name=_NAME, secret=secrets.token_hex(32))
            with contextlib.suppress(sa.exc.IntegrityError):  # another process made one meanwhile
                self._database.write(partial(sa.Connection.execute, statement=new))

    def new(self, owner: str, key: Key) -> str:
        """The id of a prediction."""
        head = new_id()[:_SIGNED_CHARACTERS]
        return head + self._tag(owner, key, head)

    def key_of(self, prediction: str, owner: str, keys: Iterable[Key]) -> Key | None:
        """Which of these made this prediction for this owner; None where none did."""
        head, tag = prediction[:_SIGNED_CHARACTERS], prediction[_SIGNED_CHARACTERS:]
        return next((key for key in keys if hmac.compare_digest(self._tag(owner, key, head), tag)), None)

    def _tag(self, owner: str, key: Key, head: str) -> str:
        known = self._hashes.get((owner, key))
        if known is None:
            assert self._secret, "prepare() comes first"
            if len(self._hashes) >= _HASHES_KEPT:
                self._hashes.clear()
            named = "\0".join((owner, key[0], key[1], str(key[2]), "")).encode()
            known = hashlib.blake2s(named, key=self._secret, digest_size=_TAG_BYTES)
            self._hashes[owner, key] = known
        signed = known.copy()
        signed.update(head.encode())
        return str(signed.hexdigest())


def made_at(prediction: str) -> datetime | None:
    """When an id was made; None for what is no id of version 7, or of a time that no clock has shown."""
    try:
        number = uuid.UUID(prediction)
    except ValueError:
        return None
    milliseconds = number.int >> 80
    if number.version != 7 or str(number) != prediction or milliseconds > _LAST_MS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
