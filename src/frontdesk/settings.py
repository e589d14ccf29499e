"""Every setting: a name, a default and a sentence. Read once, at start, by `assemble` and `cli`.

A setting `wait_limit_s` is the variable `FRONTDESK_WAIT_LIMIT_S`; some, such as `port`, are options of commands, too:
an option wins over a variable, a variable over the default. `FRONTDESK_WAIT_LIMIT_S_FILE` names a file that has the
value, which is how secrets are handed to containers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from frontdesk.errors import SettingsError


def _setting(default: Any, sentence: str) -> Any:
    return field(default=default, metadata={"sentence": sentence})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be chosen about one installation."""

    data: Path = _setting(Path("frontdesk-data"), "Folder of the database, files, versions and logs.")
    database: str = _setting(
        "",
        "Where the rows are: postgresql://, mariadb:// or mysql:// with user:password@host/name "
        "(empty: SQLite in the data folder).",
    )
    database_connections: int = _setting(
        20, "Connections each process may have open to a database server, at most."
    )
    models: Path = _setting(Path("frontdesk-models"), "Folder of downloaded weights, labels and pictures.")
    storage: str = _setting(
        "",
        "Where files, versions and what machines share is kept: `s3://BUCKET/PREFIX` (empty: in the data folder).",
    )
    s3_endpoint: str = _setting(
        "", "Address of the S3 server (empty: Amazon's). Without `http://` in front it is spoken to with TLS."
    )
    s3_region: str = _setting("us-east-1", "Region of the bucket.")
    s3_access_key: str = _setting(
        "", "Access key for the bucket (empty: what the environment or the machine's role gives)."
    )
    s3_secret_key: str = _setting("", "The secret that goes with it.")
    s3_ca: str = _setting(
        "", "File with the certificates that the S3 server's is signed with (empty: the system's)."
    )
    s3_addressing: str = _setting(
        "",
        "Where requests name the bucket: in the `path` or the `host` (empty: host at Amazon's, else path).",
    )
    s3_links_s: float = _setting(
        0.0,
        "Seconds that a download straight from the bucket may be begun in (0: downloads go through the server).",
    )
    cache_bytes: int = _setting(
        20 * 2**30, "Bytes of what lies in the bucket that are kept in the data folder, too (0: no limit)."
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on.")
    access: str = _setting(
        "accounts",
        "Who may come in: `accounts` (whoever signs in or shows a token) or `open` "
        "(whoever can connect, as one local user; loopback only).",
    )
    public: str = _setting(
        "", "Tasks that may be asked without signing in, separated by commas; `*` for all. None by default."
    )
    allowed_hosts: str = _setting(
        "", "Names the server goes by besides those of loopback, separated by commas; others are refused."
    )
    trusted_proxies: str = _setting(
        "127.0.0.1,::1",
        "Addresses and networks of proxies that are believed what they say of whom a request came from, "
        'separated by commas (none: "").',
    )
    oidc_issuer: str = _setting(
        "", 'Address of an OpenID Connect provider people can sign in with (none: "").'
    )
    oidc_client_id: str = _setting("", "What the provider calls this server.")
    oidc_client_secret: str = _setting("", "The secret shared with the provider.")
    oidc_new_role: str = _setting(
        "", "Role of those the provider knows and this server does not; without one they are turned away."
    )
    session_idle_hours: float = _setting(24.0, "Hours without a request after which a session ends.")
    session_days: float = _setting(30.0, "Days after which a session ends in any case.")
    quota_jobs_waiting: int = _setting(1000, "Jobs of one user that may wait at once (0: no limit).")
    quota_bytes: int = _setting(5 * 2**30, "Bytes one user may have stored (0: no limit).")
    quota_requests: int = _setting(
        6000,
        "Requests to the API one user may send in a minute, to each web process, "
        "or to all of them together where there is Redis (0: no limit).",
    )
    visitor_requests: int = _setting(
        60, "Requests somebody may send in a minute without signing in; five times as many from one address."
    )
    inbox: str = _setting(
        "", "Folder with the inboxes of schedules that process every new file (empty: there are none)."
    )
    url: str = _setting(
        "", "Address people reach the server by, for links in messages (empty: the one it listens on)."
    )
    smtp_host: str = _setting("", "Mail server that e-mail is handed in at (empty: no e-mail).")
    smtp_port: int = _setting(587, "Port of the mail server.")
    smtp_security: str = _setting(
        "starttls", "How it is spoken to: `starttls`, `tls` (from the first byte on) or `none`."
    )
    smtp_user: str = _setting("", "Name to sign in with at the mail server, where it asks for one.")
    smtp_password: str = _setting("", "Password for that name.")
    mail_from: str = _setting("", "E-mail address that messages come from.")
    chat: str = _setting(
        "",
        "Apprise addresses of chat services, with blanks or lines between; they hold secrets (empty: none).",
    )
    webhook_networks: str = _setting(
        "", "Private networks that webhooks may go to, separated by commas (empty: to none)."
    )
    engine: str = _setting(
        "local",
        "What carries jobs to workers: `local` (between processes of one machine) or `redis` (to any number of "
        "machines); or `ray`, where workers have them done on a Ray cluster.",
    )
    redis: str = _setting(
        "",
        "Address of Redis, such as redis://:PASSWORD@HOST:6379/0, where each installation has a database of its own "
        "(empty: none).",
    )
    ray: str = _setting("", "Where the head of a Ray cluster listens, such as HOST:6379 (empty: nowhere).")
    ray_actors: int = _setting(8, "Copies of one model that a worker has on the Ray cluster, at most.")
    ray_wait_s: float = _setting(
        300.0, "Seconds the Ray cluster may have no node as large as a job needs before the job fails."
    )
    answers_limit_bytes: int = _setting(
        64 * 2**20,
        "Bytes of answers kept for models with `cache_s`: in Redis where there is one, or else in each web process.",
    )
    web_workers: int = _setting(1, "Web processes that share the port.")
    workers: int = _setting(1, "Job workers started with the server (0: none).")

    wait_limit_s: float = _setting(
        30.0, "A predict call that takes longer than this many seconds becomes a ticket."
    )
    call_timeout_s: float = _setting(
        300.0, "Seconds a model may take over one call before its host is killed."
    )
    host_memory_mb: int = _setting(0, "Megabytes a host may use before it is restarted (0: no limit).")
    host_idle_s: float = _setting(900.0, "Seconds without a call after which a model is unloaded (0: never).")
    host_queue: int = _setting(1000, "Calls that may wait for one model before more are refused.")

    body_limit_bytes: int = _setting(64 * 2**20, "Largest request body, in bytes.")
    upload_limit_bytes: int = _setting(20 * 2**30, "Largest uploaded file, in bytes.")
    pixel_limit: int = _setting(50_000_000, "Largest picture, in pixels, counted before it is decoded.")
    json_depth_limit: int = _setting(32, "Deepest nesting of a JSON body.")

    trainings: int = _setting(1, "Trainings each worker runs at a time (0: none).")
    train_memory_mb: int = _setting(
        0, "Megabytes a training may use before it is ended (0: nine tenths of the machine's)."
    )
    train_limit_s: float = _setting(86_400.0, "Seconds a training may take before it is ended (0: no limit).")
    train_folder_mb: int = _setting(
        20_480, "Megabytes a training may write before it is ended (0: no limit)."
    )
    cancel_grace_s: float = _setting(
        30.0, "Seconds a cancelled training has to return what it learned, where its model keeps that."
    )

    lease_s: float = _setting(
        15.0, "Seconds without a heartbeat after which a job is given to another worker."
    )
    attempts_limit: int = _setting(3, "Times a job is tried before it fails for good.")
    sweep_s: float = _setting(5.0, "Seconds between sweeps for lost wake-ups, dead leases and old results.")
    jobs_waiting_limit: int = _setting(100_000, "Jobs that may wait at once.")
    retention_days: float = _setting(30.0, "Days a finished job and its files are kept (0: for ever).")
    retention_bytes: int = _setting(
        20 * 2**30,
        "Bytes of files kept, and as many of answers; the oldest finished jobs go first (0: no limit).",
    )

    monitor: str = _setting(
        "rows",
        "What is kept of what models are asked: `rows` (counts, and a sample of questions with their answers), "
        "`counts`, or `off`.",
    )
    monitor_rows_per_day: int = _setting(10_000, "Questions of one task kept in a day, at most.")
    monitor_rows: int = _setting(100_000, "Questions of one task kept in all; the oldest go first.")
    monitor_days: float = _setting(
        90.0, "Days that questions, counts and what was said of answers are kept (0: for ever)."
    )

    log_level: str = _setting("info", "Least severe level written to the log: debug, info, warning or error.")

    @property
    def public_tasks(self) -> frozenset[str]:
        """The tasks of `public`."""
        return _words(self.public)

    @property
    def host_names(self) -> frozenset[str]:
        """The names of `allowed_hosts`, and the address to listen on where that is one."""
        own = {f"[{self.host}]" if ":" in self.host else self.host} - {"0.0.0.0", "[::]"}  # noqa: S104
        return _words(self.allowed_hosts) | own

    @classmethod
    def read(cls, environ: Mapping[str, str], **chosen: Any) -> Settings:
        """Settings from `FRONTDESK_*` in `environ`; anything `chosen` that is not None wins."""
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        for item in fields(cls):
            given = chosen.get(item.name)
            if given is None:
                given = _from_environment(environ, f"FRONTDESK_{item.name.upper()}")
            if given is not None:
                values[item.name] = _converted(item.name, given, hints[item.name])
        return cls(**values)


def _from_environment(environ: Mapping[str, str], name: str) -> str | None:
    """The variable, or what is in the file that the variable with `_FILE` behind its name names: a secret, often."""
    given, file = environ.get(name), environ.get(f"{name}_FILE")
    if file is None:
        return given
    if given is not None:
        raise SettingsError(f"{name} and {name}_FILE are both set; leave one of them out.")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{name}_FILE: {file} cannot be read ({reason}).") from None


def _words(text: str) -> frozenset[str]:
    return frozenset(filter(None, (word.strip() for word in text.split(","))))


def _converted(name: str, given: Any, kind: Any) -> Any:
    try:
        value = kind(given)
    except ValueError:
        raise SettingsError(f"{name} = {given!r} is not a valid {kind.__name__}.") from None
    if kind in (int, float) and value < 0:
        raise SettingsError(f"{name} = {given!r} must not be negative.")
    return value
