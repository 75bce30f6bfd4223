"""The film of a document in full: its scenes, its shots with their words, and the lines without a shot.

Work of a helper process: `sheet` and `planned` cost about as much as loading the document.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from typing import Any, Final

from pycrdt import Doc, Text

from antiphon_proto import schema
from antiphon_proto.document.film import MAX_SHOTS, ORDER, Beat, Sheet, SheetShot, line_key
from antiphon_proto.document.order import keys_between
from antiphon_server.document.film.film import Film
from antiphon_server.document.film.places import StoryPlaces
from antiphon_server.document.text_index import plain
from antiphon_server.film.screenplay import heading_parts, scenes
from antiphon_server.film.shots import Plan, plans

_MOST: Final = MAX_SHOTS


class _Story:
    """A document's script, and the places of its shots."""

    def __init__(self, state: bytes) -> None:
        document: Doc[Any] = Doc()
        story: Text = document.get(schema.STORY, type=Text)
        document.apply_update(state)
        self.text = plain(story.diff())
        self.scenes = scenes(self.text)
        film = Film(document)
        self.shots = film.shots
        self.cast = film.cast
        self.lines = film.lines
        self.places = StoryPlaces(state, self.text)
        self._starts = [beat.start for scene in self.scenes for beat in scene.beats]
        self._beats = [(number, beat) for number, scene in enumerate(self.scenes) for beat in scene.beats]

    def passage(self, fields: Mapping[str, Any]) -> tuple[int, int] | None:
        """[start, end) of a shot's text; None when it has none, or all of it is gone."""
        first, last = fields.get("anchor"), fields.get("end")
        if not isinstance(first, str):
            return None
        start = self.places.find(first)
        end = self.places.find(last) if isinstance(last, str) else start
        if start is None or end is None:
            return None
        stop = end[0] + 1 if end[1] else end[0]
        return (start[0], stop) if stop > start[0] else None

    def covered(self) -> dict[int, str]:
        """Start of each beat that a shot shows -> the last of its shots, in the order of the film."""
        found: dict[int, str] = {}
        for key, fields in self.shots.items():
            passage = self.passage(fields)
            if passage is not None:
                for _, beat in self.within(*passage):
                    found[beat.start] = key
        return found

    def within(self, start: int, end: int) -> list[tuple[int, Beat]]:
        """The beats of which a passage holds a part, each with its scene's number."""
        low = max(0, bisect_right(self._starts, start) - 1)
        high = bisect_left(self._starts, end)
        return [one for one in self._beats[low:high] if one[1].end > start and one[1].start < end]


def sheet(state: bytes) -> Sheet:
    """The film of a Yjs state."""
    story = _Story(state)
    shots = tuple(_shot(story, key, fields) for key, fields in story.shots.items())
    covered = story.covered()
    bare = sum(1 for scene in story.scenes for beat in scene.beats if beat.start not in covered)
    return Sheet(tuple(story.scenes), shots, bare, cast=story.cast)


def planned(state: bytes) -> list[dict[str, Any]]:
    """Fields of a shot for each beat that has none, in their places among the others. The film is not filled beyond its
    bound."""
    story = _Story(state)
    covered = story.covered()
    orders = {key: str(fields.get(ORDER, "")) for key, fields in story.shots.items()}
    ranked = sorted(set(orders.values()))
    after = ""
    groups: list[tuple[str, list[Plan]]] = []
    room = _MOST - len(story.shots)
    for plan in plans(story.scenes, story.text):
        if plan.beat.start in covered:
            after = orders[covered[plan.beat.start]]
        elif room > 0:
            room -= 1
            if not groups or groups[-1][0] != after:
                groups.append((after, []))
            groups[-1][1].append(plan)
    made: list[dict[str, Any]] = []
    for low, some in groups:
        above = bisect_right(ranked, low)
        high = ranked[above] if above < len(ranked) else ""
        for key, plan in zip(keys_between(low, high, len(some)), some, strict=True):
            made.append({**plan.fields, ORDER: key, **_anchors(story, plan.beat)})
            insort(ranked, key)
    return made


def _anchors(story: _Story, beat: Beat) -> dict[str, str]:
    return {"anchor": story.places.name(beat.start), "end": story.places.name(max(beat.start, beat.end - 1))}


def _shot(story: _Story, key: str, fields: dict[str, Any]) -> SheetShot:
    passage = story.passage(fields)
    beats = story.within(*passage) if passage else []
    number = beats[0][0] if beats else -1
    scene = story.scenes[number] if beats else None
    heading = fields.get("scene")
    own = heading if isinstance(heading, str) and heading else None
    place, time, inside = (scene.place, scene.time, scene.inside) if scene else ("", "", False)
    if own is not None:
        place, time, inside, _ = heading_parts(own)
    words = fields.get("words")
    text = words if isinstance(words, str) else " ".join(beat.text for _, beat in beats if beat.text)
    who = fields.get("who")
    if not isinstance(who, str):
        who = next((beat.who for _, beat in beats if beat.who), "")
    elif beats and len(beats) == 1 and beats[0][1].who:
        who = beats[0][1].who  # a speaker who was given another name has it here too
    return SheetShot(
        id=key,
        fields=fields,
        scene=number,
        start=passage[0] if passage else 0,
        end=passage[1] if passage else 0,
        text=text,
        who=who,
        place=place,
        time=time,
        inside=inside,
        line=story.lines.get(line_key(who, text)) if fields.get("kind") == "speech" else None,
    )
