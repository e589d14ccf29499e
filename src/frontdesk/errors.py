"""Every error frontdesk raises on purpose.

    FrontdeskError
    ├── DeclarationError      a model is declared wrongly: file, line and mend
    ├── SettingsError         a setting cannot be used as it is
    ├── MalformedBody         what was sent is not even JSON
    ├── InvalidInput          what was asked does not fit the signature
    ├── SheetFault            a spreadsheet cannot be read
    ├── NotFound              there is no such thing, or it is not yours
    ├── NotSignedIn           it takes somebody we know
    ├── Forbidden             we know who asks, and they may not
    ├── TooManyRequests       too many of them in too short a time
    ├── QuotaExceeded         there is no room left for what is theirs
    ├── Conflict              the state of the thing forbids it
    │   └── NotTrained        the model has no version yet
    ├── IdempotencyMismatch   the key was used before, for something else
    ├── LeaseLost             another worker owns the job now
    ├── StoreUnavailable      nothing can be read or written: the disk is full, or the database is away
    │   └── StoreRefused      the database does not let us in
    ├── FileDamaged           what is stored is not what was kept
    └── HostError             the model could not answer
        ├── ModelBroken       it keeps crashing and is not tried again
        ├── HostCrashed       its process died during this call
        ├── CallTimeout       it did not answer within the deadline
        ├── HostUnreachable   nobody answers who could start it
        ├── NoAnswer          its back end, which is elsewhere, does not answer
        ├── Overloaded        too many calls wait for it already
        └── PredictFailed     its own code raised an exception

The text of each error is written for the person who has to act on it.
"""

from __future__ import annotations

from dataclasses import dataclass


class FrontdeskError(Exception):
    """Base of all of them; catch this to catch any."""


class DeclarationError(FrontdeskError):
    """A model or task is declared wrongly. The message holds the place and the mend."""

    def __init__(self, problem: str, mend: str, file: str | None = None, line: int | None = None):
        self.problem, self.mend, self.file, self.line = problem, mend, file, line
        place = f"{file}:{line}: " if file else ""
        super().__init__(f"{place}{problem} {mend}")


class SettingsError(FrontdeskError):
    """A setting has a value that cannot be used."""


class MalformedBody(FrontdeskError, ValueError):
    """What was sent cannot be read at all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: an RFC 6901 pointer into it, and what is wrong there."""

    pointer: str
    detail: str


class InvalidInput(FrontdeskError, ValueError):
    """What was asked does not fit.

    A model author raises it from `predict` to refuse a value no annotation can describe::

        raise fd.InvalidInput("zone", "There is no time zone of that name.")
    """

    def __init__(self, field: str, detail: str):
        self.faults: tuple[Fault, ...] = (Fault(f"/inputs/{field}", detail),)
        super().__init__(f"{field}: {detail}")

    @classmethod
    def of(cls, faults: list[Fault] | tuple[Fault, ...]) -> InvalidInput:
        """Build one from faults whose pointers are already complete."""
        error = cls.__new__(cls)
        error.faults = tuple(faults)
        Exception.__init__(error, "; ".join(f"{f.pointer}: {f.detail}" for f in faults))
        return error


class SheetFault(FrontdeskError):
    """A file cannot be read as a spreadsheet; the sentence is for whoever sent it."""


class NotFound(FrontdeskError):
    """There is nothing there, or it belongs to somebody else: the two read the same."""


class NotSignedIn(FrontdeskError):
    """Only somebody who has signed in may do this. `is_refused`: what they showed is not, or no longer, good."""

    def __init__(self, message: str = "Sign in, or send a token, to do this.", *, is_refused: bool = False):
        self.is_refused = is_refused
        super().__init__(message)


class Forbidden(FrontdeskError):
    """Whoever asks may not do this."""


class TooManyRequests(FrontdeskError):
    """Come back in `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float):
        self.retry_after_s = retry_after_s
        super().__init__(message)


class QuotaExceeded(FrontdeskError):
    """What is stored for them is as much as they may have."""


class Conflict(FrontdeskError):
    """The state of the thing forbids what was asked."""


class NotTrained(Conflict):
    """The model has no version yet, so nothing can be asked of it."""


class IdempotencyMismatch(FrontdeskError):
    """This Idempotency-Key was used before for a different request."""


class LeaseLost(FrontdeskError):
    """The job was cancelled or given to another worker; what this one has is not written."""


class StoreUnavailable(FrontdeskError):
    """Nothing can be kept, or fetched, just now; what was asked has not been done.

    The disk may be full, or the database restarts.
    """


class StoreRefused(StoreUnavailable):
    """The database server does not let us in, or has no such database. Only whoever runs it can mend that."""

    def __init__(self, name: str, reason: str):
        self.name, self.reason = name, reason
        super().__init__("The server's database cannot be used; its log says why.")


class FileDamaged(FrontdeskError):
    """What is stored of this file is not what was kept: its checksum differs. It is not handed out."""


class HostError(FrontdeskError):
    """The model could not answer."""


class ModelBroken(HostError):
    """The model keeps crashing and is not tried again until somebody mends it."""


class HostCrashed(HostError):
    """The process that held the model died while it worked on this call."""


class CallTimeout(HostError):
    """The model did not answer in time and was restarted."""


class HostUnreachable(HostError):
    """The process that looks after the models cannot be reached; it may be starting or stopping."""


class NoAnswer(HostError):
    """The back end of a remote model does not answer. `retry_after_s` says when it is asked again."""

    def __init__(self, message: str, retry_after_s: float = 1.0):
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Overloaded(HostError):
    """Too many calls wait for this model. `retry_after_s` says when to come back."""

    def __init__(self, message: str, retry_after_s: float = 1.0):
        self.retry_after_s = retry_after_s
        super().__init__(message)


class PredictFailed(HostError):
    """The model's own code raised an exception; the message names it."""
