from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.client import protocol
from app.client.protocol import (
    Answer,
    Done,
    Happened,
    ProtocolError,
    Request,
    Resync,
    Send,
    decode_request,
    decode_to_client,
    encode,
)
from app.domain.ids import new_id
from app.events import MessageGrew


@given(st.text(), st.text())
def test_any_text_survives_the_wire(text: str, key: str) -> None:
    request = Request(
        id="1",
        command=Send(chat_id="c", message_id="m", answer_id="a", text=text),
        environment={key: text},
    )
    assert decode_request(encode(request)) == request


def test_every_frame_to_a_client_survives_the_wire() -> None:
    grew = MessageGrew(chat_id="c", message_id="m", content="đ")
    for frame in (Answer(id="1", reply=Done()), Happened(seq=7, event=grew), Resync()):
        assert decode_to_client(encode(frame)) == frame


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"type":"Nothing"}', b'{"type":"Request","id":1}'])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_request(data)
    with pytest.raises(ProtocolError):
        decode_to_client(data)


def test_an_unknown_field_of_a_newer_version_is_ignored() -> None:
    data = b'{"type":"Request","id":"1","command":{"type":"Quit","softly":true},"colour":"teal"}'
    assert decode_request(data) == Request(id="1", command=protocol.Quit())


def test_every_command_and_reply_has_a_name_of_its_own() -> None:
    for union in (protocol.Command, protocol.Reply):
        names = [kind.__struct_config__.tag for kind in typing.get_args(union)]
        assert len(names) == len(set(names))
    assert len(new_id()) == 32
