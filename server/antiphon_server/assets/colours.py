"""Brings a picture's colours to sRGB, the colour space of browsers, models and our own files."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageCms

_SRGB: Final = ImageCms.createProfile("sRGB")
_MODES: Final = {"RGB ": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}
"""Colour space of a profile -> modes of pictures that it can be about."""


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """`image` (L, RGB, RGBA or CMYK) in the colours that its embedded profile means: L stays, the others become RGB or
    RGBA. A profile that is broken, or that is about other pictures, is taken for none, as browsers do."""
    becomes = {"CMYK": "RGB"}.get(image.mode, image.mode)
    if icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            about = _MODES.get(profile.profile.xcolor_space, ())
            if image.mode in about and "srgb" not in ImageCms.getProfileDescription(profile).lower():
                through = "RGB" if image.mode == "L" else becomes
                made = ImageCms.profileToProfile(image, profile, _SRGB, outputMode=through)
                assert made is not None  # only a change in place gives None
                return made.convert(becomes)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert(becomes)


def from_gamma(image: Image.Image, gamma: float) -> Image.Image:
    """`image` (L, RGB or RGBA), whose samples are the light to the power of `gamma` (a PNG's gAMA), in sRGB. A gamma
    that is sRGB's own, or none at all, changes nothing."""
    if not 0.05 <= gamma <= 20 or abs(gamma * 2.2 - 1) < 0.05:
        return image
    linear = [(value / 255) ** (1 / gamma) for value in range(256)]
    table = [
        round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))
        for light in linear
    ]
    bands = [
        band if name == "A" else band.point(table)
        for name, band in zip(image.getbands(), image.split(), strict=True)
    ]
    return Image.merge(image.mode, bands)
