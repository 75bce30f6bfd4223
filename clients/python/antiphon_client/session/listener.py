"""A part of a room that follows what the server says."""

from __future__ import annotations

from antiphon_client.errors import ClientError
from antiphon_proto.messages import Error, ServerMessage


class Listener:
    """It is called after the membership itself has changed."""

    def on_message(self, message: ServerMessage) -> None:
        """Any message."""

    def on_error(self, error: Error) -> bool:
        """Whether somebody waits here for the answer that this is."""
        return False

    def on_failure(self, failure: ClientError) -> None:
        """The room is lost for good."""
