"""The text engine: `Engine` over any `TokenModel` and tokenizer.

Units: `prefill` reads a chunk of each prompt in turn, `decode` advances all streams by one token in one forward pass. A
step reads at most `chunk` prompt tokens in total while streams are active, else `idle_chunk`: a long prompt stalls no
stream by more than a chunk, however many prompts wait. Within these it reads as many as fit into the time of `budget`,
by the average cost of a token. Prompts of one batch are read one after the other, and each takes over the common
beginning that another has read: writers of one room ask for continuations of the same text."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from antiphon_engines.api import (
    NO_REMARK,
    Accelerating,
    EngineInfo,
    InvalidRequest,
    Job,
    Output,
    QueueFull,
    Remark,
    Request,
    Steer,
    TextRequest,
    Token,
    retold,
    written,
)
from antiphon_engines.text.drafts import lookup
from antiphon_engines.text.fill import job as fill
from antiphon_engines.text.fill.search import Bounds
from antiphon_engines.text.generation import TextJob
from antiphon_engines.text.model import DraftModel, Ids, Logits, ScoringModel, TokenModel
from antiphon_engines.text.prefix_cache import PrefixCache
from antiphon_engines.text.prompts import PlainPrompting, Prompt, Prompting
from antiphon_engines.text.sampling import log_totals
from antiphon_engines.text.tokenizer import Tokenizer
from antiphon_proto.params import TextSteer

_FILLS = Bounds()


class TextEngine:
    """`max_jobs` of the model's rows are given to jobs, the others only keep prefixes. Sizes are in tokens."""

    kind: ClassVar[str] = "text"

    def __init__(
        self,
        model: TokenModel,
        tokenizer: Tokenizer,
        *,
        max_jobs: int,
        max_batch: int,
        chunk: int,
        idle_chunk: int | None = None,
        note: Remark = NO_REMARK,
        clock: Callable[[], float] = time.perf_counter,
        acceleration: Accelerating | None = None,
        prompting: Prompting | None = None,
        drafts: bool = True,
        fills: Bounds = _FILLS,
    ) -> None:
        """`acceleration` is the engine's from now on: it is closed with it. `drafts`: where an answer repeats its
        prompt and the model can check guesses, it is given some. `fills` bounds the search for words in a gap."""
        if not 1 <= max_jobs <= model.rows:
            raise ValueError(f"{max_jobs} jobs in {model.rows} rows")
        self._info = EngineInfo(
            modality="text",
            name=model.name,
            device=model.device,
            backend=model.backend,
            max_jobs=max_jobs,
            max_batch=max_batch,
            note=note,
        )
        self._acceleration = acceleration
        self._model = model
        self._tokenizer = tokenizer
        self.drafts = drafts
        self._fills = fills
        self._prompting = prompting or PlainPrompting(tokenizer)
        self._chunk = max(chunk, _SMALLEST)
        self._idle_chunk = max(idle_chunk or chunk, self._chunk)
        self._cache = PrefixCache(model)
        self._jobs: set[TextJob] = set()
        self._clock = clock
        self._time = math.inf
        self._per_token = 0.0

    @property
    def info(self) -> EngineInfo:
        """With the backend that runs it now."""
        building = self._acceleration.building if self._acceleration is not None else ()
        self._info = retold(self._info, self._model.backend, building)
        return self._info

    def listen(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, on another thread, when `info` may have changed."""
        if self._acceleration is not None:
            self._acceleration.listen(changed)

    def accelerated(self) -> None:
        """Wait until the network runs on the backend of the settings, or stays on torch for good."""
        if self._acceleration is not None:
            self._acceleration.wait()

    # The interface ------------------------------------------------------------------------------------

    def admit(self, request: Request) -> TextJob:
        if len(self._jobs) >= self.info.max_jobs:
            raise QueueFull(f"all {self.info.max_jobs} places of {self.info.name} are taken")
        request = self._prompting.calmed(written(request))
        filling = request.task == "fill"
        prompt = self._gap(request) if filling else self._prompting.build(request, self._budget(request))
        seed = request.params.seed
        row, read = self._cache.take(prompt.ids)
        seed = secrets.randbits(53) if seed is None else seed
        kind = partial(fill.FillJob, bounds=self._fills) if filling else TextJob
        job = kind(request, self._tokenizer, prompt, row=row, read=read, seed=seed)
        self._jobs.add(job)
        return job

    def step(self, jobs: Sequence[Job]) -> list[list[Output]]:
        mine = [self._mine(job) for job in jobs]
        if mine and mine[0].unit == "prefill":
            return self._prefill(mine)
        if mine and mine[0].unit == "score":
            return [self._score(job) for job in mine if isinstance(job, fill.FillJob)]
        return self._decode(mine)

    def budget(self, seconds: float) -> None:
        self._time = seconds

    def steer(self, job: Job, change: Steer) -> None:
        mine = self._mine(job)
        if not isinstance(change, TextSteer) or isinstance(mine, fill.FillJob):
            raise InvalidRequest("this run cannot be changed in this way")
        fields = {
            name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not UNSET
        }
        instruction = fields.pop("instruction", mine.request.instruction)
        params = replace(mine.request.params, **fields)
        request = replace(mine.request, instruction=instruction, params=params)
        if instruction != mine.request.instruction:
            self._prompt_again(mine, self._prompting.build(request, self._budget(request), mine.written))
        mine.request = request

    def release(self, job: Job) -> None:
        mine = self._mine(job)
        if mine in self._jobs:
            self._jobs.discard(mine)
            self._cache.release(mine.row)

    def close(self) -> None:
        self._jobs.clear()
        if self._acceleration is not None:
            self._acceleration.close()
        self._model.close()

    # The units ----------------------------------------------------------------------------------------

    def _prefill(self, jobs: Sequence[TextJob]) -> list[list[Output]]:
        outputs: list[list[Output]] = [[] for _ in jobs]
        budget = self._chunk if any(job.unit != "prefill" for job in self._jobs) else self._idle_chunk
        if self._per_token * budget > self._time:
            budget = max(_SMALLEST, int(self._time / self._per_token))
        for job, out in zip(jobs, outputs, strict=True):
            job.read = self._cache.follow(job.row, job.prompt.ids, job.read)
            size = _chunk_size(len(job.prompt.ids) - job.read, budget, self._model.grain, self._model.least)
            if not size and job is jobs[0]:
                # Somebody needs the device sooner than an exact chunk would take.
                size = min(len(job.prompt.ids) - job.read, budget)
            if not size:
                break
            budget -= size
            ids = job.prompt.ids[job.read : job.read + size]
            began = self._clock()
            logits = self._model.step([job.row], np.array([ids], np.int64), [size])
            self._measure((self._clock() - began) / size, size)
            self._cache.extend(job.row, job.read, ids)
            job.read += size
            if job.read == len(job.prompt.ids):
                job.unit = "decode"
                # A job that does something else after its prompt says so.
                out.extend(self._sample([job], logits)[0])
        return outputs

    def _measure(self, per_token: float, size: int) -> None:
        """The average cost of a prompt token, in seconds. Short chunks say little: each call has a price."""
        weight = 0.2 * min(1.0, size / self._chunk) if self._per_token else 1.0
        self._per_token += weight * (per_token - self._per_token)

    def _decode(self, jobs: Sequence[TextJob]) -> list[list[Output]]:
        model = self._model
        if len(jobs) == 1 and isinstance(model, DraftModel) and (guessed := self._draft(model, jobs[0])):
            return [self._check(model, jobs[0], guessed)]
        ids: Ids = np.array([[job.latest] for job in jobs], np.int64)
        return self._sample(jobs, self._model.step([job.row for job in jobs], ids, [1] * len(jobs)))

    def _score(self, job: fill.FillJob) -> list[Output]:
        """Read on in the words that the job tries, as many tokens as there is time for."""
        model = self._model
        if model.length(job.row) > job.kept and not job.begun:
            model.truncate(job.row, job.kept)
        size = len(job.feed)
        if self._per_token * size > self._time:
            size = min(size, max(_SMALLEST, int(self._time / self._per_token)))
        ids = job.feed[:size]
        if isinstance(model, ScoringModel):
            logits = model.step_all(job.row, ids)
        else:
            logits = np.concatenate([model.step([job.row], np.array([[one]], np.int64), [1]) for one in ids])
        return job.fed(size, logits)

    def _draft(self, model: DraftModel, job: TextJob) -> list[int]:
        """Tokens that may come next, where checking them is worth more than a step of one token."""
        if not (self.drafts and job.repeats):
            return []
        least, most = model.drafts
        most = min(
            most,
            model.context - model.length(job.row) - 1,
            job.request.params.max_tokens - len(job.written) - 1,
        )
        if self._per_token * (most + 1) > self._time:
            most = int(self._time / self._per_token) - 1
        if most < max(least, 1):
            return []
        guessed = lookup.draft(job.prompt.ids, job.written, most, job.confidence.key)
        return guessed if len(guessed) >= least else []

    def _check(self, model: DraftModel, job: TextJob, guessed: list[int]) -> list[Output]:
        """Take the job's next tokens from its own draws, as long as they equal the guess, and one more."""
        held = model.length(job.row)
        logits = model.step_all(job.row, [job.latest, *guessed])
        outputs: list[Output] = []
        for at, row in enumerate(logits):
            # Behind the row's own tokens the guesses stand: the job must not see a full row before it is.
            full = held + at + 1 >= model.context
            outputs += job.receive(row, float(log_totals(row[None])[0]), full=full)
            ended = bool(outputs) and not isinstance(outputs[-1], Token)
            if ended or at == len(guessed) or job.latest != guessed[at]:
                job.confidence.learn(at, model.drafts[0])
                model.truncate(job.row, held + at + 1)
                break
        return outputs

    def _sample(self, jobs: Sequence[TextJob], logits: Logits) -> list[list[Output]]:
        totals = log_totals(logits)
        return [
            job.receive(row, float(total), full=self._model.length(job.row) >= self._model.context)
            for job, row, total in zip(jobs, logits, totals, strict=True)
        ]

    # Prompts ------------------------------------------------------------------------------------------

    def _gap(self, request: TextRequest) -> Prompt:
        prompt = fill.prompt(request, self._tokenizer)
        room = self._model.context - self._fills.longest
        if room < _SMALLEST:
            raise InvalidRequest("the context of this model is too short to fill in")
        return replace(prompt, ids=prompt.ids[-room:])

    def _budget(self, request: TextRequest) -> int:
        """Bound of the prompt in tokens: the context without the answer, but at least half of the context."""
        return self._model.context - min(request.params.max_tokens, self._model.context // 2)

    def _prompt_again(self, job: TextJob, prompt: Prompt) -> None:
        """Replace the prompt before the text written so far; the run goes on where it is."""
        if len(prompt.ids) >= self._model.context:
            raise InvalidRequest("the new instruction and the text written so far are too long")
        job.prompt_again(prompt, self._cache.rewind(job.row, prompt.ids))

    def _mine(self, job: Job) -> TextJob:
        if not isinstance(job, TextJob):
            raise TypeError(f"{type(job).__name__} is not a job of this engine")
        return job


_SMALLEST = 4


def _chunk_size(left: int, budget: int, grain: int, least: int) -> int:
    """Tokens to read next, so that neither this chunk nor the rest becomes inexact (see `TokenModel.grain`); 0 where
    the budget is too small for that."""
    if left <= budget:
        return left
    size = budget - budget % grain
    while left - size < least and size > 0:
        size -= grain
    return size if size >= least else 0
