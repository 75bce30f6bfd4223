"""A GGUF file -> the text engine that runs it: on the scheduler's terms where its state can be cut row by row."""

from __future__ import annotations

import logging
from pathlib import Path

from antiphon_engines.api import NO_REMARK, Engine, EngineUnavailable, Remark
from antiphon_engines.config import WorkerConfig
from antiphon_engines.model_files.machine import free_memory
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.fill.search import FEW, Bounds
from antiphon_engines.text.gguf import library
from antiphon_engines.text.gguf.model import GgufModel, RowsUnsupported
from antiphon_engines.text.gguf.prompting import StoryPrompting
from antiphon_engines.text.gguf.tokenizer import GgufTokenizer
from antiphon_engines.text.prompts import PlainPrompting, Prompting
from antiphon_engines.text.story_prompts import family_of

logger = logging.getLogger(__name__)
_BESIDE = 600_000_000
"""Bytes beside the weights: keys and values of the 1.5B for nine rows of 2,048 tokens, and llama.cpp's own."""

_LARGE = 300_000_000
"""Bytes of a file from which on a token takes a CPU so long that less is tried for a gap."""


def build(path: Path, config: WorkerConfig, *, name: str, note: Remark = NO_REMARK) -> Engine:
    """Load the file; about a second per GB. Raises EngineUnavailable when llama.cpp cannot load it, or when the memory
    that is free does not hold it: whatever serves now goes on.

    A model with another state than keys and values, or with a chat template that only llama.cpp's server can fill in,
    is run by that server instead."""
    _require_memory(path, name)
    try:
        return stepped(path, config, name=name, note=note)
    except (RowsUnsupported, library.LayoutUnknown) as reason:
        from antiphon_engines.text.streaming import llama_cpp

        logger.info("%s is run by llama.cpp's own server: %s", name, reason)
        return llama_cpp.build(path, config, name=name, note=note)


def stepped(path: Path, config: WorkerConfig, *, name: str, note: Remark = NO_REMARK) -> TextEngine:
    """The engine whose steps are llama.cpp's decode. Raises RowsUnsupported or LayoutUnknown where that cannot be."""
    model = GgufModel(
        path,
        name=name,
        rows=config.max_jobs + 1,
        context=config.context,
        threads=config.threads,
        chunk=config.prefill_chunk,
        device="cpu" if config.device == "cpu" else "auto",
    )
    try:
        tokenizer = GgufTokenizer(model, library.load())
        prompting: Prompting = PlainPrompting(tokenizer)
        if model.template is not None:
            if not StoryPrompting.suits(tokenizer):
                raise RowsUnsupported(f"llama.cpp does not know the chat template of {name}")
            prompting = StoryPrompting(tokenizer, family_of(name))
    except BaseException:
        model.close()
        raise
    return TextEngine(
        model,
        tokenizer,
        max_jobs=config.max_jobs,
        max_batch=config.max_batch,
        chunk=config.busy_chunk,
        idle_chunk=config.prefill_chunk,
        note=note,
        prompting=prompting,
        fills=FEW if path.stat().st_size > _LARGE else Bounds(),
    )


def _require_memory(path: Path, name: str) -> None:
    free, needed = free_memory(), path.stat().st_size + _BESIDE
    if free is not None and free < needed:
        raise EngineUnavailable(
            f"{name} needs about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"
        )
