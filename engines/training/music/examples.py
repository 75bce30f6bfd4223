"""Two examples of 30 seconds for the model card, as sound and as piano rolls.

    cd engines && python -m training.music.examples --out antiphon_engines/weights/music

Plays the embedded model through the jam's own engine, with its lag, its help and its synthesiser, on a clock that does
not wait: accompaniment of "Ode to Joy" while the prompts change from jazz to bossa, and a blues in which the
band's lead answers phrases of ours. Writes `example_NAME.opus` and `example_NAME.png`; the same weights give the same
files.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_engines.api import Audio, AudioRequest, AudioSteer, Failed, Performed, PlayedNote, Segment
from antiphon_engines.audio import opus
from antiphon_engines.audio.engine import AudioEngine, Session
from antiphon_engines.audio.performer_api import Pcm
from antiphon_engines.audio.render import RenderJob, RenderNote, Track, blocks
from antiphon_engines.audio.symbolic import loader
from antiphon_engines.audio.symbolic.band import LETTERS, EmbeddedMusician, chord_name
from antiphon_engines.audio.symbolic.tokens import (
    DRUM_NAMES,
    DRUMS,
    QUALITIES,
    TICKS_PER_BEAT,
    Bar,
    Chord,
    Key,
    Note,
)
from antiphon_engines.audio.synthesiser import SoundFont
from antiphon_proto.document.jam import (
    PPQ,
    SAMPLE_RATE,
    BandChord,
    BandControls,
    BandNote,
    BandRole,
    KeyMode,
    Prompt,
    Transport,
)

from .harmony import Tone
from .measures import Take
from .rolls import piano_roll

SECONDS: Final = 30.0
_TICK: Final = PPQ // TICKS_PER_BEAT
_CHORDS: Final = {
    chord_name(Chord(root, quality), Transport(tonic=tonic)): Chord(root, quality)
    for quality in QUALITIES
    for root in range(12)
    for tonic in (0, 5)  # sharps and flats
}


@dataclass(frozen=True)
class Piece:
    """People play `melody` as (beat, length in beats, pitch) with `program`; `changes` are controls from a beat on."""

    name: str
    title: str
    tempo: float
    tonic: int
    mode: KeyMode
    melody: tuple[tuple[float, float, int], ...]
    program: int
    changes: tuple[tuple[float, BandControls], ...]
    seed: int = 1


def _line(start: float, pitches: str, length: float) -> list[tuple[float, float, int]]:
    """Notes of one length; `-` is a rest, `_` holds the note before."""
    notes: list[tuple[float, float, int]] = []
    for index, word in enumerate(pitches.split()):
        if word == "_":
            notes[-1] = (notes[-1][0], notes[-1][1] + length, notes[-1][2])
        elif word != "-":
            notes.append((start + index * length, length, int(word)))
    return notes


_ODE_A: Final = "76 76 77 79 79 77 76 74 72 72 74 76"
_ODE: Final = tuple(
    note
    for turn in range(2)
    for note in [
        *_line(32 * turn, _ODE_A, 1),
        *_line(32 * turn + 12, "76 _ _ 74 74 _ _ _", 0.5),
        *_line(32 * turn + 16, _ODE_A, 1),
        *_line(32 * turn + 28, "74 _ _ 72 72 _ _ _", 0.5),
    ]
)
_CALLS: Final = (
    "69 72 74 75 74 72 69 _ 67 _ 69 _ - - - -",
    "81 79 76 74 76 _ 72 74 _ 72 69 _ - - - -",
    "69 - 69 72 - 74 75 76 - 79 76 74 - - - -",
)
_BLUES: Final = tuple(note for turn, call in enumerate(_CALLS) for note in _line(16 * turn, call, 0.5))
_ROLES: Final[frozenset[BandRole]] = frozenset({"bass", "chords", "drums"})
PIECES: Final = (
    Piece(
        "ode",
        "Ode to Joy; prompts: jazz trio, from bar 9 on bossa nova",
        124.0,
        0,
        "maj",
        _ODE,
        73,
        (
            (0.0, BandControls(prompts=(Prompt("jazz trio"),), roles=_ROLES)),
            (31.0, BandControls(prompts=(Prompt("bossa nova"),), roles=_ROLES)),
        ),
    ),
    Piece(
        "answers",
        "call and response; prompt: slow blues",
        96.0,
        9,
        "min",
        _BLUES,
        27,
        ((0.0, BandControls(prompts=(Prompt("blues"),), roles=_ROLES, mode="answer", reaction=1.0)),),
    ),
)


def perform(piece: Piece, musician: EmbeddedMusician) -> tuple[Take, Pcm]:
    """The band and the people: their notes, and the band's sound as listeners get it."""
    clock = [-10.0]
    engine = AudioEngine(musician, 3, lambda: clock[0])
    transport = Transport(playing=True, tempo=piece.tempo, tonic=piece.tonic, mode=piece.mode)
    request = AudioRequest(piece.changes[0][1], (Segment(0, transport),), piece.seed, start=0.0)
    session = engine.admit(request)
    assert isinstance(session, Session)
    beat_s = 60 / piece.tempo
    keys = [
        (at * beat_s, PlayedNote(round(at * beat_s * SAMPLE_RATE), "us", pitch, velocity))
        for start, length, pitch in piece.melody
        for at, velocity in ((start, 96), (start + 0.95 * length, 0))
    ]
    changes = [(at * beat_s, change) for at, change in piece.changes[1:]]
    packets: list[bytes] = []
    notes: list[BandNote] = []
    chords: list[BandChord] = []
    while session.pts < SECONDS * SAMPLE_RATE:
        clock[0] = max(clock[0], session.window.opens)
        while keys and keys[0][0] <= clock[0]:
            engine.push(session, [keys.pop(0)[1]])
        while changes and changes[0][0] <= clock[0]:
            engine.steer(session, AudioSteer(controls=changes.pop(0)[1]))
        for output in engine.step([session])[0]:
            match output:
                case Performed(played, harmony):
                    notes += played
                    chords += harmony
                case Audio():
                    packets.append(output.opus)
                case Failed(message=message):
                    raise RuntimeError(message)
    engine.close()
    beats = round(SECONDS / beat_s) // 4 * 4
    tonic = Chord(piece.tonic, piece.mode)
    ruling = [[_CHORDS[each.name] for each in chords if each.tick <= beat * PPQ] for beat in range(beats)]
    names = [(told or [tonic])[-1] for told in ruling]
    pitches = list(DRUMS.values())
    played_notes = [
        Note(
            note.tick // _TICK,
            LETTERS[note.role],
            pitches.index(note.pitch) if note.role == "drums" else note.pitch,
            note.duration // _TICK,
        )
        for note in notes
        if note.tick < beats * PPQ
    ]
    assert len(pitches) == len(DRUM_NAMES)
    asked = [Bar(key=Key(piece.tonic, piece.mode))] * (beats // 4)
    people = [
        Tone(round(at * TICKS_PER_BEAT), round(length * TICKS_PER_BEAT), pitch)
        for at, length, pitch in piece.melody
        if at < beats
    ]
    return Take(asked, played_notes, names, people), opus.decoded(packets)


def mixed(piece: Piece, band: Pcm, font: SoundFont) -> Pcm:
    """The band with the people's part, peaks at most 0.98."""
    beat_s = 60 / piece.tempo
    notes = tuple(
        RenderNote(at * beat_s, length * beat_s * 0.95, pitch, 100)
        for at, length, pitch in piece.melody
        if at * beat_s < SECONDS - 1
    )
    job = RenderJob("unused", "unused", (Track(piece.program, notes, 0.9),), seconds=SECONDS, tail=0.0)
    people = np.concatenate(list(blocks(job, font.synthesiser)))[: len(band)]
    both = band.copy()
    both[: len(people)] += people
    both[-SAMPLE_RATE:] *= np.linspace(1, 0, SAMPLE_RATE, dtype=np.float32)[:, None]
    out: Pcm = (both * min(1.0, 0.98 / max(1e-6, float(np.abs(both).max())))).astype(np.float32)
    return out


def write_opus(pcm: Pcm, path: Path) -> None:
    """An Ogg Opus file."""
    import av

    # Without a serial number by chance the same weights give the same file.
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact"}) as file:
        stream: Any = file.add_stream("libopus", rate=SAMPLE_RATE)
        stream.layout, stream.format, stream.bit_rate = "stereo", "flt", opus.BITS
        for start in range(0, len(pcm), SAMPLE_RATE):
            part = np.ascontiguousarray(pcm[start : start + SAMPLE_RATE])
            frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="flt", layout="stereo")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=loader.FOLDER, help="where the files go")
    parser.add_argument(
        "--cache", type=Path, default=Path("~/.cache/antiphon"), help="folder of prepared models"
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    font = SoundFont(loader.soundfont(), options.cache.expanduser())
    musician = EmbeddedMusician(loader.load_decoder(), font)
    for piece in PIECES:
        take, band = perform(piece, musician)
        write_opus(mixed(piece, band, font), options.out / f"example_{piece.name}.opus")
        piano_roll(take, piece.title, options.out / f"example_{piece.name}.png")
        roles = sorted({note.role for note in take.notes})
        print(f"{piece.name}: {len(take.notes)} notes of {', '.join(roles)}; people {len(take.people)}")


if __name__ == "__main__":
    main()
