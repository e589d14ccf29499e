"""What a URL may be, and that nobody ever reads the password."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from frontdesk.cli.database_findings import database_server
from frontdesk.errors import SettingsError, StoreUnavailable
from frontdesk.store.database import Database
from support.servers.mariadb import MariaDb
from support.servers.postgres import PASSWORD, Postgres
from support.servers.process import free_port


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"oracle://u:{PASSWORD}@h/d", "begins with oracle://"),
        (f"u:{PASSWORD}@h/d", "is no URL"),
        (f"postgresql://u:{PASSWORD}@h:port/d", "is no URL"),
        (f"postgresql://u:{PASSWORD}@h", "names no database"),
    ],
)
def test_what_is_no_url_of_a_database_is_refused_in_a_sentence_without_the_password(
    url: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        Database.open(url)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "driver", "extra"),
    [
        ("postgresql", "psycopg", "postgresql"),
        ("mariadb", "pymysql", "mariadb"),
        ("mysql", "pymysql", "mariadb"),
    ],
)
def test_a_missing_driver_is_named_with_what_brings_it(
    monkeypatch: pytest.MonkeyPatch, scheme: str, driver: str, extra: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == driver else find(name))
    with pytest.raises(SettingsError, match=re.escape(f"pip install 'frontdesk[{extra}]'")):
        Database.open(f"{scheme}://u:p@h/d")


@pytest.fixture
def wrong_password(url: str) -> Iterator[Database]:
    database = Database.open(url.replace(PASSWORD, "guess-again"))
    yield database
    database.close()


def test_who_is_not_let_in_hears_it_at_once(
    wrong_password: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SettingsError, match="cannot be used") as caught:
        wrong_password.migrate(wait_s=60)
    assert "guess-again" not in str(caught.value) + caplog.text


def test_a_database_that_is_not_there_is_named(url: str) -> None:
    database = Database.open(re.sub("/installation_.*", "/nowhere", url))
    with pytest.raises(SettingsError, match="nowhere"):
        database.migrate(wait_s=60)
    database.close()


def test_the_doctor_looks_at_it(server: Postgres | MariaDb, url: str) -> None:
    found = database_server(url)
    assert found.is_well
    assert "made at the next start" in found.told
    database = Database.open(url)
    database.migrate()
    database.close()
    assert database_server(url).is_well
    refused = database_server(url.replace(PASSWORD, "guess-again"))
    away = database_server(url.replace(f":{server.port}/", f":{free_port()}/"))
    assert not refused.is_well
    assert "does not answer" in away.told
    for finding in (found, refused, away):
        assert PASSWORD not in finding.told + finding.mend
        assert "guess-again" not in finding.told + finding.mend


def test_a_server_that_comes_later_is_waited_for(server: Postgres | MariaDb) -> None:
    url = server.new_database()
    server.stop()
    database = Database.open(url)
    with pytest.raises(StoreUnavailable):
        database.migrate()
    server.start()
    database.migrate(wait_s=30)
    database.close()


def test_an_error_says_nothing_of_what_was_to_be_written(database: Database) -> None:
    with pytest.raises(sa.exc.ProgrammingError) as refusal:
        database.write(lambda c: c.execute(sa.text("insert into nowhere values (:x)"), {"x": "a secret"}))
    assert "nowhere" in str(refusal.value)
    assert "a secret" not in str(refusal.value)
