"""The policy for slow clients, without a socket."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from antiphon_proto.errors import CloseCode
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import FRAGMENT_BODY, MAX_FRAME, AudioGap, Rebuild
from antiphon_proto.session import ClientSession, SessionState
from antiphon_proto.sync import SyncStep2, encode_y
from antiphon_server.net.backlog import LATEST, ORDERED, Backlog, BacklogLimits, Full
from antiphon_server.net.frames import Frame, native_bytes, rebuild_frame, sync_frame
from antiphon_server.net.outbox import CLOSE_TIMEOUT, FLUSH_EVERY, MARK, PIECE, Outbox, Traffic, close_frame
from support.replica import unframe
from support.wires import FakeWire, VirtualClock

LIMITS = BacklogLimits(ordered_bytes=1000, ordered_frames=20, lane_bytes=300, lane_frames=8)


def gap(missed: int) -> bytes:
    return b"gap %d|" % missed


class Bench:
    def __init__(self, limits: BacklogLimits = LIMITS, stall_timeout: float = 30.0) -> None:
        self.wire = FakeWire()
        self.clock = VirtualClock()
        self.traffic = Traffic()
        self.outbox = Outbox(
            "native", self.wire, self.clock, self.traffic, limits, stall_timeout=stall_timeout
        )

    def send(self, lane: Lane, data: bytes, slot: str | None = None, deadline: float = math.inf) -> None:
        self.outbox.send(Frame(lane, native=data, slot=slot, deadline=deadline))

    def stall(self) -> None:
        """Fill the transport above its mark; the peer reads none of it."""
        self.send(Lane.EDIT, b"." * (MARK + 1))

    def recover(self) -> bytes:
        """The peer reads everything; returns the frames after the filling."""
        self.wire.read()
        self.clock.advance(FLUSH_EVERY)
        self.wire.read()
        return bytes(self.wire.received[MARK + 1 :])


def test_a_reading_client_gets_frames_at_once_and_costs_no_timer() -> None:
    bench = Bench()
    for lane in Lane:
        bench.send(lane, lane.name.encode())
    assert bytes(bench.wire.unread) == b"CONTROLEDITAUDIOTOKENPREVIEWPRESENCE"
    assert bench.clock.pending == 0
    assert bench.traffic.frames == len(Lane)


def test_a_frame_of_another_dialect_is_not_sent() -> None:
    bench = Bench()
    bench.outbox.send(Frame(Lane.EDIT, yjs=b"y"))
    assert not bench.wire.unread
    assert bench.traffic.frames == 0


def test_control_and_edits_wait_in_order_and_none_is_lost() -> None:
    bench = Bench()
    bench.stall()
    for i in range(10):
        bench.send(Lane.EDIT if i % 2 else Lane.CONTROL, b"%d" % i)
    assert bench.outbox.backlog == 10
    assert bench.recover() == b"0123456789"
    assert bench.clock.pending == 0


def test_presence_and_previews_keep_the_latest_of_each_slot() -> None:
    bench = Bench()
    bench.stall()
    for i in range(5):
        bench.send(Lane.PRESENCE, b"a%d" % i, "a")
        bench.send(Lane.PREVIEW, b"p%d" % i, "p")
    bench.send(Lane.PRESENCE, b"b0", "b")
    assert bench.recover() == b"p4a4b0"
    assert bench.traffic.dropped[Lane.PRESENCE] == 4
    assert bench.traffic.dropped[Lane.PREVIEW] == 4


def test_previews_that_were_replaced_before_they_were_sent_are_counted() -> None:
    bench = Bench()
    bench.send(Lane.PREVIEW, b"p", "p")
    bench.stall()
    for i in range(4):
        bench.send(Lane.PREVIEW, b"p%d" % i, "p")
        bench.send(Lane.PRESENCE, b"a%d" % i, "a")
    assert bench.outbox.shown.take() == (5, 3)
    bench.outbox.forget(Lane.PREVIEW, "p")  # stale: not the client's fault
    assert bench.outbox.shown.take() == (0, 0)


def test_tokens_drop_their_oldest_and_go_after_edits() -> None:
    bench = Bench()
    bench.stall()
    for i in range(10):
        bench.send(Lane.TOKEN, b"t%d" % i)
    bench.send(Lane.EDIT, b"edit")
    assert bench.recover() == b"edit" + b"".join(b"t%d" % i for i in range(2, 10))
    assert bench.traffic.dropped[Lane.TOKEN] == 2


def test_audio_goes_by_turns_with_edits_and_what_is_too_late_is_told_and_not_sent() -> None:
    bench = Bench()
    bench.stall()
    for number in range(4):
        bench.send(Lane.EDIT, b"e%d" % number)
        bench.send(Lane.AUDIO, b"a%d" % number, deadline=1.0 if number < 2 else 10.0)
    bench.clock.advance(2.0)
    said = native_bytes(AudioGap(2))
    assert bench.recover() == said + b"a2" + b"e0" + b"a3" + b"e1e2e3"
    assert bench.traffic.dropped[Lane.AUDIO] == 2
    bench.send(Lane.AUDIO, b"a4")
    bench.wire.read()
    assert bytes(bench.wire.received).endswith(b"a4")


def test_audio_beyond_its_bound_drops_the_oldest_and_the_gap_is_told_once() -> None:
    bench = Bench()
    bench.stall()
    for number in range(12):
        bench.send(Lane.AUDIO, b"%02d" % number)
    assert bench.recover() == native_bytes(AudioGap(4)) + b"".join(b"%02d" % n for n in range(4, 12))
    bench.stall()
    bench.send(Lane.AUDIO, b"zz", deadline=bench.clock.now - 1)
    assert bench.recover().endswith(native_bytes(AudioGap(1)))
    assert bench.clock.pending == 0


def test_a_new_frame_waits_behind_older_ones_even_when_the_client_reads_again() -> None:
    bench = Bench()
    bench.stall()
    bench.send(Lane.EDIT, b"old")
    bench.wire.read()
    bench.send(Lane.EDIT, b"new")
    bench.wire.read()
    assert bytes(bench.wire.received[MARK + 1 :]) == b"oldnew"


def test_a_full_edit_lane_closes_with_resync_and_frees_everything() -> None:
    bench = Bench()
    bench.stall()
    for _ in range(21):
        bench.send(Lane.EDIT, b"x" * 40)
    assert bench.outbox.close_code is CloseCode.RESYNC
    assert bench.outbox.backlog == 0
    assert bench.traffic.resyncs == 1
    assert bytes(bench.wire.unread).endswith(close_frame(CloseCode.RESYNC, "reads too slowly"))
    held = len(bench.wire.unread)
    bench.send(Lane.EDIT, b"after")
    assert len(bench.wire.unread) == held
    assert not bench.wire.aborted
    bench.clock.advance(CLOSE_TIMEOUT)
    assert bench.wire.aborted


def test_a_client_that_takes_nothing_is_let_go_and_one_that_takes_little_is_not() -> None:
    stalled, slow = Bench(stall_timeout=1.0), Bench(stall_timeout=1.0)
    for bench in (stalled, slow):
        bench.stall()
        bench.send(Lane.EDIT, b"x" * 100)
    slow.send(Lane.EDIT, b"y")
    slow.wire.unread += b"." * 1000  # far above the mark: nothing of the backlog can be flushed
    for _ in range(20):
        slow.wire.read(1)
        slow.clock.advance(0.1)
        stalled.clock.advance(0.1)
    assert stalled.outbox.close_code is CloseCode.RESYNC
    assert slow.outbox.close_code is None
    assert slow.outbox.backlog == 101


def test_closing_sends_what_must_arrive_first_and_is_idempotent() -> None:
    bench = Bench()
    bench.stall()
    bench.send(Lane.TOKEN, b"token")
    bench.send(Lane.CONTROL, b"go_away")
    bench.outbox.close(CloseCode.DRAINING, "bye")
    bench.outbox.close(CloseCode.INTERNAL)
    assert bytes(bench.wire.unread[MARK + 1 :]) == b"go_away" + close_frame(CloseCode.DRAINING, "bye")
    assert bench.outbox.close_code is CloseCode.DRAINING


def test_an_ended_connection_keeps_no_timer_and_no_bytes() -> None:
    bench = Bench()
    bench.stall()
    bench.send(Lane.EDIT, b"x")
    bench.outbox.ended()
    assert bench.clock.pending == 0
    assert bench.outbox.backlog == 0
    bench.send(Lane.EDIT, b"y")
    assert len(bench.wire.unread) == MARK + 1


def test_close_reasons_are_cut_at_a_character() -> None:
    frame = close_frame(CloseCode.INTERNAL, "é" * 100)
    assert frame[1] == len(frame) - 2 <= 125
    assert frame[4:].decode() == "é" * 61


def test_the_ordered_queue_refuses_by_bytes_and_by_frames() -> None:
    backlog = Backlog(BacklogLimits(ordered_bytes=10, ordered_frames=3), gap)
    for _ in range(3):
        backlog.put(Lane.EDIT, None, b"x")
    with pytest.raises(Full):
        backlog.put(Lane.CONTROL, None, b"x")
    backlog.clear()
    with pytest.raises(Full):
        backlog.put(Lane.EDIT, None, b"x" * 11)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Lane)), st.sampled_from(["a", "b", None]), st.integers(1, 200), st.booleans()
        ),
        max_size=80,
    )
)
def test_whatever_is_sent_the_backlog_is_bounded_and_ordered(
    frames: list[tuple[Lane, str | None, int, bool]],
) -> None:
    backlog = Backlog(LIMITS, gap)
    bound = LIMITS.ordered_bytes + 4 * (LIMITS.lane_bytes + 200)
    kept: list[bytes] = []
    taken: list[bytes] = []
    for number, (lane, slot, size, read) in enumerate(frames):
        data = b"%d:%d:" % (lane, number) + b"." * size
        try:
            backlog.put(lane, slot, data)
        except Full:
            assert lane in ORDERED
        else:
            if lane in ORDERED:
                kept.append(data)
        assert backlog.size <= bound
        if read and (next_one := backlog.take(0.0)[0]) is not None:
            taken.append(next_one)
    left = []
    while (next_one := backlog.take(0.0)[0]) is not None:
        left.append(next_one)
    taken = [data for data in (*taken, *left) if not data.startswith(b"gap")]
    assert [data for data in taken if int(data[:1]) in ORDERED] == kept
    assert len(taken) == len(set(taken))
    assert backlog.size == 0
    assert not backlog
    for lane in LATEST:  # one for each of the slots "a", "b" and none
        assert sum(data.startswith(b"%d:" % lane) for data in left) <= 3


def test_what_waits_in_a_slot_can_be_forgotten() -> None:
    bench = Bench()
    bench.stall()
    bench.send(Lane.PREVIEW, b"old of a", "a")
    bench.send(Lane.PREVIEW, b"new of a", "a")
    bench.send(Lane.PREVIEW, b"b", "b")
    bench.outbox.forget(Lane.PREVIEW, "a")
    bench.outbox.forget(Lane.PREVIEW, "nothing")
    assert bench.recover() == b"b"
    assert bench.traffic.dropped[Lane.PREVIEW] == 2
    assert bench.outbox.backlog == 0


def test_a_long_frame_goes_in_pieces_and_others_wait_until_it_is_whole() -> None:
    bench = Bench()
    data = bytes(range(256)) * (8 * PIECE // 256)
    bench.send(Lane.EDIT, data)
    written = [len(bench.wire.unread)]
    bench.send(Lane.AUDIO, b"audio")
    bench.send(Lane.EDIT, b"edit")
    while bench.clock.pending:
        bench.wire.read()
        before = len(bench.wire.received)
        bench.clock.advance(FLUSH_EVERY)
        written.append(len(bench.wire.received) + len(bench.wire.unread) - before)
    bench.wire.read()
    assert bytes(bench.wire.received) == data + b"audio" + b"edit"
    assert max(written) <= 4 * PIECE
    assert bench.outbox.backlog == 0


def test_a_long_frame_is_finished_before_the_close() -> None:
    bench = Bench()
    data = bytes(8 * PIECE)
    bench.send(Lane.EDIT, data)
    bench.send(Lane.CONTROL, b"go_away")
    bench.outbox.close(CloseCode.DRAINING, "bye")
    for _ in range(8):
        bench.wire.read()
        bench.clock.advance(FLUSH_EVERY)
    bench.wire.read()
    assert bytes(bench.wire.received) == data + b"go_away" + close_frame(CloseCode.DRAINING, "bye")
    unread = Bench()
    unread.send(Lane.EDIT, data)
    unread.outbox.close(CloseCode.DRAINING, "bye")
    unread.clock.advance(CLOSE_TIMEOUT + 1)
    assert unread.wire.aborted
    assert unread.clock.pending == 0


@pytest.mark.parametrize("size", [0, 1, MAX_FRAME - 40, MAX_FRAME, 5 * FRAGMENT_BODY + 7])
def test_a_state_in_a_frame_is_the_message_that_carries_it(size: int) -> None:
    state = bytes(number % 251 for number in range(size))
    message = Rebuild("lineage", "epoch", 7, "new", b"")
    data = rebuild_frame(message, state).data("native")
    assert data is not None
    session = ClientSession(max_message=2**24, clock=lambda: 0.0)
    session.state = SessionState.OPEN
    heard = [session.receive(payload) for payload in unframe(data)]
    assert heard[-1] == replace(message, update=state)
    assert not any(heard[:-1])
    plain = sync_frame(state).data("yjs")
    assert plain is not None
    assert unframe(plain) == [encode_y(SyncStep2(state))]
