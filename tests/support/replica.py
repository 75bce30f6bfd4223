"""Clients of a room without sockets: a native one and a plain Yjs one, each with its own document."""

from __future__ import annotations

from typing import Any, TypeVar

from pycrdt import Doc, Text

from antiphon_proto.codec import server_decoder
from antiphon_proto.document.yjs_update import read, renamed
from antiphon_proto.errors import CloseCode
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import (
    Ack,
    ClientMessage,
    Digest,
    Edit,
    Fragment,
    Message,
    Rebuild,
    Resume,
    Role,
    Update,
    Welcome,
)
from antiphon_proto.schema import STORY
from antiphon_proto.sync import (
    Awareness,
    AwarenessState,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    YMessage,
    decode_y,
)
from antiphon_server.core.seat import Grant, JoinRequest, Seat
from antiphon_server.net.frames import Dialect, Frame, Shown
from antiphon_server.rooms.room import Room

M = TypeVar("M", bound=Message)


def unframe(data: bytes) -> list[bytes]:
    """The payloads of unmasked binary WebSocket frames."""
    found = []
    while data:
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        found.append(data[start : start + size])
        data = data[start + size :]
    return found


class Pipe:
    """An outlet that keeps frames until the test delivers them."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self.frames: list[Frame] = []
        self.closed: tuple[CloseCode, str] | None = None
        self.shown = Shown()

    def send(self, frame: Frame) -> None:
        if self.closed is None and frame.data(self.dialect) is not None:
            self.frames.append(frame)

    def forget(self, lane: Lane, slot: str) -> None:
        self.frames = [frame for frame in self.frames if (frame.lane, frame.slot) != (lane, slot)]

    def close(self, code: CloseCode, reason: str = "") -> None:
        if self.closed is None:
            self.closed = (code, reason)

    def payloads(self) -> list[bytes]:
        frames, self.frames = self.frames, []
        return [payload for frame in frames for payload in unframe(frame.data(self.dialect) or b"")]


class _Replica:
    dialect: Dialect

    def __init__(self, name: str, role: Role, client_id: int) -> None:
        self.name = name
        self.role: Role = role
        self.client_id = client_id
        self.pipe = Pipe(self.dialect)
        self.seat: Seat | None = None
        self._fresh_doc()

    def _fresh_doc(self) -> None:
        self.doc: Doc[Any] = Doc(client_id=self.client_id)
        self.story: Text = self.doc.get(STORY, type=Text)

    @property
    def text(self) -> str:
        return str(self.story)

    def _request(self, room: Room, **more: Any) -> JoinRequest:
        grant = Grant(room.id, self.role, room.context.link_ids()[self.role])
        return JoinRequest(grant, self.name, self.client_id, dialect=self.dialect, **more)

    def connect(self, room: Room) -> None:
        """Sit down in the room."""
        raise NotImplementedError

    def drop(self, room: Room) -> None:
        """The connection breaks: frames under way to the client are lost."""
        assert self.seat is not None
        room.leave(self.seat)
        self.seat = None

    def _edited(self, before: bytes) -> bytes:
        return self.doc.get_update(before)

    def index(self, characters: int) -> int:
        """Byte offset of a place that is counted in characters, from the end when there are fewer."""
        return len(self.text[:characters].encode())

    def change(self, at: int, delete: int = 0, insert: str = "") -> bytes:
        """Edit at a place counted in characters; returns the Yjs update."""
        text = self.text
        at = min(at, len(text))
        start = len(text[:at].encode())
        end = len(text[: at + delete].encode())
        before = self.doc.get_state()
        with self.doc.transaction():
            if end > start:
                del self.story[start:end]
            if insert:
                self.story.insert(start, insert, {})
        return self._edited(before)


class NativeReplica(_Replica):
    """Speaks the native protocol, resumes, and sends again edits that were not acknowledged as durable. It writes under
    the client id that the room gives it."""

    dialect: Dialect = "native"

    def __init__(self, name: str = "Ann", role: Role = "editor", client_id: int = 1) -> None:
        super().__init__(name, role, client_id)
        self.session: str | None = None
        self.resume: Resume | None = None
        self.welcome: Welcome | None = None
        self.participant = ""
        self.batch = 0
        self.unacknowledged: dict[int, bytes] = {}
        self.durable: set[int] = set()
        self.heard: list[Message] = []
        self.digests_differed = 0
        self._decoder = server_decoder()
        self._pieces: list[bytes] = []
        self.told: list[int] = []
        """Batches that the room did not take, and of which a person would be told."""
        self.stale = False
        """The copy holds edits that the room did not take: the next connection begins with a new one."""

    def connect(self, room: Room) -> None:
        self.pipe = Pipe("native")
        self._pieces.clear()
        resume = None if self.stale else self.resume
        self.seat = room.join(self.pipe, self._request(room, session=self.session, resume=resume))
        self.receive()
        assert self.welcome is not None
        for batch, update in sorted(self.unacknowledged.items()):
            if batch > self.welcome.last_batch:
                self.send(room, Edit(batch, update))

    def send(self, room: Room, message: ClientMessage) -> None:
        if self.seat is not None:
            room.receive(self.seat, message)

    def edit(self, room: Room, at: int, delete: int = 0, insert: str = "") -> int:
        return self.send_update(room, self.change(at, delete, insert))

    def send_update(self, room: Room, update: bytes) -> int:
        self.batch += 1
        self.unacknowledged[self.batch] = update
        self.send(room, Edit(self.batch, update))
        return self.batch

    def receive(self, limit: int | None = None) -> list[Message]:
        """Take the frames that have arrived, or only the first `limit` frames of it."""
        held = [] if limit is None else self.pipe.frames[limit:]
        if limit is not None:
            self.pipe.frames = self.pipe.frames[:limit]
        messages: list[Message] = []
        for payload in self.pipe.payloads():
            message = self._decoder.decode(payload)
            assert message is not None
            if isinstance(message, Fragment):
                self._pieces.append(message.body)
                if len(self._pieces) < message.count:
                    continue
                message = self._decoder.decode(b"".join(self._pieces), 64 * 1024 * 1024)
                self._pieces.clear()
                assert message is not None
            self._take(message)
            messages.append(message)
        self.pipe.frames = held
        self.heard += messages
        return messages

    def of(self, kind: type[M]) -> list[M]:
        """Everything of one class that was heard so far."""
        return [message for message in self.heard if isinstance(message, kind)]

    def _take(self, message: Message) -> None:
        match message:
            case Welcome():
                self.welcome = message
                self.session = message.session
                self.participant = message.participant.id
                if self.client_id != message.client_id:
                    self._rename(message.client_id)
                self.batch = max(self.batch, message.last_batch)
            case Rebuild():
                if self.stale or (self.resume is not None and self.resume.epoch != message.epoch):
                    # Others bring again their edits that the room forgot; our own goes on top.
                    self._fresh_doc()
                    self.stale = False
                self.doc.apply_update(message.update)
                for _, update in sorted(self.unacknowledged.items()):
                    self.doc.apply_update(update)
                self.resume = Resume(message.lineage, message.epoch, message.offset)
            case Update():
                assert self.resume is not None
                assert message.offset == self.resume.offset + 1, "an update was left out"
                self.doc.apply_update(message.update)
                self._at(message.offset)
            case Ack(status="applied"):
                assert self.resume is not None
                assert message.offset in (self.resume.offset, self.resume.offset + 1)
                self._at(message.offset)
            case Ack(status="durable"):
                self.durable.add(message.batch)
                for batch in [b for b in self.unacknowledged if b <= message.batch]:
                    del self.unacknowledged[batch]
            case Ack(status="remake"):
                self.told.append(message.batch)
                self.unacknowledged.pop(message.batch, None)
                self.stale = True
            case Digest():
                pass

    def _rename(self, client_id: int) -> None:
        """The room gave us another id: waiting edits are written under it."""
        clocks = [
            item.clock
            for update in self.unacknowledged.values()
            for item in read(update)[0]
            if item.client == self.client_id
        ]
        first = min(clocks, default=0)
        for batch, update in self.unacknowledged.items():
            self.unacknowledged[batch] = renamed(update, self.client_id, client_id, first, 0)
        self.client_id = client_id
        self._fresh_doc()
        self.resume = None

    def _at(self, offset: int) -> None:
        assert self.resume is not None
        self.resume = Resume(self.resume.lineage, self.resume.epoch, offset)


class PlainReplica(_Replica):
    """Speaks y-protocols, as y-websocket does; knows nothing of batches and acks."""

    dialect: Dialect = "yjs"

    def __init__(self, name: str = "Plain", role: Role = "editor", client_id: int = 2) -> None:
        super().__init__(name, role, client_id)
        self.awareness: dict[int, AwarenessState] = {}

    def connect(self, room: Room) -> None:
        self.pipe = Pipe("yjs")
        self.seat = room.join(self.pipe, self._request(room))
        room.receive_yjs(self.seat, SyncStep1(self.doc.get_state()))
        self.receive(room)

    def start_over(self) -> None:
        """The application was told that its copy is of no use any more: a new document, under a new client id."""
        self.client_id += 100
        self._fresh_doc()

    def send(self, room: Room, message: YMessage) -> None:
        if self.seat is not None:
            room.receive_yjs(self.seat, message)

    def edit(self, room: Room, at: int, delete: int = 0, insert: str = "") -> None:
        self.send(room, SyncUpdate(self.change(at, delete, insert)))

    def receive(self, room: Room) -> None:
        for payload in self.pipe.payloads():
            match decode_y(payload, 64 * 1024 * 1024):
                case SyncStep1(vector):
                    self.send(room, SyncStep2(self.doc.get_update(vector)))
                case SyncStep2(update) | SyncUpdate(update):
                    self.doc.apply_update(update)
                case Awareness(states):
                    self.awareness |= {state.client_id: state for state in states}
