"""The names of General MIDI's programs, for tracks."""

from __future__ import annotations

from typing import Final

_NAMES: Final = (
    *("Grand Piano", "Bright Piano", "Electric Grand", "Honky-tonk Piano"),
    *("Electric Piano", "FM Piano", "Harpsichord", "Clavinet"),
    *("Celesta", "Glockenspiel", "Music Box", "Vibraphone"),
    *("Marimba", "Xylophone", "Tubular Bells", "Dulcimer"),
    *("Drawbar Organ", "Percussive Organ", "Rock Organ", "Church Organ"),
    *("Reed Organ", "Accordion", "Harmonica", "Bandoneon"),
    *("Nylon Guitar", "Steel Guitar", "Jazz Guitar", "Clean Guitar"),
    *("Muted Guitar", "Overdriven Guitar", "Distorted Guitar", "Guitar Harmonics"),
    *("Double Bass", "Fingered Bass", "Picked Bass", "Fretless Bass"),
    *("Slap Bass 1", "Slap Bass 2", "Synth Bass 1", "Synth Bass 2"),
    *("Violin", "Viola", "Cello", "Contrabass"),
    *("Tremolo Strings", "Pizzicato Strings", "Harp", "Timpani"),
    *("Strings", "Slow Strings", "Synth Strings 1", "Synth Strings 2"),
    *("Choir", "Voice", "Synth Voice", "Orchestra Hit"),
    *("Trumpet", "Trombone", "Tuba", "Muted Trumpet"),
    *("French Horn", "Brass", "Synth Brass 1", "Synth Brass 2"),
    *("Soprano Sax", "Alto Sax", "Tenor Sax", "Baritone Sax"),
    *("Oboe", "English Horn", "Bassoon", "Clarinet"),
    *("Piccolo", "Flute", "Recorder", "Pan Flute"),
    *("Bottle", "Shakuhachi", "Whistle", "Ocarina"),
    *("Square Lead", "Saw Lead", "Calliope Lead", "Chiff Lead"),
    *("Charang Lead", "Voice Lead", "Fifths Lead", "Bass and Lead"),
    *("New Age Pad", "Warm Pad", "Polysynth Pad", "Choir Pad"),
    *("Bowed Pad", "Metallic Pad", "Halo Pad", "Sweep Pad"),
    *("Rain", "Soundtrack", "Crystal", "Atmosphere"),
    *("Brightness", "Goblins", "Echoes", "Science Fiction"),
    *("Sitar", "Banjo", "Shamisen", "Koto"),
    *("Kalimba", "Bagpipe", "Fiddle", "Shanai"),
    *("Tinkle Bell", "Agogo", "Steel Drums", "Woodblock"),
    *("Taiko", "Melodic Tom", "Synth Drum", "Reverse Cymbal"),
    *("Fret Noise", "Breath Noise", "Seashore", "Birds"),
    *("Telephone", "Helicopter", "Applause", "Gunshot"),
)


def program_name(program: int) -> str:
    """Of a program, 0 to 127; 128 is a drum kit."""
    return _NAMES[program] if 0 <= program < len(_NAMES) else "Drums"
