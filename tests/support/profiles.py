"""Small ICC profiles (version 2), written tag by tag so that a test knows the meaning of each."""

from __future__ import annotations

import struct
from itertools import product

_D50 = (0.9642, 1.0, 0.8249)
_PRIMARIES = {
    "red": (0.4361, 0.2225, 0.0139),
    "green": (0.3851, 0.7169, 0.0971),
    "blue": (0.1431, 0.0606, 0.7141),
}
"""Of sRGB, adapted to D50."""


def swapped() -> bytes:
    """Of pictures whose red is meant as blue, and the other way round (gamma 2.2)."""
    colours = {"r": "blue", "g": "green", "b": "red"}
    tags = {f"{name}XYZ": _xyz(_PRIMARIES[colour]) for name, colour in colours.items()}
    return _profile("RGB ", "XYZ ", tags | {f"{name}TRC": _gamma(2.2) for name in colours}, "swapped")


def linear_grey() -> bytes:
    """Of grey pictures whose values are light itself."""
    return _profile("GRAY", "XYZ ", {"kTRC": _gamma(1.0)}, "linear grey")


def black_only() -> bytes:
    """Of CMYK pictures of which only the black ink is ink."""
    corners = b"".join(bytes((0 if black else 255, 128, 128)) for _, _, _, black in product((0, 1), repeat=4))
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1" + struct.pack(">IBBBx", 0, 4, 3, 2) + matrix + ramp * 4 + corners + ramp * 3
    return _profile("CMYK", "Lab ", {"A2B0": table}, "black only")


def _profile(space: str, connection: str, tags: dict[str, bytes], name: str) -> bytes:
    text = name.encode() + b"\0"
    description = b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    tags = {"desc": description, "wtpt": _xyz(_D50), "cprt": b"text" + bytes(4) + b"none\0"} | tags
    at, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += tag.encode() + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    kind = b"prtr" if space == "CMYK" else b"mntr"
    header = (
        struct.pack(">II", at + len(body), 0) + b"\x02\x20\0\0" + kind + space.encode() + connection.encode()
    )
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += b"".join(struct.pack(">i", round(value * 65536)) for value in _D50)
    return header.ljust(128, b"\0") + table + body


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + struct.pack(">I3i", 0, *(round(value * 65536) for value in values))


def _gamma(value: float) -> bytes:
    return b"curv" + struct.pack(">IIH", 0, 1, round(value * 256)) + b"\0\0"
