"""A live run that speaks: the lines of a film one after another, each a request of its own to the engine.

It goes on while lines come, so that a film that is read through is one run. A line that is no longer wanted is stopped
between its sentences, and the next one begins."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from functools import partial
from typing import Any, Final, Protocol

from antiphon_engines.api import SpeechRequest, Spoken
from antiphon_engines.ipc.events import Done, Failed, Output, RunEvent, Started
from antiphon_proto.document.film import MAX_SECONDS
from antiphon_proto.errors import AntiphonError, Conflict, ErrorCode
from antiphon_proto.messages import Steer
from antiphon_server.assets.loader import AssetLoader
from antiphon_server.assets.sanitize import Picture
from antiphon_server.assets.store import AssetInfo
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.film.voices.sound_file import mouth_text, seconds_of, wave_file
from antiphon_server.runs.live_run import LiveRun
from antiphon_server.runs.supervisor import RunSupervisor

_WEIGHT: Final = 0.25
"""Of a film's voices against a person's run."""
_MOST_BYTES: Final = 16 * 1024 * 1024
"""Of one line."""


class Order:
    """A line to be spoken. `fields` are those of the film's entry that are known before."""

    def __init__(self, key: str, fields: dict[str, Any]) -> None:
        self.key = key
        self.fields = fields
        self.tries = 0


class Source(Protocol):
    """Who has the lines."""

    def next_line(self) -> Order | None:
        """The next line to speak; None: there is none now, and the run ends, unless it `waits`."""
        ...

    @property
    def waits(self) -> bool:
        """More lines come when it is their time: `begin` is called again."""
        ...

    def on_spoken(self, run: VoiceRun, order: Order, made: dict[str, Any]) -> None:
        """A line came, or cannot be spoken (`problem`): its whole entry."""
        ...

    def on_lost(self, order: Order) -> None:
        """A line was not spoken, for a reason that may pass."""
        ...

    def on_over(self, run: VoiceRun) -> None: ...


class VoiceRun(LiveRun):
    def __init__(
        self, run: RunEntry, room: RoomContext, supervisor: RunSupervisor, assets: AssetLoader, source: Source
    ) -> None:
        super().__init__(run)
        self._room = room
        self._supervisor = supervisor
        self._assets = assets
        self._source = source
        self._numbers = itertools.count(1)
        self._order: Order | None = None
        self._name = ""
        """Of the engine's request for it."""
        self._parts: list[Spoken] = []
        self._keeping = False

    @property
    def key(self) -> str:
        """Of the line that is spoken; empty between two."""
        return self._order.key if self._order is not None else ""

    def begin(self) -> None:
        """Go on to the next line, or end."""
        order = self._source.next_line()
        if order is None:
            if self._source.waits:
                return
            self.ended = Done("end")
            self._room.wake()
            return
        self._order, self._parts, self._keeping = order, [], False
        self._name = f"{self.run.info.id}.{next(self._numbers)}"
        fields = order.fields
        request = SpeechRequest(fields["text"], fields["voice"], fields["speed"])
        sink = partial(self._on_event, self._name)
        try:
            self._supervisor.engine.submit(
                self._name, 1, share=f"voices:{self._room.id}", request=request, sink=sink, weight=_WEIGHT
            )
        except AntiphonError as error:
            self._lose(Failed(str(error.code), error.message))

    def drop(self) -> None:
        """The line in hand is no longer wanted."""
        self._forget()
        self.begin()

    def on_started(self) -> None:
        """Each line starts by itself."""

    def on_output(self, output: Output | RunEvent) -> None:
        """Outputs come to each line's own request."""

    def settle(self) -> bool:
        return True

    @property
    def made(self) -> int:
        return self.run.info.progress

    def steer(self, steer: Steer, epoch: int) -> bool:
        raise Conflict("this run speaks; change the line, or its voice")

    def on_steered(self, steer: Steer) -> dict[str, object]:
        return {}

    def on_closed(self) -> None:
        self._forget()
        self._source.on_over(self)

    # Inside -------------------------------------------------------------------------------------------

    def _on_event(self, name: str, event: RunEvent) -> None:
        if name != self._name or self._order is None or not self._supervisor.holds(self):
            return
        match event:
            case Started(model):
                self.run.update(state="running", model=model or self.run.info.model)
            case Spoken(pcm):
                self._parts.append(event)
                if sum(len(part.pcm) for part in self._parts) + len(pcm) > _MOST_BYTES:
                    self._fail("the line is too long to be spoken")
            case Done():
                self._keep(self._order)
            case Failed(code, message):
                if code == ErrorCode.INVALID:
                    self._fail(message)
                else:
                    self._lose(event)
        self._room.wake()

    def _keep(self, order: Order) -> None:
        """Write the line's file; the room hears of it when it is on the disk."""
        seconds = seconds_of(self._parts)
        if not self._parts or not 0 < seconds <= MAX_SECONDS:
            self._fail("the model made no sound of this line")
            return
        fields = order.fields
        about = f"model {fields['model']}, voice {fields['voice']}, run {self.run.info.id}"
        data = wave_file(self._parts, about)
        asset = AssetInfo(hashlib.sha256(data).hexdigest(), "audio/wav", len(data), 0, 0)
        made = {
            "asset": asset.sha256,
            "seconds": round(seconds, 4),
            "mouth": mouth_text(self._parts),
            "problem": "",
        }
        self._keeping = True

        def stored(problem: AntiphonError | None) -> None:
            if self._order is not order or not self._supervisor.holds(self):
                return
            if problem is not None:
                self._lose(Failed(str(problem.code), problem.message))
            else:
                self._over(order, made)

        self._assets.keep(self._room.id, Picture(asset, data), stored)

    def _fail(self, problem: str) -> None:
        """This line cannot be spoken; the others can."""
        assert self._order is not None
        order = self._order
        self._forget()
        self._over(order, {"asset": "", "seconds": 0.0, "mouth": "", "problem": problem[:300]})

    def _over(self, order: Order, made: dict[str, Any]) -> None:
        self._order = None
        self._source.on_spoken(self, order, {**order.fields, **made, "run": self.run.info.id})
        self.run.update(progress=self.run.info.progress + 1)
        self.begin()

    def _lose(self, end: Failed) -> None:
        """The engine could not; the run ends with its reason."""
        order, self._order = self._order, None
        if order is not None:
            self._source.on_lost(order)
        self.ended = end
        self._room.wake()

    def _forget(self) -> None:
        if self._order is not None and not self._keeping:
            with contextlib.suppress(AntiphonError):  # there may be no engine any more
                self._supervisor.engine.cancel(self._name)
        self._order, self._name = None, ""
