"""The child process of `prepare`: `python -m antiphon_engines.model_files.convert GGUF FOLDER int8|int4|hf`.

Prints `progress STAGE FRACTION` lines; on failure its last line says why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.model_files import gguf_folder, onnx_graph

# Builder options have no prefix; ones it does not know it ignores in silence.
_OPTIONS = {
    "int8": ("accuracy_level=4", "block_size=32"),
    "int4": ("accuracy_level=4", "block_size=32", "is_symmetric=false", "algo_config=k_quant_last"),
}
_KEPT = ("config.json", "tokenizer.json", "tokenizer_config.json")


def convert(source: Path, target: Path, form: str) -> None:
    if form == "hf":
        gguf_folder.convert(source, target, _report)
        return
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".convert-") as scratch:
        folder, built = Path(scratch, "hf"), Path(scratch, "onnx")
        gguf_folder.convert(source, folder, _report)
        _report("build", 0.0)
        _build(folder, built, Path(scratch), form)
        _report("build", 0.8)
        onnx_graph.adapt(built / "model.onnx", target / "model.onnx", gguf_folder.embedding(folder))
        for name in _KEPT:
            shutil.copy(folder / name, target / name)
    _report("build", 1.0)


def _build(folder: Path, built: Path, scratch: Path, form: str) -> None:
    command = [
        sys.executable,
        "-P",
        "-m",
        "onnxruntime_genai.models.builder",
        "-m",
        str(folder),
        "-o",
        str(built),
    ]
    command += ["-p", form, "-e", "cpu", "-c", str(scratch / "cache"), "--extra_options", *_OPTIONS[form]]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}  # everything it needs lies in the folder
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=offline)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EngineUnavailable(f"the ONNX model builder failed: {reason}")


def _report(stage: str, fraction: float) -> None:
    print("progress", stage, f"{fraction:.3f}", flush=True)


def main(arguments: list[str]) -> int:
    try:
        convert(Path(arguments[0]), Path(arguments[1]), arguments[2])
    except (EngineUnavailable, OSError) as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
