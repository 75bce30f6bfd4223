"""Writing with the AI, beyond asking: rewriting, corrections, candidates, second thoughts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from antiphon_client.link import bounded
from antiphon_client.run import AnyRun, Run
from antiphon_proto.messages import Ask, Choose, Recall, ReplaceToken, Retry, RunInfo, TokenInfo
from antiphon_proto.params import CANDIDATES, Mode, Task, TextParams

if TYPE_CHECKING:
    from antiphon_client.room import Room


class Writing:
    """Positions are characters of the story. Raises ClientError for an argument that is out of its bounds."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def rewrite(
        self, start: int, end: int, how: str = "", *, mode: Mode = "suggest", params: TextParams | None = None
    ) -> Run:
        """Put the characters [start, end) in other words, as `how` says."""
        return self._ask("rewrite", start, end, mode, how, params)

    def fix(self, start: int, end: int | None = None) -> Run:
        """Correct grammar and spelling of [start, end), or of the paragraph at `start`: suggestions with reasons."""
        return self._ask("fix", start, end, "suggest", "", None)

    async def brainstorm(
        self,
        instruction: str = "",
        *,
        at: int | None = None,
        selection: tuple[int, int] | None = None,
        mode: Mode = "private",
        params: TextParams | None = None,
    ) -> list[Run]:
        """Three candidates, under way; `choose` one. `private` hides them from the others. Raises RequestRefused."""
        start, end = selection if selection is not None else (at, None)
        room = self._room
        ask = bounded(Ask(room._number(), "brainstorm", mode, 0, 0, 0, instruction, params or TextParams()))
        gathering = _Gathering(room, ask.ask)
        await room._send_ask(ask, start, end, gathering)
        return await gathering.complete()

    async def choose(self, run: Run, mode: Mode = "write") -> None:
        """Put a candidate, or what a private run wrote, into the story; other candidates are dropped. Raises
        RequestRefused."""
        info = await run.start()

        def chosen() -> bool:
            now = self._room.runs.get(info.id)
            return now is not None and now.mode != "private" and not now.group

        await self._room._answered(Choose(info.id, mode), info.id, chosen)

    def retry(self, run: Run | str) -> Run:
        """The same request with a new seed, after what the run wrote was removed."""
        room = self._room

        async def send(again: AnyRun) -> None:
            await room._settled()
            room._asks[again.number] = again
            await room._request(Retry(again.number, _id(run)))

        return Run(room, room._number(), send)

    async def recall(self, run: Run | str) -> tuple[TokenInfo, ...]:
        """All tokens that an ended run wrote, with their probabilities and alternatives, also of one of before this
        participant came. Raises RequestRefused (`conflict`: they are not known any more)."""
        room, key = self._room, _id(run)
        tokens = room._recalled.setdefault(key, {})
        wanted = room.runs[key].progress if key in room.runs else 1
        try:
            await room._answered(Recall(key), key, lambda: len(tokens) >= wanted)
            return tuple(tokens[index] for index in sorted(tokens))
        finally:
            room._recalled.pop(key, None)

    def replace_token(
        self,
        run: Run | str,
        token: int,
        alternative: int,
        start: int,
        end: int,
        *,
        go_on: bool = False,
        params: TextParams | None = None,
    ) -> Run:
        """Put an alternative of a run's token (its `index`) in place of what is left of it, [start, end); `go_on`: and
        write on from there, instead of what the run wrote after it."""
        room = self._room

        async def send(made: AnyRun) -> None:
            offset, first, last = await room._located(start, end)
            room._asks[made.number] = made
            wanted = params or TextParams()
            await room._request(
                ReplaceToken(made.number, _id(run), token, alternative, offset, first, last, go_on, wanted)
            )

        return Run(room, room._number(), send)

    def _ask(
        self, task: Task, start: int, end: int | None, mode: Mode, how: str, params: TextParams | None
    ) -> Run:
        room = self._room
        ask = bounded(Ask(room._number(), task, mode, 0, 0, 0, how, params or TextParams()))
        return Run(room, ask.ask, partial(room._send_ask, ask, start, end))


class _Gathering(AnyRun):
    """Waits for the candidates of a brainstorm to be announced; each is a run of its own from then on."""

    def __init__(self, room: Room, number: int) -> None:
        super().__init__(room, number)
        self._runs: dict[str, Run] = {}

    async def complete(self) -> list[Run]:
        while len(self._runs) < CANDIDATES:
            await self._wait()
        self._room._asks.pop(self.number, None)
        return list(self._runs.values())

    async def _send(self) -> None:
        """It is sent by who made it."""

    def _update(self, info: RunInfo) -> None:
        if info.id not in self._runs:
            self._runs[info.id] = Run.announced(self._room, info)
        self._changed.set()


def _id(run: Run | str) -> str:
    if isinstance(run, str):
        return run
    return run.id
