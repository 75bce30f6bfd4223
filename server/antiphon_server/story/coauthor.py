"""The AI as co-author: takes requests to write, and gives each its place in the text."""

from __future__ import annotations

import secrets

import msgspec
from msgspec import to_builtins
from msgspec.structs import replace

from antiphon_engines.api import ChatLine, TextRequest, TextTask
from antiphon_proto.document.style import BOUNDS, StyleCard
from antiphon_proto.errors import AntiphonError, Denied, NotFound, PeerError
from antiphon_proto.messages import Ask, Say
from antiphon_proto.params import CANDIDATES, TextParams
from antiphon_server.chat.chat import Chat, without_call
from antiphon_server.chat.chat_run import ChatRun
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import AI, Member
from antiphon_server.core.ranges import located
from antiphon_server.core.rights import Right, may
from antiphon_server.core.run_registry import SEED_BITS, Order, RunEntry
from antiphon_server.document.anchors import Place
from antiphon_server.runs.live_run import LiveRun
from antiphon_server.runs.sentences import Sentences, longer
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.story import fill_in
from antiphon_server.story.codex import RoomCodex
from antiphon_server.story.draft_run import DraftRun
from antiphon_server.story.insertion import place
from antiphon_server.story.prompt_window import window
from antiphon_server.story.recall import consulted
from antiphon_server.story.story_run import StoryRun

_CHAT_LINES = 8
_CHAT_LINE = 500
"""Characters of an earlier entry that the model is shown."""
ANSWER = TextParams(max_tokens=200, temperature=0.7, alternatives=0)
"""How an answer in the chat is sampled, before the model's own bounds."""


