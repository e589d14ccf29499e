"""Inputs on their way: what a host is sent, what a job keeps, and what makes two requests identical."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from frontdesk.declare.codec import FileRef, InputCodec
from frontdesk.declare.kinds import BINARY_KINDS, Field
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import Fault, InvalidInput, NotFound
from frontdesk.store.files import FileStore, StoredFile

Wire = Mapping[str, Any] | msgspec.Struct


@dataclass(frozen=True, slots=True)
class StoredInputs:
    """Inputs as a job keeps them: a JSON payload, the files it refers to, and those among them made for it."""

    payload: bytes
    files: tuple[str, ...]
    made: tuple[str, ...]


class TaskInputs:
    """The inputs of one task. All verbs but `codec`'s are synchronous and may read or write files."""

    def __init__(self, card: TaskCard, files: FileStore) -> None:
        self.codec = InputCodec(card.signature.inputs)
        self._files = files
        self._binary: dict[str, Field] = {
            field.name: field for field in card.signature.inputs if isinstance(field.kind, BINARY_KINDS)
        }

    @property
    def may_refer_to_files(self) -> bool:
        """Whether a value can be a reference, which `with_contents` has to follow."""
        return bool(self._binary)

    def as_dict(self, inputs: Wire) -> dict[str, Any]:
        """Inputs by name, whichever form they came in."""
        return self.codec.as_dict(inputs) if isinstance(inputs, msgspec.Struct) else dict(inputs)

    def with_contents(self, inputs: Wire, owner: str) -> dict[str, Any]:
        """Inputs in which every reference to a file is replaced by the file's bytes."""
        return {
            name: self._files.read(self._own_file(name, value, owner).id)
            if isinstance(value, FileRef)
            else value
            for name, value in self.as_dict(inputs).items()
        }

    def fingerprint(self, inputs: Wire, owner: str, *context: str | int | None) -> str:
        """Equal for equal inputs in the same context, however their files were sent."""
        canonical = {
            name: self._comparable(name, value, owner) for name, value in self.as_dict(inputs).items()
        }
        return hashlib.sha256(msgspec.json.encode([context, canonical], order="sorted")).hexdigest()

    def stored(self, inputs: Wire, owner: str) -> StoredInputs:
        """Put bytes into the file store and write the rest down."""
        kept: dict[str, Any] = {}
        files: list[str] = []
        made: list[str] = []
        for name, value in self.as_dict(inputs).items():
            kept[name] = value
            if isinstance(value, bytes):
                made.append(self._files.add(owner, name, "application/octet-stream", value).id)
                files.append(made[-1])
                kept[name] = {"file": made[-1]}
            elif isinstance(value, FileRef):
                files.append(self._own_file(name, value, owner).id)
                kept[name] = {"file": value.file}
        return StoredInputs(msgspec.json.encode({"inputs": kept}), tuple(files), tuple(made))

    def discard(self, stored: StoredInputs) -> None:
        """Take back the files `stored` made."""
        for file_id in stored.made:
            self._files.remove(file_id)

    def _comparable(self, name: str, value: object, owner: str) -> object:
        if isinstance(value, bytes):
            return {"sha256": hashlib.sha256(value).hexdigest()}
        if isinstance(value, FileRef):
            return {"sha256": self._own_file(name, value, owner).sha256}
        return value

    def _own_file(self, name: str, reference: FileRef, owner: str) -> StoredFile:
        try:
            stored = self._files.get(reference.file)
        except NotFound:
            stored = None
        if stored is None or stored.owner != owner:
            raise InvalidInput.of([Fault(f"/inputs/{name}/file", "There is no such file.")])
        limit = getattr(self._binary[name].kind, "max_bytes", None) if name in self._binary else None
        if limit is not None and stored.size_bytes > limit:
            raise InvalidInput.of([Fault(f"/inputs/{name}/file", f"The file is larger than {limit} bytes.")])
        return stored
