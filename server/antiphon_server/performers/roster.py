"""The performers of a room: their names, and their use of the hour's budget.

They stand in the room's record, so that they and their budget outlive the process. A performer that was removed stays
there by name as long as there is room for it: its work stands in the document.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from antiphon_proto.document.performers import (
    BUILT_IN,
    MAX_HOURLY,
    MAX_PERFORMERS,
    ROLE_RIGHTS,
    participant_id,
)
from antiphon_proto.errors import Conflict, NotFound, PeerError, RateLimited, TooLarge
from antiphon_proto.messages import Participant, Performer, Performers, PutPerformer
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import AI, COLORS, PROOFREADER
from antiphon_server.document.text_index import scrub
from antiphon_server.store.api import PerformerRecord

HOUR_MS: Final = 3_600_000
_KEPT: Final = 64
"""Performers that a room remembers, removed ones included: the oldest of these go first."""
_CALLED: Final = 3
"""Performers that one message calls, at most."""


class Roster:
    def __init__(self, room: RoomContext) -> None:
        self._room = room
        self._records = {one.performer.id: one for one in room.identity.performers}

    def get(self, performer: str) -> Performer:
        """Raises NotFound."""
        return self._here(performer).performer

    def here(self) -> list[Performer]:
        """Those that were not removed, oldest first."""
        return [one.performer for one in self._records.values() if not one.gone]

    def message(self) -> Performers:
        return Performers(
            tuple(
                replace(one, spent=sum(map(len, self._spent(self._records[one.id])))) for one in self.here()
            )
        )

    def participants(self) -> Sequence[Participant]:
        """All of them, also those whose work outlives them."""
        return [self.participant(one) for one in self._records.values()]

    @staticmethod
    def participant(record: PerformerRecord) -> Participant:
        one = record.performer
        return Participant(
            participant_id(one.id), one.name, one.color, "editor", "ai", online=not record.gone
        )

    def put(self, wish: PutPerformer) -> PerformerRecord:
        """Add a performer, or change one. Raises PeerError, Conflict or TooLarge; then nothing changed."""
        known = self._records.get(wish.id)
        if (known is None or known.gone) and len(self.here()) >= MAX_PERFORMERS:
            raise TooLarge(f"a room holds {MAX_PERFORMERS} performers; remove one first")
        name, brief = BUILT_IN.get(wish.role, {}).get(wish.language, ("", ""))
        name = _clean(wish.name) or name
        if not any(sign.isalpha() for sign in name) or "@" in name:
            raise PeerError("a performer needs a name with a letter in it, and no @")
        if key(name) in self._names(but=wish.id):
            raise Conflict(f"a participant of this room is already called {name!r}")
        record = PerformerRecord(
            Performer(
                id=wish.id,
                name=name,
                color=wish.color or (known.performer.color if known else self._color()),
                role=wish.role,
                brief=scrub(wish.brief).strip() or brief,
                model=wish.model,
                rights=ROLE_RIGHTS[wish.role] if wish.rights is None else tuple(dict.fromkeys(wish.rights)),
                hourly=wish.hourly,
                unasked=wish.unasked,
            ),
            asked_ms=known.asked_ms if known else (),
            unasked_ms=known.unasked_ms if known else (),
        )
        self._keep(record)
        return record

    def drop(self, performer: str) -> PerformerRecord:
        """Remove one. Its spent hour stays: who comes back under this id has no new one. Raises NotFound."""
        record = replace(self._here(performer), gone=True)
        self._keep(record)
        return record

    def check(self, performer: str, *, asked: bool) -> None:
        """Whether it may have another run in this hour. Raises RateLimited with the time to wait."""
        record = self._here(performer)
        one = record.performer
        mine, own = self._spent(record)
        if len(mine) + len(own) >= one.hourly:
            wait = self._wait((*mine, *own))
            raise RateLimited(
                f"{one.name} has had its {one.hourly} runs of this hour; the next in {wait} min"
            )
        if asked:
            return
        if sum(len(self._spent(each)[1]) for each in self._records.values()) >= MAX_HOURLY:
            # Removed ones count: nobody gets a new hour by making the same performer again.
            raise RateLimited(f"the performers of this room have said their {MAX_HOURLY} things of this hour")
        if len(own) >= one.unasked:
            raise RateLimited(f"{one.name} has said its {one.unasked} things of this hour")

    def spend(self, performer: str, *, asked: bool) -> None:
        """A run of its begins."""
        record = self._here(performer)
        mine, own = self._spent(record)
        now = self._room.unix_ms()
        more = (
            {"asked_ms": (*mine, now), "unasked_ms": own}
            if asked
            else {"asked_ms": mine, "unasked_ms": (*own, now)}
        )
        self._keep(replace(record, **more))

    def called(self, text: str) -> list[Performer]:
        """The performers that a text calls by `@name`, in the order in which it does."""
        found: list[Performer] = []
        by_key = {key(one.name): one for one in self.here()}
        names = sorted((one.name for one in by_key.values()), key=len, reverse=True)
        if not names or "@" not in text:
            return found
        either = "|".join(r"\s+".join(map(re.escape, name.split())) for name in names)
        for call in re.finditer(
            rf"(?<!\w)@({either})(?!\w)", unicodedata.normalize("NFKC", text), re.IGNORECASE
        ):
            one = by_key.get(key(call.group(1)))
            if one is not None and one not in found and len(found) < _CALLED:
                found.append(one)
        return found

    def without_calls(self, text: str) -> str:
        """The text without the calls at its beginning."""
        for one in self.called(text):
            text = re.sub(rf"^\s*@{re.escape(one.name)}[\s,:;.!?-]*", "", text, count=1, flags=re.IGNORECASE)
        return text.strip()

    # Inside ------------------------------------------------------------------------------------------------

    def _here(self, performer: str) -> PerformerRecord:
        record = self._records.get(performer)
        if record is None or record.gone:
            raise NotFound("there is no such performer in this room")
        return record

    def _names(self, but: str) -> set[str]:
        room = self._room
        members = [member.record.name for member in room.members if not member.record.revoked]
        others = [one.name for one in self.here() if one.id != but]
        return {key(name) for name in (AI.name, PROOFREADER.name, *members, *others)}

    def _color(self) -> str:
        used = [one.performer.color for one in self._records.values() if not one.gone]
        used += [member.record.color for member in self._room.members]
        return min(COLORS, key=used.count)

    def _keep(self, record: PerformerRecord) -> None:
        self._records[record.performer.id] = record
        gone = [key for key, one in self._records.items() if one.gone]
        for performer in gone[: max(0, len(self._records) - _KEPT)]:
            del self._records[performer]
        room = self._room
        room.put_identity(replace(room.identity, performers=tuple(self._records.values())))

    def _spent(self, record: PerformerRecord) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Its runs within an hour of now; a clock that was set back makes no hour longer than that."""
        now = self._room.unix_ms()

        def recent(times: Iterable[int]) -> tuple[int, ...]:
            return tuple(ms for ms in times if abs(now - ms) < HOUR_MS)

        return recent(record.asked_ms), recent(record.unasked_ms)

    def _wait(self, times: Sequence[int]) -> int:
        """Minutes until the oldest of these is an hour old."""
        if not times:
            return 60
        return max(1, -(-(min(times) + HOUR_MS - self._room.unix_ms()) // 60_000))


def key(name: str) -> str:
    """Equal for names that people would take for the same."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _clean(name: str) -> str:
    text = unicodedata.normalize("NFKC", name)
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())[:32].strip()