class Coauthor:
    def __init__(self, room: RoomContext, supervisor: RunSupervisor, codex: RoomCodex) -> None:
        self._codex = codex
        self._room = room
        self._supervisor = supervisor

    def ask(self, member: Member, ask: Ask) -> None:
        """Start a run, or the three of a brainstorm. Raises PeerError or EngineUnavailable; then there is no run."""
        if ask.mode != "private" and not may(member.role, Right.EDIT):
            raise Denied("writing into the text needs the right to edit it")
        start, end = located(self._room, member.id, ask.offset, ask.start, ask.end)
        if ask.task == "continue":
            start = end
        if ask.task == "rewrite" and start == end:
            raise PeerError("rewriting needs a selection")
        self.begin(member, ask, start, end)

    def begin(
        self, member: Member, ask: Ask, start: int, end: int, *, group: str = "", origin: str = ""
    ) -> None:
        """Start the run of `ask` for [start, end). `group` and `origin`: of a candidate that is tried again."""
        room = self._room
        count = CANDIDATES if ask.task == "brainstorm" and not group else 1
        engine = self._supervisor.engine
        room.runs.check_room_for(member.id, count)
        if ask.task == "brainstorm":
            group = group or f"g{secrets.token_hex(6)}"
        seed = secrets.randbits(SEED_BITS) if ask.params.seed is None else ask.params.seed
        model = self.chosen(ask.model)
        view = window(room.shared.document.data(), start, end)
        if ask.task == "fill":
            fill_in.check(ask, view)
        works: list[LiveRun] = []
        try:
            for number in range(count):
                params = replace(ask.params, seed=(seed + number) % 2**SEED_BITS)
                request = TextRequest(
                    task=_engine_task(ask),
                    before=view.before,
                    after=view.after,
                    selection=view.selection,
                    instruction=ask.instruction,
                    params=params,
                    style=self.style(),
                    model=model,
                )
                order = self._order(member.id, ask, request, group, origin)
                run = room.runs.start(order, room.unix_ms())
                whole = params.whole_sentences and ask.task != "fill"
                sentences = Sentences(params, view.before) if whole else None
                where = place(room, start, end, after=ask.mode == "suggest")
                works.append(self._work(run, where, sentences))
                self._supervisor.hold(works[-1])
                self._supervisor.submit(works[-1], replace(request, params=longer(params)))
        except AntiphonError:
            for work in works:
                engine.cancel(work.run.info.id)
                self._supervisor.refuse(work)
            raise

    def answer(self, member: Member, say: Say, chat: Chat, *, ask: int = 0, origin: str = "") -> None:
        """Start an answer in the chat. Raises PeerError or EngineUnavailable; then there is no run.

        `ask` and `origin`: of an answer that is tried again."""
        room, engine = self._room, self._supervisor.engine
        room.runs.check_room_for(member.id)
        document = room.shared.document
        at = document.length
        if say.at is not None:
            at = located(room, member.id, say.offset, say.at, say.at)[0]
        lines = self.talk(member, chat)
        model = self.chosen(say.model)
        asked = without_call(say.text, self.model_name())
        view, recalled = consulted(document.data(), at, asked)
        params = replace(ANSWER, seed=secrets.randbits(SEED_BITS))
        request = TextRequest(
            task="chat",
            before=view.before,
            after=view.after,
            instruction=asked,
            params=params,
            style=self.style(),
            chat=(*lines[:-1], ChatLine(member.participant.name, asked)),
            recalled=recalled,
            model=model,
        )
        wish = Ask(ask, "instruct", "write", 0, 0, 0, asked, params)
        entry = chat.new_id()
        order = replace(self._order(member.id, wish, request, origin=origin), task="chat", target=entry)
        run = room.runs.start(order, room.unix_ms())
        work = ChatRun(run, room, engine, chat)
        self._supervisor.hold(work)
        try:
            self._supervisor.submit(work, request)
        except AntiphonError:
            self._supervisor.refuse(work)
            raise
        chat.say(AI.id, "", run=run.info.id, entry=entry)

    def go_on(self, run: RunEntry, where: Place, params: TextParams) -> None:
        """Continue a run from the text before its place. Raises AntiphonError."""
        at = where.at.at
        view = window(self._room.shared.document.data(), at, at)
        request = TextRequest(
            task="continue", before=view.before, after=view.after, params=params, style=self.style()
        )
        self._room.places.keep(run, where, self._room.seq)
        work = StoryRun(run, self._room, self._supervisor.engine, where, self._room.tokens)
        self._supervisor.hold(work)
        self._supervisor.submit(work, request)

    def talk(self, member: Member, chat: Chat) -> tuple[ChatLine, ...]:
        """The newest lines of the chat; the last one is `member`'s newest message."""
        names = {one.id: one.name for one in (*self._room.participants(), member.participant)}
        return tuple(
            ChatLine(names.get(entry["participant"], "Guest"), entry["text"][:_CHAT_LINE])
            for entry in chat.recent(_CHAT_LINES)
            if entry["text"]
        )

    def style(self) -> StyleCard:
        """The room's style card, with the codex among the facts. The card's own facts come first; together
        they keep the bound of a card."""
        card = StyleCard.of(self._room.shared.document.side.style_fields())
        known = self._codex.prompt()
        if not known or len(card.facts) + len(known) + 1 > BOUNDS["facts"]:
            return card
        return replace(card, facts=f"{card.facts} {known}".strip())

    def serving(self, name: str) -> str:
        """The name itself where that model serves, beside another or as the one; else an empty one."""
        info = self._room.model("text")
        return name if info is not None and name in (info.name, *info.beside) else ""

    def chosen(self, name: str) -> str:
        """The model that was named, else the room's default where it serves. Raises NotFound for the name of a model
        that does not serve."""
        if not name:
            default = self._room.shared.document.setting("text_model")
            return self.serving(default) if isinstance(default, str) else ""
        if not self.serving(name):
            info = self._room.model("text")
            known = ", ".join((info.name, *info.beside)) if info is not None else "none"
            raise NotFound(f"there is no text model {name!r} among those that serve: {known}")
        return name

    def model_name(self) -> str:
        """The text model that serves; empty where none does."""
        model = self._room.model("text")
        return "" if model is None else model.name

    def _work(self, run: RunEntry, where: Place, sentences: Sentences | None) -> LiveRun:
        self._room.places.keep(run, where, self._room.seq)
        if run.info.task == "fill":
            return fill_in.FillRun(run)
        if run.draft:
            return DraftRun(run, self._room, self._supervisor.engine, self._room.tokens, sentences)
        return StoryRun(run, self._room, self._supervisor.engine, where, self._room.tokens, sentences)

    def _order(
        self, participant: str, ask: Ask, request: TextRequest, group: str = "", origin: str = ""
    ) -> Order:
        shown: dict[str, object] = {
            "before": request.before,
            "selection": request.selection,
            "after": request.after,
        }
        if request.style:
            shown["style"] = to_builtins(request.style)
        if request.chat:
            shown["chat"] = to_builtins(request.chat)
        if request.recalled:
            shown["recalled"] = request.recalled
        return Order(
            ask=ask.ask,
            participant=participant,
            task=ask.task,
            mode=ask.mode,
            instruction=ask.instruction,
            length=request.params.max_tokens,
            seed=request.params.seed or 0,
            model=request.model or self.model_name(),
            params=msgspec.json.encode(request.params).decode(),
            prompt=msgspec.json.encode(shown).decode(),
            group=group,
            origin=origin,
        )


def _engine_task(ask: Ask) -> TextTask:
    if ask.task in ("rewrite", "fill"):
        return ask.task
    return "instruct" if ask.task == "instruct" or ask.instruction.strip() else "continue"
