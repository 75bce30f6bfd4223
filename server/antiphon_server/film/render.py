"""Renders a film to a file, in a process of its own: `python -m antiphon_server.film.render` (extra `film`).

The job comes on standard input as MessagePack (`RenderJob`). Progress goes out on standard output, a line with the
number of frames that are done. The file is complete when the process ends with status 0; otherwise the last line of
standard error says why. Ending the process leaves the film untouched: it only reads.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

import msgspec
from msgspec import Struct

from antiphon_proto.document.film import FPS
from antiphon_server.film.effects import HEIGHT, WIDTH
from antiphon_server.film.frame import frame
from antiphon_server.film.looks import figure
from antiphon_server.film.mix import RATE, Mix, stems
from antiphon_server.film.reel import Clip, length, reel, wrapped

Kind = Literal["mp4", "webm", "pdf", "wav"]
EXITS: Final = {3: "missing", 4: "disk"}
"""Exit statuses of problems that are told."""
_MEMORY: Final = 4 * 1024**3
_NICE: Final = 15
"""Who types, plays and paints comes first."""
_TOLD: Final = 12
"""Frames between two lines of progress."""
_SOUND: Final = {"mp4": "aac", "webm": "libopus"}
_CODECS: Final[dict[str, tuple[tuple[str, dict[str, str]], ...]]] = {
    "mp4": (("libx264", {"preset": "veryfast", "crf": "23"}), ("mpeg4", {"qscale": "4"})),
    "webm": (("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "33", "b": "0"}),),
}
"""The first that this PyAV has is taken."""
_FIGURES: Final = 300
"""Faces that are kept parsed."""
_COLUMNS: Final = 2
_ROWS: Final = 3
_CREDITS: Final = 40
"""Lines of a page."""


class RenderParts(Struct, frozen=True):
    """What a film is rendered from: `shots` and `cast` as `reel` takes them, the `cards` of its end, and the same as
    `credits`, a line for each heading."""

    shots: list[dict[str, Any]]
    cast: dict[str, dict[str, Any]]
    cards: list[dict[str, Any]]
    credits: list[str]


class RenderJob(Struct, frozen=True):
    """`shots` and `cast` as `reel` takes them, and who made the film; `assets`: asset -> the file's path. The picture
    is `height` high, 16:9. A `wav` is a ZIP of voices."""

    kind: Kind
    path: str
    film: RenderParts
    assets: dict[str, str]
    height: int = 720
    title: str = ""


def main() -> None:
    """Do the job that comes on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(_NICE)
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=RenderJob)
    film = job.film
    shots = [*film.shots, *film.cards] if job.kind in ("mp4", "webm") else film.shots
    clips = reel(shots, film.cast)
    try:
        match job.kind:
            case "pdf":
                _storyboard(job, clips)
            case "wav":
                stems(job.path, clips, job.assets, film.credits, _tell)
            case _:
                _movie(job, clips)
    except ImportError:
        _end("missing", "this server makes no films: the extra `film` of antiphon is not installed")
    except OSError as error:
        # A full disk, or a file that cannot be written: an encoder may say it in a way of its own.
        _end("disk", f"the file cannot be written: {error.strerror or error}")


