"""The image engine: `Engine` over any :class:`family.Family`.

One step advances many jobs, at different timesteps and with different prompts, guidance, strengths, samplers and seeds,
in one denoiser call; each job has its own scheduler state and random generator, so that the same seed gives the same
picture alone and in a batch. In float32 on a CPU the two differ by the order of summation: by at most 2 of 255 in a
pixel.

Units: `encode` reads texts and sources, `denoise:WxH` takes a step, `decode:WxH` runs the autoencoder and ends the job:
the file is written by the caller that steps the engine. On a CPU all three pause when their budget is used up (see
`backends.pausing`): the jobs of such a call go on together, and one that leaves it begins its step anew.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

import torch
from msgspec import UNSET
from msgspec.structs import replace

from antiphon_engines.api import (
    NO_REMARK,
    Deferred,
    Done,
    EngineInfo,
    Failed,
    ImageFacts,
    ImageRequest,
    InvalidRequest,
    Job,
    Made,
    QueueFull,
    Remark,
    Request,
    Steer,
    Step,
    retold,
)
from antiphon_engines.backends.acceleration import Acceleration
from antiphon_engines.backends.pausing import PieceCosts
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.slot import Slot
from antiphon_engines.image.family import Embedding, Family, Text
from antiphon_engines.image.painting import Call, Painting
from antiphon_engines.image.previews import Previews, to_pixels
from antiphon_proto.errors import ErrorCode
from antiphon_proto.params import ImageSteer

logger = logging.getLogger(__name__)
KEPT_TEXTS: Final = 32
"""Encoded texts that are kept for the next request: while people draw, the prompt stays the same."""


class ImageEngine:
    """`max_pixels` bounds one picture, `threads` are torch's."""

    kind: ClassVar[str] = "image"

    def __init__(
        self,
        family: Family,
        previews: Previews,
        *,
        max_jobs: int,
        max_batch: int,
        max_pixels: int,
        threads: int,
        note: Remark = NO_REMARK,
        styles: tuple[str, ...] = (),
        acceleration: Acceleration | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`acceleration` is the engine's from now on: it is closed with it. `clock` gives seconds."""
        defaults = family.defaults
        self._info = EngineInfo(
            modality="image",
            name=family.name,
            device=family.device.type,
            backend=family.slots["denoiser"].backend,
            max_jobs=max_jobs,
            max_batch=max_batch,
            note=note,
            adapters=tuple(sorted(family.adapters)),
            image=ImageFacts(
                width=defaults.width,
                height=defaults.height,
                steps=defaults.steps,
                guidance=defaults.guidance,
                max_pixels=max_pixels,
                samplers=family.samplers.names,
                strength=defaults.strength,
                styles=styles,
            ),
        )
        self._family = family
        self._previews = previews
        self._max_pixels = max_pixels
        self._threads = threads
        self._jobs: set[Painting] = set()
        self._acceleration = acceleration
        self._texts: OrderedDict[Text, Embedding] = OrderedDict()
        self._clock = clock
        self._costs = PieceCosts()
        self._pauses = family.device.type == "cpu"
        self._budget = math.inf

    @property
    def info(self) -> EngineInfo:
        """With the backend that runs it now."""
        building = self._acceleration.building if self._acceleration is not None else ()
        self._info = retold(self._info, self._family.slots["denoiser"].backend, building)
        return self._info

    def listen(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, on another thread, when `info` may have changed."""
        if self._acceleration is not None:
            self._acceleration.listen(changed)

    @property
    def slots(self) -> Mapping[Part, Slot]:
        """The networks, each with its runner."""
        return self._family.slots

    def accelerated(self) -> None:
        """Wait until every network runs on the backend of the settings, or stays on torch for good."""
        if self._acceleration is not None:
            self._acceleration.wait()

    # The interface ------------------------------------------------------------------------------------

    def admit(self, request: Request) -> Painting:
        if len(self._jobs) >= self.info.max_jobs:
            raise QueueFull(f"all {self.info.max_jobs} places of {self.info.name} are taken")
        if not isinstance(request, ImageRequest):
            raise InvalidRequest("this engine paints pictures")
        job = Painting(request, self._family, self._max_pixels, self._costs if self._pauses else None)
        self._jobs.add(job)
        return job

    def step(self, jobs: Sequence[Job]) -> list[list[Made]]:
        # torch counts threads per calling thread; setting them again costs nothing.
        torch.set_num_threads(self._threads)
        mine = [self._mine(job) for job in jobs]
        if mine:
            call = mine[0].call or self._begin(mine)
            assert set(mine) == set(call.paintings), "a call that pauses goes on as a whole"
            with torch.inference_mode():
                call.go_on(self._budget if self._pauses else math.inf)
        return [job.drain() for job in mine]

    def budget(self, seconds: float) -> None:
        self._budget = seconds

    def steer(self, job: Job, change: Steer) -> None:
        mine = self._mine(job)
        if not isinstance(change, ImageSteer):
            raise InvalidRequest("this change is not for a picture")
        if not mine.unit.startswith(("encode", "denoise")):
            raise InvalidRequest("the picture is painted already")
        request, params = mine.request, mine.request.params
        if change.negative_prompt is not UNSET:
            params = replace(params, negative_prompt=change.negative_prompt)
        given = {"prompt": change.prompt, "previews": change.previews, "preview_side": change.preview_side}
        fields = {name: value for name, value in given.items() if value is not UNSET}
        before = mine.texts(self._family)
        mine.request = replace(request, params=params, **fields)
        if change.guidance is not UNSET:
            mine.guidance = change.guidance
        if (change.prompt, change.negative_prompt, change.guidance) != (UNSET, UNSET, UNSET):
            mine.drop_preview()  # it shows where the former course led
            self._leave(mine)
        if mine.texts(self._family) != before:
            mine.unit = "encode"

    def release(self, job: Job) -> None:
        mine = self._mine(job)
        self._jobs.discard(mine)
        self._leave(mine)
        mine.drop()

    def close(self) -> None:
        for job in list(self._jobs):
            self.release(job)
        if self._acceleration is not None:
            self._acceleration.close()

    # Calls --------------------------------------------------------------------------------------------

    def _begin(self, jobs: Sequence[Painting]) -> Call:
        work = {
            "encode": self._encode,
            "denoise": self._denoise,
            "decode": self._decode,
        }[jobs[0].unit.partition(":")[0]]
        return Call(jobs, work, jobs[0].kind, self._costs, self._clock)

    def _leave(self, job: Painting) -> None:
        """The step that `job` takes part in is not taken, as far as it is concerned."""
        if job.call is not None:
            # A call that is dropped ends in the mode in which it was begun.
            with torch.inference_mode():
                job.call.leave(job)

    # The units: jobs may leave wherever a network runs ------------------------------------------------

    def _encode(self, call: Call) -> None:
        def work(part: Sequence[Painting]) -> None:
            wanted = [job.texts(self._family) for job in part]
            embeddings = self._read_texts(wanted)
            sources = [self._source_latents(job) for job in part]
            for job, texts, source in zip(part, wanted, sources, strict=True):
                if job.call is call:
                    job.condition(embeddings[texts[0]], embeddings[texts[1]] if len(texts) > 1 else None)
                    if not job.begun:
                        job.begin(self._family, source)
                    job.resume()

        for job in self._survivors(call, call.paintings, work):
            job.gives(Step(job.sampler.done, job.sampler.steps))

    def _denoise(self, call: Call) -> None:
        answers: dict[Painting, torch.Tensor] = {}

        def work(part: Sequence[Painting]) -> None:
            predicted = self._family.predict([job.row() for job in part])
            answers.update((job, predicted[index : index + 1]) for index, job in enumerate(part))

        # Steps change a job's state and are never repeated: each is taken by itself, after the answers are there.
        stepped = [
            job
            for ready in self._survivors(call, call.paintings, work)
            for job in self._survivors(call, [ready], lambda part: part[0].advance(answers[part[0]]))
        ]
        stepped = self._finite(stepped)
        for job in stepped:
            job.gives(Step(job.sampler.done, job.sampler.steps))
        self._survivors(call, [job for job in stepped if self._previews.due(job)], self._previews.make)

    def _decode(self, call: Call) -> None:
        def work(part: Sequence[Painting]) -> None:
            latents = torch.cat([job.latents for job in part if job.latents is not None])
            decoded = self._family.decode(latents)
            whole = torch.isfinite(decoded).flatten(1).all(1).tolist()
            for job, pixels, fine in zip(part, to_pixels(decoded), whole, strict=True):
                if fine and job.call is call:
                    painted.append(job)
                    job.gives(Deferred(job.file(pixels)), Done("end"))

        painted: list[Painting] = []
        for job in self._survivors(call, call.paintings, work):
            if job not in painted:
                job.fails(_not_finite())

    # Small parts --------------------------------------------------------------------------------------

    def _read_texts(self, wanted: Sequence[tuple[Text, ...]]) -> dict[Text, Embedding]:
        known = {text: self._texts[text] for texts in wanted for text in texts if text in self._texts}
        missing = list(dict.fromkeys(text for texts in wanted for text in texts if text not in known))
        if missing:
            known |= zip(missing, self._family.encode_texts(missing), strict=True)
        for text, embedding in known.items():
            self._texts[text] = embedding
            self._texts.move_to_end(text)
        while len(self._texts) > KEPT_TEXTS:
            self._texts.popitem(last=False)
        return known

    def _source_latents(self, job: Painting) -> torch.Tensor | None:
        if job.source is None or job.begun:
            return None
        # A repeated attempt must draw the same as the first one.
        job.generator.manual_seed(job.seed)
        return self._family.encode_pictures(job.source_pixels(), [job.generator])

    def _finite(self, jobs: Sequence[Painting]) -> list[Painting]:
        """Those whose latents are numbers; the others fail."""
        if not jobs:
            return []
        latents = torch.cat([job.latents for job in jobs if job.latents is not None])
        fine = torch.isfinite(latents).flatten(1).all(1).tolist()
        for job, good in zip(jobs, fine, strict=True):
            if not good:
                job.fails(_not_finite())
        return [job for job, good in zip(jobs, fine, strict=True) if good]

    def _survivors(
        self, call: Call, jobs: Sequence[Painting], work: Callable[[Sequence[Painting]], None]
    ) -> list[Painting]:
        """Do `work` for all jobs at once; where it fails, for each half, down to the job that fails. Jobs that do not
        fit into memory as a batch may fit one by one. Those that have left the call are left out, before and after."""
        jobs = [job for job in jobs if job.call is call]
        if not jobs:
            return []
        try:
            work(jobs)
        except Exception as error:
            if _is_fatal(error):
                raise
            if len(jobs) > 1:
                half = len(jobs) // 2
                return [
                    job for part in (jobs[:half], jobs[half:]) for job in self._survivors(call, part, work)
                ]
            logger.warning("a picture failed", exc_info=error)
            if jobs[0].call is call:
                jobs[0].fails(_failure(error))
            return []
        return [job for job in jobs if job.call is call]

    def _mine(self, job: Job) -> Painting:
        if not isinstance(job, Painting):
            raise TypeError(f"{type(job).__name__} is not a job of this engine")
        return job


def _not_finite() -> Failed:
    return Failed(ErrorCode.ENGINE_FAILED, "the model gave numbers that are not finite")


def _is_fatal(error: Exception) -> bool:
    """A CUDA error leaves the device unusable for this process; running out of memory does not."""
    return isinstance(error, torch.AcceleratorError) and not isinstance(error, torch.OutOfMemoryError)


def _failure(error: Exception) -> Failed:
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in str(error):
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        message = "there is not enough memory for this picture; try a smaller one"
        return Failed(ErrorCode.ENGINE_FAILED, message)
    return Failed(ErrorCode.ENGINE_FAILED, f"the model failed: {type(error).__name__}: {str(error)[:200]}")
