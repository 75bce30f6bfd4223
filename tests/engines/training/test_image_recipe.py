"""The recipe of the embedded image model: its words, its paint, and every stage once in a tiny configuration."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training.image.colours import Paintable, dominant_colour
from training.image.data import Picture, load_pictures, store_pictures
from training.image.painter import Painter
from training.image.scenes import Placement, Scene, caption, draw_scene, plural
from training.image.vocabulary import BACKGROUNDS, CONCEPTS, CORE, PALETTE, UNCOUNTED, is_held_out

NOUNS = ("heart", "house", "car", "tree")


def drawing(noun: str, variant: int = 0) -> np.ndarray:
    """Return a simple RGBA picture that differs by noun and variant."""
    sheet = Image.new("RGBA", (128, 128), (255, 255, 255, 0))
    pen = ImageDraw.Draw(sheet)
    inset = 12 + 4 * variant
    box = (inset, inset, 128 - inset, 128 - inset)
    ink = (200, 40 + 20 * variant, 40, 255)
    if noun == "heart":
        pen.ellipse(box, fill=ink)
    elif noun == "house":
        pen.rectangle(box, fill=ink)
    elif noun == "car":
        pen.rectangle((8, 60, 120, 100), fill=ink)
    else:
        pen.polygon([(64, inset), (120, 120), (8, 120)], fill=ink)
    return np.asarray(sheet)


def picture(
    noun: str, source: str = "twemoji", role: str = "train", style: str = "simple", variant: int = 0
) -> Picture:
    return Picture(noun, source, noun, style, role, "red", drawing(noun, variant))


@pytest.mark.parametrize("colour", PALETTE)
def test_repainting_makes_the_colour_word_true(colour: str) -> None:
    for noun in NOUNS:
        rgba = drawing(noun).astype(np.float32) / 255
        painted = Paintable.of(rgba[..., :3], rgba[..., 3]).repaint(colour)
        word, share = dominant_colour(painted, rgba[..., 3])
        assert word == colour
        assert share > 0.95


def test_repainting_keeps_what_is_not_of_the_main_colour() -> None:
    rgba = drawing("house").astype(np.float32) / 255
    rgba[56:72, 56:72, :3] = (0.1, 0.7, 0.2)
    painted = Paintable.of(rgba[..., :3], rgba[..., 3]).repaint("blue")
    assert np.allclose(painted[58:70, 58:70], rgba[58:70, 58:70, :3], atol=0.02)


def test_no_training_scene_shows_a_held_out_pair() -> None:
    rng = Random(5)
    for concept in CONCEPTS[:20]:
        for _ in range(60):
            scene = draw_scene(picture(concept.noun), rng)
            assert not is_held_out(scene.noun, f"on {scene.background}")
            assert not (scene.repainted and is_held_out(scene.noun, str(scene.colour)))


def test_about_a_fifth_of_the_pairs_is_held_out() -> None:
    pairs = [is_held_out(concept.noun, colour) for concept in CONCEPTS for colour in PALETTE]
    assert 0.15 < sum(pairs) / len(pairs) < 0.25
    assert not is_held_out("cat", "on white")


def test_a_caption_says_what_the_picture_shows() -> None:
    rng = Random(1)
    texts = {caption(Scene("pizza", "blue", True, "pink", "glossy"), rng) for _ in range(50)}
    assert all("pizza" in text and "on pink" in text and "glossy sticker" in text for text in texts)
    assert any("blue" in text for text in texts)


def test_a_style_that_is_not_plain_is_always_said() -> None:
    rng = Random(1)
    plain = [caption(Scene("pizza", None, False, "white", "flat"), rng) for _ in range(50)]
    logos = [caption(Scene("pizza", None, False, "white", "logo"), rng) for _ in range(50)]
    assert any("flat" not in text for text in plain)
    assert all("logo" in text for text in logos)


def test_a_count_a_size_and_a_place_are_said_as_drawn() -> None:
    rng = Random(1)
    spots = (Placement(0.3, -0.5), Placement(0.3, 0.5))
    pairs = {caption(Scene("pizza", "blue", True, "white", "flat", spots), rng) for _ in range(50)}
    assert all("two" in text and "pizzas" in text for text in pairs)
    placed = Scene(
        "pizza", None, False, "white", "flat", (Placement(0.4, -0.5, -0.5),), ("small", "top left")
    )
    texts = {caption(placed, rng) for _ in range(50)}
    assert all("top left" in text and ("small" in text or "tiny" in text) for text in texts)


def test_masses_and_pairs_are_never_counted() -> None:
    rng = Random(2)
    for noun in sorted(UNCOUNTED):
        scenes = [draw_scene(picture(noun), rng) for _ in range(40)]
        assert {len(scene.placements) for scene in scenes} == {1}


@pytest.mark.parametrize(
    ("noun", "several"),
    [
        ("cat", "cats"),
        ("fox", "foxes"),
        ("butterfly", "butterflies"),
        ("key", "keys"),
        ("paw print", "paw prints"),
    ],
)
def test_plurals(noun: str, several: str) -> None:
    assert plural(noun) == several


def test_russian_captions_use_words_that_the_reader_knows() -> None:
    from training.image.text import folded, russian_words

    known, rng = russian_words(), Random(3)
    texts = {caption(Scene("cat", "blue", True, "yellow", "flat"), rng) for _ in range(400)}
    russian = {text for text in texts if " на " in text}
    assert russian
    for text in russian:
        read = [known[folded(word)] for word in text.split()]
        assert read == ["blue", "cat", "on", "yellow", "background"]


def test_the_same_scene_is_painted_the_same_way() -> None:
    shown = picture("heart")
    painter, scene = Painter([shown]), Scene("heart", "green", True, "light blue", "simple")
    first = painter.paint([shown], [scene])
    assert first.shape == (1, 3, 128, 128)
    assert (first == painter.paint([shown], [scene])).all()
    corner = ((first[0, :, 0, 0] + 1) * 127.5).round().int().tolist()
    assert tuple(corner) == BACKGROUNDS["light blue"]


def test_copies_stand_where_the_scene_says() -> None:
    shown = picture("heart")
    spots = (Placement(0.4, -0.5, -0.5), Placement(0.4, 0.5, 0.5, turn=0.3, mirrored=True))
    painted = Painter([shown]).paint([shown], [Scene("heart", "black", True, "white", "simple", spots)])[0]
    dark = painted.mean(0) < 0
    quarters = [dark[:64, :64], dark[:64, 64:], dark[64:, :64], dark[64:, 64:]]
    assert [bool(quarter.any()) for quarter in quarters] == [True, False, False, True]
    rows, columns = dark[:64].nonzero().T
    assert abs(rows.float().mean() - 31.5) < 1.5
    assert abs(columns.float().mean() - 31.5) < 1.5


def test_a_mirrored_copy_is_the_mirror_image() -> None:
    shown = picture("tree")
    painter = Painter([shown])
    plain, mirrored = (
        painter.paint([shown], [Scene("tree", None, False, "white", "simple", (Placement(mirrored=way),))])
        for way in (False, True)
    )
    assert np.allclose(plain.flip(-1), mirrored, atol=1e-5)


def test_the_judge_sees_an_object_alike_wherever_it_is() -> None:
    from training.image.judge import centred

    shown = picture("heart")
    full = Scene("heart", "black", True, "white", "simple")
    small = Scene("heart", "black", True, "yellow", "simple", (Placement(0.5, -0.4, 0.4),))
    images = centred(Painter([shown]).paint([shown, shown], [full, small]))
    dark = images.mean(1) < -0.3
    union = (dark[0] | dark[1]).sum()
    assert (dark[0] & dark[1]).sum() / union > 0.9


def test_the_vocabulary_has_no_noun_twice() -> None:
    nouns = [concept.noun for concept in CONCEPTS]
    assert len(nouns) == len(set(nouns))
    assert 150 <= len(nouns) <= 250
    assert len(CORE) >= 60
    assert set(nouns) >= CORE


def test_icons_are_found_by_name(tmp_path: Path) -> None:
    from training.image.sources import IconSource, icons_of

    folder = tmp_path / "shapes"
    folder.mkdir()
    icons = {
        "heart-fill": {"body": "<path fill='currentColor'/>"},
        "heart": {"body": "<path/>"},
        "moth-fill": {"body": ""},
    }
    (folder / "icons.json").write_text(json.dumps({"width": 8, "height": 8, "icons": icons}))
    source = IconSource("shapes", "1", "MIT", "nobody", "shapes", suffix="-fill")
    found = {icon.noun: icon for icon in icons_of(source, tmp_path, CONCEPTS)}
    assert set(found) == {"heart", "butterfly"}
    assert found["heart"].name == "heart-fill"
    assert 'viewBox="0 0 8 8"' in found["heart"].svg
    assert "currentColor" not in found["heart"].svg


def write_pictures(work: Path) -> None:
    """Write the files of the ``data`` stage, without its packages."""
    roles = {"twemoji": ("train", "simple"), "noto": ("train", "soft"), "emojione": ("train", "bold")}
    roles |= {"ph": ("shapes", "logo"), "fxemoji": ("test", "")}
    index, images = [], []
    for variant, (source, (role, style)) in enumerate(roles.items()):
        for noun in NOUNS:
            entry = {
                "noun": noun,
                "source": source,
                "name": noun,
                "style": style,
                "role": role,
                "colour": "red",
            }
            index.append(entry)
            images.append(drawing(noun, variant))
    work.mkdir()
    store_pictures(work, index, images)


def test_stored_pictures_come_back_as_they_were(tmp_path: Path) -> None:
    write_pictures(tmp_path / "work")
    known = load_pictures(tmp_path / "work", "test")
    assert [picture.noun for picture in known] == list(NOUNS)
    visible = known[0].rgba[..., 3] > 0
    assert np.array_equal(known[0].rgba[visible], drawing(NOUNS[0], 4)[visible])


def write_word_model(folder: Path) -> None:
    """Write a tiny random BERT in the layout of the word embeddings' package."""
    from transformers import BertConfig, BertModel

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "red", "heart", "a", "##s", "b"]
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # transformers and diffusers warn about optional packages
def test_every_stage_runs_in_a_tiny_configuration(tmp_path: Path) -> None:
    from antiphon_engines.image.embedded import load_pipeline, load_preview, load_vocabulary

    work, words, out = tmp_path / "work", tmp_path / "words", tmp_path / "weights"
    write_pictures(work)
    write_word_model(words)

    def stage(name: str, *options: str) -> None:
        device = ["--device", "cpu"] if name in ("autoencoder", "text", "latents", "denoiser") else []
        import_module(f"training.image.{name}").main(["--work", str(work), *device, *options])

    stage("autoencoder", "--steps", "2", "--pool", "8", "--batch", "2", "--width", "16", "--save-every", "1")
    stage("autoencoder", "--steps", "3", "--pool", "8", "--batch", "2", "--width", "16", "--resume")
    stage("text", "--steps", "3", "--batch", "8", "--width", "32", "--layers", "1", "--minilm", str(words))
    stage("latents", "--count", "24")
    denoise = ("--channels", "16,32", "--layers", "0,1", "--batch", "4", "--grids", "1", "--log-every", "1")
    stage("denoiser", "--steps", "2", *denoise)
    stage("denoiser", "--steps", "4", "--bf16", "--resume", *denoise)
    stage("judge", "--pool", "16")
    stage(
        "evaluate",
        "--per-noun",
        "1",
        "--repeats",
        "1",
        "--limit",
        "3",
        "--report",
        str(tmp_path / "report.json"),
    )
    stage("pack", "--out", str(out))

    losses = (work / "denoiser.csv").read_text().splitlines()
    assert losses[0] == "step,samples,seconds,loss,rate,time"
    assert [row.split(",")[0] for row in losses[1:]] == ["1", "2", "3", "4"], (
        "the resumed run goes on counting"
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert {"held_out", "reference", "diversity", "sketches", "speed", "targets"} <= set(report)
    pipeline = load_pipeline(out)
    assert type(pipeline).__name__ == "StableDiffusionPipeline"
    assert load_vocabulary(out).nouns == tuple(sorted(NOUNS))
    assert len(load_preview(out).matrix) == pipeline.unet.config.in_channels
    card = (out / "MODEL_CARD.md").read_text()
    assert "CC-BY-4.0" in card
    assert str(tmp_path) not in "".join(path.read_text() for path in out.rglob("*.json"))
