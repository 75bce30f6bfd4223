"""Compares ways to fill a gap in prose, with prepared models: `python -m training.words.infill TEXT` in `engines/`.

A gap is a word of four letters or more in the middle of a sentence, taken out of prose that no model was tuned on.
Three ways are asked for five candidates each, the best first:

- `left`: the embedded model's likeliest words after the text before the gap;
- `both`: what the page offers: the engine's own search (`antiphon_engines.text.fill`), ordered by both sides;
- `middle`: the 1.5B model with its fill-in-the-middle tokens, one greedy answer and four sampled ones, ordered by how
  likely each is.

A hit is the very word that was taken out. Other words may fit as well: the figures are a lower bound and compare.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from antiphon_engines.api import Done, Failed, Fills, TextRequest
from antiphon_engines.model_files.prepare import find_embedded
from antiphon_engines.text import embedded
from antiphon_engines.text.gguf import library
from antiphon_engines.text.gguf.model import GgufModel
from antiphon_engines.text.gguf.tokenizer import GgufTokenizer
from antiphon_engines.text.onnx_model import OnnxModel
from antiphon_engines.text.tokenizer import SMOLLM, FolderTokenizer
from antiphon_proto.params import TextParams

SENTENCE = re.compile(r"[^.!?]+[.!?][\"”]?")
WORD = re.compile(r"(?<=[a-z,] )[a-z]{4,}(?= [a-z])")


def gaps(paragraphs: Sequence[str], count: int, seed: int) -> list[tuple[str, str, str]]:
    """(before, word, after) of so many gaps, at most one in a sentence."""
    found = []
    for paragraph in paragraphs:
        for sentence in SENTENCE.finditer(paragraph):
            words = list(WORD.finditer(paragraph, sentence.start() + 12, sentence.end()))
            if words:
                word = words[len(words) // 2]
                found.append((paragraph[: word.start()], word.group(), paragraph[word.end() :]))
    random.Random(seed).shuffle(found)
    return found[:count]


def log_softmax(logits: Any) -> Any:
    wide = logits.astype(np.float64)
    top = wide.max(axis=-1, keepdims=True)
    return wide - top - np.log(np.exp(wide - top).sum(axis=-1, keepdims=True))


class Small:
    """The embedded model: words after a text, alone and with the text behind them."""

    def __init__(self, cache: Path, threads: int) -> None:
        folder = find_embedded(cache, "int8")
        self.tokenizer = FolderTokenizer(folder, chat=SMOLLM, starts=("<|endoftext|>",))
        self.model = OnnxModel(folder, name="small", rows=1, context=512, threads=threads)
        self.engine = embedded.build(cache, threads=threads, max_jobs=1)

    def left(self, before: str) -> list[str]:
        """The likeliest words by what stands before the gap."""
        self.model.truncate(0, 0)
        ids = self.tokenizer.encode(before.rstrip(" "))[-300:]
        scores = self.model.step([0], np.array([ids], np.int64), [len(ids)])[0]
        words = (self.tokenizer.decode([int(token)]) for token in np.argsort(scores)[::-1])
        return list(islice((word.strip() for word in words if word[:1] == " " and word.strip().isalpha()), 5))

    def both(self, before: str, after: str) -> list[str]:
        """The words that the search finds."""
        job = self.engine.admit(TextRequest("fill", before, after, params=TextParams(seed=1)))
        found: tuple[str, ...] = ()
        while True:
            for output in self.engine.step([job])[0]:
                if isinstance(output, Fills):
                    found = output.texts
                if isinstance(output, Done | Failed):
                    self.engine.release(job)
                    return list(found)


class Middle:
    """A model with fill-in-the-middle tokens."""

    def __init__(self, path: Path, threads: int) -> None:
        self.model = GgufModel(path, name="middle", rows=6, context=768, threads=threads, chunk=256)
        self.tokenizer = GgufTokenizer(self.model, library.load())

    def fills(self, before: str, after: str, random_: np.random.Generator, most: int = 6) -> list[str]:
        """Different fills, the likeliest first."""
        encode = self.tokenizer.encode
        ids = [
            *encode("<|fim_prefix|>", special=True),
            *encode(before[-900:]),
            *encode("<|fim_suffix|>", special=True),
            *encode(after[:300]),
            *encode("<|fim_middle|>", special=True),
        ]
        self.model.truncate(5, 0)
        first = log_softmax(self.model.step([5], np.array([ids], np.int64), [len(ids)])[0])
        found: dict[str, float] = {}
        rows = list(range(5))
        for row in rows:
            self.model.copy_prefix(5, row, len(ids))
        written: list[list[int]] = [[] for _ in rows]
        totals, logs = np.zeros(5), [first] * 5
        live = rows
        for _ in range(most + 1):
            going = []
            for row in live:
                token = int(np.argmax(logs[row])) if row == 0 else sampled(logs[row], random_)
                totals[row] += logs[row][token]
                text = self.tokenizer.decode([*written[row], token])
                if token in self.tokenizer.end_ids or "\n" in text or len(written[row]) == most:
                    words = self.tokenizer.decode(written[row]).strip()
                    found[words] = max(found.get(words, -1e9), totals[row] / (len(written[row]) + 1))
                    continue
                written[row].append(token)
                going.append(row)
            live = going
            if not live:
                break
            logits = self.model.step(
                live, np.array([[written[row][-1]] for row in live], np.int64), [1] * len(live)
            )
            for row, log in zip(live, log_softmax(logits), strict=True):
                logs[row] = log
        return [words for words in sorted(found, key=lambda one: -found[one]) if words]


def sampled(log: Any, random_: np.random.Generator, temperature: float = 0.8, top: int = 40) -> int:
    best = np.argpartition(log, -top)[-top:]
    chances = np.exp((log[best] - log[best].max()) / temperature)
    return int(best[random_.choice(top, p=chances / chances.sum())])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "text", type=Path, help="prose, a paragraph a line; lines that begin with # are left out"
    )
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/antiphon"))
    parser.add_argument("--gguf", type=Path)
    parser.add_argument("--gaps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    lines = [line for line in given.text.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    todo = gaps(lines, given.gaps, seed=1)
    small = Small(given.cache.expanduser(), given.threads)
    middle = Middle(given.gguf, given.threads) if given.gguf else None
    random_ = np.random.default_rng(1)
    hits: dict[str, list[int]] = {}
    seconds: dict[str, float] = {}
    for number, (before, word, after) in enumerate(todo, 1):
        begun = time.process_time()
        answers = {"left": small.left(before), "both": small.both(before, after)}
        seconds["both"] = seconds.get("both", 0.0) + time.process_time() - begun
        if middle is not None:
            begun = time.process_time()
            answers["middle"] = middle.fills(before, after, random_)
            seconds["middle"] = seconds.get("middle", 0.0) + time.process_time() - begun
        for way, words in answers.items():
            count = hits.setdefault(way, [0, 0])
            count[0] += words[:1] == [word]
            count[1] += word in words[:5]
        print(number, word, answers, file=sys.stderr)
    cost = {way: round(total / len(todo), 2) for way, total in seconds.items()}
    print(json.dumps({"gaps": len(todo), "first_and_of_five": hits, "processor_seconds_a_gap": cost}))


if __name__ == "__main__":
    main()
