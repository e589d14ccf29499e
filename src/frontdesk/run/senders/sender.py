"""What the teller asks of a way out."""

from __future__ import annotations

from typing import Protocol

from frontdesk.desk.deliveries import Outgoing, Result


class Sender(Protocol):
    """One way out. It is given TIMEOUT_S, and what it raises counts as a try that failed."""

    async def send(self, message: Outgoing) -> Result:
        """Send it, and tell how that went."""


TIMEOUT_S = 20.0
