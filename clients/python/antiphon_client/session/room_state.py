"""The last known state of a room: who is here, its runs, its models."""

from __future__ import annotations

import json
from typing import Any

from antiphon_proto.messages import (
    Joined,
    Left,
    Links,
    ModelInfo,
    Models,
    Participant,
    Presence,
    Run,
    RunInfo,
    ServerMessage,
    Shares,
    Welcome,
)


class RoomState:
    """Read by everybody, changed by `on_message` only."""

    def __init__(self) -> None:
        self.participants: dict[str, Participant] = {}
        self.presence: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, RunInfo] = {}
        self.models: tuple[ModelInfo, ...] = ()
        self.links: dict[str, str] = {}
        self.shares: Shares | None = None
        self.me: Participant | None = None
        self.rights: frozenset[str] = frozenset()

    def on_message(self, message: ServerMessage) -> None:
        """Take any message of the server; most say nothing about this."""
        match message:
            case Welcome():
                self.me = message.participant
                self.rights = frozenset(message.rights)
                self.participants = {one.id: one for one in message.participants}
                self.models = message.models
                self.runs.update((info.id, info) for info in message.runs)
            case Joined(participant):
                self.participants[participant.id] = participant
            case Left(participant):
                self.participants.pop(participant, None)
                self.presence.pop(participant, None)
            case Presence(participant, _, state):
                shown = json.loads(state)
                if isinstance(shown, dict):
                    self.presence[participant] = shown
                else:
                    self.presence.pop(participant, None)
            case Run(_, run):
                self.runs[run.id] = run
            case Shares():
                self.shares = message
            case Models(models):
                self.models = models
            case Links(links):
                self.links = links
