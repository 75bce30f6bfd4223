"""Subtitles, edit lists and OTIO are exact to the frame, and other programs read them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from antiphon_server.film.interchange import edl, otio, srt, subtitles, vtt
from antiphon_server.film.reel import Clip, length, reel
from support.film_vectors import FILMS

opentimelineio = pytest.importorskip("opentimelineio")


def clips() -> tuple[Clip, ...]:
    return reel(FILMS["a scene"])


def test_otio_is_read_back_exact_to_the_frame() -> None:
    made = clips()
    timeline: Any = opentimelineio.adapters.read_from_string(otio(made, "Паром"), "otio_json")
    (track,) = timeline.video_tracks()
    found = [one for one in track if isinstance(one, opentimelineio.schema.Clip)]
    assert len(found) == len(made)
    for one, clip in zip(found, made, strict=True):
        place = track.range_of_child(one)
        assert (place.start_time.value, place.duration.value) == (clip.start, clip.frames)
        assert (place.start_time.rate, one.metadata["antiphon"]["shot"]) == (24, clip.id)
        available = one.media_reference.available_range
        assert available.duration.value >= clip.frames
    changes = [one for one in track if isinstance(one, opentimelineio.schema.Transition)]
    assert [one.out_offset.value for one in changes] == [clip.lead for clip in made if clip.lead]
    assert timeline.duration().value == length(made)
    assert timeline.name == "Паром"
    # A clip has as many frames more as the transition behind it shows of it.
    assert found[0].media_reference.available_range.duration.value == made[0].frames + made[1].lead


def test_an_edit_list_is_read_back_exact_to_the_frame() -> None:
    made = clips()
    text = edl(made, "The\nferry")
    assert text.startswith("TITLE: The ferry\nFCM: NON-DROP FRAME\n")
    events = re.findall(
        r"^(\d{3})  (\S+) +V +([CDW]\d*) +(\d{3} )?(\S+) (\S+) (\S+) (\S+)$", text, re.MULTILINE
    )
    own = [event for event in events if event[4:6] != (event[4], event[4])]
    assert len(own) == len(made)
    for event, clip in zip(own, made, strict=True):
        start, end, record, until = map(frames, event[4:])
        assert (start, end) == (0, clip.frames)
        assert (record - 3600 * 24, until - 3600 * 24) == (clip.start, clip.start + clip.frames)
        assert int(event[3] or 0) == clip.lead
    plain = reel([{"seconds": 1.04 * number, "text": "x"} for number in range(1, 9)])
    adapters = pytest.importorskip("otio_cmx3600_adapter", reason="reads edit lists")
    assert adapters
    timeline: Any = opentimelineio.adapters.read_from_string(edl(plain, "x"), "cmx_3600", rate=24)
    (track,) = timeline.video_tracks()
    assert [one.duration().value for one in track] == [clip.frames for clip in plain]


def frames(code: str) -> int:
    hours, minutes, seconds, rest = map(int, code.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * 24 + rest


def test_subtitles_say_who_speaks_and_hold_no_marks_of_their_own() -> None:
    made = reel(
        [
            {"seconds": 1.5},
            {"kind": "speech", "seconds": 2, "who": "ANNA", "text": "<b>Yes</b> --> & no\n\nat all"},
        ]
    )
    (one,) = subtitles(made)
    assert (one.start, one.end) == (36, 84)
    assert srt(made) == "1\n00:00:01,500 --> 00:00:03,500\nANNA: <b>Yes</b> → & no at all\n"
    assert vtt(made) == (
        "WEBVTT\n\n00:00:01.500 --> 00:00:03.500\n<v ANNA>&lt;b&gt;Yes&lt;/b&gt; --&gt; &amp; no at all\n"
    )
    assert srt(()) == ""


def test_times_are_right_after_an_hour() -> None:
    made = reel([{"seconds": 600}] * 7 + [{"kind": "speech", "text": "Late.", "seconds": 1}])
    assert "01:10:00,000 --> 01:10:01,000" in srt(made)
