from __future__ import annotations

import numpy as np
import pytest

from antiphon_engines.api import Failed, InvalidRequest, SpeechRequest
from antiphon_engines.speech.engine import SpeechEngine
from antiphon_engines.speech.speaker import Unspeakable
from support.drive import Result, run, run_to_end, step
from support.fake_speaker import RATE, SECONDS_A_LETTER, FakeSpeaker
from support.patience import PATIENCE

LINE = "You are late. Nobody crosses the water after dark."


@pytest.mark.parametrize("on_device", [True, False])
def test_a_line_is_spoken_sentence_by_sentence(on_device: bool) -> None:
    engine = SpeechEngine([FakeSpeaker(on_device=on_device)])
    [result] = run(engine, SpeechRequest(LINE, "fake_anna"))
    assert result.done.reason == "end"
    assert [len(one.pcm) for one in result.spoken] == [
        2 * round(SECONDS_A_LETTER * len(piece) * RATE) for piece in ("You are late.", LINE[14:])
    ]
    assert all(one.rate == RATE for one in result.spoken)
    assert np.frombuffer(result.spoken[0].pcm, "<i2").max() > 8000
    engine.close()


def test_a_line_that_is_stopped_is_spoken_no_further() -> None:
    speaker = FakeSpeaker()
    engine = SpeechEngine([speaker])
    results = [Result(engine.admit(SpeechRequest(LINE, "fake_ben")))]
    step(engine, results)  # it loads
    step(engine, results)
    engine.release(results[0].job)
    assert speaker.spoken == ["You are late."]
    engine.close()


@pytest.mark.parametrize("text", ["", "...", "👍🎉", "—!?", "  \n "])
def test_a_line_without_words_is_refused(text: str) -> None:
    engine = SpeechEngine([FakeSpeaker()])
    with pytest.raises(Unspeakable):
        engine.admit(SpeechRequest(text, "fake_anna"))
    with pytest.raises(InvalidRequest):
        engine.admit(SpeechRequest("Hello.", "nobody"))
    engine.close()


def test_a_voice_that_fails_fails_its_line_only() -> None:
    engine = SpeechEngine([FakeSpeaker()])
    broken, well = run(engine, SpeechRequest("BREAK.", "fake_anna"), SpeechRequest("Go!", "fake_anna"))
    assert isinstance(broken.end, Failed)
    assert broken.end.message == "the fake voice broke"
    assert well.done.reason == "end"
    engine.close()


def test_other_lines_do_not_wait_for_a_voice_beside_the_device() -> None:
    slow, quick = FakeSpeaker(on_device=False), FakeSpeaker()
    slow.voices = (slow.voices[2],)
    quick.voices = quick.voices[:2]
    slow.hold.clear()
    engine = SpeechEngine([quick, slow])
    waiting = Result(engine.admit(SpeechRequest("Подожди.", "fake_olga")))
    [done] = run(engine, SpeechRequest("Go!", "fake_anna"))
    step(engine, [waiting])
    assert done.spoken
    assert not waiting.spoken
    slow.hold.set()
    run_to_end(engine, [waiting])
    assert waiting.spoken
    engine.close()


def test_voices_that_rest_leave_the_memory_and_come_back() -> None:
    speaker = FakeSpeaker()
    engine = SpeechEngine([speaker], idle=0.01)
    run(engine, SpeechRequest("Go!", "fake_anna"))
    assert speaker.rested.wait(PATIENCE)
    run(engine, SpeechRequest("Go!", "fake_anna"))
    assert speaker.loads == 2
    engine.close()
