from __future__ import annotations

import asyncio
import hashlib
import io
import struct
import threading
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server import pictures
from antiphon_server.pictures import BadPicture, Picture, PictureLimits, Pictures, clean
from support.picture_files import bomb, chunk, opened, picture
from support.profiles import black_only, linear_grey, swapped

LIMITS = PictureLimits(bytes=100_000, pixels=250_000, side=1000)


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
        red, _, blue = image.convert("RGB").getpixel((4, 4))  # type: ignore[misc]
        assert red > 200 > 50 > blue


@pytest.mark.parametrize("size", [(100_000, 100_000), (20_000, 20_000), (600, 600), (1001, 1)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(TooLarge, match="pixels"):
        clean(bomb(*size), LIMITS)


def test_a_file_over_the_bound_is_refused_and_so_is_one_that_grows_over_it() -> None:
    with pytest.raises(TooLarge, match="the bound is 10"):
        clean(picture(), PictureLimits(bytes=10))
    noise = _saved(Image.effect_noise((64, 64), 100), "JPEG", quality=5)
    with pytest.raises(TooLarge, match="when written as JPEG"):
        clean(noise, PictureLimits(bytes=len(noise)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 50,
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        b"%PDF-1.4",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        picture("PNG")[:60],
        picture("JPEG")[:300],
        picture("WEBP")[:40],
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"short"),
    ],
)
def test_what_is_not_a_whole_picture_of_a_kind_we_take_is_refused(data: bytes) -> None:
    with pytest.raises(BadPicture, match="not a whole PNG, JPEG or WebP picture"):
        clean(data, LIMITS)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP"]),
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


async def test_so_many_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def slowly(data: bytes, limits: PictureLimits) -> Picture:
        gate.wait(60)
        return clean(data, limits)

    monkeypatch.setattr(pictures, "clean", slowly)
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
