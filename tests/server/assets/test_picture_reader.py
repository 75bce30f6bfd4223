from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import struct
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server.assets import picture_reader
from antiphon_server.assets.picture_reader import Pictures
from antiphon_server.assets.sanitize import BadPicture, Picture, PictureLimits, clean
from support.picture_files import bomb, chunk, opened, picture
from support.profiles import black_only, linear_grey, swapped

LIMITS = PictureLimits(bytes=100_000, pixels=250_000, side=1000, source_pixels=1_000_000)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_keeps_its_kind_size_and_pixels(kind: str) -> None:
    made = clean(picture(kind, (40, 30)), LIMITS)
    image = opened(made.data)
    assert (image.format, image.size) == (kind, (40, 30))
    assert made.info.type == f"image/{kind.lower()}"
    assert (made.info.width, made.info.height, made.info.size) == (40, 30, len(made.data))
    assert made.info.sha256 == hashlib.sha256(made.data).hexdigest()
    was, now = opened(picture(kind, (40, 30))).convert("L"), image.convert("L")
    assert max(abs(a - b) for a, b in zip(was.tobytes(), now.tobytes(), strict=True)) <= 8


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [("1", "L"), ("L", "L"), ("LA", "RGBA"), ("P", "RGB"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("I;16", "L")],
)
def test_every_mode_becomes_one_that_all_readers_know(mode: str, becomes: str) -> None:
    image = Image.new(mode, (5, 4))
    assert opened(clean(_png(image), LIMITS).data).mode == becomes


def test_only_pixels_survive() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "the camera of Ada"
    data = picture("JPEG", (40, 30), exif=exif, icc_profile=b"profile " * 20) + b"<script>alert(1)</script>"
    made = clean(data, LIMITS)
    image = opened(made.data)
    assert image.size == (30, 40)
    assert not image.getexif()
    assert "icc_profile" not in image.info
    assert b"script" not in made.data
    assert b"Ada" not in made.data


def _close(one: Any, other: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_colours_are_brought_to_srgb(kind: str) -> None:
    data = _saved(Image.new("RGB", (16, 16), (250, 60, 20)), kind, icc_profile=swapped())
    image = opened(clean(data, LIMITS).data)
    assert _close(image.getpixel((8, 8)), (20, 60, 250), 12)
    assert "icc_profile" not in image.info


def test_the_clear_parts_stay_clear_when_colours_change() -> None:
    image = Image.new("RGBA", (4, 4), (250, 60, 20, 77))
    made = opened(clean(_saved(image, "PNG", icc_profile=swapped()), LIMITS).data)
    assert made.mode == "RGBA"
    assert _close(made.getpixel((1, 1)), (20, 60, 250, 77), 10)


def test_a_palette_follows_its_profile() -> None:
    image = Image.new("RGB", (4, 4), (250, 60, 20)).quantize(4)
    made = opened(clean(_saved(image, "PNG", icc_profile=swapped()), LIMITS).data)
    assert _close(made.getpixel((1, 1)), (20, 60, 250), 10)
    image.info["transparency"] = image.getpixel((0, 0))
    made = opened(clean(_saved(image, "PNG", transparency=image.getpixel((0, 0))), LIMITS).data)
    assert made.getpixel((1, 1))[3] == 0  # type: ignore[index]


def test_grey_follows_its_profile_and_stays_grey() -> None:
    made = opened(clean(_saved(Image.new("L", (4, 4), 55), "PNG", icc_profile=linear_grey()), LIMITS).data)
    assert made.mode == "L"
    assert _close((made.getpixel((1, 1)),), (128,))


def test_four_inks_become_three_lights() -> None:
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    plain = opened(clean(_saved(cyan, "JPEG", quality=100), LIMITS).data)
    assert (plain.format, plain.mode) == ("JPEG", "RGB")
    assert _close(plain.getpixel((4, 4)), (0, 255, 255), 6)
    meant = opened(clean(_saved(cyan, "JPEG", quality=100, icc_profile=black_only()), LIMITS).data)
    assert _close(meant.getpixel((4, 4)), (255, 255, 255), 6)


@pytest.mark.parametrize(
    "profile", [b"profile " * 20, linear_grey(), black_only(), swapped()[:150], b"\xff" * 400]
)
def test_a_profile_that_is_broken_or_of_other_pictures_counts_for_nothing(profile: bytes) -> None:
    data = _saved(Image.new("RGB", (4, 4), (250, 60, 20)), "PNG", icc_profile=profile)
    assert opened(clean(data, LIMITS).data).getpixel((1, 1)) == (250, 60, 20)


def test_floating_greys_are_parts_of_one() -> None:
    for grey, shown in ((0.5, 127), (1.0, 255), (200.0, 200)):
        data = _saved(Image.new("F", (4, 4), grey), "TIFF")
        assert opened(clean(data, LIMITS).data).getpixel((1, 1)) == shown


def test_sixteen_bits_become_eight() -> None:
    grey = Image.new("I;16", (4, 4), 0x8000)
    assert opened(clean(_png(grey), LIMITS).data).getpixel((1, 1)) == 0x80
    clear = opened(clean(_saved(grey, "PNG", transparency=0x1234), LIMITS).data)
    assert (clear.mode, clear.getpixel((1, 1))) == ("L", 0x80)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 6, 0, 0, 0))
    row = b"\0" + struct.pack(">8H", 0xFA00, 0x3C00, 0x1400, 0xFFFF, 0, 0, 0, 0x4D00)
    body = chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    made = opened(clean(b"\x89PNG\r\n\x1a\n" + header + body, LIMITS).data)
    assert (made.getpixel((0, 0)), made.getpixel((1, 0))) == ((0xFA, 0x3C, 0x14, 255), (0, 0, 0, 0x4D))


