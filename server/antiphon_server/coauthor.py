"""The AI as co-author: takes requests to write, and gives each its place in the text."""

from __future__ import annotations

import secrets
from functools import partial

import msgspec
from msgspec.structs import replace

from antiphon_engines.api import TextRequest
from antiphon_proto.errors import AntiphonError, Denied, PeerError
from antiphon_proto.messages import Ask
from antiphon_server.context import window
from antiphon_server.members import Member
from antiphon_server.rights import Right, may
from antiphon_server.runs import SEED_BITS, Order
from antiphon_server.stage import Desk, Stage
from antiphon_server.writing import Writing


class Coauthor:
    def __init__(self, desk: Desk, stage: Stage) -> None:
        self._desk = desk
        self._stage = stage

    def ask(self, member: Member, ask: Ask) -> None:
        """Start a run. Raises PeerError or EngineUnavailable; then there is no run."""
        desk, engine = self._desk, self._stage.engine
        if ask.mode != "private" and not may(member.role, Right.EDIT):
            raise Denied("writing into the text needs the right to edit it")
        desk.runs.check_room_for(member.id)
        start, end = self._place(member, ask)
        view = window(desk.shared.document.data(), start, end)
        params = ask.params
        if params.seed is None:
            params = replace(params, seed=secrets.randbits(SEED_BITS))
        request = TextRequest(ask.task, view.before, view.after, view.selection, ask.instruction, params)
        prompt = {"before": view.before, "selection": view.selection, "after": view.after}
        order = Order(
            ask=ask.ask,
            participant=member.id,
            task=ask.task,
            mode=ask.mode,
            instruction=ask.instruction,
            length=params.max_tokens,
            seed=params.seed or 0,
            model=model.name if (model := desk.model("text")) else "",
            params=msgspec.json.encode(params).decode(),
            prompt=msgspec.json.encode(prompt).decode(),
        )
        run = desk.runs.start(order, desk.unix_ms())
        place = end if ask.mode == "suggest" or not view.selection else start
        anchors = desk.shared.anchors
        writing = Writing(run, desk, engine, anchors.put(place), anchors.passage(start, end))
        self._stage.hold(writing)
        try:
            self._stage.submit(writing, request)
        except AntiphonError:
            self._stage.refuse(writing)
            raise

    def _place(self, member: Member, ask: Ask) -> tuple[int, int]:
        """The range that was asked about, now. Raises PeerError."""
        if ask.start > ask.end:
            raise PeerError("a range starts before it ends")
        desk = self._desk
        document = desk.shared.document
        carry = partial(desk.shared.history.carry, offset=ask.offset, now=desk.offset, sender=member.id)
        start = carry(ask.start, "left" if ask.start == ask.end else "right")
        end = carry(ask.end, "left")
        if max(start, end) > document.length:
            raise PeerError("the place is beyond the end of the text")
        if ask.task == "continue":
            start = end
        start, end = document.snap(start), document.snap(end)
        return min(start, end), end
