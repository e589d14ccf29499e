"""`frontdesk doctor` on the bucket: something is put there, read back and removed."""

from __future__ import annotations

from frontdesk.errors import FrontdeskError
from frontdesk.store.blobs import Label
from frontdesk.store.ids import new_id
from frontdesk.store.storage import BucketPlace, Storage

_PROBE = b"frontdesk was here"


def put_and_fetch(storage: Storage) -> str:
    """What is wrong with the storage, in its own words; empty where nothing is."""
    key = f"probe/{new_id()}"
    try:
        kept = storage.files.put(key, [_PROBE], Label(name="probe"))
        try:
            with storage.files.open(key, kept, "probe") as content:
                content.read()
            storage.files.remove_drafts()
        finally:
            storage.files.remove([key])
    except FrontdeskError as error:
        return str(error)
    return ""


def told_of(place: BucketPlace) -> str:
    """Which bucket it is, and how it is reached."""
    secrecy = "" if place.url.startswith("https://") else ", in the clear"
    return f"s3://{place.bucket}/{place.prefix} at {place.url}{secrecy}"
