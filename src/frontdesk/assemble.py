"""The whole system on one screen: settings in, working parts out.

frontdesk serve ── one parent: Supervisor of hosts, Sweeper, and two kinds of children
    web     ── web_app(...)        pages and API; many may share the port
    worker  ── worker(...)         does jobs
    host    ── one per model version, started by the Supervisor when it is needed
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from frontdesk.access.gate import Gate
from frontdesk.access.oidc import Provider
from frontdesk.access.quotas import QuotaLimits
from frontdesk.access.rules import role_named
from frontdesk.access.sessions import SessionLimits
from frontdesk.catalog.artifacts import artifacts_in
from frontdesk.catalog.describe import describe
from frontdesk.catalog.versions import Versions
from frontdesk.declare.prepared import prepare_structs
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.deliveries import Deliveries
from frontdesk.desk.engine import Engine
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.queue import Desk
from frontdesk.desk.schedules import Schedules
from frontdesk.desk.targets import networks_of
from frontdesk.desk.telling import Channel, Telling
from frontdesk.desk.webhooks import Webhooks
from frontdesk.desk.workers import Workers
from frontdesk.host.client import HostClient
from frontdesk.host.runtime import place_of, runtime_folder
from frontdesk.host.supervisor import HostLimits, Supervisor
from frontdesk.monitor.monitor import Monitor
from frontdesk.run.checkpoint_backup import CheckpointBackup
from frontdesk.run.cluster.address import check_address
from frontdesk.run.engines.choice import engine_called
from frontdesk.run.senders.chat import ChatSender
from frontdesk.run.senders.mail import MailSender, MailServer
from frontdesk.run.senders.sender import Sender
from frontdesk.run.senders.webhook import WebhookSender
from frontdesk.run.stored_progress import progress_in
from frontdesk.run.sweeper import Sweeper, Swept
from frontdesk.run.teller import Teller
from frontdesk.run.train_bench import TrainBenches
from frontdesk.settings import Settings
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles
from frontdesk.store.redis_link import RedisLink
from frontdesk.store.storage import BucketPlace, Storage

if TYPE_CHECKING:
    from frontdesk.serve.app import App

# A database that is started together with us may need a while; one that restarts, less.
_DATABASE_COMES_WITHIN_S = 60.0

Cards = Mapping[str, TaskCard]


@dataclass(frozen=True, slots=True)
class Installation:
    """One data folder and what stands on it: shared by every process that works there."""

    settings: Settings
    runtime: Path
    database: Database
    storage: Storage
    files: StoredFiles
    versions: Versions
    redis: RedisLink | None
    engine: Engine
    desk: Desk
    workers: Workers
    telling: Telling
    webhooks: Webhooks
    gate: Gate
    monitor: Monitor

    @property
    def place(self) -> str:
        """This machine and data folder: what is named after it is no other server's on the same database."""
        return place_of(self.runtime)

    @classmethod
    def open(cls, settings: Settings) -> Installation:
        """Open the data folder, made if need be, with its tables up to date."""
        prepare_structs()
        data = settings.data
        data.mkdir(parents=True, exist_ok=True)
        database = Database.open(
            settings.database or data / "frontdesk.db", connections=settings.database_connections
        )
        database.migrate(wait_s=_DATABASE_COMES_WITHIN_S)
        runtime = runtime_folder(data)
        redis = RedisLink(settings.redis) if settings.redis else None
        if settings.engine == "ray":
            check_address(settings.ray)
        engine = engine_called(settings.engine, runtime / "bells", redis)
        storage = Storage.at(data, bucket_of(settings), settings.cache_bytes)
        files = StoredFiles(database, storage.files)
        limits = DeskLimits(**{field.name: getattr(settings, field.name) for field in fields(DeskLimits)})
        return cls(
            settings=settings,
            runtime=runtime,
            database=database,
            storage=storage,
            files=files,
            versions=Versions(database, artifacts_in(data / "versions", storage.versions, storage.cache)),
            redis=redis,
            engine=engine,
            desk=Desk(database, engine, limits, files),
            workers=Workers(database, settings.lease_s),
            telling=Telling(database),
            webhooks=Webhooks(database, networks_of(settings.webhook_networks)),
            gate=_gate(settings, database),
            monitor=_monitor(settings, database),
        )

    def close(self) -> None:
        """Let go of the database; what waits to be written is written first."""
        self.database.close()
        self.engine.close()


def bucket_of(settings: Settings) -> BucketPlace | None:
    """Where machines share files, if they do."""
    named = ("endpoint", "region", "access_key", "secret_key", "ca", "addressing")
    return BucketPlace.read(settings.storage, **{name: getattr(settings, f"s3_{name}") for name in named})


