"""The image engine by itself: the effect of one job's end, change or failure on it and on the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from antiphon_engines.api import Done, Failed, InvalidRequest, TextRequest
from antiphon_engines.image.engine import KEPT_TEXTS, ImageEngine
from antiphon_engines.image.pictures import PREVIEW_BYTES
from antiphon_proto.errors import ErrorCode
from antiphon_proto.params import ImageSteer, TextSteer
from support import tiny_pipelines as tiny
from support.drive import Result, run, run_to_end, step
from support.easel import ask, decode, distance, easel, encode, mask_of, paint, pixels, scene

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return tiny.stable_diffusion()


@pytest.fixture
def engine(pipeline: Any) -> Iterator[ImageEngine]:
    engine = easel(pipeline)
    yield engine
    engine.close()


def admit(engine: ImageEngine, *requests: Any) -> list[Result]:
    return [Result(engine.admit(request)) for request in requests]


def test_it_says_what_it_paints(engine: ImageEngine) -> None:
    facts = engine.info.image
    assert facts is not None
    assert (facts.width, facts.height) == (64, 64)
    assert facts.samplers == ("euler", "ddim", "dpmpp_2m", "lcm")
    assert facts.max_pixels == 128 * 128


def test_a_picture_is_previewed_at_every_step_and_comes_once(engine: ImageEngine) -> None:
    [result] = run(engine, ask(steps=6))
    assert result.steps == [0, 1, 2, 3, 4, 5, 6]
    # The last step is followed by the picture itself.
    assert [preview.step for preview in result.previews] == [1, 2, 3, 4, 5]
    assert result.end == Done("end")
    assert result.image is not None
    assert (result.image.width, result.image.height, result.image.seed) == (64, 64, 1)
    assert pixels(result).shape == (64, 64, 3)


def test_previews_are_small_jpegs_of_the_stated_size(engine: ImageEngine) -> None:
    [result] = run(engine, ask(steps=6, width=128, height=64, preview_side=96))
    assert {preview.of for preview in result.previews} == {6}
    for preview in result.previews:
        assert preview.jpeg.startswith(b"\xff\xd8")
        assert decode(preview.jpeg).shape == (preview.height, preview.width, 3)
        assert preview.width == 2 * preview.height
        assert max(preview.width, preview.height) <= 96
        assert len(preview.jpeg) <= PREVIEW_BYTES


def test_a_turbo_picture_of_one_step_is_previewed_too(engine: ImageEngine) -> None:
    [result] = run(engine, ask(steps=1, guidance=0.0))
    assert [preview.step for preview in result.previews] == [1]


def test_previews_as_often_as_was_asked(engine: ImageEngine) -> None:
    rare, none = run(engine, ask(steps=7, previews=3), ask(steps=7, previews=0))
    # The first comes at once, whatever the rate.
    assert [preview.step for preview in rare.previews] == [1, 3, 6]
    assert none.previews == []
    assert distance(pixels(rare), pixels(none)) == 0


def test_without_a_seed_one_is_drawn_and_told(engine: ImageEngine) -> None:
    first, second = run(engine, ask(seed=None), ask(seed=None))
    assert first.image is not None
    assert second.image is not None
    assert first.image.seed != second.image.seed
    [again] = paint(engine, ask(seed=first.image.seed))
    assert distance(again, pixels(first)) <= 2


def test_sizes_differ_within_one_engine_and_need_no_rounding(engine: ImageEngine) -> None:
    results = run(engine, ask(width=50, height=37), ask(), ask(width=96, height=20))
    assert [pixels(result).shape for result in results] == [(37, 50, 3), (64, 64, 3), (20, 96, 3)]


def test_a_cancelled_job_changes_nothing_for_the_others(engine: ImageEngine) -> None:
    [alone] = paint(engine, ask(steps=6))
    results = admit(engine, ask(steps=6), ask(steps=20, seed=2, guidance=3.0))
    for _ in range(3):
        step(engine, results)
    engine.release(results[1].job)
    engine.release(results[1].job)
    run_to_end(engine, results[:1])
    assert distance(pixels(results[0]), alone) <= 2


def test_numbers_that_are_not_finite_end_their_run_alone(engine: ImageEngine) -> None:
    [alone] = paint(engine, ask())
    results = admit(engine, ask(), ask(seed=2), ask(seed=3))
    step(engine, results)
    step(engine, results)
    broken = results[1].job
    broken.latents = broken.latents * float("nan")  # type: ignore[attr-defined]
    run_to_end(engine, results)
    assert results[1].end == Failed(ErrorCode.ENGINE_FAILED, "the model gave numbers that are not finite")
    assert distance(pixels(results[0]), alone) <= 2
    assert results[2].end == Done("end")


def test_a_decoder_that_gives_no_numbers_fails_its_run(
    engine: ImageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = engine._family
    monkeypatch.setattr(family, "decode", lambda latents: torch.full((1, 3, 64, 64), float("nan")))
    [result] = run(engine, ask(previews=0))
    assert isinstance(result.end, Failed)


def test_a_batch_without_memory_is_painted_one_by_one(
    engine: ImageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    [alone] = paint(engine, ask(seed=2))
    predict = engine._family.predict

    def narrow(rows: Any) -> torch.Tensor:
        if len(rows) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return predict(rows)

    monkeypatch.setattr(engine._family, "predict", narrow)
    results = run(engine, ask(), ask(seed=2), ask(seed=3))
    assert [result.end for result in results] == [Done("end")] * 3
    assert distance(pixels(results[1]), alone) <= 2


def test_a_picture_without_memory_fails_with_words(
    engine: ImageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(rows: Any) -> torch.Tensor:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory: you tried ..."
        )

    monkeypatch.setattr(engine._family, "predict", refuse)
    [result] = run(engine, ask())
    assert isinstance(result.end, Failed)
    assert "smaller" in result.end.message
    monkeypatch.undo()
    paint(engine, ask())


def test_a_model_that_breaks_fails_the_run_and_not_the_engine(
    engine: ImageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> Any:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    for part in ("encode_texts", "predict", "decode"):
        monkeypatch.setattr(engine._family, part, crash)
        [result] = run(engine, ask(prompt=f"the sea {part}"))
        assert isinstance(result.end, Failed)
        assert "mat1" in result.end.message
        monkeypatch.undo()
    paint(engine, ask())


def test_texts_are_encoded_once_and_forgotten_in_the_end(
    engine: ImageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    encode_texts = engine._family.encode_texts

    def counted(texts: Any) -> Any:
        read.extend(text.words for text in texts)
        return encode_texts(texts)

    monkeypatch.setattr(engine._family, "encode_texts", counted)
    run(engine, ask(prompt="cat", guidance=0.0, steps=1), ask(prompt="cat", guidance=0.0, steps=1))
    run(engine, ask(prompt="cat", guidance=0.0, steps=1))
    assert read == ["cat"]
    for number in range(KEPT_TEXTS):
        run(engine, ask(prompt=f"tree {number}", guidance=0.0, steps=1, previews=0))
    run(engine, ask(prompt="cat", guidance=0.0, steps=1))
    assert read.count("cat") == 2
    assert len(engine._texts) == KEPT_TEXTS


def test_a_prompt_is_steered_from_the_next_step_on(engine: ImageEngine) -> None:
    [plain] = paint(engine, ask(steps=6, guidance=5.0))
    [result] = admit(engine, ask(steps=6, guidance=5.0))
    for _ in range(3):
        step(engine, [result])
    engine.steer(result.job, ImageSteer(prompt="blue sea", guidance=9.0, previews=0))
    shown = len(result.previews)
    run_to_end(engine, [result])
    assert len(result.previews) <= shown + 1, "one was under way"
    assert result.steps == [0, 1, 2, 2, 3, 4, 5, 6]
    assert distance(pixels(result), plain) > 5


def test_guidance_can_be_switched_on_while_painting(engine: ImageEngine) -> None:
    [result] = admit(engine, ask(steps=4, guidance=0.0))
    step(engine, [result])
    step(engine, [result])
    engine.steer(result.job, ImageSteer(guidance=6.0, negative_prompt="cat"))
    run_to_end(engine, [result])
    assert result.end == Done("end")


def test_a_steer_that_comes_too_late_or_is_not_for_pictures_is_refused(engine: ImageEngine) -> None:
    [result] = admit(engine, ask(steps=1))
    with pytest.raises(InvalidRequest, match="not for a picture"):
        engine.steer(result.job, TextSteer(max_tokens=4))
    while not result.job.unit.startswith("decode"):
        step(engine, [result])
    with pytest.raises(InvalidRequest, match="already"):
        engine.steer(result.job, ImageSteer(prompt="cat"))
    run_to_end(engine, [result])
    assert result.image is not None


def test_image_to_image_takes_any_size_and_scales_when_asked(engine: ImageEngine) -> None:
    source = encode(scene(50, 40))
    kept, scaled = paint(
        engine,
        ask("image_to_image", source=source),
        ask("image_to_image", source=source, width=64, height=64),
    )
    assert kept.shape == (40, 50, 3)
    assert scaled.shape == (64, 64, 3)


def test_how_far_a_picture_goes_from_its_source_is_the_models_own_unless_it_is_said(
    engine: ImageEngine,
) -> None:
    source, mask = encode(scene(50, 40)), encode(mask_of(50, 40, (3, 5, 41, 29)))
    assert engine.info.image is not None
    for request, expected in (
        (ask("image_to_image", source=source), engine.info.image.strength),
        (ask("image_to_image", source=source, strength=0.2), 0.2),
        (ask("inpaint", source=source, mask=mask), 1.0),
    ):
        job = engine.admit(request)
        assert job.strength == expected
        engine.release(job)


@pytest.mark.parametrize("box", [(3, 5, 41, 29), (20, 20, 21, 21), (0, 0, 50, 40)])
def test_outside_the_mask_nothing_changes_at_any_size(engine: ImageEngine, box: tuple[int, ...]) -> None:
    source, mask = scene(50, 40), mask_of(50, 40, box)
    [picture] = paint(engine, ask("inpaint", strength=0.9, source=encode(source), mask=encode(mask)))
    assert np.array_equal(picture[mask == 0], source[mask == 0])
    assert not np.array_equal(picture[mask == 255], source[mask == 255])


def test_a_soft_mask_is_cut_in_the_middle(engine: ImageEngine) -> None:
    source = scene()
    mask = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    [picture] = paint(engine, ask("inpaint", source=encode(source), mask=encode(mask)))
    assert np.array_equal(picture[:, :32], source[:, :32])


BAD: dict[str, Any] = {
    "no source": ask("image_to_image"),
    "no mask": ask("inpaint", source=encode(scene())),
    "a mask too many": ask("image_to_image", source=encode(scene()), mask=encode(scene())),
    "a source too many": ask(source=encode(scene())),
    "another size": ask("inpaint", source=encode(scene()), mask=encode(mask_of(32, 64, (0, 0, 9, 9)))),
    "nothing to paint": ask("inpaint", source=encode(scene()), mask=encode(mask_of(64, 64, (0, 0, 0, 0)))),
    "a giant": ask(width=2048, height=2048),
    "a giant source": ask("image_to_image", source=encode(scene(400, 400))),
    "scaled inpainting": ask(
        "inpaint", source=encode(scene()), mask=encode(mask_of(64, 64, (0, 0, 9, 9))), width=32
    ),
    "another family's sampler": ask(sampler="flow_euler"),
    "more steps than the sampler has": ask(sampler="lcm", steps=80),
    "text": TextRequest("continue", "Once upon a time"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_refused_and_take_no_place(engine: ImageEngine, name: str) -> None:
    for _ in range(engine.info.max_jobs + 1):
        with pytest.raises(InvalidRequest):
            engine.admit(BAD[name])
    paint(engine, ask(steps=1))


def test_jobs_of_another_engine_are_a_mistake(engine: ImageEngine) -> None:
    with pytest.raises(TypeError):
        engine.release(object())
