"""Stage ``evaluate``: measure the pipeline on prompts that no training picture shows; write a report and grids.

    python -m training.image.evaluate --work build/image --report image_model_eval.json

Every prompt names a noun in a colour that the training held out for it, half of them on a background that was held out
for it too. The same measures are taken on the recipe's own paintings of these scenes (``reference``): the score of a
perfect picture.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoPipelineForImage2Image, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor
from torch.nn import functional

from .colours import dominant_colour
from .data import Picture, load_pictures
from .denoiser import GUIDANCE, SAMPLED_STEPS, assemble, sample
from .judge import Judge, load_judge
from .latents import by_noun, trained_words
from .painter import Painter
from .runtime import images_to_tensor, save_grid, set_threads
from .scenes import Scene, contrast
from .vocabulary import BACKGROUNDS, PALETTE, is_held_out

Measures = dict[str, Any]
BATCH = 32
VISIBLE = 0.22
"""Root-mean-square distance from the background, of 1, above which a pixel belongs to the object."""
TIMED_STEPS = 8
"""Names of the steps whose time is measured, as in the target."""
SKETCHES = 16
UNSEEN = 60
"""How many sketches, and how many drawings of unseen sets, are measured."""
STRENGTHS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Strengths of image to image that are measured."""
WORDED = (
    "two cats", "three red apples", "two blue fish", "three stars on black background", "small dog top left",
    "tiny house at the bottom right", "small car on the left", "small green frog at the top",
    "cat, logo", "cat glossy sticker", "cat flat sticker", "cat soft sticker", "cat classic sticker",
    "cat simple sticker", "cat bold sticker", "red kitten", "синяя машина", "красный дом на жёлтом фоне",
    "зелёная лягушка", "кошка", "a purple elephant on yellow background", "draw me a robot", "pink dinosaur", "banjo",
)  # fmt: skip
"""Prompts of a sheet that shows counts, places, styles, Russian, and words beyond the vocabulary."""
TARGETS = {"colour": 0.80, "noun": 0.60, "seconds_8_steps": 1.5, "first_preview_ms": 150.0}


def held_out_scenes(groups: dict[str, list[Picture]], per_noun: int, rng: Random) -> list[Scene]:
    """Return scenes of pairs of noun and colour that no training picture shows, every second on a held-out ground."""
    scenes = []
    for noun, pictures in groups.items():
        natural = {picture.colour for picture in pictures}
        colours = [c for c in PALETTE if is_held_out(noun, c) and c not in natural]
        for index, colour in enumerate(rng.sample(colours, min(per_noun, len(colours)))):
            grounds = [
                name
                for name, value in BACKGROUNDS.items()
                if is_held_out(noun, f"on {name}") and contrast(value, PALETTE[colour]) > 120
            ]
            if colour == "white" and not grounds:
                continue
            plain = colour != "white" and (index % 2 == 0 or not grounds)
            background = "white" if plain else rng.choice(grounds)
            scenes.append(Scene(noun, colour, True, background, ""))
    return scenes


def prompt_of(scene: Scene) -> str:
    """Say a scene in the plainest words."""
    ground = "" if scene.background == "white" else f" on {scene.background} background"
    return f"{scene.colour} {scene.noun}{ground}" if scene.colour else f"{scene.noun}{ground}"


