"""The players' wishes to the band: the controls of the model's bars and the engine's help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from antiphon_engines.audio.symbolic import tokens
from antiphon_engines.audio.symbolic.tokens import ROLES, Chord, Key

FOLLOW: Final = 36.0
KEY_LOCK: Final = 1.5
CHORD_TEMPERATURE: Final = 0.3
"""The engine's help for the model, as evaluated (MODEL_CARD.md)."""


@dataclass(frozen=True)
class Controls:
    """The players' wishes to the band; a change is heard from the next bar line on.

    ``styles`` maps names in tokens.STYLES to weights. ``beats`` is 3 or 4, or 2 for the first half of a bar of 4.
    ``roles`` are those that play. ``lag`` (in tokens.LAGS) says how many ticks late people's notes are known. ``chord``
    pins the harmony; ``form`` is the chord of this bar in the style's form, which people's chords overrule. ``follow``
    and ``key_lock`` are help from outside the model, in nats: towards chords that hold the notes just heard (and, where
    people repeat themselves, those they will probably play next), and away from notes outside the key. ``urge`` is for
    the roles in ``urged`` when they have been silent for long: a small model that has left a role out tends to go on
    without it."""

    styles: Mapping[str, float] = field(default_factory=lambda: {"pop": 1.0})
    key: Key | None = Key(0, "maj")
    beats_per_minute: float = 110.0
    beats: int = 4
    density: int | None = None
    roles: frozenset[str] = frozenset("BCD")
    lag: int = 6
    chord: Chord | None = None
    form: Chord | None = None
    temperature: float = 0.9
    top_p: float = 0.95
    chord_temperature: float = 0.5
    follow: float = 0.0
    key_lock: float = 0.0
    urge: float = 0.0
    urged: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        known = (
            set(self.styles) <= set(tokens.STYLES)
            and self.styles
            and min(self.styles.values()) >= 0
            and sum(self.styles.values()) > 0
            and self.roles <= set(ROLES)
            and self.lag in tokens.LAGS
            and self.beats in (2, 3, 4)
            and (self.density is None or 0 <= self.density <= len(tokens.DENSITY_BORDERS))
            and min(self.temperature, self.chord_temperature, self.beats_per_minute, self.top_p) > 0
        )
        if not known:
            raise ValueError(f"controls out of range: {self}")
