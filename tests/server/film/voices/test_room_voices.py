"""A room's lines are spoken when the script rests: which, by whom, and what becomes of them."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from pycrdt import Doc, Map

from antiphon_engines.api import MouthAt, SpeechRequest, Spoken
from antiphon_engines.ipc.events import Done, Failed, Started
from antiphon_proto.document.film import line_key
from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_proto.messages import Error, ModelInfo, SpeechModel, Stop, VoiceInfo
from antiphon_server.film.sheet import planned, sheet
from antiphon_server.film.voices.lines import Line, said
from antiphon_server.film.voices.room_voices import AGAIN, BURST, REST
from support.replica import NativeReplica
from support.rooms import House

SCRIPT = "INT. HUT - DAY\n\nANNA\nYou are late.\n\nBEN\nNobody crosses the water.\n"
VOICES = SpeechModel(
    (
        VoiceInfo("af_heart", "en-us", "female", "Heart"),
        VoiceInfo("am_michael", "en-us", "male", "Michael"),
        VoiceInfo("bf_emma", "en-gb", "female", "Emma"),
    ),
    "w" * 64,
)
SPEECH = ModelInfo("speech", "kokoro-82m", "cpu", True, speech=VOICES)


class InlineReader:
    """Reads at once, when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def read(
        self, updates: tuple[bytes, ...], key: str, done: Callable[[Sequence[Line] | AntiphonError], None]
    ) -> None:
        self.waiting.append(lambda: done(said(sheet(_state(updates)))))

    def deliver(self) -> None:
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one()


def _state(updates: tuple[bytes, ...]) -> bytes:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return doc.get_update()


