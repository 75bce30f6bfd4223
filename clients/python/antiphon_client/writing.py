"""Writing with the AI, beyond asking: rewriting, corrections, candidates, second thoughts."""

from __future__ import annotations

from collections.abc import AsyncIterator

from antiphon_client.errors import ClientError
from antiphon_client.session.connection import bounded
from antiphon_client.session.exchanges import answered_within
from antiphon_client.session.run import AnyRun, Run, send_ask
from antiphon_client.session.session import Session
from antiphon_proto.messages import Ask, Choose, Recall, ReplaceToken, Retry, RunInfo, Suggest, TokenInfo
from antiphon_proto.params import CANDIDATES, Mode, Task, TextParams


class Writing:
    """Positions are characters of the story. Raises ClientError for an argument that is out of its bounds."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rewrite(
        self, start: int, end: int, how: str = "", *, mode: Mode = "suggest", params: TextParams | None = None
    ) -> Run:
        """Put the characters [start, end) in other words, as `how` says."""
        return self._ask("rewrite", start, end, mode, how, params)

    async def suggest(self, start: int, end: int, text: str, reason: str = "") -> RunInfo:
        """Suggest words of one's own in place of the characters [start, end), or at `start` == `end`; an empty `text`
        suggests to take them out. Returns the run that stands for it (accept, reject and undo take its id). Raises
        RequestRefused: another suggestion is open there."""
        session = self._session
        number = session.pending.next_number()
        bounded(Suggest(number, 0, 0, 0, text, reason))

        async def send(made: AnyRun) -> None:
            offset, first, last = await session.located(start, end)
            session.pending.expect(made)
            session.request(Suggest(number, offset, first, last, text, reason))

        return await Run(session, number, send).finished()

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
        number = self._session.pending.next_number()
        ask = bounded(Ask(number, "brainstorm", mode, 0, 0, 0, instruction, params or TextParams()))
        gathering = _Gathering(self._session, number)
        async with answered_within(self._session.timeout):
            await send_ask(self._session, ask, start, end, gathering)
            return await gathering.complete()

    async def choose(self, run: Run, mode: Mode = "write") -> RunInfo:
        """Put a candidate, or the text of a private run, into the story; other candidates are dropped. Raises
        RequestRefused."""
        info = await run.start()

        def chosen() -> bool:
            now = self._session.runs.get(info.id)
            return now is not None and now.mode != "private" and not now.group

        await self._session.exchange(Choose(info.id, mode), info.id, chosen)
        return self._session.runs[info.id]

    def retry(self, run: Run | str) -> Run:
        """Repeat the request with a new seed; the text of the old run is removed first."""

        async def send(again: AnyRun) -> None:
            await self._session.submit(again, Retry(again.number, _id(run)))

        return Run(self._session, self._session.pending.next_number(), send)

    async def recall(self, run: Run | str) -> tuple[TokenInfo, ...]:
        """All tokens of an ended run, with their probabilities and alternatives, also of a run from before this
        participant joined. Raises RequestRefused (`conflict`: they are no longer kept)."""
        session, key = self._session, _id(run)
        wanted = session.runs[key].progress if key in session.runs else 1
        with session.pending.recalling(key) as tokens:
            await session.exchange(Recall(key), key, lambda: len(tokens) >= wanted)
            return tuple(tokens[index] for index in sorted(tokens))

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
        """Put an alternative of a run's token (its `index`) in place of the token's remaining text, [start, end);
        `go_on`: and continue from there in place of the run's later text."""
        session = self._session

        async def send(made: AnyRun) -> None:
            offset, first, last = await session.located(start, end)
            session.pending.expect(made)
            wanted = params or TextParams()
            session.request(
                ReplaceToken(made.number, _id(run), token, alternative, offset, first, last, go_on, wanted)
            )

        return Run(session, session.pending.next_number(), send)

    def _ask(
        self, task: Task, start: int, end: int | None, mode: Mode, how: str, params: TextParams | None
    ) -> Run:
        number = self._session.pending.next_number()
        ask = bounded(Ask(number, task, mode, 0, 0, 0, how, params or TextParams()))
        return Run.of(self._session, ask, start, end)


class FillIn(AnyRun):
    """The result of `room.fill_in()`: iterate it for the candidates as they change, or await `finished()`; then
    `accept` one."""

    def __init__(self, session: Session, ask: Ask, start: int, end: int | None) -> None:
        super().__init__(session, ask.ask)
        self._room = session
        self._ask = ask
        self._place = start, end

    @property
    def id(self) -> str:
        """The run's id; empty before the server has announced it."""
        return self._id

    @property
    def words(self) -> tuple[str, ...]:
        """What was found so far, the best first."""
        return () if self.info is None else self.info.fills

    async def __aiter__(self) -> AsyncIterator[tuple[str, ...]]:
        """The candidates each time when they change, until the run ends. Raises RequestRefused or RunFailed."""
        await self.start()
        told: tuple[str, ...] = ()
        while True:
            if self.words != told:
                told = self.words
                yield told
            if self.ended:
                self._raise_failure()
                return
            await self._wait()

    async def accept(self, words: str | None = None, mode: Mode = "write") -> RunInfo:
        """Put `words` (one of the candidates; None: the best) into the story, in place of the selection if there was
        one; the search ends, and `room.undo_run` takes them back. Raises RequestRefused, or ClientError when nothing
        was found."""
        run = (await self.start()).id
        chosen = next(iter(self.words), None) if words is None else words
        if not chosen:
            raise ClientError("nothing was found for this gap")
        session = self._room

        def done() -> bool:
            return session.runs[run].mode != "private"

        await session.exchange(Choose(run, mode, chosen), run, done)
        return session.runs[run]

    async def _send(self) -> None:
        await send_ask(self._session, self._ask, *self._place, self)


class _Gathering(AnyRun):
    """Waits for the candidates of a brainstorm to be announced; each is a run of its own from then on."""

    def __init__(self, session: Session, number: int) -> None:
        super().__init__(session, number)
        self._runs: dict[str, Run] = {}

    async def complete(self) -> list[Run]:
        while len(self._runs) < CANDIDATES:
            await self._wait()
        self._session.pending.forget(self)
        return list(self._runs.values())

    async def _send(self) -> None:
        """It is sent by who made it."""

    def on_info(self, info: RunInfo) -> None:
        if info.id not in self._runs:
            self._runs[info.id] = Run.announced(self._session, info)
        self._changed.set()


def _id(run: Run | str) -> str:
    if isinstance(run, str):
        return run
    return run.id
