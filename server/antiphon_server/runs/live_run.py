"""A run between the engine's first event and its end."""

from __future__ import annotations

from abc import ABC, abstractmethod

from antiphon_engines.api import Output
from antiphon_engines.ipc.events import Done, Failed, RunEvent
from antiphon_proto.messages import Steer
from antiphon_server.core.members import AI
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.authorship import Owner


class LiveRun(ABC):
    """A live run at work."""

    def __init__(self, run: RunEntry) -> None:
        self.run = run
        self.ended: Done | Failed | None = None
        """The engine's last event."""
        self.modality = ""
        """Of the engine that it waits for; empty while it was given to none."""
        self.names_model = False
        """It waits for the model that its asker named, whichever serves."""
        self.epoch = run.info.epoch
        """The epoch of the last steer that the engine has answered: new output was made under it."""
        self.asked: dict[int, tuple[str, Steer]] = {}
        """Epoch -> (participant, steer) that the engine has not answered yet, oldest first."""

    @property
    def owner(self) -> Owner:
        return Owner(AI.id, self.run.info.id)

    @abstractmethod
    def on_started(self) -> None:
        """The engine has begun."""

    @abstractmethod
    def on_output(self, output: Output | RunEvent) -> None:
        """Something came of the engine."""

    @abstractmethod
    def settle(self) -> bool:
        """At the tick: write output to the document; returns whether all of it was written."""

    @property
    @abstractmethod
    def made(self) -> int:
        """Tokens or denoising steps that have come so far."""

    @abstractmethod
    def steer(self, steer: Steer, epoch: int) -> bool:
        """Pass a change on to the engine; whether the engine has it and will answer. Raises PeerError."""

    @abstractmethod
    def on_steered(self, steer: Steer) -> dict[str, object]:
        """A steer is in force; returns changed fields of the run's info."""

    @abstractmethod
    def on_closed(self) -> None:
        """The run has ended, for any reason."""
