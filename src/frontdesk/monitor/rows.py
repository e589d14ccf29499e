"""What is kept of a question and its answer: small values as they are, of large ones only a fingerprint."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from frontdesk.declare.output_kinds import ClassificationOut, Output, TextOut, ValueOut

_TEXT_CHARACTERS = 4000
_LIST_BYTES = 8192
_BYTES = 4096
_ROW_BYTES = 32_768
_LABELS_MOST = 200

_encode = msgspec.json.Encoder().encode


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One output in short: a label, a number or a text, and what is known of a classification."""

    answer: str | float | None = None
    score: float | None = None
    labels: list[str] = []


def kept_inputs(inputs: Mapping[str, Any] | msgspec.Struct) -> bytes:
    """Inputs as JSON."""
    values = msgspec.structs.asdict(inputs) if isinstance(inputs, msgspec.Struct) else inputs
    kept = _encode({name: _kept(value) for name, value in values.items()})
    if len(kept) <= _ROW_BYTES:
        return kept
    return _encode({name: _fingerprint(_encode(_plain(value))) for name, value in values.items()})


def _kept(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": _plain(value)} if len(value) <= _BYTES else _fingerprint(value)
    if isinstance(value, str):
        return value if len(value) <= _TEXT_CHARACTERS else _fingerprint(value.encode())
    if isinstance(value, list):
        content = _encode(value)
        return msgspec.Raw(content) if len(content) <= _LIST_BYTES else _fingerprint(content)
    return value


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _fingerprint(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


class _Score(msgspec.Struct, frozen=True):
    label: str
    score: float


class _Classified(msgspec.Struct, frozen=True):
    label: str
    scores: list[_Score]


class _Number(msgspec.Struct, frozen=True):
    value: float


_raw_outputs = msgspec.json.Decoder(dict[str, msgspec.Raw])
_classified = msgspec.json.Decoder(_Classified)
_number = msgspec.json.Decoder(_Number)
_text = msgspec.json.Decoder(str)
_said = msgspec.json.Decoder(dict[str, Said])


def said_of(outputs: Sequence[Output], answer: bytes) -> dict[str, Said]:
    """Every output in short; of a picture, a table or other JSON only that there was one."""
    parts = _raw_outputs.decode(answer)
    return {out.name: _short(out, parts[out.name]) for out in outputs if out.name in parts}


def _short(out: Output, part: msgspec.Raw) -> Said:
    match out.kind:
        case ClassificationOut():
            found = _classified.decode(part)
            labels = [score.label for score in found.scores]
            # In an order of its own: that of the scores would tell what was thought of every answer.
            listed = sorted(labels) if len(labels) <= _LABELS_MOST else []
            return Said(answer=found.label, score=found.scores[0].score, labels=listed)
        case ValueOut():
            return Said(answer=_number.decode(part).value)
        case TextOut():
            text = _text.decode(part)
            return Said(answer=text if len(text) <= _TEXT_CHARACTERS else None)
    return Said()


def kept_outputs(said: Mapping[str, Said]) -> bytes:
    """As a row keeps them."""
    return _encode(said)


def outputs_of(kept: bytes) -> dict[str, Said]:
    """What a row keeps."""
    return _said.decode(kept)
