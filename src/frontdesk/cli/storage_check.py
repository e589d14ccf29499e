"""`frontdesk doctor` on the bucket: something is put there, read back and removed."""

from __future__ import annotations

from frontdesk.assemble import bucket_of
from frontdesk.cli.finding import Finding
from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings
from frontdesk.store.blobs import ORPHAN_AFTER_S, Label
from frontdesk.store.ids import new_id
from frontdesk.store.storage import Storage

_PROBE = b"frontdesk was here"


def bucket(settings: Settings) -> Finding:
    """The bucket that files are kept in."""
    told = settings.storage
    try:
        place = bucket_of(settings)
        assert place is not None
        told = f"s3://{place.bucket}/{place.prefix} at {place.url}"
        _put_and_fetch(Storage.at(settings.data, place, 0))
    except FrontdeskError as error:
        mend = "Look at the settings that begin with s3_, and at what the storage itself said, above."
        return Finding("Bucket", False, f"{told}: {error}", mend)
    secrecy = "" if place.url.startswith("https://") else ", without TLS"
    return Finding("Bucket", True, f"{told}{secrecy}")


def _put_and_fetch(storage: Storage) -> None:
    key = f"probe/{new_id()}"
    kept = storage.files.put(key, [_PROBE], Label(name="probe"))
    try:
        with storage.files.open(key, kept, "probe") as content:
            content.read()
        storage.files.remove_drafts(ORPHAN_AFTER_S)
    finally:
        storage.files.remove([key])
