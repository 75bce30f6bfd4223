"""The child process of `bench text`: one subject, measured alone; each line of output is a JSON object with all figures
so far."""

from __future__ import annotations

import json
import random
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from antiphon_engines.api import TextRequest, Token
from antiphon_engines.model_files import prepare
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.tokenizer import SMOLLM, FolderTokenizer
from antiphon_proto.params import TextParams
from antiphon_server.bench.text import BATCHES, PROMPTS

CONTEXT = 1536
GROWTH = 12
"""Tokens by which a document grows between two requests."""
_VOCABULARY = (
    "the a fog river door mill lantern letter name night road house garden winter light water "
    "stone voice hand old quiet small cold warm long dark open slow and but then when while "
    "under over behind near before she he they we walked looked waited found heard carried "
    "opened turned wrote kept left came went said thought knew saw held"
)
"""Each word is one token."""
_WORDS = _VOCABULARY.split(" ")


class Moment(NamedTuple):
    """Seconds on the clock, and of CPU time that the process has used."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Moment:
        return cls(time.perf_counter(), time.process_time())


class Rate(NamedTuple):
    """Tokens of all streams together, by the clock and by CPU time (which a busy machine falsifies less)."""

    per_s: float
    per_cpu_s: float

    @classmethod
    def of(cls, tokens: int, begin: Moment, end: Moment) -> Rate:
        return cls(tokens / (end.wall - begin.wall), tokens / (end.cpu - begin.cpu))


class Subject(Protocol):
    def decode(self, prompts: Sequence[str], tokens: int) -> Rate:
        """Prompts are read before the clock starts."""
        ...

    def first_token(self, prompt: str) -> float:
        """Seconds from the request to its first token; a prefix that an earlier call read may be reused."""
        ...


def story(tokens: int, seed: int) -> str:
    """So many tokens of words; different seeds share nothing."""
    words = random.Random(seed)
    return "".join(" " + words.choice(_WORDS) for _ in range(tokens))


class Stepped:
    """An engine of ours, step by step."""

    def __init__(self, engine: TextEngine) -> None:
        self._engine = engine

    def decode(self, prompts: Sequence[str], tokens: int) -> Rate:
        params = TextParams(max_tokens=tokens + 1)
        jobs = [self._engine.admit(TextRequest("continue", prompt, params=params)) for prompt in prompts]
        while reading := [job for job in jobs if job.unit == "prefill"]:
            self._engine.step(reading)
        # Streams that were ready early have not moved: all decode together from here on.
        begin = Moment.now()
        for _ in range(tokens):
            self._engine.step(jobs)
        rate = Rate.of(len(jobs) * tokens, begin, Moment.now())
        for job in jobs:
            self._engine.release(job)
        return rate

    def first_token(self, prompt: str) -> float:
        begin = time.perf_counter()
        job = self._engine.admit(TextRequest("continue", prompt, params=TextParams(max_tokens=2)))
        while not any(isinstance(output, Token) for output in self._engine.step([job])[0]):
            pass
        elapsed = time.perf_counter() - begin
        self._engine.release(job)
        return elapsed


class Antiphon(Stepped):
    def __init__(self, cache: Path, threads: int) -> None:
        from antiphon_engines.text.onnx_model import OnnxModel

        folder = prepare.find_embedded(cache, "int8")
        tokenizer = FolderTokenizer(folder, chat=SMOLLM, starts=("<|endoftext|>",))
        tokenizer.end_ids = frozenset()  # every stream goes on to its last token
        model = OnnxModel(folder, name="embedded", rows=max(BATCHES) + 1, context=CONTEXT, threads=threads)
        engine = TextEngine(
            model, tokenizer, max_jobs=max(BATCHES), max_batch=max(BATCHES), chunk=32, idle_chunk=128
        )
        super().__init__(engine)


class Transformers:
    """`generate` as its documentation has it. It keeps nothing between calls, so no prefix is reused."""

    def __init__(self, cache: Path, threads: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM, LogitsProcessorList

        torch.set_num_threads(threads)
        folder = prepare.prepare_transformers(cache, lambda stage, fraction: None)
        self._torch = torch
        self._processors = LogitsProcessorList
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._tokenizer = FolderTokenizer(folder, chat=None)

    def decode(self, prompts: Sequence[str], tokens: int) -> Rate:
        times = self._generate(prompts, tokens + 1)
        return Rate.of(len(prompts) * tokens, times[0], times[-1])

    def first_token(self, prompt: str) -> float:
        begin = time.perf_counter()
        return self._generate([prompt], 1)[0].wall - begin

    def _generate(self, prompts: Sequence[str], tokens: int) -> list[Moment]:
        """When each step's logits were there."""
        times: list[Moment] = []

        def clock(ids: Any, scores: Any) -> Any:
            times.append(Moment.now())
            return scores

        ids = self._torch.tensor([self._tokenizer.encode(prompt) for prompt in prompts])
        self._model.generate(
            ids,
            attention_mask=self._torch.ones_like(ids),
            do_sample=True,
            temperature=0.8,
            top_k=50,
            top_p=0.95,
            repetition_penalty=1.1,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            logits_processor=self._processors([clock]),
        )
        return times


