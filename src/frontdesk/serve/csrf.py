"""That a request with a cookie was meant: a secret of our own pages comes with it, too.

A browser sends cookies with whatever any page makes it send. So every unsafe request with one of our cookies
brings what only our own pages know: a code made from the cookie's secret, in the header `X-CSRF-Token` or as the
first field of a form. It is looked for here, before any route, in what has arrived of the body; a route cannot
forget it. Each page has another code, so that compression tells nothing about it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from urllib.parse import unquote_plus

from starlette.types import Message, Receive

from frontdesk.serve.problems import Problem

FIELD = "fd-csrf"
HEADER = b"x-csrf-token"
_LOOKED_AT_BYTES = 64 * 1024
_URLENCODED = re.compile(rb"\A" + FIELD.encode() + rb"=([^&]{1,200})(?:&|\Z)")
_MULTIPART = re.compile(
    rb'\A--[^\r\n]{1,200}\r\nContent-Disposition: form-data; name="'
    + FIELD.encode()
    + rb'"\r\n\r\n([^\r\n]{1,200})\r\n',
    re.IGNORECASE,
)
_REFUSAL = (
    "The request comes with a cookie but without the code that this server's own pages send along (X-CSRF-Token, "
    "or the first field of a form). If you pressed a button, load the page again and press it once more."
)


def new_code(key: str) -> str:
    """A code for a page of whoever has this cookie."""
    salt = secrets.token_hex(8)
    return f"{salt}{_mac(key, salt)}"


def is_code(key: str, code: str) -> bool:
    """Whether it was made for whoever has this cookie."""
    return code.isascii() and hmac.compare_digest(code[16:], _mac(key, code[:16]))


async def checked(headers: dict[bytes, bytes], receive: Receive, key: str) -> Receive:
    """Refuse a request without the code; give what its body can be read from."""
    given = headers.get(HEADER)
    if given is not None:
        if not is_code(key, given.decode("latin-1")):
            raise Problem(403, _REFUSAL)
        return receive
    kind = headers.get(b"content-type", b"").lower()
    if kind.startswith(b"application/x-www-form-urlencoded"):
        pattern = _URLENCODED
    elif kind.startswith(b"multipart/form-data"):
        pattern = _MULTIPART
    else:
        raise Problem(403, _REFUSAL)
    messages: list[Message] = []
    head = b""
    while len(head) < _LOOKED_AT_BYTES:
        message = await receive()
        messages.append(message)
        head += message.get("body", b"")
        is_whole = not message.get("more_body", False)
        # The end of what has arrived is not the end of a field, unless it is the end of everything.
        if (found := pattern.match(head)) and (is_whole or found.end() < len(head)):
            if is_code(key, unquote_plus(found[1].decode("latin-1"))):
                return _again(messages, receive)
            break
        if is_whole:
            break
    raise Problem(403, _REFUSAL)


def _again(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def receive_again() -> Message:
        for message in waiting:
            return message
        return await receive()

    return receive_again


def _mac(key: str, salt: str) -> str:
    return hmac.new(key.encode(), f"csrf {salt}".encode(), hashlib.sha256).hexdigest()
