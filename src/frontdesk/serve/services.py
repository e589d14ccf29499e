"""What the web process stands on: handed in by `assemble`, read by every route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from frontdesk.access.gate import Gate
    from frontdesk.access.oidc import Provider
    from frontdesk.catalog.versions import Versions
    from frontdesk.declare.signature import TaskCard
    from frontdesk.desk.engine import Engine
    from frontdesk.desk.queue import Desk
    from frontdesk.desk.schedules import Schedules
    from frontdesk.desk.telling import Channel, Telling
    from frontdesk.desk.webhooks import Webhooks
    from frontdesk.desk.workers import Workers
    from frontdesk.host.client import HostClient
    from frontdesk.monitor.monitor import Monitor
    from frontdesk.store.files import FileStore
    from frontdesk.store.redis_link import RedisLink

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one request may ask for. `wait_s`: how long it is kept waiting before it becomes a ticket.

    `links_s`: how long an address of a file in the storage is good for; with 0, none are given out.
    """

    body_bytes: int = 64 * 2**20
    answers_bytes: int = 64 * 2**20
    upload_bytes: int = 20 * 2**30
    json_depth: int = 32
    wait_s: float = 30.0
    lease_s: float = 15.0
    links_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts a route may use. `desk`, `files` and `versions` are synchronous: call them in the thread pool.

    `ways` are those, besides page and webhooks, by which this server can tell people.
    `inbox` is the folder of inboxes, if there are any.
    `name` is this web process, and the worker name under which it holds the jobs it adopts.
    `gate` says who may; None where everybody who can connect is the one local user.
    Web processes of one server share `metrics_folder`, so that any of them can tell the counts of all.
    With `redis`, those of all servers count requests together and share kept answers.
    `thumbs_folder` is where `catalog.describe` puts small pictures for galleries.
    """

    name: str
    tasks: Mapping[str, TaskCard]
    desk: Desk
    telling: Telling
    workers: Workers
    webhooks: Webhooks
    schedules: Schedules
    inbox: Path | None = None
    ways: frozenset[Channel] = frozenset()
    files: FileStore
    versions: Versions
    hosts: HostClient
    engine: Engine
    monitor: Monitor
    gate: Gate | None = None
    redis: RedisLink | None = None
    provider: Provider | None = None
    models_folder: Path
    thumbs_folder: Path
    metrics_folder: Path
    limits: Limits = field(default_factory=Limits)
    allowed_hosts: frozenset[str] = LOOPBACK_HOSTS
    logs_requests: bool = True


def waiting_limit(services: Services, owner: str) -> int:
    """How many jobs of this owner may wait at once; 0 is any number. It takes a query."""
    return 0 if services.gate is None else services.gate.quotas.jobs_waiting_of(owner)


def stored_bytes_limit(services: Services, owner: str) -> int:
    """How many bytes an owner may have stored; 0 for any number."""
    return 0 if services.gate is None else services.gate.quotas.stored_bytes_of(owner)


def services_of(request: HTTPConnection) -> Services:
    """The services of the app that got this request."""
    return cast(Services, request.app.state.services)
