"""The golden vectors: read and written alike by msgspec, by the independent `msgpack` package and (in the web client's
own tests) by TypeScript.

To add one: write its `fields` (bytes as {"$bytes": hex}) and run this test, which shows the hex that it expects.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgpack
import pytest

from antiphon_proto.codec import client_decoder, encode, server_decoder
from antiphon_proto.errors import ProtocolViolation
from antiphon_proto.messages import ClientMessage, ServerMessage, tags
from antiphon_proto.sync import (
    Awareness,
    AwarenessState,
    QueryAwareness,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    YMessage,
    decode_y,
    encode_y,
)

FOLDER = Path(__file__).parents[2] / "proto" / "vectors"
MESSAGES: list[dict[str, Any]] = json.loads((FOLDER / "messages.json").read_text())
YJS: list[dict[str, Any]] = json.loads((FOLDER / "yjs.json").read_text())
GOOD = [vector for vector in MESSAGES if vector["error"] is None]
BAD = [vector for vector in MESSAGES if vector["error"] is not None]


def named(vector: dict[str, Any]) -> str:
    return f"{vector.get('direction', 'yjs')}: {vector['name']}"


def with_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return bytes.fromhex(value["$bytes"])
        return {key: with_bytes(item) for key, item in value.items()}
    return [with_bytes(item) for item in value] if isinstance(value, list) else value


def decode(vector: dict[str, Any]) -> Any:
    decoder: Any = client_decoder() if vector["direction"] == "client" else server_decoder()
    return decoder.decode(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", GOOD, ids=named)
def test_the_independent_codec_writes_and_reads_the_same_bytes(vector: dict[str, Any]) -> None:
    fields = with_bytes(vector["fields"])
    assert msgpack.packb(fields).hex() == vector["hex"]
    assert msgpack.unpackb(bytes.fromhex(vector["hex"])) == fields


@pytest.mark.parametrize("vector", GOOD, ids=named)
def test_our_codec_reads_the_vector_and_writes_it_back(vector: dict[str, Any]) -> None:
    message = decode(vector)
    assert type(message).__struct_config__.tag == vector["fields"][0]
    assert msgpack.unpackb(encode(message)) == with_bytes(vector["fields"])
    assert encode(message).hex() == vector["hex"]


@pytest.mark.parametrize("vector", BAD, ids=named)
def test_bad_frames_are_refused_or_ignored(vector: dict[str, Any]) -> None:
    if vector["error"] == "ignored":
        assert decode(vector) is None
        return
    with pytest.raises(ProtocolViolation, match="malformed"):
        decode(vector)


SERVER = [vector for vector in GOOD if vector["direction"] == "server"]
NESTED: dict[str, list[tuple[Any, ...]]] = {
    "welcome": [("participant",), ("participants", 0), ("runs", 0), ("models", 0), ("limits",)],
    "run": [("run",)],
}
"""Where arrays with a field in each place stand within a message."""


@pytest.mark.parametrize("vector", SERVER, ids=named)
def test_a_client_ignores_the_fields_of_a_newer_server(vector: dict[str, Any]) -> None:
    fields: Any = with_bytes(vector["fields"])
    names = type(decode(vector)).__struct_fields__
    for field, *place in NESTED.get(fields[0], []):
        inner = fields[1 + names.index(str(field))]
        for step in place:
            inner = inner[step] if step < len(inner) else []
        if inner:
            inner.append("later")
    assert server_decoder().decode(msgpack.packb([*fields, "later"])) == decode(vector)


@pytest.mark.parametrize(("direction", "union"), [("client", ClientMessage), ("server", ServerMessage)])
def test_every_message_has_a_vector(direction: str, union: object) -> None:
    covered = {vector["fields"][0] for vector in GOOD if vector["direction"] == direction}
    assert covered == tags(union)


def y_message(described: dict[str, Any]) -> YMessage:
    body = bytes.fromhex(described.get("body", ""))
    match described["kind"]:
        case "step1":
            return SyncStep1(body)
        case "step2":
            return SyncStep2(body)
        case "update":
            return SyncUpdate(body)
        case "awareness":
            return Awareness(tuple(AwarenessState(*state) for state in described["states"]))
        case "query":
            return QueryAwareness()
    raise AssertionError(described)


@pytest.mark.parametrize("vector", [v for v in YJS if v["error"] is None], ids=named)
def test_y_protocols_vectors(vector: dict[str, Any]) -> None:
    message = y_message(vector["message"])
    assert encode_y(message).hex() == vector["hex"]
    assert decode_y(bytes.fromhex(vector["hex"]), 1024) == message


@pytest.mark.parametrize("vector", [v for v in YJS if v["error"] is not None], ids=named)
def test_bad_y_messages_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolViolation):
        decode_y(bytes.fromhex(vector["hex"]), 1024)
