"""What may be said of the address of Redis."""

from __future__ import annotations

import pytest

from frontdesk.errors import SettingsError
from frontdesk.store.redis_link import RedisLink, without_password


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://:secret@host:6379/0", "redis://host:6379/0"),
        ("redis://me:sec/ret@host:6379/0", "redis://host:6379/0"),
        ("redis://:sec?ret@host", "redis://host"),
        ("redis://host:6379/0?password=secret", "redis://host:6379/0"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock"),
    ],
)
def test_the_address_in_a_log_has_no_password(url: str, told: str) -> None:
    assert without_password(url) == told


def test_what_is_said_of_a_wrong_address_has_no_password_either() -> None:
    with pytest.raises(SettingsError) as refusal:
        RedisLink("redis://:sec/ret@host:6379/0")
    assert "sec" not in str(refusal.value)
    assert "ret" not in str(refusal.value)
    assert "redis://host:6379/0 is no address" in str(refusal.value)
