"""Where the bytes of an installation lie: all in its data folder, or in a bucket that machines share."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from frontdesk.errors import SettingsError
from frontdesk.store.blobs import Blobs, FolderBlobs
from frontdesk.store.bucket import BucketBlobs
from frontdesk.store.cache import Cache
from frontdesk.store.s3_requests import S3Requests

_CONNECT_S, _SILENCE_S, _LONGEST_S = 5, 30, 3600
_RETRIES, _RETRY_FOR_S, _LONGEST_PAUSE_S = 5, 15, 2
_AWS = "amazonaws.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlace:
    """A bucket and how it is reached. Without keys they are looked for where Amazon's own tools look."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    ca: str = ""
    is_named_in_host: bool = False

    @classmethod
    def read(
        cls,
        storage: str,
        *,
        endpoint: str,
        region: str,
        access_key: str,
        secret_key: str,
        ca: str,
        addressing: str,
    ) -> Self | None:
        """The place `s3://bucket/prefix` names; None where nothing is named. Raises SettingsError."""
        if not storage:
            return None
        url = urlsplit(storage)
        if url.scheme != "s3" or not url.netloc:
            raise SettingsError(f"storage = {storage!r} must be s3://BUCKET or s3://BUCKET/PREFIX, or empty.")
        if addressing not in ("", "path", "host"):
            raise SettingsError(f"s3_addressing = {addressing!r} must be `path` or `host`.")
        if bool(access_key) != bool(secret_key):
            raise SettingsError("s3_access_key and s3_secret_key go together: set both, or neither.")
        if importlib.util.find_spec("obstore") is None:
            raise SettingsError("Storage in a bucket needs a package more: pip install 'frontdesk[s3]'.")
        prefix = url.path.strip("/")
        return cls(
            bucket=url.netloc, prefix=f"{prefix}/" if prefix else "", region=region or "us-east-1",
            endpoint=endpoint if "://" in endpoint or not endpoint else f"https://{endpoint}",
            access_key=access_key, secret_key=secret_key, ca=ca,
            is_named_in_host=addressing == "host" or (not addressing and not endpoint),
        )  # fmt: skip

    @property
    def url(self) -> str:
        """The address of the bucket itself."""
        base = urlsplit(self.endpoint or f"https://s3.{self.region}.{_AWS}")
        if self.is_named_in_host:
            return f"{base.scheme}://{self.bucket}.{base.netloc}"
        return f"{base.scheme}://{base.netloc}{base.path.rstrip('/')}/{self.bucket}"

    def blobs(self, root: str, cache: Cache) -> BucketBlobs:
        """What lies below `root` there."""
        from obstore.store import S3Store

        client: Any = {
            "allow_http": self.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=_CONNECT_S),
            "read_timeout": timedelta(seconds=_SILENCE_S),
            "timeout": timedelta(seconds=_LONGEST_S),
        }
        if self.ca:
            client["root_certificate"] = Path(self.ca).read_bytes()
        chosen: dict[str, Any] = {
            "region": self.region,
            "virtual_hosted_style_request": self.is_named_in_host,
        }
        if self.endpoint:
            chosen["endpoint"] = self.url if self.is_named_in_host else self.endpoint
        requests = None
        if self.access_key:
            chosen |= {"access_key_id": self.access_key, "secret_access_key": self.secret_key}
            requests = S3Requests(self.url, self.region, self.access_key, self.secret_key, self.ca)
        store = S3Store(
            self.bucket, client_options=client, **chosen,
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=_RETRY_FOR_S),
                "backoff": {"init_backoff": timedelta(milliseconds=100),
                            "max_backoff": timedelta(seconds=_LONGEST_PAUSE_S), "base": 2},
            },
        )  # fmt: skip
        return BucketBlobs(store, requests, f"{self.prefix}{root}", cache)


@dataclass(frozen=True, slots=True)
class Storage:
    """Where each kind of bytes lies. What is None is only in the data folder, which is where its machine has it."""

    files: Blobs
    cache: Cache
    versions: Blobs | None = None
    batches: Blobs | None = None
    checkpoints: Blobs | None = None

    @classmethod
    def at(cls, data: Path, place: BucketPlace | None, cache_bytes: int) -> Self:
        """In the data folder, or in a bucket with a bounded cache in the data folder."""
        cache = Cache(data / "cache" / "storage", cache_bytes)
        if place is None:
            return cls(FolderBlobs(data / "files"), cache)
        return cls(place.blobs("files/", cache), cache, place.blobs("versions/", cache),
                   place.blobs("batches/", cache), place.blobs("checkpoints/", cache))  # fmt: skip
