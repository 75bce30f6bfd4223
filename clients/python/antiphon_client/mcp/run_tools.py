"""Tools of the room's own models and their runs."""

from __future__ import annotations

from typing import Any, Literal

from mcp.server.mcpserver import MCPServer

from antiphon_client.errors import NothingToUndo
from antiphon_client.mcp.guard import name_of, tool, within
from antiphon_client.mcp.places import insertion, only
from antiphon_client.room import Room
from antiphon_proto.messages import RunInfo
from antiphon_proto.params import TextParams


def add_to(server: MCPServer[Any], room: Room) -> None:
    """Register the tools of runs; asking a model takes the right to prompt."""

    @tool(server)
    async def list_runs(last: int = 20) -> list[dict[str, Any]]:
        """The runs of the room's models, newest first: asker, model, state, instruction."""
        within(last, 1, 200, "last")
        newest = sorted(room.runs.values(), key=lambda run: run.created_ms, reverse=True)
        return [_told(room, run) for run in newest[:last]]

    @tool(server)
    async def models() -> list[dict[str, Any]]:
        """The models that serve the room, by modality, and whether they are ready."""
        return [{"modality": one.modality, "name": one.name, "ready": one.ready} for one in room.models]

    if "prompt" in room.rights:
        _asking(server, room)
    if "edit" in room.rights:

        @tool(server, writes=True)
        async def undo() -> str:
            """Take back your own last action in the room. Others' work stays."""
            try:
                step = await room.undo()
            except NothingToUndo:
                return "there is nothing of yours to take back"
            return f"taken back: {step.kind} on the {step.surface}" if step else "taken back"


def _asking(server: MCPServer[Any], room: Room) -> None:
    @tool(server, writes=True)
    async def ask_model(
        instruction: str = "",
        after: str | None = None,
        mode: Literal["write", "suggest", "private"] = "private",
        max_tokens: int = 120,
    ) -> dict[str, Any]:
        """Let the room's language model continue the story after words that stand there once (else at its end), or
        follow an instruction there. `private`: only you get the text; `suggest`: it waits in the story for a decision;
        `write`: it enters the story. Returns when it has ended."""
        at = insertion(room.text, after, None)
        params = TextParams(max_tokens=within(max_tokens, 1, 1000, "max_tokens"))
        run = room.ask(instruction, at=at, mode=mode, params=params)
        pieces = [token.text async for token in run]
        return {"run": run.id, "text": "".join(pieces), "mode": mode}

    @tool(server, writes=True)
    async def rewrite(passage: str, how: str = "") -> dict[str, Any]:
        """Let the room's language model put a passage in other words, as `how` says. It waits in the story as a
        suggestion that people accept or reject."""
        run = room.writing.rewrite(*only(room.text, passage), how)
        ended = await run.finished()
        return _told(room, ended)

    @tool(server, writes=True)
    async def stop_run(run: str) -> None:
        """Stop a run that is under way; its output stays."""
        await room.stop(run)


def _told(room: Room, run: RunInfo) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": run.id,
        "asked_by": name_of(room, run.participant),
        "model": run.model,
        "task": run.task,
        "mode": run.mode,
        "state": run.state,
        "instruction": run.instruction,
        "suggestion": run.suggestion,
        "undone": run.undone,
    }
    if run.error:
        told["error"] = run.error
    return told
