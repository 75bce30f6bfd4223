"""A room's assets that come, and are kept, when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from antiphon_proto.errors import AntiphonError, NotFound
from antiphon_server.assets.loader import Fetched, Kept
from antiphon_server.assets.sanitize import Picture, picture


class ScriptedAssets:
    """Implements `asset_desk.AssetDesk`."""

    def __init__(self) -> None:
        self.pictures: dict[str, Picture] = {}
        self.problem: AntiphonError | None = None
        """The fault of the disk."""
        self._waiting: list[Callable[[], None]] = []

    def add(self, data: bytes, width: int = 64, height: int = 64) -> str:
        made = picture(data, "image/png", width, height)
        self.pictures[made.info.sha256] = made
        return made.info.sha256

    def fetch(self, room: str, names: Sequence[str], done: Fetched) -> None:
        def work() -> None:
            missing = [name for name in names if name not in self.pictures]
            done(NotFound(f"no asset {missing[0]}") if missing else [self.pictures[name] for name in names])

        self._waiting.append(work)

    def keep(self, room: str, picture: Picture, done: Kept) -> None:
        def work() -> None:
            if self.problem is None:
                self.pictures[picture.info.sha256] = picture
            done(self.problem)

        self._waiting.append(work)

    def deliver(self) -> None:
        """Whatever was asked for comes now."""
        waiting, self._waiting = self._waiting, []
        for work in waiting:
            work()
