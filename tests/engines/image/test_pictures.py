"""Pictures from strangers: only harmless ones are decoded, and every refusal is a typed one."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from antiphon_engines.api import MAX_SOURCE, InvalidRequest
from antiphon_engines.image.pictures import (
    PREVIEW_BYTES,
    encode_png,
    encode_preview,
    pad,
    preview_size,
    read_mask,
    read_source,
)
from support.easel import encode, mask_of, scene

BOUND = 256 * 256


def test_a_written_picture_is_read_back_to_the_bit_also_a_part_of_a_larger_one() -> None:
    whole = scene(64, 64)
    assert np.array_equal(read_source(encode_png(whole), BOUND), whole)
    assert np.array_equal(read_source(encode_png(whole[:37, :50]), BOUND), whole[:37, :50])


@pytest.mark.parametrize("format", ["PNG", "WEBP", "JPEG"])
def test_the_formats_of_browsers_are_read(format: str) -> None:
    assert read_source(encode(scene(40, 30), format), BOUND).shape == (30, 40, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "I;16", "1", "CMYK"])
def test_every_kind_of_pixel_becomes_rgb(mode: str) -> None:
    stream = io.BytesIO()
    Pillow.new(mode, (8, 8)).save(stream, "JPEG" if mode == "CMYK" else "PNG")
    assert read_source(stream.getvalue(), BOUND).shape == (8, 8, 3)


def test_what_is_transparent_becomes_paper() -> None:
    picture = np.zeros((2, 2, 4), np.uint8)
    picture[0, 0] = (255, 0, 0, 255)
    pixels = read_source(encode(picture), BOUND)
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert pixels[1, 1].tolist() == [255, 255, 255]


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (257, 256), (0, 0)])
def test_bombs_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequest):
        read_source(bomb(*size), BOUND)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"II*\x00" + bytes(64),
        b"%PDF-1.4",
        encode(scene())[:200],
        b"\x89PNG\r\n\x1a\n" + bytes(100),
    ],
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="not a readable"):
        read_source(data, BOUND)


def test_too_many_bytes_are_not_even_looked_at() -> None:
    with pytest.raises(InvalidRequest, match="bytes"):
        read_source(bytes(MAX_SOURCE + 1), BOUND)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_damaged_pictures_are_read_or_refused(data: st.DataObject) -> None:
    format = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"]))
    picture = bytearray(encode(scene(16, 16), format))
    for _ in range(data.draw(st.integers(1, 8))):
        picture[data.draw(st.integers(0, len(picture) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = read_source(bytes(picture), BOUND)
    except InvalidRequest:
        return
    assert pixels.shape[2] == 3
    assert pixels.shape[0] * pixels.shape[1] <= BOUND


def test_a_mask_is_white_where_paint_may_go() -> None:
    mask = read_mask(encode(mask_of(20, 10, (5, 2, 9, 8))), (20, 10), BOUND)
    assert mask.sum() == 4 * 6
    assert mask[2, 5]
    assert not mask[1, 5]


def test_a_transparent_mask_is_black() -> None:
    mask = np.full((4, 4, 4), 255, np.uint8)
    mask[:, :2, 3] = 0
    assert read_mask(encode(mask), (4, 4), BOUND)[0].tolist() == [False, False, True, True]


def test_padding_repeats_the_edge() -> None:
    padded = pad(np.array([[1, 2]], np.uint8), 4, 2)
    assert padded.tolist() == [[1, 2, 2, 2], [1, 2, 2, 2]]


def test_a_preview_of_noise_keeps_its_bound() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    jpeg, width, height = encode_preview(noise, 256, 256)
    assert (width, height) == (256, 256)
    assert len(jpeg) <= PREVIEW_BYTES


def test_a_preview_fits_and_never_grows() -> None:
    assert preview_size(1024, 512, 256) == (256, 128)
    assert preview_size(100, 50, 256) == (100, 50)
    assert preview_size(2048, 16, 32) == (32, 1)
