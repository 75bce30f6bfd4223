"""The voices of a room's film: when its script has rested, the lines that have no sound yet are spoken.

    changed -> rested (`REST`) -> read by a helper process -> lines wanted -> a run speaks those that lack

What people typed last is spoken first. A line that is gone is let go, with its entry in the film; its sound stays
known for a while, so that an undone deletion costs nothing. Characters get a voice by rule when they first speak;
people change it. Only what the room pays for is spoken: so many characters at once, and then as fast as people talk."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from antiphon_proto.document.film import MAX_VOICES, TRANSPORT, VOICE_OF, is_sound, line_key
from antiphon_proto.errors import AntiphonError
from antiphon_proto.messages import ModelInfo
from antiphon_server.assets.loader import AssetLoader
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import AI
from antiphon_server.core.run_registry import Order as RunOrder
from antiphon_server.core.seat import Seat
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import Change
from antiphon_server.document.film.film import Film
from antiphon_server.document.state import SERVER, SERVER_ORIGIN
from antiphon_server.film.voices.casting import chosen
from antiphon_server.film.voices.lines import Line, language_of
from antiphon_server.film.voices.voice_run import Order, VoiceRun
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.token_bucket import TokenBucket

log = logging.getLogger(__name__)
REST: Final = 0.4
"""Seconds without a change after which lines are read."""
BURST: Final = 20_000.0
"""Characters that a room may have spoken at once: about twenty minutes of speech."""
RATE: Final = 30.0
"""Characters a second after that, twice as fast as people talk."""
AGAIN: Final = 15.0
"""Seconds after which a run that failed is tried again."""
_TRIES: Final = 3
"""Of one line, where the engine fails."""
_KNOWN: Final = 200
"""Lines that are gone whose sound is remembered."""
_ENTRY_BYTES: Final = 4096
_SAME: Final = ("voice", "speed", "model", "weights")


class LineReader(Protocol):
    """Reads the lines of a document elsewhere. Callbacks never come during the call."""

    def read(
        self, updates: tuple[bytes, ...], key: str, done: Callable[[Sequence[Line] | AntiphonError], None]
    ) -> None: ...


class FilmVoices:
    """`reader` or `assets` None: nothing is spoken."""

    def __init__(
        self,
        room: RoomContext,
        supervisor: RunSupervisor,
        assets: AssetLoader | None,
        reader: LineReader | None,
    ) -> None:
        self._room = room
        self._supervisor = supervisor
        self._assets = assets
        self._reader = reader
        self._changed_at: float | None = room.monotonic() if self._has_film() else None
        self._asker = AI.id
        self._reading = False
        self._model = ""
        """Name and weights of the model that served when the lines were read last."""
        self._wanted: dict[str, Order] = {}
        self._queue: list[str] = []
        """Keys that lack a sound, the next one first."""
        self._known: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._run: VoiceRun | None = None
        self._not_before = 0.0
        self._budget = TokenBucket(RATE, BURST, room.monotonic)

    # What happens -------------------------------------------------------------------------------------

    def on_commit(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """The lines, or who speaks them how, may have changed."""
        voiced = any(
            one.key != TRANSPORT and (owner != SERVER or not is_sound(one.key)) for one in change.film
        )
        if not (voiced or (change.splices and self._has_film())):
            return
        self._changed_at = self._room.monotonic()
        if sender is not None:
            self._asker = sender.participant
            self._not_before = 0.0

    @property
    def pending(self) -> bool:
        """The script rests, and is read soon."""
        return (
            self._changed_at is not None
            and not self._reading
            and self._reader is not None
            and bool(self._room.members.online)
            and self._serving() is not None
        )

    def tick(self) -> None:
        """Read the lines where the script has rested."""
        if (
            self.pending
            and self._changed_at is not None
            and self._room.monotonic() - self._changed_at >= REST
        ):
            self._read()

    def sweep(self) -> None:
        """Once a second: another model may serve, or one that failed may be well again."""
        model = self._serving()
        if model is not None and _name(model) != self._model and self._has_film():
            self._changed_at = self._changed_at or self._room.monotonic() - REST
        if self._run is not None and self.waits and self._room.monotonic() >= self._not_before:
            self._run.begin()
        self._speak()

    # The lines ----------------------------------------------------------------------------------------

    def _read(self) -> None:
        assert self._reader is not None
        self._changed_at, self._reading = None, True
        self._reader.read(self._room.shared.document.updates(), self._room.id, self._on_lines)

    def _on_lines(self, lines: Sequence[Line] | AntiphonError) -> None:
        self._reading = False
        model = self._serving()
        if isinstance(lines, AntiphonError):
            log.warning("room %s: the lines could not be read: %s", self._room.id, lines)
            return
        if model is None or not self._room.writable():
            return
        self._model = _name(model)
        self._cast(lines, model)
        before, entries = self._wanted, self._room.shared.document.film.lines
        self._wanted = {}
        for line in lines:
            order = self._order(line, model)
            if order is not None:
                self._wanted[order.key] = order
        self._settle(entries)
        entries = self._room.shared.document.film.lines
        lacking = [key for key, order in self._wanted.items() if not _is_made(entries.get(key), order.fields)]
        self._queue = sorted(lacking, key=lambda key: key in before)  # what is new goes first
        if self._run is not None and self._run.key and self._run.key not in lacking:
            self._run.drop()
        self._speak()

    def _cast(self, lines: Sequence[Line], model: ModelInfo) -> None:
        """Give a voice to those who speak for the first time."""
        assert model.speech is not None
        voices = self._room.shared.document.film.voices
        known = {voice.id for voice in model.speech.voices}
        taken = Counter(one["voice"] for one in voices.values())
        fresh: dict[str, dict[str, Any]] = {}
        for line in lines:
            mine = fresh.get(line.who) or voices.get(line.who)
            # A voice of a model that is gone makes room for one that there is.
            if mine is not None and (mine["voice"] in known or mine["voice"] == ""):
                continue
            if len(voices) + len(fresh) >= MAX_VOICES:
                break
            voice = chosen(line.who, language_of(line.text), model.speech.voices, taken)
            if voice is not None:
                taken[voice] += 1
                fresh[line.who] = {"voice": voice, "speed": mine["speed"] if mine is not None else 1.0}
        if fresh:
            self._write({VOICE_OF + who: voice for who, voice in fresh.items()})

    def _order(self, line: Line, model: ModelInfo) -> Order | None:
        """None: this line has no voice."""
        assert model.speech is not None
        voice = self._room.shared.document.film.voices.get(line.who)
        language = language_of(line.text)
        speaks = next((one for one in model.speech.voices if voice and one.id == voice["voice"]), None)
        if (
            voice is None
            or speaks is None
            or not language
            or speaks.language.split("-")[0] not in (language, "")
        ):
            return None
        fields = {
            "who": line.who,
            "text": line.text,
            "voice": voice["voice"],
            "speed": voice["speed"],
            "model": model.name[:200],
            "weights": model.speech.weights,
        }
        return Order(line_key(line.who, line.text), fields)

    def _settle(self, entries: Mapping[str, dict[str, Any]]) -> None:
        """Let lines go that nobody says any more, and bring back the known ones that somebody says again."""
        changes: dict[str, dict[str, Any] | None] = {}
        for key, entry in entries.items():
            if key not in self._wanted or not _is_made(entry, self._wanted[key].fields):
                self._remember(key, entry)
                changes[key] = None
        for key, order in self._wanted.items():
            known = self._known.get(_place(key, order.fields))
            if known is not None and not _is_made(entries.get(key), order.fields):
                changes[key] = known
        if changes:
            self._write(changes)

    def _remember(self, key: str, entry: dict[str, Any]) -> None:
        if entry["asset"]:
            self._known[_place(key, entry)] = entry
            self._known.move_to_end(_place(key, entry))
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)

    # The run ------------------------------------------------------------------------------------------

    def _speak(self) -> None:
        """Begin a run where lines wait and none is under way."""
        room, model = self._room, self._serving()
        if self._run is not None or not self._queue or model is None or self._assets is None:
            return
        if room.monotonic() < self._not_before or not room.writable() or not room.members.online:
            return
        try:
            room.runs.check_room_for(self._asker)
            self._supervisor.require_engine()
        except AntiphonError:
            return  # the sweep tries again
        order = RunOrder(
            ask=0,
            participant=self._asker,
            task="speak",
            mode="write",
            instruction="",
            length=len(self._queue),
            seed=0,
            model=model.name,
            params="{}",
            prompt="{}",
        )
        run = VoiceRun(room.runs.start(order, room.unix_ms()), room, self._supervisor, self._assets, self)
        self._run = run
        self._supervisor.hold(run)
        run.begin()

    def next_line(self) -> Order | None:
        """For the run."""
        entries = self._room.shared.document.film.lines
        while self._queue:
            order = self._wanted.get(self._queue[0])
            if order is not None and not _is_made(entries.get(order.key), order.fields):
                cost = len(order.fields["text"])
                if not self._budget.allow(cost):
                    self._not_before = self._room.monotonic() + cost / RATE
                    return None
                self._queue.pop(0)
                return order
            self._queue.pop(0)
        return None

    @property
    def waits(self) -> bool:
        """Lines wait for the room's budget, and the run with them."""
        return bool(self._queue) and self._run is not None and not self._run.key

    def on_spoken(self, run: VoiceRun, order: Order, made: dict[str, Any]) -> None:
        """Enter a line that came, unless nobody says it any more."""
        wanted = self._wanted.get(order.key)
        if wanted is not None and _is_made(made, wanted.fields):
            self._write({order.key: made})
        else:
            self._remember(order.key, made)

    def on_lost(self, order: Order) -> None:
        """Try it again later, a few times."""
        order.tries += 1
        if order.tries < _TRIES and self._wanted.get(order.key) is order:
            self._queue.insert(0, order.key)

    def on_over(self, run: VoiceRun) -> None:
        """The run ended: by itself, by somebody, or by a failure."""
        self._run = None
        if run.run.info.state == "stopped":
            self._queue.clear()  # until somebody changes something, or comes back to a room that all had left
            if not self._room.members.online:
                self._changed_at = self._room.monotonic()
        elif run.run.info.state == "failed":
            self._not_before = self._room.monotonic() + AGAIN

    # Inside -------------------------------------------------------------------------------------------

    def _has_film(self) -> bool:
        return self._room.shared.document.film.begun

    def _serving(self) -> ModelInfo | None:
        model = self._room.model("speech")
        return model if model is not None and model.ready and model.speech is not None else None

    def _write(self, entries: Mapping[str, dict[str, Any] | None]) -> None:
        document = self._room.shared.document
        if not document.fits(_ENTRY_BYTES * sum(1 for one in entries.values() if one is not None)):
            log.warning("room %s: the document is at its bound, and a line was not entered", self._room.id)
            return

        def work(film: Film) -> None:
            for key, value in entries.items():
                film.set(key, value)

        self._room.commit(document.shoot(work, SERVER_ORIGIN), SERVER)


def _is_made(entry: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> bool:
    """Whether an entry is the line that is wanted, spoken or found to be unspeakable."""
    return entry is not None and all(entry.get(name) == fields[name] for name in _SAME)


def _place(key: str, fields: Mapping[str, Any]) -> str:
    return "/".join((key, *(str(fields[name]) for name in _SAME)))


def _name(model: ModelInfo) -> str:
    assert model.speech is not None
    return f"{model.name} {model.speech.weights} {len(model.speech.voices)}"
