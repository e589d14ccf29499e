"""Where a webhook may go: to addresses of the public internet, and to networks the administrator has named.

A server that sends what its users say, wherever they say, can be made to speak to its own network (server-side request
forgery, CWE-918). So addresses are looked at when a webhook is saved and again at each delivery, where the connection
goes to the very address that was looked at: a name that changes its mind in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from frontdesk.errors import Fault, InvalidInput, SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_URL = 2000
# Addresses of IPv6 that lead to one of IPv4 inside: NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380).
_TUNNELS = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def networks_of(text: str) -> tuple[Network, ...]:
    """Networks with commas between. Raises SettingsError."""
    try:
        return tuple(ipaddress.ip_network(word.strip()) for word in text.split(",") if word.strip())
    except ValueError as error:
        raise SettingsError(f"webhook_networks: {error}.") from None


def check_url(url: str, allowed: Sequence[Network]) -> None:
    """Raises InvalidInput where nothing may be sent to this URL. It asks the name service."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if len(url) > LONGEST_URL or parts.scheme not in ("http", "https") or not host or not url.isprintable():
        raise _fault("This must be an address that begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise _fault("Name and password do not belong into the address: what is sent is signed instead.")
    found = addresses(host, port or (443 if parts.scheme == "https" else 80), allowed)
    if parts.scheme == "http" and not all(_is_in(address, allowed) for address in found):
        raise _fault("Over http everybody on the way could read it; use https.")


def addresses(host: str, port: int, allowed: Sequence[Network]) -> list[Address]:
    """All addresses of a host. Raises InvalidInput when there is none, or one of them must not be spoken to."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _fault(f"There is no host of the name {host}.") from None
    found = [ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
    for address in found:
        if not (_is_public(address) or _is_in(address, allowed)):
            raise _fault(f"{host} is in a private network, to which this server sends nothing.")
    return list(dict.fromkeys(found))


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if any(address in tunnel for tunnel in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _fault(detail: str) -> InvalidInput:
    return InvalidInput.of([Fault("/url", detail)])
