"""The embedded music model's files: offline, whole, and the same in both decoders."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from antiphon_engines.audio.symbolic import loader, tokens
from antiphon_engines.audio.symbolic.decoder import Decoder


def test_the_weights_load_offline_with_the_stock_class(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")

    def no_network(*arguments: object, **keywords: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr("socket.socket.connect", no_network)
    model = loader.load_model()
    assert type(model).__module__ == "transformers.models.llama.modeling_llama"
    assert model.config.vocab_size == tokens.PADDED_SIZE


def test_the_numpy_decoder_agrees_with_the_stock_class() -> None:
    torch = pytest.importorskip("torch")
    model = loader.load_model()
    decoder = loader.load_decoder(context=64)
    ids = np.random.default_rng(0).integers(0, len(tokens.VOCABULARY), 40).tolist()
    with torch.inference_mode():
        wanted = model(torch.tensor([ids])).logits[0].numpy()
    first = decoder.step(decoder.embed(ids[:25]))
    np.testing.assert_allclose(first, wanted[24], atol=2e-3)
    for place in range(25, 40):
        np.testing.assert_allclose(
            decoder.step(decoder.embed(ids[place : place + 1])), wanted[place], atol=2e-3
        )


def test_a_full_decoder_says_so() -> None:
    decoder = loader.load_decoder(context=8)
    with pytest.raises(IndexError):
        decoder.step(decoder.embed([tokens.BOS] * 9))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped folder."""
    return Path(shutil.copytree(loader.FOLDER, tmp_path / "music"))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokens.json", loader.SOUNDFONT])
def test_a_damaged_file_is_refused(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(loader.WeightsRefused, match="damaged"):
        loader.load_decoder(copied)


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.sha256"])
def test_a_missing_file_is_refused(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(loader.WeightsRefused):
        loader.load_decoder(copied)


def test_another_vocabulary_is_refused(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "fingerprint", lambda: "another")
    with pytest.raises(loader.WeightsRefused, match="vocabulary"):
        loader.verify(copied)


def test_another_kind_of_model_is_refused() -> None:
    with pytest.raises(ValueError, match="Llama"):
        Decoder(
            {}, {"hidden_size": 8, "num_attention_heads": 2, "model_type": "gpt2", "rms_norm_eps": 1e-5}, 8
        )


def test_what_ships_is_small_and_has_its_papers() -> None:
    sizes = {path.name: path.stat().st_size for path in loader.FOLDER.iterdir()}
    assert sizes["model.safetensors"] <= 20_000_000
    assert sizes[loader.SOUNDFONT] <= 12_000_000
    assert {"MODEL_CARD.md", "NOTICE", "manifest.sha256"} <= set(sizes)
    head = loader.soundfont().read_bytes()[:12]
    assert (head[:4], head[8:]) == (b"RIFF", b"sfbk")
