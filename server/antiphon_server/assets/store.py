"""The interface of a store of assets. Every implementation passes one contract suite (`tests/server/store`).

An asset is a picture of a room, or a line of its film as sound, named by the SHA-256 of its bytes: the document holds
the name, the store the bytes. Its bytes have been made by this server (`pictures`, or an engine), never by a peer.
"""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from antiphon_proto.errors import AntiphonError, ErrorCode, TooLarge

MediaType = Literal["image/png", "image/jpeg", "image/webp", "audio/wav"]


class AssetInfo(Struct, frozen=True):
    """The facts of an asset without its bytes. `size` is bytes; `width` and `height` are pixels, 0 of a sound."""

    sha256: str
    """64 lower-case hexadecimal digits."""
    type: MediaType
    size: int
    width: int
    height: int


class AssetBounds(Struct, frozen=True):
    """Of one room."""

    count: int = 5000
    bytes: int = 1024 * 1024 * 1024


class AssetsFull(TooLarge):
    """The room has as many assets, or as many bytes of them, as it may."""


class AssetDamaged(AntiphonError):
    """The file on the disk differs from the stored one. An upload of the same picture repairs it."""

    code = ErrorCode.UNAVAILABLE


class AssetStore(Protocol):
    """Keeps the assets of rooms. Belongs to the event loop; the disk is waited for elsewhere."""

    async def put(self, room: str, info: AssetInfo, data: bytes) -> None:
        """Durable when this returns; an asset that is there already is kept, costs nothing, and is young again.

        Raises AssetsFull or StorageUnavailable.
        """
        ...

    async def find(self, room: str, sha256: str) -> AssetInfo | None:
        """None when the room has no such asset (or `sha256` is not the name of one). Raises StorageUnavailable."""
        ...

    async def read(self, room: str, info: AssetInfo) -> bytes:
        """The bytes of an asset that `find` gave, checked against its name. Raises StorageUnavailable, AssetDamaged."""
        ...

    async def rooms(self) -> tuple[str, ...]:
        """Rooms that have assets. Raises StorageUnavailable."""
        ...

    async def aged(self, room: str, before: float) -> tuple[AssetInfo, ...]:
        """Assets that were last put before Unix time `before`. Raises StorageUnavailable."""
        ...

    async def remove(self, room: str, sha256: str, before: float) -> bool:
        """Delete an asset, unless it was put again since `before`; whether it is gone. Raises StorageUnavailable."""
        ...

    async def tidy(self, room: str, before: float) -> None:
        """Delete half-written files of a crash before `before`. Raises StorageUnavailable."""
        ...

    async def close(self) -> None:
        """Finish pending writes."""
        ...
