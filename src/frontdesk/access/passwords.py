"""Passwords: Argon2id, with the parameters RFC 9106 recommends where memory is scarce (3 passes over 64 MiB).

Hashing takes a good part of a tenth of a second and 64 MiB, so at most two are hashed at a time in a process,
and never on an event loop.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from frontdesk.access.secrets import new_secret
from frontdesk.errors import Fault, InvalidInput

SHORTEST = 10
LONGEST = 1000
_AT_A_TIME = threading.BoundedSemaphore(2)
_hasher = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)


def check_new(password: str, email: str) -> None:
    """Refuse a password that is too easy to guess. Length is what counts; no kinds of characters are asked for."""
    if len(password) < SHORTEST:
        raise _fault(f"A password has at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise _fault(f"A password has at most {LONGEST} characters.")
    plain = password.casefold()
    if plain in (email.casefold(), email.partition("@")[0].casefold()) or len(set(plain)) < 4:
        raise _fault("This password is too easy to guess.")


def hashed(password: str) -> str:
    """What is stored of a password; it says itself how it was made."""
    with _AT_A_TIME:
        return _hasher.hash(_normal(password))


def is_right(stored: str | None, password: str) -> bool:
    """Whether it is the password. It takes as long when there is none to compare with."""
    with _AT_A_TIME:
        try:
            _hasher.verify(stored or _nobodys(), _normal(password)[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether it was hashed with other parameters than those of today."""
    return _hasher.check_needs_rehash(stored)


def prepare() -> None:
    """Have at hand what the first wrong sign-in needs, so that it takes no longer than the others."""
    _nobodys()


@cache
def _nobodys() -> str:
    return _hasher.hash(new_secret())


def _normal(password: str) -> str:
    """The same for every keyboard: some write é as one character, some as two."""
    return unicodedata.normalize("NFC", password)


def _fault(detail: str) -> InvalidInput:
    return InvalidInput.of([Fault("/password", detail)])
