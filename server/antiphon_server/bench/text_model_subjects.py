"""The child process of `bench text --model`: one subject with one GGUF file. It answers each line of JSON with one, so
that two subjects can measure in turns:

    {"decode": STREAMS, "tokens": N, "seed": S}      how fast so many streams decode N tokens each
    {"prefix": TOKENS, "seed": S}                    seconds to the first token: cold, and with that prefix reused
    {"write": "rewriting" or "correcting", "passage": N, "drafts": BOOL}   the same text with or without drafts
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from antiphon_engines.api import Done, Failed, TextRequest, Token
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.gguf import build, library
from antiphon_engines.text.gguf.model import GgufModel
from antiphon_engines.text.gguf.tokenizer import GgufTokenizer
from antiphon_proto.params import TextParams
from antiphon_server.bench.text_models import BATCHES, BEHIND, CORRECTING, DRAFTS, OURS, REWRITING, THEIRS
from antiphon_server.bench.text_subjects import (
    CONTEXT,
    GROWTH,
    LlamaCpp,
    Stepped,
    Subject,
    peak_rss_mb,
    story,
)

_STREAMS: Final = max(BATCHES)
PASSAGES: Final = (
    "The last ferry had already left when Marta reached the pier, and the rain, which had held off all afternoon, "
    "began to fall on the boards. She stood under the lamp and counted the coins in her pocket. There were not enough "
    "of them for a room. Behind her the harbour master closed his shutters, one after the other, as he did every "
    "evening, and did not look up.",
    "In the morning the lake lay still under the ice, and nobody spoke of the boat. Anselm carried the oars up to the "
    "barn and hung them on their nails, where they had hung every winter since his father built the place. Then he "
    "went in to light the stove, and his sister asked him whether the letter had come.",
)
_FAULTS: Final = (
    ("already", "allready"),
    ("afternoon", "afternon"),
    ("whether", "wether"),
    ("enough", "enouhg"),
)
_ORDERS: Final = {
    REWRITING: "Change the name of the person to Elin and keep everything else.",
    CORRECTING: "Correct the spelling and the grammar. Change nothing else.",
}


class Answering(Protocol):
    def answer(self, order: Mapping[str, Any]) -> dict[str, Any]: ...


class Decoding:
    """Streams that decode behind short prompts, and long prompts that are read once or again."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._subject.first_token(story(16, 0))

    def answer(self, order: Mapping[str, Any]) -> dict[str, Any]:
        seed = order["seed"]
        if length := order.get("prefix"):
            text = story(length, seed)
            cold = self._subject.first_token(text)
            reused = self._subject.first_token(text + story(GROWTH, seed + 1))
            return {"cold": round(cold, 4), "reused": round(reused, 4)}
        prompts = [story(BEHIND, seed + stream) for stream in range(order["decode"])]
        rate = self._subject.decode(prompts, order["tokens"])
        return {"tokens_per_s": round(rate.per_s, 2), "tokens_per_cpu_s": round(rate.per_cpu_s, 2)}


class Writing:
    """Rewriting and correcting as the product does it; greedy, so that it writes the same with drafts and without.
    Prompts are read before the clock starts."""

    def __init__(self, path: Path, threads: int) -> None:
        config = WorkerConfig(cache_dir="unused", max_jobs=1, context=CONTEXT, threads=threads, device="cpu")
        self._engine = build.stepped(path, config, name=path.stem)

    def answer(self, order: Mapping[str, Any]) -> dict[str, Any]:
        kind, passage = order["write"], PASSAGES[order["passage"]]
        if kind == CORRECTING:
            for right, wrong in _FAULTS:
                passage = passage.replace(right, wrong)
        engine = self._engine
        engine.drafts = order["drafts"]
        params = TextParams(max_tokens=120, temperature=0.0, repetition_penalty=1.0)
        job = engine.admit(
            TextRequest("rewrite", "", selection=passage, instruction=_ORDERS[kind], params=params)
        )
        while job.unit == "prefill":
            engine.step([job])
        written: list[str] = []
        steps, begin, cpu, ended = 0, time.perf_counter(), time.process_time(), False
        while not ended:
            outputs = engine.step([job])[0]
            steps += 1
            written += [output.info.text for output in outputs if isinstance(output, Token)]
            ended = any(isinstance(output, Done | Failed) for output in outputs)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        engine.release(job)
        text = hashlib.sha256("".join(written).encode()).hexdigest()[:16]
        return {
            "tokens": len(written),
            "seconds": round(seconds, 4),
            "cpu": round(cpu, 4),
            "steps": steps,
            "text": text,
        }


def _ours(path: Path, threads: int) -> Subject:
    """The prompts are those of the server, without a chat template."""
    model = GgufModel(path, name="gguf", rows=_STREAMS + 1, context=CONTEXT, threads=threads, chunk=128)
    tokenizer = GgufTokenizer(model, library.load())
    tokenizer.end_ids = frozenset()  # every stream goes on to its last token
    return Stepped(
        TextEngine(model, tokenizer, max_jobs=_STREAMS, max_batch=_STREAMS, chunk=32, idle_chunk=128)
    )


SUBJECTS: Final[Mapping[str, Callable[[Path, int], Answering]]] = {
    OURS: lambda path, threads: Decoding(_ours(path, threads)),
    THEIRS: lambda path, threads: Decoding(LlamaCpp(path.parent, threads, path, _STREAMS)),
    DRAFTS: Writing,
}


def main(arguments: list[str]) -> None:
    name, path, threads = arguments
    begin = time.perf_counter()
    subject = SUBJECTS[name](Path(path), int(threads))
    print(json.dumps({"ready_s": round(time.perf_counter() - begin, 2)}), flush=True)
    for line in sys.stdin:
        print(json.dumps(subject.answer(json.loads(line)) | {"peak_rss_mb": peak_rss_mb()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