def split_object(image: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the background colour ``[3]`` (the median of the rim) and where the object is, ``[H, W]``.

    ``image`` is ``[H, W, 3]`` sRGB in 0..1.
    """
    rim = np.concatenate([image[:3].reshape(-1, 3), image[-3:].reshape(-1, 3), image[:, 0], image[:, -1]])
    ground = np.median(rim, axis=0).astype(np.float32)
    distance = np.sqrt(np.square(image - ground).mean(-1))
    return ground, distance > VISIBLE * 0.5


def to_arrays(images: Tensor) -> npt.NDArray[np.float32]:
    """Turn ``[N, 3, H, W]`` in -1..1 into ``[N, H, W, 3]`` in 0..1."""
    arrays: npt.NDArray[np.float32] = ((images + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1).float().numpy()
    return arrays


def measure_scenes(images: Tensor, scenes: list[Scene], judge: Judge) -> Measures:
    """Measure colour, background and noun of pictures against the scenes that they should show."""
    names = judge.nouns
    grounds = np.array(list(BACKGROUNDS.values()), np.float32) / 255
    colour_right, ground_right, shares = [], [], []
    for image, scene in zip(to_arrays(images), scenes, strict=True):
        ground, mask = split_object(image)
        colour, _ = dominant_colour(image, mask.astype(np.float32))
        colour_right.append(colour == scene.colour)
        nearest = int(np.square(grounds - ground).sum(-1).argmin())
        ground_right.append(list(BACKGROUNDS)[nearest] == scene.background)
        shares.append(float(mask.mean()))
    ranked = judge(images).topk(min(5, len(judge.nouns))).indices
    wanted = torch.tensor([names.index(scene.noun) for scene in scenes])
    first = ranked[:, 0] == wanted
    by_class: dict[str, list[bool]] = {}
    for scene, right in zip(scenes, first.tolist(), strict=True):
        by_class.setdefault(scene.noun, []).append(right)
    return {
        "prompts": len(scenes),
        "colour": float(np.mean(colour_right)),
        "background": float(np.mean(ground_right)),
        "noun_top1": first.float().mean().item(),
        "noun_top5": (ranked == wanted[:, None]).any(1).float().mean().item(),
        "nouns_recognised": sorted(noun for noun, right in by_class.items() if all(right)),
        "nouns_missed": sorted(noun for noun, right in by_class.items() if not any(right)),
        "object_area": float(np.mean(shares)),
    }


def draw_all(
    pipeline: StableDiffusionPipeline, prompts: list[str], seed: int, steps: int, guidance: float
) -> Tensor:
    """Draw many prompts in batches."""
    parts = [
        sample(pipeline, prompts[start : start + BATCH], seed + start, steps, guidance)
        for start in range(0, len(prompts), BATCH)
    ]
    return torch.cat(parts)


def reference_paintings(groups: dict[str, list[Picture]], scenes: list[Scene], rng: Random) -> Tensor:
    """Paint the scenes with the recipe's own drawings."""
    chosen = [rng.choice([p for p in groups[scene.noun] if not p.shape_only]) for scene in scenes]
    return Painter(chosen).paint(chosen, scenes)


def plain_paintings(pictures: list[Picture]) -> Tensor:
    """Paint pictures unchanged, on white."""
    return Painter(pictures).paint(pictures, [Scene(p.noun, None, False, "white", p.style) for p in pictures])


def measure_diversity(
    pipeline: StableDiffusionPipeline, groups: dict[str, list[Picture]], nouns: list[str]
) -> Measures:
    """Compare seeds with each other and with the nearest training picture, at 32 px, root mean square of 0..1.

    ``between_sets`` is the distance between training pictures of one noun, and ``unseen_nearest`` the distance from a
    picture of a set that was never trained on to its nearest training picture. Both are the scale for the other values.
    """

    def small(images: Tensor) -> Tensor:
        return functional.interpolate((images + 1) / 2, 32, mode="area").flatten(1)

    seeds, nearest, between = [], [], []
    for index, noun in enumerate(nouns):
        drawn = small(draw_all(pipeline, [noun] * 4, 500 + 10 * index, SAMPLED_STEPS, GUIDANCE))
        known = small(plain_paintings(groups[noun]))
        pixels = known.shape[1] ** 0.5
        seeds += (torch.pdist(drawn) / pixels).tolist()
        nearest += (torch.cdist(drawn, known).min(1).values / pixels).tolist()
        between += (torch.pdist(known) / pixels).tolist()
    return {
        "seed_to_seed": statistics.median(seeds),
        "nearest_training": statistics.median(nearest),
        "between_sets": statistics.median(between),
    }


def unseen_distance(groups: dict[str, list[Picture]], unseen: list[Picture]) -> float:
    """Return the median distance of unseen sets' pictures to the nearest training picture of their noun."""
    distances = []
    for picture in Random(3).sample(unseen, min(UNSEEN, len(unseen))):
        images = plain_paintings([picture, *groups[picture.noun]])
        flat = functional.interpolate((images + 1) / 2, 32, mode="area").flatten(1)
        distances.append(float(torch.cdist(flat[:1], flat[1:]).min() / flat.shape[1] ** 0.5))
    return statistics.median(distances)


def sketch_of(picture: Picture, colour: str, rng: Random) -> npt.NDArray[np.uint8]:
    """Return a crude flat sketch, ``[128, 128, 3]``: the silhouette of a picture, smaller and off centre."""
    side = picture.rgba.shape[0]
    size = rng.randint(64, 84)
    alpha = torch.from_numpy(picture.rgba[..., 3].astype(np.float32) / 255)[None, None]
    small = functional.interpolate(alpha, size, mode="area")[0, 0].numpy()
    canvas = np.ones((side, side, 3), np.float32)
    top, left = (rng.choice((4, side - size - 4)) for _ in range(2))
    ink = np.array(PALETTE[colour], np.float32) / 255
    region = canvas[top : top + size, left : left + size]
    region += small[..., None] * (ink - region)
    return (canvas * 255).astype(np.uint8)


def overlap(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    """Intersection over union of two masks."""
    union = float((first | second).sum())
    return float((first & second).sum()) / union if union else 0.0


def measure_sketches(
    pipeline: StableDiffusionPipeline,
    unseen: list[Picture],
    judge: Judge,
    strengths: Sequence[float],
    count: int,
) -> tuple[list[Measures], Tensor]:
    """Redraw sketches of unseen pictures, and say how much of the sketch's place and of its noun the results keep.

    Returns the measures at each strength, and a sheet: each sketch, followed by its result at each strength.
    """
    rng = Random(2)
    redraw = AutoPipelineForImage2Image.from_pipe(pipeline)
    redraw.set_progress_bar_config(disable=True)
    chosen = rng.sample(unseen, min(count, len(unseen)))
    colours = [rng.choice([c for c in PALETTE if c != "white"]) for _ in chosen]
    prompts = [f"{colour} {picture.noun}" for colour, picture in zip(colours, chosen, strict=True)]
    drawn = [sketch_of(picture, colour, rng) for picture, colour in zip(chosen, colours, strict=True)]
    sketches = images_to_tensor(np.stack(drawn))
    wanted = torch.tensor([judge.nouns.index(picture.noun) for picture in chosen])
    places = [split_object(image)[1] for image in to_arrays(sketches)]

    def kept(images: Tensor) -> float:
        masks = [split_object(image)[1] for image in to_arrays(images)]
        return statistics.mean(overlap(*pair) for pair in zip(places, masks, strict=True))

    free = kept(draw_all(pipeline, prompts, 0, SAMPLED_STEPS, GUIDANCE))
    measured, columns = [], [sketches]
    for strength in strengths:
        images = redraw(
            prompts,
            image=(sketches + 1) / 2,
            strength=strength,
            num_inference_steps=SAMPLED_STEPS,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator().manual_seed(index) for index in range(len(prompts))],
            output_type="pt",
        ).images
        columns.append(images * 2 - 1)
        measured.append(
            {
                "sketches": len(chosen),
                "strength": strength,
                "mask_overlap": kept(columns[-1]),
                "mask_overlap_without_sketch": free,
                "noun_top1": (judge(columns[-1]).argmax(1) == wanted).float().mean().item(),
            }
        )
    return measured, torch.stack([column[:12] for column in columns], 1).flatten(0, 1)


@torch.no_grad()
def measure_speed(pipeline: StableDiffusionPipeline, threads: int, repeats: int) -> Measures:
    """Time one picture of 128 px in ``TIMED_STEPS`` guided steps and its first preview; medians of ``repeats``."""
    torch.set_num_threads(threads)
    whole, first = [], []
    for index in range(repeats):
        marks: list[float] = []

        def mark(
            _pipe: object, _step: int, _timestep: object, kwargs: dict[str, Tensor], at: list[float] = marks
        ) -> Any:
            kwargs["latents"].mean().item()
            at.append(time.perf_counter())
            return kwargs

        started = time.perf_counter()
        pipeline(
            "red apple",
            num_inference_steps=TIMED_STEPS,
            guidance_scale=GUIDANCE,
            generator=torch.Generator().manual_seed(index),
            callback_on_step_end=mark,
        )
        whole.append(time.perf_counter() - started)
        first.append(marks[0] - started)
    return {
        "threads": threads,
        "steps": TIMED_STEPS,
        "guidance": GUIDANCE,
        "seconds_8_steps": statistics.median(whole),
        "first_preview_ms": statistics.median(first) * 1000,
        "best_seconds_8_steps": min(whole),
        "best_first_preview_ms": min(first) * 1000,
    }


def compare(
    pipeline: StableDiffusionPipeline,
    against: Path,
    groups: dict[str, list[Picture]],
    unseen: list[Picture],
    judge: Judge,
    count: int,
) -> Measures:
    """Measure two models alike: held-out prompts, seeds and sketches of the nouns that both draw, by one judge."""
    shared = set(json.loads((against / "vocabulary.json").read_text())["nouns"])
    common = {noun: pictures for noun, pictures in groups.items() if noun in shared}
    known = [picture for picture in unseen if picture.noun in shared]
    scenes = held_out_scenes(common, 1, Random(0))
    prompts = [prompt_of(scene) for scene in scenes]
    other = StableDiffusionPipeline.from_pretrained(against, local_files_only=True).to(torch.float32)
    other.set_progress_bar_config(disable=True)
    report: Measures = {"nouns": len(common)}
    for name, model in (("this", pipeline), ("other", other)):
        drawn = draw_all(model, prompts, 1000, SAMPLED_STEPS, GUIDANCE)
        report[name] = {
            "held_out": measure_scenes(drawn, scenes, judge),
            "diversity": measure_diversity(model, common, list(common)[:: max(1, len(common) // 12)]),
            "sketches": measure_sketches(model, known, judge, STRENGTHS, count)[0],
            "speed": measure_speed(model, 1, 5),
        }
    return report


def evaluate(arguments: argparse.Namespace) -> Measures:
    """Take all measures and write the grids of the model card."""
    work, grids = arguments.work, arguments.work / "card"
    grids.mkdir(exist_ok=True)
    nouns = set(trained_words(work, "noun"))
    groups = by_noun(picture for picture in load_pictures(work, "train", "shapes") if picture.noun in nouns)
    unseen = [picture for picture in load_pictures(work, "test") if picture.noun in nouns]
    pipeline = assemble(work, UNet2DConditionModel.from_pretrained(work / "unet"))
    pipeline.set_progress_bar_config(disable=True)
    judge = load_judge(work)
    scenes = held_out_scenes(groups, arguments.per_noun, Random(0))[: arguments.limit or None]
    prompts = [prompt_of(scene) for scene in scenes]
    drawn = draw_all(pipeline, prompts, 1000, SAMPLED_STEPS, GUIDANCE)
    every = list(groups)[: arguments.limit or None]
    natural = draw_all(pipeline, every, 9000, SAMPLED_STEPS, GUIDANCE)
    sketches, sketch_sheet = measure_sketches(pipeline, unseen, judge, STRENGTHS, arguments.limit or SKETCHES)
    report: Measures = {
        "model": json.loads((work / "denoiser.json").read_text()),
        "judge": json.loads((work / "judge.json").read_text()),
        "chance": 1 / len(judge.nouns),
        "held_out": measure_scenes(drawn, scenes, judge),
        "reference": measure_scenes(reference_paintings(groups, scenes, Random(1)), scenes, judge),
        "plain_nouns": measure_scenes(natural, [Scene(n, None, False, "white", "") for n in every], judge),
        "diversity": measure_diversity(pipeline, groups, every[:: max(1, len(every) // 16)]),
        "sketches": sketches,
        "speed": measure_speed(pipeline, 1, arguments.repeats),
        "speed_two_threads": measure_speed(pipeline, 2, arguments.repeats),
        "targets": TARGETS,
    }
    del report["plain_nouns"]["colour"]
    report["diversity"]["unseen_nearest"] = unseen_distance(groups, unseen) if unseen else None
    save_grid(grids / "nouns.jpg", functional.interpolate(natural, 64, mode="area"), columns=20)
    save_grid(grids / "held_out.jpg", drawn[:: max(1, len(drawn) // 48)][:48], columns=12)
    save_grid(grids / "sketches.jpg", sketch_sheet, columns=2 * (1 + len(STRENGTHS)))
    save_grid(grids / "words.jpg", draw_all(pipeline, list(WORDED), 300, SAMPLED_STEPS, GUIDANCE), columns=8)
    if arguments.against:
        report["against"] = compare(
            pipeline, arguments.against, groups, unseen, judge, arguments.limit or SKETCHES
        )
    seeds: list[str] = [noun for noun in ("cat", "house", "car", "tree", "happy face") if noun in groups]
    if seeds:
        eight = [noun for noun in seeds for _ in range(8)]
        save_grid(grids / "seeds.jpg", draw_all(pipeline, eight, 77, SAMPLED_STEPS, GUIDANCE), 8)
    report["prompts_of_grid"] = prompts[:: max(1, len(drawn) // 48)][:48]
    return report


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage with these arguments, or with the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--report", type=Path, help="where to write the raw figures as well")
    parser.add_argument("--per-noun", type=int, default=2)
    parser.add_argument("--limit", type=int, default=0, help="only so many prompts (for a quick check)")
    parser.add_argument("--against", type=Path, help="a packed model to measure on the nouns that both draw")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    set_threads(arguments.threads)
    report = evaluate(arguments)
    text = json.dumps(report, indent=1)
    for path in filter(None, (arguments.work / "evaluation.json", arguments.report)):
        path.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
