"""Frames between gateway and worker."""

from __future__ import annotations

import contextlib
import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import (
    Absent,
    Done,
    EngineInfo,
    Failed,
    Image,
    ImageFacts,
    ImageRequest,
    Preview,
    Remark,
    Token,
)
from antiphon_engines.config import WorkerConfig
from antiphon_engines.ipc.channel import (
    MAX_FRAME,
    Cancel,
    Changed,
    ChannelError,
    Command,
    Configure,
    Events,
    Fatal,
    FrameDecoder,
    Ping,
    Pong,
    Progress,
    Ready,
    Report,
    Shutdown,
    Stats,
    SteerPicture,
    SteerRun,
    Submit,
    command_decoder,
    encode,
    report_decoder,
)
from antiphon_engines.ipc.events import Progressed, Queued, Started, Steered, SteerRejected
from antiphon_engines.settings import QueueBounds
from antiphon_proto.messages import Alternative, TokenInfo
from antiphon_proto.params import ImageParams, ImageSteer, TextParams, TextSteer
from support.fake_engine import request

COMMANDS: list[Command] = [
    Configure(WorkerConfig("models", text_model="other"), QueueBounds(5, 2)),
    Submit(
        1, "r1", 3, "ann", 2.0, request("пиши 🖋", before="ж" * 300, params=TextParams(seed=7, stop=("\n",)))
    ),
    SteerRun(1, TextSteer(temperature=0.1), 2),
    SteerRun(1, TextSteer(instruction="shorter"), 3),
    Submit(
        2,
        "r2",
        1,
        "ann",
        1.0,
        ImageRequest("inpaint", "a ж", ImageParams(seed=3, sampler="lcm"), b"\x89PNG", b"\xff\xd8", 2),
    ),
    SteerPicture(2, ImageSteer(prompt="a house", previews=0), 2),
    Cancel(1),
    Ping(9),
    Shutdown(),
]
REPORTS: list[Report] = [
    Progress("loading", 0.5),
    Progress("loading"),
    Ready((EngineInfo("text", "m", "cpu", "onnx", 8, 8, Remark("note", "remote", ("h",))),)),
    Events(1, (Queued(3, 1200), Started())),
    Events(1, (Token(TokenInfo(0, "ж", 5, -0.25, (Alternative("з", -1.5),))), Done("stop_string"))),
    Events(2, (Failed("engine_failed", "why"), SteerRejected("no", 2), Steered(3))),
    Events(3, (Progressed(0, 8, 1200), Preview(1, 8, b"\xff\xd8", 64, 32), Image(b"\x89", 9, 8, 7))),
    Changed(
        (EngineInfo("image", "m", "cpu", "torch", 8, 8, image=ImageFacts(64, 64, 8, 2.5, 4096, ("euler",))),),
        (Absent("audio", "m", "why"),),
    ),
    Pong(9, Stats(active=1, tokens=5, busy_seconds=0.5)),
    Fatal("no model", final=True),
]
MESSAGES = [(command_decoder, COMMANDS), (report_decoder, REPORTS)]


@pytest.mark.parametrize(("decoder", "messages"), MESSAGES)
@given(cuts=st.lists(st.integers(0, 2000), max_size=12))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_any_fragmentation_gives_the_same_messages(decoder, messages, cuts) -> None:
    data = b"".join(encode(message) for message in messages)
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    subject = decoder()
    received = [m for a, b in zip(edges, edges[1:], strict=False) for m in subject.feed(data[a:b])]
    assert received == messages
    subject.finish()


@pytest.mark.parametrize("decoder", [command_decoder, report_decoder])
@given(data=st.binary(max_size=200))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_garbage_raises_nothing_but_channel_errors(decoder, data) -> None:
    with pytest.raises(ChannelError, match="malformed"):
        decoder().feed(struct.pack(">I", len(data)) + data)
    unframed = decoder()
    with contextlib.suppress(ChannelError):
        assert unframed.feed(data) == []
        unframed.finish()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode({"type": "nothing"}),
        msgspec.msgpack.encode({"type": "cancel"}),
        msgspec.msgpack.encode({"type": "cancel", "ticket": "one"}),
        b"\x91" * 5000 + b"\x01",
        encode(Cancel(1))[4:] + b"\x00",
    ],
    ids=["empty", "never used", "unknown tag", "missing field", "wrong type", "deep", "trailing"],
)
def test_malformed_messages_are_refused(body: bytes) -> None:
    with pytest.raises(ChannelError, match="malformed message"):
        command_decoder().feed(struct.pack(">I", len(body)) + body)


def test_an_oversized_length_is_refused_before_its_body_comes() -> None:
    with pytest.raises(ChannelError, match="bound"):
        command_decoder().feed(struct.pack(">I", MAX_FRAME + 1))
    small: FrameDecoder[Command] = FrameDecoder(Command, max_frame=16)
    with pytest.raises(ChannelError, match="bound is 16"):
        small.feed(struct.pack(">I", 17))


def test_an_oversized_message_is_not_sent() -> None:
    with pytest.raises(ChannelError, match="Submit of"):
        encode(Submit(1, "r", 0, "ann", 1.0, request(before="x" * MAX_FRAME)))


def test_an_end_inside_a_frame_is_told() -> None:
    decoder = command_decoder()
    assert decoder.feed(encode(Ping(1))[:-1]) == []
    with pytest.raises(ChannelError, match="inside a frame"):
        decoder.finish()


@pytest.mark.parametrize(
    "params",
    [
        {"guidance": float("nan")},
        {"strength": float("inf")},
        {"strength": -0.1},
        {"steps": 0},
        {"width": 100_000},
        {"sampler": "magic"},
        {"seed": -1},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_picture_out_of_bounds_does_not_pass(params: dict[str, object]) -> None:
    request = {"type": "image", "task": "text_to_image", "prompt": "a house", "params": params}
    body = {
        "type": "submit",
        "ticket": 1,
        "run": "r",
        "epoch": 0,
        "share": "a",
        "weight": 1.0,
        "request": request,
    }
    data = msgspec.msgpack.encode(body)
    with pytest.raises(ChannelError, match="malformed message"):
        command_decoder().feed(struct.pack(">I", len(data)) + data)
