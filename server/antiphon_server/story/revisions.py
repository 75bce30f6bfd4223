"""Revisions of a run's work: token details, choosing a candidate, retrying, replacing a token, undoing the run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import msgspec
from msgspec.structs import replace

from antiphon_proto.errors import AntiphonError, Conflict, Denied, PeerError, TooLarge
from antiphon_proto.messages import Ask, Choose, Recall, ReplaceToken, Retry, Say, Stop, Tokens
from antiphon_proto.params import TextParams
from antiphon_server.chat.chat import Chat
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import AI, Member
from antiphon_server.core.ranges import located
from antiphon_server.core.rights import Right, may
from antiphon_server.core.run_registry import Order, RunEntry
from antiphon_server.document.anchors import Place
from antiphon_server.document.authorship import Owner
from antiphon_server.document.state import AI_ORIGIN
from antiphon_server.document.text_index import size
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.story.coauthor import Coauthor
from antiphon_server.story.fill_in import spaced
from antiphon_server.story.insertion import begin, insert, place
from antiphon_server.story.prompt_window import window
from antiphon_server.story.suggestions import Suggestions

_TOLD_AT_ONCE = 200
"""Tokens in one message."""
_AGAIN = frozenset({"continue", "instruct", "rewrite", "brainstorm", "fill"})


class Revisions:
    def __init__(
        self,
        room: RoomContext,
        supervisor: RunSupervisor,
        coauthor: Coauthor,
        suggestions: Suggestions,
        chat: Chat,
        retract: Callable[[Member, RunEntry], None],
        perform: Callable[[Member, RunEntry, int], None],
    ) -> None:
        """Of performers: `retract` takes away what a run left beside the story, `perform` asks for the same again."""
        self._room = room
        self._supervisor = supervisor
        self._coauthor = coauthor
        self._suggestions = suggestions
        self._chat = chat
        self._retract = retract
        self._perform = perform

    def recall(self, member: Member, message: Recall) -> None:
        """Send the token details of a run. Raises NotFound or Conflict."""
        run = self._room.runs.known(message.run, member.id)
        tokens = self._room.tokens.of(message.run)
        for first in range(0, len(tokens), _TOLD_AT_ONCE):
            told = tokens[first : first + _TOLD_AT_ONCE]
            self._room.tell(member.id, Tokens(message.run, run.info.epoch, told))

    def choose(self, member: Member, message: Choose) -> None:
        """Put a draft into the story and drop the other candidates. Raises PeerError, NotFound, Conflict, TooLarge."""
        if message.mode == "private":
            raise PeerError("a choice is written or suggested")
        run = self._room.runs.known(message.run, member.id)
        if not run.draft or run.info.undone:
            raise Conflict("there is nothing of this run to choose")
        where = self._room.places.of(run.info.id)
        if run.live and (run.info.progress or run.info.fills):
            self._supervisor.stop(member, Stop(message.run))
        text, group = run.info.text, run.info.group
        if run.info.task == "fill":
            text = self._filling(run, where, message.text)
        if not text.strip():
            raise Conflict("this run has written nothing yet")
        if not self._room.shared.document.fits(2 * size(text)):
            raise TooLarge("the document is at its bound")
        suggested = message.mode == "suggest"
        run.update(mode=message.mode, group="", text="", fills=(), suggestion="open" if suggested else "none")
        if suggested:
            where.at.at = where.range[1]
            self._room.places.keep(run, where, self._room.seq)
        self._room.actions.adopt(run, member.id)
        begin(self._room, run, where)
        insert(self._room, run, where, text)
        for other in [other for other in self._room.runs if group and other.info.group == group]:
            self._drop(other)
        self._room.wake()

    def _filling(self, run: RunEntry, where: Place, text: str) -> str:
        """One of the words found for a gap, with the blanks that its neighbours of now want. Raises Conflict."""
        if text not in run.info.fills:
            raise Conflict("these words are not among those that were found; choose again")
        start, end = where.range
        view = window(self._room.shared.document.data(), start, end)
        return spaced(text, view.before, view.after)

    def retry(self, member: Member, message: Retry) -> Iterator[None]:
        """Remove a run's work, with a stop after each part of a large one, and ask for the same with a new seed. Raises
        PeerError, NotFound, Denied, Conflict, QueueFull or EngineUnavailable; when only the engine refuses, the run's
        work is gone already."""
        run = self._room.runs.known(message.run, member.id)
        info = run.info
        if info.task not in ("chat", "performer") and info.task not in _AGAIN:
            raise PeerError(f"a run of task {info.task} cannot be tried again")
        if info.task == "performer" and not info.target:
            raise PeerError("nobody asked for this run: it cannot be tried again")
        if not info.mode == "private" and not may(member.role, Right.EDIT):
            raise Denied("writing into the text needs the right to edit it")
        if run.live:
            self._supervisor.stop(member, Stop(message.run))
        self._supervisor.require_engine()
        self._room.runs.check_room_for(member.id)
        if info.task == "chat":
            self._undo_answer(run)
            again = Say(0, info.instruction, True, model=self._coauthor.serving(info.model))
            self._coauthor.answer(member, again, self._chat, ask=message.ask, origin=info.id)
            return
        if info.task == "performer":
            if not info.undone:
                yield from self._suggestions.undo(member, info.id)
                self._retract(member, run)
            self._perform(member, run, message.ask)
            return
        params = replace(msgspec.json.decode(run.record.params, type=TextParams), seed=None)
        model = self._coauthor.serving(info.model)
        ask = Ask(message.ask, info.task, info.mode, 0, 0, 0, info.instruction, params, model)  # type: ignore[arg-type]
        if run.draft:
            start, end = self._room.places.of(run.info.id).range
            self._drop(run)
        else:
            start, end = yield from self._cleared(member, run)
        self._coauthor.begin(member, ask, start, end, group=info.group, origin=info.id)

    def replace(self, member: Member, message: ReplaceToken) -> None:
        """Put an alternative in place of a token. Raises PeerError, NotFound, Conflict, QueueFull or
        EngineUnavailable."""
        room = self._room
        old = self._room.runs.known(message.run, member.id)
        token, alternative = self._room.tokens.alternative(message.run, message.token, message.alternative)
        start, end = located(room, member.id, message.offset, message.start, message.end)
        ranges = room.shared.authorship.ranges(message.run)
        if start == end or not any(first <= start and end <= last for first, last in ranges):
            raise Conflict("this token of the run is no longer in the text")
        document = room.shared.document
        left = "".join(text for text, _ in document.chunks(start, end))
        if left not in token.text:
            raise Conflict("this range is not the rest of the token")
        if message.go_on:
            self._supervisor.require_engine()
            room.runs.check_room_for(member.id)
        if old.live:
            self._supervisor.stop(member, Stop(message.run))
        run = room.runs.start(self._alternative(member, message, old), room.unix_ms())
        where = place(room, start, start, after=False)
        gone = [(start, end)]
        if message.go_on:
            gone += [(max(first, end), last) for first, last in ranges if last > end]
        room.commit(document.delete(gone, AI_ORIGIN), Owner(AI.id, run.info.id))
        insert(room, run, where, alternative.text)
        if not message.go_on:
            run.update(state="done", progress=1)
            room.wake()
            return
        try:
            self._coauthor.go_on(run, where, replace(message.params, seed=run.info.seed))
        except AntiphonError as error:
            run.update(state="failed", error_code=str(error.code), error=error.message[:2000])
            room.wake()

    def undo(self, member: Member, run_id: str) -> Iterator[None]:
        """Remove the remaining work of a run, with a stop after each part of a large one. Raises NotFound, Denied, or
        Conflict when there is nothing."""
        run = self._room.runs.known(run_id, member.id)
        if not run.draft and run.info.task != "chat":
            yield from self._suggestions.undo(member, run_id)
            if run.info.task == "performer":
                self._retract(member, run)
            return
        if run.info.undone:
            raise Conflict("there is nothing of this run to undo")
        if run.live:
            self._supervisor.stop(member, Stop(run_id))
        if run.draft:
            self._drop(run)
        else:
            self._undo_answer(run)
        self._room.wake()

    def _drop(self, draft: RunEntry) -> None:
        if draft.live:
            self._supervisor.halt(draft)
        draft.update(undone=True, text="", fills=())

    def _undo_answer(self, run: RunEntry) -> None:
        self._chat.remove(run.info.target, Owner(AI.id, run.info.id))
        run.update(undone=True)

    def _cleared(self, member: Member, run: RunEntry) -> Generator[None, None, tuple[int, int]]:
        """Undo a run's text; returns the range of its request, as it stands then."""
        shared = self._room.shared
        try:
            where = self._room.places.of(run.info.id)
        except Conflict:  # of long ago: its remaining text shows the place
            ranges = shared.authorship.ranges(run.info.id)
            if not ranges:
                raise
            where = place(self._room, *ranges[0], after=False)
        restored: list[tuple[int, int]] = []
        if not run.info.undone:
            restored = yield from self._suggestions.undo(member, run.info.id)
        kept = [where.range] if where.selection.ranges else []
        found = sorted((*kept, *restored))
        return (found[0][0], found[-1][1]) if found else where.range

    def _alternative(self, member: Member, message: ReplaceToken, old: RunEntry) -> Order:
        params = message.params
        seed = old.info.seed if params.seed is None else params.seed
        return Order(
            ask=message.ask,
            participant=member.id,
            task="alternative",
            mode="suggest" if old.info.suggestion == "open" else "write",
            instruction="",
            length=params.max_tokens if message.go_on else 1,
            seed=seed,
            model=old.info.model,
            params=msgspec.json.encode(replace(params, seed=seed)).decode(),
            prompt=old.record.prompt,
            origin=old.info.id,
        )
