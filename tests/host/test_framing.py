"""Frames survive being cut anywhere."""

from __future__ import annotations

import itertools
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.host import framing
from frontdesk.host.framing import FrameReader, FrameTooLarge, append_frame
from frontdesk.host.messages import Answer, Begun, Call, Cancel, Failed, Refused, ToHost

messages = st.one_of(
    st.builds(Cancel, st.integers(0, 2**63 - 1)),
    st.builds(
        Call,
        st.integers(0, 2**31),
        st.dictionaries(st.text(), st.binary() | st.floats(allow_nan=False)),
        st.booleans(),
    ),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


@given(st.lists(messages, max_size=6), st.lists(st.integers(0, 10**6), max_size=12))
def test_it_gives_back_what_was_sent_however_it_arrives(sent: list[ToHost], places: list[int]) -> None:
    stream = bytearray()
    for message in sent:
        append_frame(stream, message)
    decoder: msgspec.msgpack.Decoder[ToHost] = msgspec.msgpack.Decoder(Call | Cancel)
    reader = FrameReader()
    arrived = [decoder.decode(frame) for piece in cut(bytes(stream), places) for frame in reader.feed(piece)]
    assert arrived == sent


def test_answers_keep_their_bytes() -> None:
    decoder = msgspec.msgpack.Decoder(Begun | Answer | Refused | Failed)
    stream = bytearray()
    answer = Answer(3, b'{"answer":"\xc3\xa9"}', 0.25)
    append_frame(stream, answer)
    assert [decoder.decode(frame) for frame in FrameReader().feed(stream)] == [answer]


def test_it_refuses_a_frame_longer_than_any_honest_message() -> None:
    with pytest.raises(FrameTooLarge):
        list(FrameReader().feed(struct.pack(">I", 2**32 - 1) + b"x"))


def test_a_message_that_cannot_be_sent_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "FRAME_LIMIT_BYTES", 100)
    stream = bytearray()
    append_frame(stream, Cancel(1))
    before = bytes(stream)
    with pytest.raises(FrameTooLarge):
        append_frame(stream, Failed(1, "x" * 101))
    with pytest.raises(TypeError):
        append_frame(stream, Call(1, {"x": object()}))
    assert bytes(stream) == before