class LlamaCpp:
    def __init__(
        self, cache: Path, threads: int, path: Path | None = None, streams: int = max(BATCHES)
    ) -> None:
        """`path` is another file than that of the embedded model."""
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(path or prepare.prepare_source(cache, lambda stage, fraction: None))
        params.n_ctx = CONTEXT * streams
        params.n_parallel = streams
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.n_gpu_layers = 0
        params.warmup = params.ui = False
        params.verbosity = -1
        self._server = xllamacpp.Server(params)

    def decode(self, prompts: Sequence[str], tokens: int) -> Rate:
        """From when the last stream began to when the first one ended: all of them decode in between."""
        streams: list[list[Moment]] = [[] for _ in prompts]
        # Streams begin one after the other, so the early ones need tokens to spare.
        spare = tokens * 2 if len(prompts) > 1 else tokens + 1
        threads = [
            threading.Thread(target=self._stream, args=(prompt, spare, times.append))
            for prompt, times in zip(prompts, streams, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        begin, end = max(times[0] for times in streams), min(times[-1] for times in streams)
        if end <= begin:
            raise RuntimeError("the streams did not overlap; give them more tokens")
        return Rate.of(sum(begin < when <= end for times in streams for when in times), begin, end)

    def first_token(self, prompt: str) -> float:
        times: list[Moment] = []
        begin = time.perf_counter()
        self._stream(prompt, 1, times.append, id_slot=0, cache_prompt=True)
        # A first token that is a part of a character is not told; then the end of the answer counts.
        return (times or [Moment.now()])[0].wall - begin

    def _stream(self, prompt: str, tokens: int, arrived: Callable[[Moment], None], **options: Any) -> None:
        body = {"prompt": prompt, "n_predict": tokens, "stream": True, "ignore_eos": True, "seed": 1}
        body |= {
            "temperature": 0.8,
            "top_k": 50,
            "top_p": 0.95,
            "repeat_penalty": 1.1,
            "cache_prompt": False,
            **options,
        }

        def receive(event: Any) -> bool:
            if event["choices"][0]["finish_reason"] is None:
                arrived(Moment.now())
            return False

        self._server.handle_completions(body, receive)


SUBJECTS: dict[str, Callable[[Path, int], Subject]] = {
    "antiphon int8": Antiphon,
    "transformers fp32": Transformers,
    "llama.cpp Q4_1": LlamaCpp,
}


def measure(
    make: Callable[[], Subject],
    repeats: int,
    tokens: int,
    batches: Sequence[int] = BATCHES,
    behind: int = PROMPTS[0],
) -> Iterator[dict[str, Any]]:
    """All figures so far, after each new one: a subject that the parent cuts off still leaves the rest."""
    begin = time.perf_counter()
    subject = make()
    subject.first_token(story(16, 0))
    figures: dict[str, Any] = {"ready_s": round(time.perf_counter() - begin, 3)}
    rates, by_cpu = figures.setdefault("tokens_per_s", {}), figures.setdefault("tokens_per_cpu_s", {})
    first = figures.setdefault("first_token_s", {})
    seeds = iter(range(1, 10_000))
    for size in batches:
        rates[f"batch {size}"], by_cpu[f"batch {size}"] = _decode(
            subject, size, repeats, tokens, seeds, behind
        )
        yield figures | {"peak_rss_mb": peak_rss_mb()}
    for length in PROMPTS if behind == PROMPTS[0] else PROMPTS[1:]:
        first[f"prompt {length}"] = _first_token(subject, length, repeats, seeds)
        yield figures | {"peak_rss_mb": peak_rss_mb()}


def _decode(
    subject: Subject, size: int, repeats: int, tokens: int, seeds: Iterator[int], behind: int
) -> Rate:
    prompts = ([story(behind, next(seeds)) for _ in range(size)] for _ in range(repeats))
    rates = [subject.decode(texts, tokens) for texts in prompts]
    return Rate(*(round(statistics.median(column), 2) for column in zip(*rates, strict=True)))


def _first_token(subject: Subject, length: int, repeats: int, seeds: Iterator[int]) -> dict[str, float]:
    cold, reused = [], []
    for _ in range(repeats):
        text = story(length, next(seeds))
        cold.append(subject.first_token(text))
        reused.append(subject.first_token(text + story(GROWTH, next(seeds))))
    return {"cold": round(statistics.median(cold), 4), "reused": round(statistics.median(reused), 4)}


def peak_rss_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def main(arguments: list[str]) -> None:
    name, cache, threads, repeats, tokens = arguments
    for figures in measure(lambda: SUBJECTS[name](Path(cache), int(threads)), int(repeats), int(tokens)):
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
