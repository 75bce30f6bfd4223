"""The child process of `bench text --model`: one subject with one GGUF file, measured alone; each line of output is a
JSON object with all figures so far."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from antiphon_engines.api import Done, Failed, TextRequest, Token
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.gguf import build, library
from antiphon_engines.text.gguf.model import GgufModel
from antiphon_engines.text.gguf.tokenizer import GgufTokenizer
from antiphon_proto.params import TextParams
from antiphon_server.bench.text_models import BATCHES, BEHIND, DRAFTS, OURS, THEIRS
from antiphon_server.bench.text_subjects import CONTEXT, LlamaCpp, Stepped, Subject, measure

_STREAMS: Final = max(BATCHES)
_PASSAGES: Final = (
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
    "rewriting": "Change the name of the person to Elin and keep everything else.",
    "correcting": "Correct the spelling and the grammar. Change nothing else.",
}


def _ours(path: Path, threads: int) -> Subject:
    """The prompts are those of the server, without a chat template."""
    model = GgufModel(path, name="gguf", rows=_STREAMS + 1, context=CONTEXT, threads=threads, chunk=128)
    tokenizer = GgufTokenizer(model, library.load())
    tokenizer.end_ids = frozenset()  # every stream goes on to its last token
    return Stepped(
        TextEngine(model, tokenizer, max_jobs=_STREAMS, max_batch=_STREAMS, chunk=32, idle_chunk=128)
    )


def _drafts(path: Path, threads: int) -> Iterator[dict[str, Any]]:
    """Rewriting and correcting, with and without drafts, as the product does it; greedy, so that both write the same.
    Prompts are read before the clock starts."""
    config = WorkerConfig(cache_dir="unused", max_jobs=1, context=CONTEXT, threads=threads, device="cpu")
    engine = build.stepped(path, config, name=path.stem)
    figures: dict[str, Any] = {}
    for kind, order in _ORDERS.items():
        counts: dict[bool, list[float]] = {False: [0, 0.0, 0.0, 0], True: [0, 0.0, 0.0, 0]}
        same = 0
        for passage in _PASSAGES:
            texts = []
            for drafted, tally in counts.items():
                engine.drafts = drafted
                written, seconds, cpu, steps = _write(engine, passage, order)
                texts.append(written)
                for at, value in enumerate((len(written), seconds, cpu, steps)):
                    tally[at] += value
            same += texts[0] == texts[1]
        (plain, drafting) = counts[False], counts[True]
        figures[kind] = {
            "tokens_per_s": {"without": _rate(plain, 1), "with drafts": _rate(drafting, 1)},
            "tokens_per_cpu_s": {"without": _rate(plain, 2), "with drafts": _rate(drafting, 2)},
            "tokens_per_step": {"without": _rate(plain, 3), "with drafts": _rate(drafting, 3)},
            "equal_texts": f"{same} of {len(_PASSAGES)}",
        }
        yield figures
    engine.close()


def _write(engine: TextEngine, passage: str, order: str) -> tuple[list[int], float, float, int]:
    """The tokens behind the first one, and what they took: seconds, CPU seconds, steps."""
    if order == _ORDERS["correcting"]:
        for right, wrong in _FAULTS:
            passage = passage.replace(right, wrong)
    params = TextParams(max_tokens=120, temperature=0.0, repetition_penalty=1.0)
    job = engine.admit(TextRequest("rewrite", "", selection=passage, instruction=order, params=params))
    while job.unit == "prefill":
        engine.step([job])
    written: list[int] = []
    steps, begin, cpu, ended = 0, time.perf_counter(), time.process_time(), False
    while not ended:
        outputs = engine.step([job])[0]
        steps += 1
        written += [output.info.token_id for output in outputs if isinstance(output, Token)]
        ended = any(isinstance(output, Done | Failed) for output in outputs)
    taken = time.perf_counter() - begin, time.process_time() - cpu
    engine.release(job)
    return written, *taken, steps


def _rate(tally: list[float], by: int) -> float | None:
    return round(tally[0] / tally[by], 2) if tally[by] else None


def main(arguments: list[str]) -> None:
    name, path, threads, repeats, tokens = arguments
    file, count = Path(path), int(threads)
    subjects = {
        OURS: lambda: _ours(file, count),
        THEIRS: lambda: LlamaCpp(file.parent, count, file, _STREAMS),
    }
    lines = (
        _drafts(file, count)
        if name == DRAFTS
        else measure(subjects[name], int(repeats), int(tokens), BATCHES, BEHIND)
    )
    for figures in lines:
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
