"""The embedded text engine: the prepared SmolLM2 model in ONNX Runtime, ready to step."""

from __future__ import annotations

from pathlib import Path

from antiphon_engines.api import Remark
from antiphon_engines.catalogue import Precision, embedded_name
from antiphon_engines.model_files.prepare import find_embedded
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.onnx_model import OnnxModel
from antiphon_engines.text.tokenizer import SMOLLM, FolderTokenizer

NOTE = Remark(
    "English; best at continuing a text; in the chat one short sentence, often wrong", "small_english"
)


def build(
    cache_dir: Path,
    *,
    precision: Precision = "int8",
    threads: int,
    context: int = 2048,
    max_jobs: int = 8,
    max_batch: int = 8,
    chunk: int = 32,
    idle_chunk: int = 128,
) -> TextEngine:
    """The engine over the model that `prepare.prepare_embedded` left in `cache_dir`; takes about a second.

    `context` is in tokens; a row more than `max_jobs` keeps the prefix of a document nobody is writing in. At most
    46 KB per token and row are used, touched as rows fill. Raises EngineUnavailable when the model is not prepared.
    """
    folder = find_embedded(cache_dir, precision)
    tokenizer = FolderTokenizer(folder, chat=SMOLLM, starts=("<|endoftext|>",))
    model = OnnxModel(
        folder, name=embedded_name(precision), rows=max_jobs + 1, context=context, threads=threads
    )
    return TextEngine(
        model,
        tokenizer,
        max_jobs=max_jobs,
        max_batch=max_batch,
        chunk=chunk,
        idle_chunk=idle_chunk,
        note=NOTE,
    )
