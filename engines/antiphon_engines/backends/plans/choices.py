"""The settings that choose a backend and a precision, for all parts of a model or for each. Imports no runtime.

Every kind of model has two: `image_backend` and `image_precision`, `text_...` and `music_...`. One says
`onnxruntime`, or `denoiser=tensorrt,decoder=torch`; parts that are not named are `auto`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias, cast, get_args

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans.plan import BackendName, Part
from antiphon_engines.backends.plans.signature import Precision

BackendChoice: TypeAlias = Literal[
    "auto",
    "torch",
    "torch_graphs",
    "torch_compile",
    "torch_compile_graphs",
    "onnxruntime",
    "tensorrt",
    "tensorrt_rtx",
]
TorchMode: TypeAlias = Literal["eager", "graphs", "compile", "compile_graphs"]
PrecisionChoice: TypeAlias = Literal["auto", "fp32", "fp16", "bf16"]
BACKEND_CHOICES: Final[tuple[BackendChoice, ...]] = get_args(BackendChoice)
PRECISION_CHOICES: Final[tuple[PrecisionChoice, ...]] = get_args(PrecisionChoice)
Family: TypeAlias = Literal["image", "text", "music"]
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
PARTS: Final[Mapping[Family, tuple[Part, ...]]] = {
    "image": ("denoiser", "decoder", "tiny_decoder", "text_encoder"),
    "text": ("language_decoder",),
    "music": ("music_decoder", "codec_decoder"),
}
"""Networks that the settings of a family are about."""


def backends(family: Family, text: str) -> dict[Part, BackendChoice]:
    """Every part's choice. Raises EngineUnavailable for a word that stands for nothing."""
    return cast(dict[Part, BackendChoice], _parse(f"{family}_backend", text, BACKEND_CHOICES, PARTS[family]))


def precisions(family: Family, text: str) -> dict[Part, PrecisionChoice]:
    return cast(
        dict[Part, PrecisionChoice], _parse(f"{family}_precision", text, PRECISION_CHOICES, PARTS[family])
    )


def planned(choice: BackendChoice, *, cuda: bool, small: bool) -> BackendName:
    """The backend that a choice comes to. `small` is a model that is exported in seconds and fits twice into memory:
    on a CPU, ONNX Runtime runs such a one 1.1 to 2.1 times as fast as torch."""
    match choice:
        case "auto":
            return "onnxruntime" if small and not cuda else "torch"
        case "torch_graphs" | "torch_compile" | "torch_compile_graphs":
            return "torch"
        case _:
            return choice


def torch_mode(choice: BackendChoice, *, cuda: bool) -> TorchMode:
    """How torch runs a network while, or because, nothing else does. On CUDA the calls of a room are bound by Python,
    not by the card, so that recordings are the rule there."""
    match choice:
        case "torch":
            return "eager"
        case "torch_compile":
            return "compile"
        case "torch_compile_graphs":
            return "compile_graphs" if cuda else "compile"
        case _:
            return "graphs" if cuda else "eager"


def precise(choice: PrecisionChoice, *, cuda: bool) -> Precision:
    if choice == "auto":
        return "bf16" if cuda else "fp32"
    return choice


def _parse(setting: str, text: str, words: Sequence[str], parts: Sequence[Part]) -> dict[Part, str]:
    chosen: dict[Part, str] = dict.fromkeys(parts, "auto")
    for item in filter(None, (each.strip() for each in text.split(","))):
        part, equals, word = (each.strip() for each in item.rpartition("="))
        if word not in words:
            raise EngineUnavailable(f"{setting}: {word!r} is not one of {', '.join(words)}")
        if equals and part not in parts:
            raise EngineUnavailable(f"{setting}: there is no part {part!r}; parts are {', '.join(parts)}")
        for each in parts:
            if not equals or each == part:
                chosen[each] = word
    return chosen
