from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from antiphon_engines.api import Engine, EngineUnavailable, TextRequest
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text import spec as text_spec
from antiphon_engines.text import torch_engine
from antiphon_proto.params import TextParams
from support import tiny_checkpoint
from support.drive import run

GREEDY = TextParams(temperature=0.0, repetition_penalty=1.0, max_tokens=24)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("tiny")
    return folder, tiny_checkpoint.write(folder)


def config_for(folder: Path) -> WorkerConfig:
    return WorkerConfig(
        cache_dir=str(folder / "cache"),
        text_model=str(folder),
        max_jobs=3,
        context=256,
        threads=1,
        device="cpu",
    )


@pytest.fixture(scope="module")
def engine(checkpoint: tuple[Path, Any]) -> Iterator[Engine]:
    built = text_spec.build(config_for(checkpoint[0]))
    yield built
    built.close()


def test_greedy_text_is_what_transformers_generates(engine: Engine, checkpoint: tuple[Path, Any]) -> None:
    before = "Ночь, улица, фонарь 🏮"
    [result] = run(engine, TextRequest(task="continue", before=before, params=GREEDY))
    # One token per byte, after the three special ones (ids in the order of the byte-level alphabet).
    prompt = torch_engine._tokenizer(str(checkpoint[0]), checkpoint[1], config_for(checkpoint[0]), local=True)
    ids = torch.tensor([prompt.encode(before)])
    expected = checkpoint[1].generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False
    )
    written = [token.token_id for token in result.tokens]
    assert written == expected[0, ids.shape[1] :].tolist()[: len(written)]
    assert result.done.reason == ("length" if len(written) == 24 else "end")


def test_a_chat_template_is_split_around_the_message(checkpoint: tuple[Path, Any]) -> None:
    folder, network = checkpoint
    tokenizer = torch_engine._tokenizer(str(folder), network, config_for(folder), local=True)
    assert tokenizer.chat is not None
    assert tokenizer.chat.opening.endswith("<|im_start|>user\n")
    assert tokenizer.chat.closing == "<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.end_ids >= {2}


def test_a_base_model_has_no_chat_markup(tmp_path: Path) -> None:
    network = tiny_checkpoint.write(tmp_path, chat=False)
    assert torch_engine._tokenizer(str(tmp_path), network, config_for(tmp_path), local=True).chat is None


def test_a_hub_model_that_is_here_needs_no_network(
    checkpoint: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", None)
    snapshots = tmp_path / "hub" / "models--some--model"
    (snapshots / "refs").mkdir(parents=True)
    (snapshots / "refs" / "main").write_text("c0ffee")
    shutil.copytree(checkpoint[0], snapshots / "snapshots" / "c0ffee")
    engine = text_spec.build(
        WorkerConfig(cache_dir=str(tmp_path), text_model="some/model", device="cpu", threads=1, context=128)
    )
    assert engine.info.name == "some/model"
    [result] = run(engine, TextRequest(task="continue", before="It was", params=GREEDY))
    assert result.tokens
    engine.close()


def test_a_damaged_checkpoint_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(EngineUnavailable, match="cannot load") as caught:
        text_spec.build(config_for(tmp_path))
    assert "\n" not in caught.value.message


def test_a_checkpoint_without_a_tokenizer_is_one_clear_line(tmp_path: Path) -> None:
    tiny_checkpoint.write(tmp_path)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(EngineUnavailable, match="tokenizer") as caught:
        text_spec.build(config_for(tmp_path))
    assert "\n" not in caught.value.message


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none(checkpoint: tuple[Path, Any]) -> None:
    with pytest.raises(EngineUnavailable, match="no CUDA device"):
        text_spec.build(WorkerConfig(cache_dir="cache", text_model=str(checkpoint[0]), device="cuda"))