class Stage:
    """A house whose film has a shot for each line of the script."""

    def __init__(self, *, model: ModelInfo | None = SPEECH) -> None:
        self.house = House()
        self.reader = InlineReader()
        self.house.services = replace(self.house.services, lines=self.reader)
        if model is not None:
            self.house.models = (*self.house.models, model)
        self.house.open()
        self.ann = self.house.join(NativeReplica("Ann", "owner", 11))
        self.ann.edit(self.house.room, 0, insert=SCRIPT)
        for number, fields in enumerate(planned(self.ann.doc.get_update())):
            self.film(lambda root, key=f"shot{number}", fields=fields: root.__setitem__(key, Map(fields)))

    def film(self, work: Callable[[Any], Any]) -> None:
        before = self.ann.doc.get_state()
        work(self.ann.doc.get("film", type=Map))
        self.ann.send_update(self.house.room, self.ann.doc.get_update(before))
        self.house.tick()
        self.ann.receive()

    def rest(self) -> None:
        """The script rests, and its lines are read."""
        self.house.tick(REST + 0.1)
        self.reader.deliver()
        self.house.tick()

    @property
    def lines(self) -> dict[str, dict[str, Any]]:
        return {one["text"]: one for one in self.house.room.shared.document.film.lines.values()}

    @property
    def asked(self) -> list[SpeechRequest]:
        return [one for one in self.house.host.requests.values() if isinstance(one, SpeechRequest)]

    def speak(self, sentences: int = 1) -> None:
        """The engine speaks the line in hand, and its file comes to the disk."""
        host = self.house.host
        run = host.last
        host.tell(run, Started("kokoro-82m"))
        for _ in range(sentences):
            host.tell(run, Spoken(b"\1\0" * 12_000, 24_000, (MouthAt(0.0, "open"), MouthAt(0.4, "rest"))))
        host.tell(run, Done("end"))
        self.house.assets.deliver()
        self.house.tick()
        self.ann.receive()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_each_line_gets_the_voice_of_its_character(stage: Stage) -> None:
    stage.rest()
    assert [(one.text, one.voice) for one in stage.asked] == [("You are late.", "af_heart")]
    stage.speak(2)
    assert stage.asked[-1] == SpeechRequest("Nobody crosses the water.", "am_michael", 1.0)
    stage.speak()
    late = stage.lines["You are late."]
    assert (late["seconds"], late["mouth"], late["model"]) == (1.0, "0o 400r 500o 900r", "kokoro-82m")
    [run] = [run.info for run in stage.house.room.runs if run.info.task == "speak"]
    assert (run.state, run.progress, late["run"]) == ("done", 2, run.id)
    sound = stage.house.assets.pictures[late["asset"]]
    assert sound.info.type == "audio/wav"
    assert b"synthetic voice; model kokoro-82m, voice af_heart" in sound.data
    with wave.open(io.BytesIO(sound.data)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (24_000, 24_000, 1)
    # The film of everybody has it, and its shot is as long as the line.
    [shot] = [one for one in sheet(stage.ann.doc.get_update()).shots if one.text == "You are late."]
    assert shot.line == late


def test_a_line_that_is_edited_while_it_is_spoken_begins_again(stage: Stage) -> None:
    stage.rest()
    first = stage.house.host.last
    stage.ann.edit(stage.house.room, SCRIPT.index("late"), delete=4, insert="early")
    stage.rest()
    assert first in stage.house.host.cancelled
    assert stage.asked[-1].text == "You are early."
    stage.house.host.tell(first, Done("end"))  # too late: nobody wants it
    stage.speak()
    stage.speak()
    assert stage.lines.keys() == {"You are early.", "Nobody crosses the water."}


def test_a_deleted_line_is_let_go_and_comes_back_for_nothing(stage: Stage) -> None:
    stage.rest()
    stage.speak()
    stage.speak()
    asked = len(stage.asked)
    start = SCRIPT.index("You are late.")
    stage.ann.edit(stage.house.room, start, delete=len("You are late."))
    stage.rest()
    assert stage.lines.keys() == {"Nobody crosses the water."}
    stage.ann.edit(stage.house.room, start, insert="You are late.")
    stage.rest()
    assert stage.lines["You are late."]["asset"]
    assert len(stage.asked) == asked


def test_people_choose_voices_and_what_they_said_is_said_anew(stage: Stage) -> None:
    stage.rest()
    stage.speak()
    stage.speak()
    stage.film(lambda root: root.__setitem__("voice:ANNA", {"voice": "bf_emma", "speed": 1.5}))
    stage.rest()
    assert stage.asked[-1] == SpeechRequest("You are late.", "bf_emma", 1.5)
    stage.speak()
    stage.film(lambda root: root.__setitem__("voice:BEN", {"voice": "", "speed": 1.0}))
    stage.rest()
    assert stage.lines.keys() == {"You are late."}  # silent


def test_only_the_server_speaks(stage: Stage) -> None:
    stage.rest()
    stage.speak()
    key = line_key("ANNA", "You are late.")
    forged = {**stage.lines["You are late."], "asset": "0" * 64}
    stage.film(lambda root: root.__setitem__(key, forged))
    stage.film(lambda root: root.__setitem__("line:" + "a" * 24, forged))
    stage.film(lambda root: root.__setitem__("voice:EVE", {"voice": "x" * 99, "speed": 9}))
    assert stage.lines["You are late."]["asset"] != "0" * 64
    assert len(stage.lines) == 1
    assert "EVE" not in stage.house.room.shared.document.film.voices
    assert len(stage.ann.of(Error)) >= 3
    stage.film(lambda root: root.__delitem__(key))
    assert "You are late." in stage.lines


def test_a_line_without_words_says_so_and_holds_nobody_up(stage: Stage) -> None:
    stage.rest()
    stage.house.host.tell(stage.house.host.last, Failed(ErrorCode.INVALID, "there are no words"))
    assert stage.lines["You are late."]["problem"] == "there are no words"
    stage.speak()
    assert stage.lines["Nobody crosses the water."]["asset"]


def test_a_worker_that_dies_costs_a_pause(stage: Stage) -> None:
    stage.rest()
    stage.house.host.tell(stage.house.host.last, Failed(ErrorCode.WORKER_LOST, "the worker died"))
    stage.house.tick()
    asked = len(stage.asked)
    stage.house.room.sweep()
    assert len(stage.asked) == asked
    stage.house.clock.advance(AGAIN + 1)
    stage.house.room.sweep()
    assert len(stage.asked) == asked + 1
    stage.speak()
    stage.speak()
    assert len(stage.lines) == 2


def test_whoever_stops_the_voices_has_quiet_until_something_changes(stage: Stage) -> None:
    stage.rest()
    [run] = [run.info for run in stage.house.room.runs if run.info.task == "speak"]
    stage.ann.send(stage.house.room, Stop(run.id))
    stage.house.tick()
    assert stage.house.host.last in stage.house.host.cancelled
    asked = len(stage.asked)
    stage.house.clock.advance(60)
    stage.house.room.sweep()
    assert len(stage.asked) == asked
    stage.ann.edit(stage.house.room, SCRIPT.index("late"), insert="very ")
    stage.rest()
    assert stage.asked[-1].text == "You are very late."


@pytest.mark.parametrize("model", [None, replace(SPEECH, ready=False, speech=None)])
def test_without_voices_nothing_is_asked_for(model: ModelInfo | None) -> None:
    stage = Stage(model=model)
    stage.rest()
    stage.house.room.sweep()
    assert not stage.asked
    assert not stage.reader.waiting


def test_lines_in_a_language_without_a_voice_stay_silent(stage: Stage) -> None:
    stage.ann.edit(stage.house.room, len(SCRIPT), insert="\nПЁТР\nКто там?\n\nEVE\n👍👍!\n\nNOBODY\n")
    stage.rest()
    assert {one["who"] for one in stage.lines.values()} == set()
    assert stage.house.room.shared.document.film.voices.keys() == {"ANNA", "BEN"}


def test_a_voice_of_a_model_that_is_gone_makes_room(stage: Stage) -> None:
    stage.rest()
    stage.speak()
    stage.speak()
    other = replace(SPEECH, name="tiny", speech=SpeechModel((VoiceInfo("remote:ash", "", "", "ash"),)))
    stage.house.models = (*stage.house.models[:-1], other)
    stage.house.room.sweep()
    stage.rest()
    assert stage.asked[-1].voice == "remote:ash"


def test_a_restart_keeps_what_was_spoken(stage: Stage) -> None:
    stage.rest()
    stage.speak()
    stage.speak()
    stage.house.restart()
    stage.ann.connect(stage.house.room)
    asked = len(stage.asked)
    stage.rest()
    assert len(stage.asked) == asked
    assert len(stage.lines) == 2


def test_a_long_film_is_spoken_as_fast_as_its_room_may(stage: Stage) -> None:
    lines = [f"This is line {number}, {'word ' * 700}." for number in range(8)]
    stage.ann.edit(stage.house.room, len(SCRIPT), insert="".join(f"\nANNA\n{line}\n" for line in lines))
    stage.rest()
    asked = 0
    while len(stage.asked) > asked:
        asked = len(stage.asked)
        stage.speak()
    assert sum(len(one.text) for one in stage.asked) <= BURST
    assert len(stage.asked) < 10
    for _ in range(200):
        stage.house.clock.advance(1)
        stage.house.room.sweep()
    assert len(stage.asked) == asked + 1
    assert len([run for run in stage.house.room.runs if run.info.task == "speak"]) == 1  # it waits


def test_whoever_comes_back_hears_the_rest(stage: Stage) -> None:
    stage.rest()
    stage.ann.drop(stage.house.room)
    stage.house.clock.advance(stage.house.room.context.limits.empty_timeout + 1)
    stage.house.room.sweep()
    assert stage.house.host.last in stage.house.host.cancelled
    assert not stage.house.room.tick()  # and nobody is busy for nobody
    asked = len(stage.asked)
    stage.ann.connect(stage.house.room)
    stage.rest()
    assert len(stage.asked) == asked + 1
