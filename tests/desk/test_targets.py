"""Where webhooks may go."""

from __future__ import annotations

import socket

import pytest

from frontdesk.desk.targets import addresses, check_url, networks_of
from frontdesk.errors import InvalidInput, SettingsError

NONE = networks_of("")
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[ff02::1]", "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
    "localhost", "2130706433", "0x7f.1", "127.1",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_nothing_goes_inside(host: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_url(f"https://{host}/told", NONE)
    assert refused.value.faults[0].pointer == "/url"


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700::1111]"])
def test_what_is_public_may_be_told(host: str) -> None:
    check_url(f"https://{host}/told", NONE)
    with pytest.raises(InvalidInput, match="use https"):
        check_url(f"http://{host}/told", NONE)


@pytest.mark.parametrize(
    "url",
    [
        "", "told", "ftp://8.8.8.8/", "file:///etc/passwd", "https://", "https://:443/", "https://8.8.8.8:99999/",
        "https://user:word@8.8.8.8/", "https://8.8.8.8/a\nb", f"https://8.8.8.8/{'x' * 2000}", "https://nobody.invalid/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url, NONE)


def test_networks_that_are_named_may_be_told_and_over_http() -> None:
    allowed = networks_of("127.0.0.0/8, fd00::/8")
    check_url("http://127.0.0.1:8000/told", allowed)
    check_url("https://[fd00::1]/told", allowed)
    with pytest.raises(InvalidInput):
        check_url("https://10.0.0.1/told", allowed)
    with pytest.raises(SettingsError):
        networks_of("10.0.0.0/8, inside")


def test_one_address_inside_is_enough_to_refuse_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name service is not ours to have answer so."""
    answers = [(0, 0, 0, "", ("8.8.8.8", 443)), (0, 0, 0, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **named: answers)
    with pytest.raises(InvalidInput):
        addresses("two.example", 443, NONE)
