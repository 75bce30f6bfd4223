"""The terminal participant: the live text, who is here, the AI's runs, and a line of instructions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

from rich.markup import escape
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, Static

from antiphon_client.address import Address
from antiphon_client.errors import ClientError, JoinRefused
from antiphon_client.room import Room, connect
from antiphon_client.session.run import ENDED, Run
from antiphon_client.terminal.story import StoryArea
from antiphon_proto.messages import RunInfo
from antiphon_proto.params import Mode

_MODES: tuple[Mode, ...] = ("write", "suggest", "private")
_SHOWN_RUNS = 6


class RoomApp(App[str]):
    """Returns why the room was left, or nothing when the person left it."""

    TITLE = "Antiphon"
    CSS = """
    #side { width: 34; padding: 0 1; }
    #side Static { margin-bottom: 1; }
    #private { color: $text-muted; }
    StoryArea { width: 1fr; }
    #ask { dock: bottom; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "go_on", "Continue", priority=True),
        Binding("ctrl+r", "instruct", "Instruct", priority=True),
        Binding("ctrl+t", "mode", "Mode", priority=True),
        Binding("escape", "stop", "Stop", priority=True),
        Binding("f5", "again", "Try again", priority=True),
        Binding("f7", "settle(True)", "Accept", priority=True),
        Binding("f8", "settle(False)", "Reject", priority=True),
        Binding("f9", "take_back", "Undo the AI", priority=True),
        Binding("ctrl+q", "quit", "Leave", priority=True),
    ]

    def __init__(self, address: Address, name: str) -> None:
        super().__init__()
        self._address = address
        self._as = name
        self._room: Room | None = None
        self._mode: Mode = "write"
        self._run: Run | None = None
        self._private = ""
        self.joined = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Textual: the widgets."""
        with Horizontal():
            yield StoryArea(id="story", read_only=True)
            with Vertical(id="side"):
                yield Static("joining…", id="state")
                yield Static(id="people")
                yield Static(id="runs")
                yield Static(id="private")
        yield Input(
            placeholder="Ctrl+R: tell the AI what to do with the selection, or here; Enter sends", id="ask"
        )
        yield Footer()

    def on_mount(self) -> None:
        """Textual: join the room."""
        self.run_worker(self._stay(), name="room")

    async def _stay(self) -> None:
        """Be in the room until it ends or the person leaves."""
        try:
            async with connect(self._address.link, name=self._as, agent="antiphon-terminal") as room:
                self._room = room
                story = self.query_one(StoryArea)
                story.attach(room)
                story.focus()
                self._show()
                self.joined.set()
                while True:
                    await room.changed()
                    story.follow()
                    self._show()
        except JoinRefused as error:
            self.exit(str(error))
        except ClientError as error:
            self.exit(f"the connection ended: {error}")

    # Display -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        room = self._room
        if room is None:
            return
        model = next((one for one in room.models if one.modality == "text"), None)
        state = "[green]live[/]" if room.connected else "[yellow]connecting again…[/]"
        named = f"{escape(model.name)}{'' if model.ready else ' (loading)'}" if model else "no text model"
        self.query_one("#state", Static).update(f"{state}\nAI: {named}\nmode: [b]{self._mode}[/]")
        people = [
            f"{'●' if person.online else '○'} [{person.color}]{escape(person.name)}[/]"
            f"{' (you)' if room.me and person.id == room.me.id else ''}{' · AI' if person.kind == 'ai' else ''}"
            for person in room.participants.values()
        ]
        self.query_one("#people", Static).update("[b]Here[/]\n" + "\n".join(people))
        runs = list(room.runs.values())[-_SHOWN_RUNS:]
        self.query_one("#runs", Static).update("[b]Runs[/]\n" + "\n".join(map(_line, runs)) if runs else "")
        private = f"[b]Only for you[/]\n{escape(self._private[-2000:])}" if self._private else ""
        self.query_one("#private", Static).update(private)

    # Actions ------------------------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """Continue where the cursor stands."""
        self.run_worker(self._ask(""), exclusive=False)

    def action_instruct(self) -> None:
        """Go to the line of instructions."""
        self.query_one("#ask", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask the AI to follow the line that was entered."""
        if event.value.strip():
            self.run_worker(self._ask(event.value.strip()), exclusive=False)
        event.input.clear()
        self.query_one(StoryArea).focus()

    def action_mode(self) -> None:
        """Write into the text, suggest, or answer for this person alone."""
        self._mode = _MODES[(_MODES.index(self._mode) + 1) % len(_MODES)]
        self._show()

    async def action_stop(self) -> None:
        """Stop this person's latest run; out of the input line, go back to the text."""
        story = self.query_one(StoryArea)
        if self._run is not None and not self._run.ended:
            self._do(self._run.stop())
        elif not story.has_focus:
            story.focus()

    def action_again(self) -> None:
        """Retry this person's latest run, also while it writes."""
        room, run = self._room, self._run
        if room is None or run is None:
            self.notify("there is no run to try again")
        elif run.info is not None:  # else it has not even begun
            self.run_worker(self._follow(room.writing.retry(run)), exclusive=False)

    async def action_settle(self, accept: bool) -> None:
        """Accept or reject the oldest suggestion that waits."""
        room = self._room
        waiting = [run for run in room.runs.values() if run.suggestion == "open"] if room else []
        if room is None or not waiting:
            self.notify("no suggestion waits")
        elif accept:
            self._do(room.accept(waiting[0].id))
        else:
            self._do(room.reject(waiting[0].id))

    async def action_take_back(self) -> None:
        """Undo the text of the latest run, and nothing else."""
        room = self._room
        written = [run for run in room.runs.values() if not run.undone and run.state in ENDED] if room else []
        if room is None or not written:
            self.notify("there is no run to undo")
        else:
            self._do(room.undo_run(written[-1].id))

    def _do(self, request: Coroutine[Any, Any, object]) -> None:
        """Wait for a request beside the keys; a refusal is shown."""

        async def wait() -> None:
            try:
                await request
            except ClientError as error:
                self.notify(escape(str(error)), severity="warning")

        self.run_worker(wait(), exclusive=False)

    async def _ask(self, instruction: str) -> None:
        room = self._room
        if room is None:
            return
        story = self.query_one(StoryArea)
        selection = story.selected if instruction else None
        try:
            run = room.ask(instruction, at=story.place, selection=selection, mode=self._mode)
        except ClientError as error:
            self.notify(escape(str(error)), severity="error")
        else:
            await self._follow(run)

    async def _follow(self, run: Run) -> None:
        """Read the tokens of a run; a private run is shown beside the text."""
        before, self._run = self._run, run
        try:
            try:
                info = await run.start()
            except ClientError:
                self._run = before
                raise
            private = info.mode == "private"
            self._private = "" if private else self._private
            async for token in run:
                if private and run is self._run:
                    self._private += token.text
                    self._show()
        except ClientError as error:
            self.notify(escape(str(error)), severity="error")


def _line(run: RunInfo) -> str:
    """A run in one line: task and progress."""
    match run.state:
        case "queued":
            how = f"waits, place {run.position}" if run.position else "waits"
        case "running":
            how = f"{run.progress}/{run.length}" if run.length else f"{run.progress}"
            how += {"": "", "load": ", the server is busy", "viewers": ", slow connections"}[run.thinned]
        case "failed":
            how = f"failed: {run.error}"
        case _:
            how = {"open": "suggests", "accepted": "accepted", "rejected": "rejected"}.get(
                run.suggestion, run.state
            )
    undone = ", undone" if run.undone else ""
    return escape(f"{run.task} {how}{undone}")