def _gate(settings: Settings, database: Database) -> Gate:
    return Gate(
        database,
        public=settings.public_tasks,
        new_role=role_named(settings.oidc_new_role),
        sessions=SessionLimits(
            idle=timedelta(hours=settings.session_idle_hours), absolute=timedelta(days=settings.session_days)
        ),
        quotas=QuotaLimits(
            jobs_waiting=settings.quota_jobs_waiting,
            stored_bytes=settings.quota_bytes,
            requests=settings.quota_requests,
            visitor_requests=settings.visitor_requests,
        ),
    )


def _monitor(settings: Settings, database: Database) -> Monitor:
    kept = settings.monitor_rows_per_day, settings.monitor_rows, settings.monitor_days
    return Monitor(database, settings.monitor, *kept)


def cards_of(settings: Settings, sources: list[Path]) -> Cards:
    """The tasks declared in these files and folders, read in processes of their own and remembered."""
    return describe(sources, settings.data / "cache", settings.models)


def supervisor(
    installation: Installation, cards: Cards, *, name: str = "hosts", is_asked: bool = True
) -> Supervisor:
    """Who starts, watches and ends hosts. One that is hardly ever asked loads nothing before it is."""
    settings = installation.settings
    return Supervisor(
        cards,
        installation.versions,
        runtime_folder=installation.runtime / name,
        logs_folder=settings.data / "logs",
        models_folder=settings.models,
        limits=HostLimits(
            memory_mb=settings.host_memory_mb,
            idle_s=settings.host_idle_s,
            pixel_limit=settings.pixel_limit,
            eager_default=is_asked,
        ),
    )


def host_client(installation: Installation, *, name: str = "hosts") -> HostClient:
    """How a process asks models; made on the event loop that uses it."""
    settings = installation.settings
    return HostClient(
        installation.runtime / name / "control.sock",
        call_timeout_s=settings.call_timeout_s,
        queue_limit=settings.host_queue,
    )


def sweeper(installation: Installation) -> Sweeper:
    """Who mends what crashes leave behind, and removes what is past its time."""
    backup = CheckpointBackup(progress_in(installation.storage.checkpoints))
    benches = TrainBenches(installation.desk, installation.files, installation.settings.data, backup)
    swept: list[Swept] = [installation.desk, installation.workers, benches, installation.monitor.sweeps]
    return Sweeper(swept, every_s=installation.settings.sweep_s)


def teller(installation: Installation) -> Teller:
    """Who sends messages out of the server."""
    settings = installation.settings
    url = settings.url or f"http://{settings.host}:{settings.port}"
    senders: dict[Channel, Sender] = {Channel.WEBHOOK: WebhookSender(networks_of(settings.webhook_networks))}
    if settings.smtp_host:
        server = MailServer(
            host=settings.smtp_host, port=settings.smtp_port, security=settings.smtp_security,
            user=settings.smtp_user, password=settings.smtp_password, sender=settings.mail_from,
        )  # fmt: skip
        senders[Channel.MAIL] = MailSender(server, url, installation.gate.users.address_of)
    if settings.chat:
        senders[Channel.CHAT] = ChatSender(settings.chat.split(), url)
    return Teller(Deliveries(installation.database), installation.engine, senders)


def web_app(installation: Installation, cards: Cards, *, name: str) -> App:
    """Pages and API, to be built on the event loop that runs them."""
    # Only web processes need a web framework; it is most of the start-up time of the others.
    from frontdesk.serve.app import create_app
    from frontdesk.serve.services import LOOPBACK_HOSTS, Limits, Services

    prepare_structs()
    settings = installation.settings
    return create_app(
        Services(
            name=name,
            tasks=cards,
            desk=installation.desk,
            telling=installation.telling,
            workers=installation.workers,
            webhooks=installation.webhooks,
            schedules=Schedules(installation.database),
            inbox=Path(settings.inbox).absolute() if settings.inbox else None,
            ways=frozenset({Channel.MAIL} if settings.smtp_host and settings.access != "open" else {})
            | ({Channel.CHAT} if settings.chat else frozenset()),
            files=installation.files,
            versions=installation.versions,
            hosts=host_client(installation),
            engine=installation.engine,
            monitor=installation.monitor,
            gate=None if settings.access == "open" else installation.gate,
            redis=installation.redis,
            provider=Provider.at(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret),
            allowed_hosts=LOOPBACK_HOSTS | settings.host_names,
            models_folder=settings.models,
            thumbs_folder=settings.data / "cache" / "thumbs",
            metrics_folder=installation.runtime / "metrics",
            limits=Limits(
                body_bytes=settings.body_limit_bytes,
                answers_bytes=settings.answers_limit_bytes,
                upload_bytes=settings.upload_limit_bytes,
                json_depth=settings.json_depth_limit,
                wait_s=settings.wait_limit_s,
                lease_s=settings.lease_s,
                links_s=settings.s3_links_s,
            ),
            logs_requests=settings.log_level.lower() in ("debug", "info"),
        )
    )