def test_a_picture_is_turned_before_its_colours_change() -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    image = Image.new("RGB", (20, 10), (250, 60, 20))
    made = opened(clean(_saved(image, "PNG", exif=exif, icc_profile=swapped()), LIMITS).data)
    assert made.size == (10, 20)
    assert _close(made.getpixel((1, 1)), (20, 60, 250), 10)


def test_of_an_animation_the_first_frame_stays() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for kind in ("PNG", "WEBP"):
        made = clean(_saved(frames[0], kind, save_all=True, append_images=frames[1:]), LIMITS)
        image = opened(made.data)
        assert getattr(image, "n_frames", 1) == 1
        red, _, blue = image.convert("RGB").getpixel((4, 4))
        assert red > 200 > 50 > blue


@pytest.mark.parametrize("size", [(100_000, 100_000), (20_000, 20_000), (1001, 1000)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(TooLarge, match="pixels"):
        clean(bomb(*size), LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("size", [(900, 600), (3000, 20)])
def test_what_is_larger_than_is_kept_is_scaled_down_and_that_is_told(
    kind: str, size: tuple[int, int]
) -> None:
    made = clean(picture(kind, size), LIMITS)
    width, height = made.info.width, made.info.height
    assert made.scaled_from == size
    assert width <= 1000
    assert width * height <= 250_500
    assert abs(width / height / (size[0] / size[1]) - 1) < 0.2
    grey = opened(made.data).convert("L")
    assert grey.size == (width, height)
    was = opened(picture("PNG", size)).convert("L")
    for part in (0.1, 0.5, 0.9):
        place = (width // 2, int(height * part))
        assert _close((grey.getpixel(place),), (was.getpixel((size[0] // 2, int(size[1] * part))),), 40)


def test_one_that_is_turned_is_scaled_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = clean(picture("JPEG", (900, 600), exif=exif), LIMITS)
    assert made.info.height > made.info.width
    assert made.scaled_from == (600, 900)


def test_a_file_over_the_bound_is_refused_and_one_that_grows_over_it_is_made_smaller() -> None:
    with pytest.raises(TooLarge, match="the bound is 10"):
        clean(picture(), PictureLimits(file_bytes=10))
    noise = _saved(Image.effect_noise((64, 64), 100), "JPEG", quality=5)
    made = clean(noise, PictureLimits(bytes=len(noise)))
    assert len(made.data) <= len(noise)
    assert made.scaled_from == (64, 64)


@pytest.mark.parametrize(
    ("kind", "mode", "becomes"),
    [
        ("GIF", "P", "PNG"),
        ("BMP", "RGB", "PNG"),
        ("TIFF", "RGB", "PNG"),
        ("TIFF", "CMYK", "PNG"),
        ("TIFF", "RGBA", "PNG"),
        ("AVIF", "RGB", "JPEG"),
        ("AVIF", "RGBA", "WEBP"),
    ],
)
def test_other_kinds_become_one_that_every_browser_shows(kind: str, mode: str, becomes: str) -> None:
    image = (
        Image.new("RGBA" if mode == "RGBA" else "RGB", (24, 16), (200, 30, 60, 128)[: len(mode)])
        if (mode in ("RGB", "RGBA"))
        else Image.new("RGB", (24, 16), (200, 30, 60)).convert(mode)
    )
    made = opened(clean(_saved(image, kind), LIMITS).data)
    assert made.format == becomes
    assert _close(made.convert("RGBA").getpixel((8, 8)), (200, 30, 60, 128 if mode == "RGBA" else 255), 50)


def test_the_frames_that_are_left_out_are_counted() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "green")]
    made = clean(_saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), LIMITS)
    assert made.frames == 3
    assert opened(made.data).convert("RGB").getpixel((4, 4)) == (255, 0, 0)
    assert clean(picture("GIF"), LIMITS).frames == 1


@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_a_photograph_keeps_as_much_of_its_colours_as_it_has(sampling: int) -> None:
    made = opened(clean(picture("JPEG", (64, 48), subsampling=sampling), LIMITS).data)
    assert JpegImagePlugin.get_sampling(made) == sampling


def _png_of(width: int, bits: int, kind: int, row: bytes, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, kind, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + body


@pytest.mark.parametrize(("bits", "row", "clear"), [(1, b"\x40", 1), (2, b"\x1b", 2), (4, b"\x5a\xf0", 10)])
def test_a_grey_of_few_bits_that_is_clear_stays_clear(bits: int, row: bytes, clear: int) -> None:
    width = 4 if bits < 4 else 3
    made = opened(clean(_png_of(width, bits, 0, row, chunk(b"tRNS", struct.pack(">H", clear))), LIMITS).data)
    packed = int.from_bytes(row) >> (8 * len(row) - width * bits)
    levels = [packed >> (bits * (width - 1 - at)) & ((1 << bits) - 1) for at in range(width)]
    for at, level in enumerate(levels):
        grey = level * 255 // ((1 << bits) - 1)
        assert made.getpixel((at, 0)) == (grey, grey, grey, 0 if level == clear else 255)


@pytest.mark.parametrize(("gamma", "value", "shown"), [(100_000, 55, 128), (45_455, 55, 55), (0, 55, 55)])
def test_what_a_file_says_of_its_light_is_heeded(gamma: int, value: int, shown: int) -> None:
    said = chunk(b"gAMA", struct.pack(">I", gamma))
    row = bytes((value, value, value, 77))
    for more, expected in (((), shown), ((chunk(b"sRGB", b"\0"),), value)):
        made = opened(clean(_png_of(1, 8, 6, row, *more, said), LIMITS).data)
        assert _close(made.getpixel((0, 0)), (expected, expected, expected, 77), 2)


DRAWING = """<?xml version="1.0"?>
<!-- made by hand --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
  viewBox="0 0 20 10" onload="alert(1)">
  <defs><linearGradient id="g"><stop stop-color="#ff0000"/></linearGradient></defs>
  <style>@import url("https://example.com/x.css"); rect { fill: url(#g) }</style>
  <script>alert(1)</script>
  <rect width="10" height="10"/>
  <image href="{href}" x="10" width="10" height="10"/>
  <foreignObject width="20" height="10"><p xmlns="http://www.w3.org/1999/xhtml">words</p></foreignObject>
</svg>"""


def test_an_svg_is_drawn_and_names_nothing_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(_png(Image.new("RGB", (10, 10), "blue")))
    inside = "data:image/png;base64," + base64.b64encode(_png(Image.new("RGB", (10, 10), "green"))).decode()
    for href, right in (
        (str(secret), (0, 0, 0, 0)),
        (secret.as_uri(), (0, 0, 0, 0)),
        ("https://example.com/x.png", (0, 0, 0, 0)),
        ("data:image/svg+xml;base64,PHN2Zy8+", (0, 0, 0, 0)),
        (inside, (0, 128, 0, 255)),
    ):
        made = clean(DRAWING.replace("{href}", href).encode(), PictureLimits())
        image = opened(made.data)
        assert (made.info.type, image.size) == ("image/png", (512, 256))
        assert image.getpixel((100, 100)) == (255, 0, 0, 255)
        assert image.getpixel((400, 100)) == right


@pytest.mark.parametrize(
    "drawing",
    [
        "<svg xmlns='http://www.w3.org/2000/svg' width='1e9' height='1'/>",
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 0 0' width='-5' height='x'><rect",
        "<svg" + " " * 50 + "xmlns='http://www.w3.org/2000/svg'>&nope;</svg>",
        "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(f"<!ENTITY {'abcdefgh'[i + 1]} '{('&' + 'abcdefgh'[i] + ';') * 40}'>" for i in range(6))
        + "]><svg xmlns='http://www.w3.org/2000/svg'><text>&g;</text></svg>",
    ],
)
def test_a_drawing_that_is_none_is_refused(drawing: str) -> None:
    with pytest.raises(BadPicture):
        clean(drawing.encode(), LIMITS)


def test_a_photograph_of_a_telephone_comes_in_where_the_library_is_and_is_named_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(BadPicture, match="HEIF pictures are not read by this server"):
        clean(heic, LIMITS)
    monkeypatch.undo()
    pytest.importorskip("pi_heif")
    with pytest.raises(BadPicture, match="not a whole picture"):
        clean(heic, LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + b"\0" * 50,
        picture("TIFF")[:30],
        picture("AVIF")[:60],
        picture("ICO"),
        b"8BPS\0\1" + b"\0" * 60,
        b'{"type": "excalidraw", "elements": []}',
        b"%PDF-1.4",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        picture("PNG")[:60],
        picture("JPEG")[:300],
        picture("WEBP")[:40],
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"short"),
    ],
)
def test_what_is_not_a_whole_picture_of_a_kind_we_take_is_refused(data: bytes) -> None:
    with pytest.raises(
        BadPicture,
        match="not a whole picture of a kind that is taken here",
    ):
        clean(data, LIMITS)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 600),
)
def test_a_broken_file_is_a_picture_or_a_clear_refusal(
    kind: str, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(picture(kind, (32, 32)))
    for at, value in changes:
        data[at % len(data)] = value
    try:
        made = clean(bytes(data[: max(1, len(data) - cut)]), LIMITS)
    except PeerError:
        return
    assert opened(made.data).size == (made.info.width, made.info.height)


async def test_large_and_rare_pictures_are_read_in_a_process_of_their_own() -> None:
    line = Pictures(PictureLimits())
    large = Image.linear_gradient("L").resize((6000, 4000)).convert("RGB")
    made = await line.clean(_saved(large, "JPEG", quality=70))
    assert made.scaled_from == (6000, 4000)
    assert made.info.width * made.info.height <= 16 * 1024 * 1024 < 1.01 * made.info.width * made.info.height
    wide = await line.clean(_png(Image.new("1", (30_000, 40), 1)))
    assert (wide.info.width, wide.scaled_from) == (8192, (30_000, 40))
    drawn = await line.clean(b"<svg xmlns='http://www.w3.org/2000/svg' width='30' height='20'/>")
    assert (drawn.info.width, drawn.scaled_from) == (512, None)
    with pytest.raises(TooLarge, match="pixels"):
        await line.clean(bomb(40_000, 30_000))
    with pytest.raises(BadPicture):
        await line.clean(b"<svg xmlns='http://www.w3.org/2000/svg'>")
    # One that keeps its reader busy, or wants all memory, ends the reader and nothing else.
    greedy = Pictures(PictureLimits(seconds=0.05))
    with pytest.raises(TooLarge, match="takes longer"):
        await greedy.clean(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    await line.close()
    await greedy.close()


async def test_so_many_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def slowly(data: bytes, limits: PictureLimits) -> Picture:
        gate.wait(60)
        return clean(data, limits)

    monkeypatch.setattr(picture_reader, "clean", slowly)
    line = Pictures(PictureLimits(workers=1, waiting=1))
    taken = [asyncio.create_task(line.clean(picture())) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        await line.clean(picture())
    gate.set()
    assert [one.info.type for one in await asyncio.gather(*taken)] == ["image/png"] * 2
    assert (await line.clean(picture())).info.type == "image/png"
    await line.close()


def _png(image: Image.Image) -> bytes:
    return _saved(image, "PNG")


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()
