"""The errors of the SDK; all derive from `ClientError`."""

from __future__ import annotations

from antiphon_proto.errors import AntiphonError, CloseCode


class ClientError(AntiphonError):
    """Root of the SDK's errors."""


class JoinRefused(ClientError):
    """The server does not let this client in (bad or revoked token, no such room, another version)."""

    def __init__(self, close_code: int, reason: str) -> None:
        name = (
            CloseCode(close_code).name.lower() if close_code in CloseCode.__members__.values() else "closed"
        )
        super().__init__(f"{reason or name} ({close_code})")
        self.close_code = close_code


class EditRefused(ClientError):
    """The server refused an edit; the local copy was rebuilt without it. `text` is the story as it stood with it."""

    def __init__(self, status: str, reason: str, text: str) -> None:
        super().__init__(f"edit {status}: {reason}" if reason else f"edit {status}")
        self.status = status
        self.text = text


class RequestRefused(ClientError):
    """A request (ask, stop, steer, accept, undo...) was answered with an error; `code` says which."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason or code)
        self.error_code = code


class NoAnswer(ClientError):
    """The server did not answer in time. A request that it was sent may be in force all the same."""


class NothingToUndo(RequestRefused):
    """There is no action of one's own to take back, or to do again."""


class RunFailed(ClientError):
    """A run ended with an error of its engine."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason or code)
        self.error_code = code
