"""The settings of the jam; times in seconds, sizes in bytes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


class JamSettings(BaseModel):
    """Settings of the jam. Times are seconds unless a field says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    late: float = Field(default=1.0, ge=0, le=30)
    """Keys that come more than so much after their time count as played so long ago."""
    early: float = Field(default=1.0, ge=0, le=30)
    """Keys that come more than so much before their time likewise."""
    notes_per_second: float = Field(default=60.0, gt=0, le=10_000)
    """Keys that one participant may press; others do not hear more."""
    note_burst: int = Field(default=240, ge=1, le=100_000)
    longest_key: float = Field(default=30.0, ge=1, le=3600)
    """A key that is held for longer is released: the page that holds it has frozen."""
    notice: float = Field(default=0.15, ge=0, le=5)
    """At least so long before a change of the transport everybody is told of it."""
    changes_per_second: float = Field(default=20.0, gt=0, le=1000)
    """Changes of the transport that one participant may ask for."""
    change_burst: int = Field(default=60, ge=1, le=10_000)
    lead: float = Field(default=0.25, ge=0.02, le=30)
    """The band's audio leaves its engine so long before it sounds; more where an engine needs more."""
    band_delay: float = Field(default=0.5, ge=0, le=30)
    """Beyond the lead, how long after it is asked for a band begins."""
    band_backoff: float = Field(default=0.5, gt=0, le=60)
    """A band whose worker died starts again at once; after each further death in a row this long later, and twice as
    long each time."""
    band_backoff_most: float = Field(default=300.0, gt=0, le=3600)
    """At most so long."""
    log_bytes: int = Field(default=64 * MIB, ge=64 * 1024, le=1024 * MIB)
    """Size of a room's recording; the oldest part goes. Notes take about 1 MB an hour and person; the sound of a
    band that tells no notes, which is kept too, 45 MB an hour."""
    log_batches: int = Field(default=20_000, ge=10, le=1_000_000)
    """Writes of about a second each."""
    export_seconds: float = Field(default=3 * 3600.0, gt=0, le=3 * 3600)
    """Of sound that one exported file holds."""
    exports: int = Field(default=1, ge=1, le=64)
    """Sound files that are made at the same time."""
    export_timeout: float = Field(default=1800.0, gt=0, le=4 * 3600)
    """A sound file that is not made by then is given up."""