def _end(code: str, why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(next(status for status, name in EXITS.items() if name == code))


def _movie(job: RenderJob, clips: Sequence[Clip]) -> None:
    import av
    import skia

    width, height = job.height * 16 // 9 // 2 * 2, job.height // 2 * 2
    painter = Painter(skia, job.assets)
    surface = skia.Surface(width, height)
    with av.open(job.path, "w", format=job.kind) as out:
        name, options = next(one for one in _CODECS[job.kind] if one[0] in av.codecs_available)
        stream = out.add_stream(name, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        if job.title:
            out.metadata["title"] = job.title
        out.metadata["comment"] = "\n".join(job.film.credits)
        mix = Mix(clips, job.assets)
        sound = None if mix.silent else _Sound(av, out, _SOUND[job.kind])
        for number in range(max(1, length(clips))):
            painter.paint(surface.getCanvas(), frame(clips, number), width, height)
            pixels = surface.toarray(colorType=skia.kRGBA_8888_ColorType)
            picture = av.VideoFrame.from_ndarray(pixels, format="rgba")
            picture.pts = number
            for packet in stream.encode(picture):
                out.mux(packet)
            if sound is not None:
                sound.write(mix.frame(number))
            if number % _TOLD == 0:
                _tell(number)
        for packet in stream.encode():
            out.mux(packet)
        if sound is not None:
            sound.write(None)
    _tell(length(clips))


class _Sound:
    """The sound of a movie; it is written frame by frame beside the picture."""

    def __init__(self, av: Any, out: Any, codec: str) -> None:
        self._av, self._out = av, out
        self._stream = out.add_stream(codec, rate=RATE, layout="mono")
        self._resampler = av.AudioResampler(format=self._stream.format.name, layout="mono", rate=RATE)
        self._at = 0

    def write(self, samples: Any) -> None:
        """The next samples; None: there are no more."""
        frame = None
        if samples is not None:
            frame = self._av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
            frame.sample_rate, frame.pts = RATE, self._at
            self._at += len(samples)
        for one in self._resampler.resample(frame):
            self._out.mux(self._stream.encode(one))
        if frame is None:
            self._out.mux(self._stream.encode(None))


def _storyboard(job: RenderJob, clips: Sequence[Clip]) -> None:
    """Six shots a page, each by the frame in its middle, with its camera and its words."""
    import skia

    painter = Painter(skia, job.assets)
    page_width, page_height = 595.0, 842.0
    # Not skia's own file stream: it says nothing of a full disk.
    stream = skia.DynamicMemoryWStream()
    with skia.PDF.MakeDocument(stream) as document:
        for first in range(0, max(1, len(clips)), _COLUMNS * _ROWS):
            with document.page(page_width, page_height) as canvas:
                words = [["text", 40, 36, 12, "left", 700, "#000000", job.title]] if job.title else []
                painter.run(canvas, words)
                for place, clip in enumerate(clips[first : first + _COLUMNS * _ROWS]):
                    left, top = 40 + place % _COLUMNS * 265, 60 + place // _COLUMNS * 250
                    canvas.save()
                    canvas.clipRect(skia.Rect.MakeXYWH(left, top, 250, 250 * HEIGHT / WIDTH))
                    canvas.translate(left, top)
                    canvas.scale(250 / WIDTH, 250 / WIDTH)
                    painter.run(canvas, frame(clips, clip.start + max(clip.lead, clip.frames // 2)))
                    canvas.restore()
                    painter.run(canvas, _caption(clip, first + place + 1, left, top + 156))
            _tell(clips[min(len(clips), first + _COLUMNS * _ROWS) - 1].start if clips else 0)
        lines = [part for line in job.film.credits for part in wrapped(line, 80)]
        for first in range(0, len(lines), _CREDITS):
            with document.page(page_width, page_height) as canvas:
                for place, line in enumerate(lines[first : first + _CREDITS]):
                    painter.run(canvas, [["text", 40, 60 + 18 * place, 11, "left", 400, "#000000", line]])
    Path(job.path).write_bytes(bytes(stream.detachAsData()))
    _tell(length(clips))


def _caption(clip: Clip, number: int, left: float, top: float) -> list[list[Any]]:
    look = (
        f"{number}  {clip.size.replace('_', ' ')}, {clip.move.replace('_', ' ')}, {clip.frames / FPS:.1f} s"
    )
    ops: list[list[Any]] = [["text", left, top, 9, "left", 700, "#000000", look]]
    said = f"{clip.who}: {clip.text}" if clip.who else clip.text or clip.place
    for line, words in enumerate(wrapped(said, 52)[:5]):
        ops.append(["text", left, top + 13 * (line + 1), 9, "left", 400, "#333333", words])
    return ops


def _tell(frames: int) -> None:
    print(frames, flush=True)


class Painter:
    """Draws lists of `frame` on skia's canvases."""

    def __init__(self, skia: Any, pictures: Mapping[str, str]) -> None:
        self._skia = skia
        self._pictures = pictures
        self._picture = cache(self._open)
        self._typefaces = cache(self._typeface)
        self._figures = lru_cache(_FIGURES)(self._svg)

    def paint(self, canvas: Any, ops: Sequence[Sequence[Any]], width: int, height: int) -> None:
        """A whole picture of this size."""
        canvas.save()
        canvas.clear(self._skia.ColorBLACK)
        canvas.scale(width / WIDTH, height / HEIGHT)
        self.run(canvas, ops)
        canvas.restore()

    def run(self, canvas: Any, ops: Sequence[Sequence[Any]]) -> None:
        """A list, in the units of the canvas."""
        skia = self._skia
        for op in ops:
            match op:
                case ["rect", x, y, w, h, colour]:
                    canvas.drawRect(skia.Rect.MakeXYWH(x, y, w, h), self._paint(colour))
                case ["gradient", top, bottom]:
                    shader = skia.GradientShader.MakeLinear(
                        [(0, 0), (0, HEIGHT)], [_colour(top), _colour(bottom)]
                    )
                    canvas.drawRect(skia.Rect.MakeWH(WIDTH, HEIGHT), skia.Paint(Shader=shader, Dither=True))
                case ["ellipse", x, y, rx, ry, colour]:
                    oval = skia.Rect.MakeXYWH(x - rx, y - ry, 2 * rx, 2 * ry)
                    canvas.drawOval(oval, self._paint(colour))
                case ["text", x, y, size, align, weight, colour, words]:
                    self._text(canvas, x, y, size, align, weight, colour, words)
                case ["line", x1, y1, x2, y2, wide, colour]:
                    stroke = self._paint(colour)
                    stroke.setStrokeWidth(wide)
                    stroke.setStrokeCap(skia.Paint.kRound_Cap)
                    canvas.drawLine(x1, y1, x2, y2, stroke)
                case ["poly", colour, *places]:
                    points = [skia.Point(x, y) for x, y in zip(places[::2], places[1::2], strict=True)]
                    canvas.drawPath(skia.Path.Polygon(points, True), self._paint(colour))
                case ["glow", x, y, radius, colour]:
                    colours = [_colour(colour), _colour(colour[:7] + "00")]
                    shader = skia.GradientShader.MakeRadial((x, y), radius, colours)
                    canvas.drawCircle(x, y, radius, skia.Paint(Shader=shader, Dither=True))
                case ["figure", *look, x, y, size, turn, flip]:
                    self._figure(canvas, look, x, y, size, turn, flip)
                case ["sprite", asset, x, y, w, h, turn, flip]:
                    self._sprite(canvas, asset, x, y, w, h, turn, flip)
                case ["picture", asset, x, y, w, h]:
                    self._cover(canvas, asset, x, y, w, h)
                case ["camera", zoom, x, y]:
                    canvas.save()
                    canvas.translate(WIDTH / 2 + x, HEIGHT / 2 + y)
                    canvas.scale(zoom, zoom)
                    canvas.translate(-WIDTH / 2, -HEIGHT / 2)
                case ["layer", opacity]:
                    canvas.saveLayerAlpha(None, max(0, min(255, round(opacity * 255))))
                case ["clip", x, y, w, h]:
                    canvas.save()
                    canvas.clipRect(skia.Rect.MakeXYWH(x, y, w, h))
                case ["end"]:
                    canvas.restore()

    def _paint(self, colour: str) -> Any:
        return self._skia.Paint(Color=_colour(colour), AntiAlias=True)

    def _text(
        self, canvas: Any, x: float, y: float, size: float, align: str, weight: int, colour: str, words: str
    ) -> None:
        """Letters that the face lacks come from another that has them."""
        skia = self._skia
        main = self._typefaces(weight, 0)
        runs: list[tuple[Any, str]] = []
        for letter in words:
            face = main if main.unicharToGlyph(ord(letter)) else self._typefaces(weight, ord(letter))
            if runs and runs[-1][0] is face:
                runs[-1] = face, runs[-1][1] + letter
            else:
                runs.append((face, letter))
        fonts = [(skia.Font(face, size), part) for face, part in runs]
        widths = [font.measureText(part) for font, part in fonts]
        # As the page does, longer ones are made narrower.
        fit = min(1.0, WIDTH / max(1.0, sum(widths)))
        at = x - (sum(widths) * fit / 2 if align == "center" else 0)
        for (font, part), wide in zip(fonts, widths, strict=True):
            font.setScaleX(fit)
            canvas.drawString(part, at, y, font, self._paint(colour))
            at += wide * fit

    def _typeface(self, weight: int, letter: int) -> Any:
        skia = self._skia
        style = skia.FontStyle.Bold() if weight >= 600 else skia.FontStyle.Normal()
        manager = skia.FontMgr()
        if letter:
            found = manager.matchFamilyStyleCharacter("", style, [], letter)
            return found or self._typefaces(weight, 0)
        return manager.matchFamilyStyle("DejaVu Sans", style) or skia.Typeface("", style)

    def _figure(
        self, canvas: Any, look: Sequence[str], x: float, y: float, size: float, turn: float, flip: float
    ) -> None:
        skia = self._skia
        if not size or not flip:
            return
        canvas.save()
        canvas.translate(x, y)
        canvas.rotate(turn)
        canvas.scale(flip, 1)
        canvas.translate(-size / 2, -size)
        drawing = self._figures(tuple(look))
        drawing.setContainerSize(skia.Size(size, size))
        drawing.render(canvas)
        canvas.restore()

    def _svg(self, look: tuple[str, ...]) -> Any:
        # skia knows only the older spelling of a reference.
        svg = figure(*look).replace(' href="#', ' xlink:href="#')
        svg = svg.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1)
        return self._skia.SVGDOM.MakeFromStream(self._skia.MemoryStream(svg.encode()))

    def _sprite(
        self, canvas: Any, asset: str, x: float, y: float, w: float, h: float, turn: float, flip: float
    ) -> None:
        skia = self._skia
        image = self._picture(asset)
        if image is None or not flip:
            return
        scale = min(w / image.width(), h / image.height())
        wide, high = image.width() * scale, image.height() * scale
        canvas.save()
        canvas.translate(x, y)
        canvas.rotate(turn)
        canvas.scale(flip, 1)
        sampling = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)
        canvas.drawImageRect(image, skia.Rect.MakeXYWH(-wide / 2, -high, wide, high), sampling)
        canvas.restore()

    def _open(self, asset: str) -> Any:
        path = self._pictures.get(asset)
        return self._skia.Image.open(path) if path else None

    def _cover(self, canvas: Any, asset: str, x: float, y: float, w: float, h: float) -> None:
        skia = self._skia
        image = self._picture(asset)
        if image is None:
            return
        scale = max(w / image.width(), h / image.height())
        cut_w, cut_h = w / scale, h / scale
        source = skia.Rect.MakeXYWH((image.width() - cut_w) / 2, (image.height() - cut_h) / 2, cut_w, cut_h)
        sampling = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)
        canvas.drawImageRect(image, source, skia.Rect.MakeXYWH(x, y, w, h), sampling)


def _colour(text: str) -> int:
    """`#rrggbb` or `#rrggbbaa` as skia has it: alpha first."""
    alpha = int(text[7:9], 16) if len(text) == 9 else 255
    return (alpha << 24) | int(text[1:7], 16)


if __name__ == "__main__":
    main()
