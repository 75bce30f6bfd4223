"""A torch text engine whose decoder runs from a plan: the same words, alone, in batches, and from a kept prefix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from antiphon_engines.api import EngineUnavailable, TextRequest
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.plans.planning import PLANS
from antiphon_engines.backends.runners.runner import Tensors
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text import spec as text_spec
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.torch_model import TorchModel
from antiphon_proto.params import TextParams
from support import tiny_checkpoint
from support.drive import Result, run, step

pytestmark = pytest.mark.filterwarnings("ignore")
GREEDY = TextParams(temperature=0.0, repetition_penalty=1.0, max_tokens=24)


def build(folder: Path, **settings: Any) -> TextEngine:
    config = WorkerConfig(
        str(folder / "cache"),
        text_model=str(folder),
        max_jobs=3,
        max_batch=3,
        context=256,
        prefill_chunk=32,
        threads=1,
        device="cpu",
        **settings,
    )
    engine = text_spec.build(config)
    assert isinstance(engine, TextEngine)
    return engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("planned")
    tiny_checkpoint.write(place)
    return place


@pytest.fixture(scope="module")
def engines(folder: Path) -> Iterator[tuple[TextEngine, TextEngine]]:
    """One that a plan took over while it was open, and one on torch."""
    planned, plain = build(folder, text_backend="onnxruntime"), build(folder)
    assert planned.info.backend == "torch"
    planned.accelerated()
    assert planned.info.backend == "onnxruntime"
    yield planned, plain
    assert planned.info.backend == "onnxruntime", "no call made it fall back"
    planned.close()
    plain.close()


def model_of(engine: TextEngine) -> TorchModel:
    model = engine._model
    assert isinstance(model, TorchModel)
    return model


def words(results: list[Result]) -> list[list[int]]:
    return [[token.token_id for token in result.tokens] for result in results]


def asked(*texts: str) -> list[TextRequest]:
    return [TextRequest(task="continue", before=text, params=GREEDY) for text in texts]


def test_greedy_text_is_torchs(engines: tuple[TextEngine, TextEngine]) -> None:
    planned, plain = engines
    requests = asked("Ночь, улица, фонарь 🏮", "It was a dark and stormy night; " * 5, "x")
    found = words(run(planned, *requests))
    assert found == words(run(plain, *requests)), "in a batch"
    assert found == [words(run(planned, request))[0] for request in requests], "alone"


def test_a_prefix_is_read_once_and_a_stopped_run_disturbs_nobody(
    engines: tuple[TextEngine, TextEngine],
) -> None:
    planned, plain = engines
    story = "The lighthouse keeper wrote a letter to the sea every single night. "
    [first] = run(planned, *asked(story))
    longer = asked(story + "And then")[0]
    going, stopped = Result(planned.admit(longer)), Result(planned.admit(asked("Stop me")[0]))
    assert going.job.read >= len(story) - 2, "the kept prefix"  # type: ignore[attr-defined]
    for _ in range(6):
        step(planned, [going, stopped])
    planned.release(stopped.job)
    while going.end is None:
        step(planned, [going])
    assert first.tokens
    assert words([going]) == words(run(plain, longer))


def test_rows_of_any_lengths_share_a_call(engines: tuple[TextEngine, TextEngine]) -> None:
    planned, plain = (model_of(each) for each in engines)
    generator = np.random.default_rng(3)
    for model in (planned, plain):
        for row in range(model.rows):
            model.truncate(row, 0)
    for rows, lengths in (([2], [31]), ([0, 2], [5, 2]), ([0, 1, 2], [3, 9, 2]), ([0, 1, 2], [1, 1, 1])):
        ids = generator.integers(3, 200, (len(rows), max(lengths)), dtype=np.int64)
        found, expected = planned.step(rows, ids, lengths), plain.step(rows, ids, lengths)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    for model in (planned, plain):
        model.copy_prefix(2, 3, 20)
    again = np.full((1, 1), 7, np.int64)
    np.testing.assert_allclose(planned.step([3], again, [1]), plain.step([3], again, [1]), atol=1e-3)


def test_a_plan_that_fails_leaves_the_words_to_torch(folder: Path, engines: object) -> None:
    engine, plain = build(folder, text_backend="onnxruntime"), build(folder)
    slot = model_of(engine).slot
    assert slot is not None
    assert slot.backend == "onnxruntime", "the plan was ready at once"

    class Broken:
        backend, signature, nbytes = "onnxruntime", slot._runner.signature, 0

        def __call__(self, tensors: Tensors) -> Any:
            raise RuntimeError("out of luck")

        def load(self) -> None: ...

        def unload(self) -> None: ...

        def close(self) -> None: ...

    before = Result(engine.admit(asked("Once upon a time")[0]))
    for _ in range(4):
        step(engine, [before])
    slot._runner.close()
    slot._runner = Broken()
    while before.end is None:
        step(engine, [before])
    assert engine.info.backend == "torch"
    assert words([before]) == words(run(plain, *asked("Once upon a time")))
    engine.close()
    plain.close()


def test_the_precision_is_a_setting_and_part_of_the_plan(folder: Path) -> None:
    engine = build(folder, text_precision="bf16")
    slot = model_of(engine).slot
    assert slot is not None
    assert slot.precision == "bf16"
    [result] = run(engine, *asked("It was"))
    assert result.tokens
    engine.close()
    for setting in ("int3", "denoiser=fp32"):
        with pytest.raises(EngineUnavailable, match="text_precision"):
            build(folder, text_precision=setting)
    assert {entry.key.precision for entry in PlanStore(folder / "cache" / PLANS).entries() if entry.key} <= {
        "fp32"
    }
