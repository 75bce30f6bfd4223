"""Who looks where: the last awareness state of everybody, for native and plain Yjs clients alike.

The server puts the true name, colour and participant into each state's `user`, answers for the clocks of native
clients, and never sends a state back to who set it. y-websocket clients repeat the states of others: a state of
anybody but themselves is ignored (yjs#732).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from antiphon_proto.errors import PeerError
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import Participant, Presence
from antiphon_proto.sync import Awareness, AwarenessState, encode_y
from antiphon_server.net.frames import Frame, websocket_frame
from antiphon_server.token_bucket import TokenBucket

_REMEMBERED = 1024
"""Clocks of clients that have left, so that their next state is newer than their last."""
_GONE = "null"
_VOLUME = 8.0 * 1024 * 1024
"""Bytes a second that a room spends on telling everybody where everybody is."""
_VOLUME_BURST = 2.0 * 1024 * 1024
_FRAME = 256
"""Cost of sending one frame to one client beside its state, in bytes."""
_PER_MESSAGE = 64


class _State:
    __slots__ = ("clock", "dirty", "json", "participant", "sent_at", "timed")

    def __init__(self, participant: str, clock: int, timed: bool) -> None:
        self.participant = participant
        self.clock = clock
        self.timed = timed
        """The server answers for the clock; a plain Yjs client counts its own."""
        self.json = _GONE
        self.dirty = False
        self.sent_at = float("-inf")


class PresenceBoard:
    """`interval` is the least time in seconds between two frames of one client; in between the last state wins.

    Native clients' clocks count from `first_clock`: the Unix time in seconds, so that a restart sets none back.
    """

    def __init__(self, interval: float, first_clock: int) -> None:
        self._interval = interval
        self._first_clock = first_clock
        self._states: dict[int, _State] = {}
        self._left: OrderedDict[int, int] = OrderedDict()
        self._now = 0.0
        self._volume = TokenBucket(_VOLUME, _VOLUME_BURST, lambda: self._now)

    def set(self, participant: Participant, client_id: int, state: str, clock: int | None = None) -> bool:
        """Take a client's new state; a `clock` is a plain Yjs client's own. False: it is another's client id, or old.

        Raises PeerError when `state` is neither a JSON object nor null.
        """
        known = self._states.get(client_id)
        if known is not None and known.participant != participant.id:
            return False
        if clock is not None and clock <= self._clock(client_id):
            return False
        json = _with_user(state, participant)
        if known is None:
            if json == _GONE:
                return True
            first = self._clock(client_id) or (self._first_clock if clock is None else 0)
            known = self._states[client_id] = _State(participant.id, first, clock is None)
        elif known.json == json:
            known.clock = clock or known.clock
            return True
        known.clock = known.clock + 1 if clock is None else clock
        known.json = json
        known.dirty = True
        return True

    def knows(self, client_id: int) -> bool:
        """Whether this is the id of a client that is here, or was lately."""
        return client_id in self._states or client_id in self._left

    def drop(self, client_id: int | None, participant: str) -> Frame | None:
        """A client of this participant is gone; returns the frame for the others. Others' states stay."""
        state = self._states.get(client_id) if client_id is not None else None
        if state is None or client_id is None or state.participant != participant:
            return None
        del self._states[client_id]
        state.clock += 1
        state.json = _GONE
        self._left[client_id] = state.clock
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return _frame(client_id, state)

    def due(self, now: float, listeners: int) -> Iterator[tuple[str, Frame]]:
        """(participant, frame) of changed states that may be sent now to `listeners` clients. States over the budget
        wait for the next tick, by turns: in a large room with many moving cursors each is sent less often."""
        self._now = now
        for client_id, state in list(self._states.items()):
            if state.dirty and now - state.sent_at >= self._interval:
                if self._volume.charge(0) > 0:
                    return
                self._volume.charge(listeners * (_FRAME + len(state.json)))
                self._states[client_id] = self._states.pop(client_id)
                state.dirty = False
                state.sent_at = now
                yield state.participant, _frame(client_id, state)
                if state.json == _GONE:
                    self._left[client_id] = self._states.pop(client_id).clock

    @property
    def pending(self) -> bool:
        return any(state.dirty for state in self._states.values())

    def all(self, but: str) -> Iterator[Frame]:
        """Everybody's state, for one who joins."""
        for client_id, state in self._states.items():
            if state.participant != but and state.json != _GONE:
                yield _frame(client_id, state)

    def heartbeat(self) -> Frame | None:
        """For plain Yjs clients only, which forget a state that was silent for 30 s: all states, in one message."""
        for state in self._states.values():
            if state.timed:
                state.clock += 1
        states = tuple(
            AwarenessState(client_id, state.clock, state.json)
            for client_id, state in self._states.items()
            if state.json != _GONE
        )
        messages = [
            encode_y(Awareness(states[i : i + _PER_MESSAGE])) for i in range(0, len(states), _PER_MESSAGE)
        ]
        return (
            Frame(Lane.PRESENCE, yjs=b"".join(map(websocket_frame, messages)), slot="") if messages else None
        )

    def _clock(self, client_id: int) -> int:
        """The last clock that others may have seen of this client."""
        if (state := self._states.get(client_id)) is not None:
            return state.clock
        return self._left.get(client_id, 0)


def _frame(client_id: int, state: _State) -> Frame:
    said = Awareness((AwarenessState(client_id, state.clock, state.json),))
    return Frame.of(
        Presence(state.participant, client_id, state.json), yjs=(encode_y(said),), slot=str(client_id)
    )


def _with_user(state: str, participant: Participant) -> str:
    try:
        value = msgspec.json.decode(state)
        if value is None:
            return _GONE
        if not isinstance(value, dict):
            raise PeerError("a presence state is a JSON object or null")
        user = value.get("user")
        value["user"] = {
            **(user if isinstance(user, dict) else {}),
            "name": participant.name,
            "color": participant.color,
            "participant": participant.id,
        }
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise PeerError(f"a presence state is JSON: {str(error)[:100]}") from None
