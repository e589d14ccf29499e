"""Chat services, through Apprise."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from frontdesk.desk.deliveries import Outgoing, Result
from frontdesk.errors import SettingsError
from frontdesk.run.senders.words import headline_and_text


class ChatSender:
    """Tells the services whose addresses the administrator has set. They hold secrets, so no error repeats them."""

    def __init__(self, addresses: Sequence[str], url: str) -> None:
        try:
            from apprise import Apprise  # an extra, and half a second to import
        except ImportError:
            raise SettingsError(
                "Chat services need a package more: pip install 'frontdesk[apprise]'."
            ) from None
        # It would log addresses, with the secrets in them.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._apprise: Any = Apprise()
        self._url = url
        for number, address in enumerate(addresses, start=1):
            if not self._apprise.add(address):
                raise SettingsError(f"chat: the address in line {number} is of no service that is known.")

    async def send(self, message: Outgoing) -> Result:
        began = time.monotonic()
        headline, text = headline_and_text(message.body, self._url)
        arrived = await self._apprise.async_notify(title=headline, body=text)
        took_ms = int((time.monotonic() - began) * 1000)
        return Result(error=None if arrived else "A chat service did not take it.", took_ms=took_ms)
