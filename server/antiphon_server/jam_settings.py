"""The settings of the jam; times in seconds, sizes in bytes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


class JamSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    late: float = Field(default=1.0, ge=0, le=30)
    """Keys that come more than so much after their time count as played so long ago."""
    early: float = Field(default=1.0, ge=0, le=30)
    """Keys that come more than so much before their time likewise."""
    notes_per_second: float = Field(default=60.0, gt=0, le=10_000)
    """Keys that one participant may press; what is beyond is not heard."""
    note_burst: int = Field(default=240, ge=1, le=100_000)
    notice: float = Field(default=0.15, ge=0, le=5)
    """At least so long before a change of the transport everybody is told of it."""
    changes_per_second: float = Field(default=20.0, gt=0, le=1000)
    """Changes of the transport that one participant may ask for."""
    change_burst: int = Field(default=60, ge=1, le=10_000)
