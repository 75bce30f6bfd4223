"""A part of a room that follows what the server says."""

from __future__ import annotations

from antiphon_client.errors import ClientError
from antiphon_proto.messages import ServerMessage


class Listener:
    """It is called after the membership itself has changed."""

    def on_message(self, message: ServerMessage) -> None:
        """Any message."""

    def on_failure(self, failure: ClientError) -> None:
        """The room is lost for good."""
