"""One's own actions: taken back and done again, by the server."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from antiphon_client.errors import NothingToUndo, RequestRefused
from antiphon_client.session.listener import Listener
from antiphon_client.session.session import Session
from antiphon_proto.messages import Redo, ServerMessage, Stepped, Steps, Surface, Undo


class Step(Struct, frozen=True):
    """An action that was undone or redone. `kind` is `edit`, `run`, `accept`, `reject`, `restore`, `undo_run` or
    `conduct`; the changed part of the story is [start, end) in characters, None when nothing changed; `objects` are
    those of the canvas that changed."""

    surface: Surface
    kind: str
    redo: bool
    start: int | None
    end: int | None
    objects: tuple[str, ...]
    run: str | None


class OwnSteps(Listener):
    """Undo and redo of one's own actions."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answers: dict[int, Stepped] = {}
        self.counts: Mapping[Surface, tuple[int, int]] = {}
        """Surface -> how many actions can be undone and done again; surfaces without any are left out."""

    async def step(self, surface: Surface | None, *, redo: bool) -> Step:
        """Raises NothingToUndo, RequestRefused, EditRefused, JoinRefused."""
        session = self._session
        await session.settled()
        number = session.pending.next_number()
        request = Redo(surface, number) if redo else Undo(None, surface, number)
        try:
            await session.exchange(request, str(number), lambda: number in self._answers)
        except RequestRefused as refused:
            if refused.error_code == "conflict":
                raise NothingToUndo(refused.error_code, refused.message) from None
            raise
        return self._of(self._answers.pop(number))

    def on_message(self, message: ServerMessage) -> None:
        """Follow answers and counts."""
        if isinstance(message, Stepped):
            self._answers[message.step] = message
        elif isinstance(message, Steps):
            self.counts = message.steps

    def _of(self, answer: Stepped) -> Step:
        start = end = None
        if answer.start is not None and answer.end is not None:
            data = self._session.replica.text.encode()
            start, end = (len(data[:at].decode(errors="ignore")) for at in (answer.start, answer.end))
        return Step(answer.surface, answer.kind, answer.redo, start, end, answer.objects, answer.run or None)
