"""E-mail over SMTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate

from frontdesk.desk.deliveries import Outgoing, Result
from frontdesk.errors import SettingsError
from frontdesk.run.senders.sender import TIMEOUT_S
from frontdesk.run.senders.words import headline_and_text

_LONGEST_SUBJECT = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in. `security`: `starttls`, `tls` from the first byte, or `none`."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str

    def __post_init__(self) -> None:
        if self.security not in ("starttls", "tls", "none"):
            raise SettingsError(f"smtp_security = {self.security!r} must be starttls, tls or none.")
        if "@" not in self.sender:
            raise SettingsError("mail_from must be the e-mail address that messages come from.")


class MailSender:
    """Hands mail in. Who has no address, or none any more, is not written to."""

    def __init__(self, server: MailServer, url: str, address_of: Callable[[str], str | None]) -> None:
        self._server, self._url, self._address_of = server, url, address_of

    async def send(self, message: Outgoing) -> Result:
        import asyncio

        import aiosmtplib

        began = time.monotonic()
        address = await asyncio.to_thread(self._address_of, message.owner)
        if address is None:
            return Result(error="There is no such user any more.", is_final=True)
        server = self._server
        try:
            await aiosmtplib.send(
                self._letter(message, address),
                hostname=server.host,
                port=server.port,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                username=server.user or None,
                password=server.password or None,
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused:
            return Result(error="The mail server knows no such address.", is_final=True)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Result(error=f"The mail server did not take it: {error}.")
        return Result(took_ms=int((time.monotonic() - began) * 1000))

    def _letter(self, message: Outgoing, address: str) -> EmailMessage:
        headline, text = headline_and_text(message.body, self._url)
        letter = EmailMessage()
        letter["From"] = self._server.sender
        letter["To"] = address
        letter["Subject"] = headline[:_LONGEST_SUBJECT]
        letter["Date"] = formatdate()
        # The same for every try, so that a mail box can see that it has this one already.
        letter["Message-ID"] = f"<{message.id}@{self._server.sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday note is wanted
        letter.set_content(text)
        return letter
