"""Everything that all rooms of a gateway share."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from antiphon_engines.api import Modality
from antiphon_proto.messages import ModelInfo
from antiphon_server.assets.loader import AssetLoader
from antiphon_server.clock import Clock
from antiphon_server.core.seat import Mint
from antiphon_server.document.recount import Recounts
from antiphon_server.film.voices.room_voices import LineReader
from antiphon_server.jam.audio_stats import Sound
from antiphon_server.room_limits import RoomLimits
from antiphon_server.runs.engine import Engine
from antiphon_server.store.api import RoomStore
from antiphon_server.story.proofreader import Proofreader
from antiphon_server.trust.notes import Signer
from antiphon_server.watchdog.beacon import Beacon
from antiphon_server.watchdog.suspects import Suspects
from antiphon_server.work.pool import Pool
from antiphon_server.work.story_reading import StoryReader
from antiphon_server.work.style_reading import StyleReader


class Services(Struct, frozen=True):
    store: RoomStore
    engine: Engine | None
    limits: RoomLimits
    clock: Clock
    mint: Mint
    models: Callable[[], tuple[ModelInfo, ...]]
    assets: AssetLoader | None = None
    sound: Sound = field(default_factory=Sound)
    proofreader: Proofreader | None = None
    beacon: Beacon = field(default_factory=Beacon)
    suspects: Suspects = field(default_factory=Suspects)
    style: StyleReader | None = None
    """Measures the style of passages; None: rooms refuse to."""
    codex: StoryReader | None = None
    """Reads stories for their codex; None: nothing is found."""
    use_model: Callable[[Modality, str], None] | None = None
    """Handles an owner's wish for another model; raises PeerError. None: nobody in a room may choose."""
    recounts: Recounts = field(default_factory=Recounts)
    signer: Signer = field(default_factory=Signer.generate)
    """Signs the checkpoints of the rooms' ledgers."""
    documents: Pool | None = None
    """Encodes and reads long documents; None: it is done on the event loop."""
    lines: LineReader | None = None
    """Reads the lines of films; None: none are spoken."""
