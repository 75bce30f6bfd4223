"""A part of a room that follows the server's messages."""

from __future__ import annotations

from antiphon_client.errors import ClientError
from antiphon_proto.messages import ServerMessage


class Listener:
    """It is called after the membership itself has changed."""

    def on_message(self, message: ServerMessage) -> None:
        """Any message."""

    def on_failure(self, failure: ClientError) -> None:
        """The connection to the room has ended for good."""
