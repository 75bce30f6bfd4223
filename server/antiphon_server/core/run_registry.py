"""The runs of a room: their requests, their states, and the changes that nobody was told yet.

    queued -> running -> done | failed          and from both live states: stopped

An epoch belongs to a run: `stop` and `steer` raise it at once. Later output of a stopped run is dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import ErrorCode, NotFound
from antiphon_proto.messages import RunInfo, RunTask
from antiphon_proto.params import Mode
from antiphon_server.core.members import AI
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import RunRecord, StoredPlace

SEED_BITS = 53
"""Of a seed that the server draws: every JavaScript number holds it."""
LIVE = frozenset({"queued", "running"})


class Order(Struct, frozen=True):
    """A request, as its run is announced and kept. `ask` is the request's own number."""

    ask: int
    participant: str
    task: RunTask
    mode: Mode
    instruction: str
    length: int
    seed: int
    model: str
    params: str
    """JSON, as `prompt`."""
    prompt: str
    target: str = ""
    author: str = AI.id
    group: str = ""
    origin: str = ""


class RunEntry:
    """One run. `record` is kept in the store; `ask` is echoed to the asker with the first announcement."""

    __slots__ = ("_changed", "announced", "ask", "closed", "record")

    def __init__(self, record: RunRecord, changed: dict[str, RunEntry], ask: int = 0) -> None:
        self.record = record
        self.ask = ask
        self.announced = False
        self.closed = False
        """The ledger has its outcome."""
        self._changed = changed

    @property
    def info(self) -> RunInfo:
        return self.record.info

    @property
    def live(self) -> bool:
        return self.info.state in LIVE

    @property
    def private(self) -> bool:
        return self.info.mode == "private"

    @property
    def draft(self) -> bool:
        """Its text stands nowhere yet: it is private, or a candidate of a brainstorm."""
        return self.private or self.info.group != ""

    def update(self, **changes: Any) -> None:
        info = replace(self.info, **changes)
        if info != self.info:
            self.record = replace(self.record, info=info)
            self._changed[info.id] = self

    def made(self, asset: str, params: str, prompt: str, now_ms: int) -> None:
        """It painted a picture, with these parameters in the end."""
        self.record = replace(self.record, asset=asset, params=params, prompt=prompt, made_ms=now_ms)
        self._changed[self.info.id] = self

    def placed(self, place: StoredPlace) -> None:
        """Set its place; stored with the next change of its state, or with a snapshot."""
        self.record = replace(self.record, place=place)

    def count(self, tokens: int) -> None:
        """More tokens came. Told with the next change of state: everybody sees the tokens themselves."""
        self.record = replace(self.record, info=replace(self.info, progress=self.info.progress + tokens))


class RunRegistry:
    """By id, oldest first. Of the ended ones the room keeps `limits.max_kept_runs`, open suggestions always.
    `forgotten` hears which it does not keep."""

    def __init__(
        self,
        limits: RoomLimits,
        records: Iterable[RunRecord] = (),
        forgotten: Callable[[str], None] = lambda run: None,
    ) -> None:
        self._limits = limits
        self._forgotten = forgotten
        self._changed: dict[str, RunEntry] = {}
        self._runs = {record.info.id: RunEntry(record, self._changed) for record in records}
        for run in self._runs.values():
            run.announced = True
            run.closed = not run.live
            if run.live:
                run.update(
                    state="failed",
                    epoch=run.info.epoch + 1,
                    error_code=ErrorCode.WORKER_LOST,
                    error="the server restarted while this run was under way",
                )
        self._forget()

    def check_room_for(self, participant: str, count: int = 1) -> None:
        """Raises QueueFull."""
        live = [run for run in self._runs.values() if run.live]
        if len(live) + count > self._limits.max_runs:
            raise QueueFull(f"{len(live)} runs are under way in this room; wait for one to end, or stop one")
        own = sum(run.info.participant == participant for run in live)
        if own + count > self._limits.max_runs_per_member:
            raise QueueFull(f"you have {own} runs under way; wait for one to end, or stop one")

    def start(self, order: Order, now_ms: int) -> RunEntry:
        info = RunInfo(
            id=f"r{secrets.token_hex(6)}",
            epoch=1,
            participant=order.participant,
            author=order.author,
            task=order.task,
            mode=order.mode,
            state="queued",
            model=order.model,
            instruction=order.instruction,
            length=order.length,
            seed=order.seed,
            suggestion="open" if order.mode == "suggest" else "none",
            created_ms=now_ms,
            target=order.target,
            group=order.group,
            origin=order.origin,
        )
        run = RunEntry(RunRecord(info, order.params, order.prompt), self._changed, order.ask)
        self._runs[info.id] = self._changed[info.id] = run
        self._forget()
        return run

    def discard(self, run: str) -> None:
        """The engine refused it: it never was."""
        del self._runs[run], self._changed[run]

    def get(self, run: str) -> RunEntry:
        """Raises NotFound."""
        try:
            return self._runs[run]
        except KeyError:
            raise NotFound("there is no such run in this room") from None

    def known(self, run: str, participant: str) -> RunEntry:
        """A run that this participant knows of: another's private one is as if it were not there. Raises NotFound."""
        found = self.get(run)
        if found.private and found.info.participant != participant:
            raise NotFound("there is no such run in this room")
        return found

    def knows(self, run: object) -> bool:
        return run in self._runs

    def begun(self) -> list[RunEntry]:
        """Live runs that nobody was told of yet, each after the one whose place it takes; they count as told."""
        told: list[RunEntry] = []
        for run in [run for run in self._changed.values() if run.live and not run.announced]:
            for each in (run.info.origin, run.info.id):
                if (entry := self._changed.pop(each, None)) is not None:
                    told.append(entry)
        return told

    def changed(self) -> list[RunEntry]:
        """Runs whose state nobody was told yet; they count as told."""
        changed = list(self._changed.values())
        self._changed.clear()
        return changed

    def visible_to(self, participant: str) -> tuple[RunInfo, ...]:
        """The runs that a newcomer may see: all but others' private ones."""
        return tuple(
            run.info for run in self._runs.values() if not run.private or run.info.participant == participant
        )

    def live(self) -> list[RunEntry]:
        return [run for run in self._runs.values() if run.live]

    def __iter__(self) -> Iterator[RunEntry]:
        return iter(self._runs.values())

    def _forget(self) -> None:
        ended = [run for run in self._runs.values() if not run.live and run.info.suggestion != "open"]
        for run in ended[: max(0, len(ended) - self._limits.max_kept_runs)]:
            del self._runs[run.info.id]
            self._forgotten(run.info.id)
