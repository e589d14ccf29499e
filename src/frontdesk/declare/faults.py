"""What is wrong with a request, collected, and the plain words for it."""

from __future__ import annotations

from collections.abc import Iterable

from frontdesk.errors import Fault, InvalidInput

_LIMIT = 100
_OPTIONS_NAMED = 12


class Faults:
    """Collects faults: all there are, up to a number nobody reads any more."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, pointer: str, detail: str) -> None:
        """Note one."""
        if len(self.found) < _LIMIT:
            self.found.append(Fault(pointer, detail))

    @property
    def is_full(self) -> bool:
        """Whether looking for more is of no use."""
        return len(self.found) >= _LIMIT

    def raise_any(self) -> None:
        """Raise InvalidInput if there are some."""
        if self.found:
            raise InvalidInput.of(self.found)


class UnreadablePicture(ValueError):
    """The text says why, in words for whoever sent it."""


def below(pointer: str, token: str | int) -> str:
    """The pointer to a member (RFC 6901)."""
    return f"{pointer}/{whole(str(token)).replace('~', '~0').replace('/', '~1')}"


def whole(text: str) -> str:
    """The text with a question mark for each lone surrogate, of which Python makes text and nobody a message."""
    return text.encode(errors="replace").decode()


def figure(number: float) -> str:
    """A number as people write it."""
    return str(int(number)) if abs(number) < 1e15 and number == int(number) else str(number)


def measure(number: float, unit: str) -> str:
    """A number with its unit."""
    return f"{figure(number)} {unit}" if unit else figure(number)


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(size_bytes: int) -> str:
    """A number of bytes as people write it."""
    for power, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size_bytes >= power and size_bytes % power == 0:
            return f"{size_bytes // power} {unit}"
    return count(size_bytes, "byte")


def listing(options: Iterable[str]) -> str:
    """Some options, in quotes."""
    quoted = [f"“{option}”" for option in options]
    if len(quoted) > _OPTIONS_NAMED:
        return f"{', '.join(quoted[:_OPTIONS_NAMED])} … ({len(quoted)} in all)"
    return ", ".join(quoted)


REQUIRED = "Must be given."
UNKNOWN = "There is no field of that name."
"""What is said of members that are missing, and of members too many."""
