"""From what arrives to wire form (see `declare.wire`), checked against a task's fields.

A request that is right costs one msgspec decode. Where that fails, the body is parsed again and
looked at field by field (`declare.checking`), so that whoever sent it learns everything that is wrong at once.
"""

from __future__ import annotations

import json
import math
import operator
import re
from array import array
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Annotated, Any, NoReturn, Protocol

import msgspec

from frontdesk.declare.checking import check_inputs, check_value
from frontdesk.declare.faults import REQUIRED, UNKNOWN, Faults, below
from frontdesk.declare.forms import parsed_form
from frontdesk.declare.kinds import Drawing, Field, Integer, Table
from frontdesk.declare.wire import FileRef, has_shape, inputs_type, is_exact
from frontdesk.errors import Fault, InvalidInput, MalformedBody

__all__ = ["FileRef", "InputCodec", "PredictRequest", "check_depth"]

_DIGITS_LIMIT = 400
_LAST_VERSION = 2**31 - 1
_VERSION = Field(name="version", kind=Integer(ge=1, le=_LAST_VERSION))
_VersionNumber = Annotated[int, msgspec.Meta(ge=1, le=_LAST_VERSION)]


class PredictRequest(Protocol):
    """A decoded body. `inputs` has one attribute for each field; None is the default model, the live version."""

    inputs: msgspec.Struct
    model: str | None
    version: int | None


class InputCodec:
    """Decodes the inputs of one task. `fields` are those of its signature, or the parameters of a training."""

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self._fields = fields
        self._inputs_type = inputs_type(fields)
        self._needs_inputs = any(field.required for field in fields)
        inputs: Any = ("inputs", self._inputs_type)
        if not self._needs_inputs:
            inputs = (*inputs, msgspec.field(default_factory=self._inputs_type))
        self._request_type: Any = msgspec.defstruct(
            "PredictRequest",
            [inputs, ("model", str | None, None), ("version", _VersionNumber | None, None)],
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode_request: Callable[[bytes], Any] = msgspec.json.Decoder(self._request_type).decode
        self._decode_inputs = msgspec.json.Decoder(self._inputs_type).decode
        self._is_exact = all(is_exact(field.kind) for field in fields)
        self._drawings = tuple(
            (field.name, field.kind) for field in fields if isinstance(field.kind, Drawing)
        )
        self._tables = tuple(field.name for field in fields if isinstance(field.kind, Table))

    def decode_request(self, raw: bytes) -> PredictRequest:
        """`{"inputs": {...}, "model"?, "version"?}`. Raises InvalidInput with every fault, or MalformedBody."""
        try:
            request: PredictRequest = self._decode_request(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._checked_request(_parsed(raw))
        return request if self._fits(request.inputs) else self._checked_request(_parsed(raw))

    def decode_inputs(self, raw: bytes) -> dict[str, Any]:
        """The inputs alone, by name."""
        try:
            inputs = self._decode_inputs(raw)
            if self._fits(inputs):
                return self.as_dict(inputs)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        return self._checked_inputs(_parsed(raw))

    def decode_form(self, parts: Mapping[str, str | bytes]) -> dict[str, Any]:
        """The fields of an HTML form or the parts of a multipart body, by name."""
        faults = Faults()
        wire = check_inputs(self._fields, parsed_form(self._fields, parts), faults)
        faults.raise_any()
        return wire

    def as_dict(self, inputs: msgspec.Struct) -> dict[str, Any]:
        """The inputs of a decoded request by name."""
        wire = msgspec.structs.asdict(inputs)
        for name in self._tables:
            wire[name] = msgspec.to_builtins(wire[name])
        return wire

    def _fits(self, inputs: msgspec.Struct) -> bool:
        """Whether what msgspec let through is right indeed."""
        for name, kind in self._drawings:
            drawing = getattr(inputs, name)
            if drawing is not None and not has_shape(drawing, kind):
                return False
        return self._is_exact

    def _checked_request(self, given: object) -> PredictRequest:
        if not isinstance(given, dict):
            raise InvalidInput.of([Fault("", "Must be an object with a member `inputs`.")])
        faults = Faults()
        wire: dict[str, Any] = {}
        if "inputs" in given or not self._needs_inputs:
            wire = check_inputs(self._fields, given.get("inputs", {}), faults)
        else:
            faults.add("/inputs", REQUIRED)
        model, version = given.get("model"), given.get("version")
        if model is not None and not isinstance(model, str):
            faults.add("/model", "Must be the name of a model.")
        if version is not None:
            version = check_value(_VERSION, version, "/version", faults)
        for name in given:
            if name not in ("inputs", "model", "version"):
                faults.add(below("", name), UNKNOWN)
        faults.raise_any()
        request: PredictRequest = self._request_type(
            inputs=self._inputs_type(**wire), model=model, version=version
        )
        return request

    def _checked_inputs(self, given: object) -> dict[str, Any]:
        faults = Faults()
        wire = check_inputs(self._fields, given, faults)
        faults.raise_any()
        return wire


def check_depth(raw: bytes, limit: int) -> None:
    """Refuse JSON that is nested deeper than `limit`. Costs next to nothing where there are few brackets."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotes with nothing between them can go: what follows is as much inside or outside of text as before.
    marks = unescaped.translate(None, _NO_MARKS).replace(b'""', b"")
    brackets = _STRINGS.sub(b"", marks).translate(_STEPS)
    if max(accumulate(array("b", brackets), operator.add), default=0) > limit:
        raise InvalidInput.of([Fault("", f"Must not be nested deeper than {limit} levels.")])


# A string that never ends is taken to the end: looking for its end again from each quote in it would take for ever.
_STRINGS = re.compile(rb'"[^"]*(?:"|\Z)')
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_MARKS = bytes(set(range(256)) - set(b'[]{}"'))


def _parsed(raw: bytes) -> Any:
    """Any JSON, as plain values; Infinity where a number is too large for a float."""
    try:
        return json.loads(raw.decode(), parse_constant=_no_constant, parse_int=_whole)
    except UnicodeDecodeError:
        raise MalformedBody("The body is not JSON: it is not UTF-8.") from None
    except RecursionError:
        raise InvalidInput.of([Fault("", "Is nested too deep.")]) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"The body is not JSON: {error.msg}, {place}.") from None


def _no_constant(name: str) -> NoReturn:
    raise MalformedBody(f"The body is not JSON: {name} is no JSON number.")


def _whole(digits: str) -> int | float:
    # Turning very many digits into an int takes very long, and no field has room for it.
    return int(digits) if len(digits) <= _DIGITS_LIMIT else math.inf
