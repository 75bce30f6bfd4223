from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from antiphon_engines.api import Done, EngineUnavailable, TextRequest
from antiphon_engines.config import WorkerConfig
from antiphon_engines.model_files.prepare import prepare_source
from antiphon_engines.text.streaming import llama_cpp
from antiphon_engines.text.streaming.llama_cpp import GgufEngine
from antiphon_proto.params import TextParams, TextSteer
from support import tiny_gguf
from support.drive import Result, run, run_to_end, step

pytest.importorskip("xllamacpp")

STORY = "The fog lay low over the river when Mira opened the door of the old mill."
GREEDY = TextParams(max_tokens=8, temperature=0.0, repetition_penalty=1.0, alternatives=3)


@pytest.fixture(scope="session")
def model_file(cache_dir: Path) -> Path:
    """The file that the embedded model is made from."""
    return prepare_source(cache_dir, lambda stage, part: None)


@pytest.fixture(scope="module")
def engine(model_file: Path) -> Iterator[GgufEngine]:
    built = llama_cpp.build(model_file, config(), name="smollm2")
    yield built
    built.close()


def config(context: int = 256) -> WorkerConfig:
    return WorkerConfig(cache_dir="unused", max_jobs=3, context=context, threads=2, device="cpu")


def test_a_server_that_is_closed_at_once_ends(tmp_path: Path) -> None:
    """llama.cpp's destructor waits for ever when the loop of its server had not begun."""
    path = tiny_gguf.write(tmp_path / "tiny.gguf")
    for _ in range(10):
        llama_cpp.build(path, config(), name="tiny").close()


def test_it_continues_a_text(engine: GgufEngine) -> None:
    request = TextRequest(task="continue", before=STORY, params=GREEDY)
    [result] = run(engine, request)
    assert result.done == Done("length")
    assert len(result.tokens) == 8
    assert result.text.startswith(" ")
    for token in result.tokens:
        assert token.token_id >= 0
        assert token.logprob <= 0
        assert len(token.alternatives) == 3
        # Greedy: the rivals are no better.
        assert all(rival.logprob <= token.logprob for rival in token.alternatives)


@pytest.mark.parametrize("end", ["", " ", "\n\n"])
def test_it_goes_on_inside_the_last_sentence(engine: GgufEngine, end: str) -> None:
    """Through its chat template: nothing of the text comes again, and no blank comes twice."""
    [result] = run(engine, TextRequest(task="continue", before=STORY + end, params=GREEDY))
    assert result.done == Done("length")
    assert len(result.tokens) == 8
    assert "<|" not in result.text
    assert not result.text.strip().startswith(("The fog", "Sure", "Here"))
    if end:
        assert not result.text.startswith(" ")


def test_jobs_run_side_by_side(engine: GgufEngine) -> None:
    requests = [
        TextRequest(task="continue", before=STORY, params=GREEDY),
        TextRequest(task="instruct", before=STORY, instruction="Describe the mill.", params=GREEDY),
        TextRequest(task="continue", before="Жил-был кот 🐈, и", params=GREEDY),
    ]
    results = run(engine, *requests)
    # The others in a batch change llama.cpp's numbers a little, and this small model may end an answer at once.
    assert results[0].tokens
    assert all(isinstance(result.end, Done) for result in results)


def test_a_released_job_frees_its_slot_at_once(engine: GgufEngine) -> None:
    endless = TextRequest(
        task="continue", before="1 2 3 4", params=TextParams(max_tokens=200, temperature=0.0)
    )
    results = [Result(engine.admit(endless)) for _ in range(3)]
    while not all(result.tokens for result in results):
        step(engine, results)
    engine.release(results[0].job)
    [fresh] = run(engine, TextRequest(task="continue", before=STORY, params=GREEDY))
    assert len(fresh.tokens) == 8
    for result in results[1:]:
        engine.steer(result.job, TextSteer(max_tokens=len(result.tokens)))
    run_to_end(engine, results[1:])
    assert all(isinstance(result.end, Done) for result in results[1:])


def test_a_text_longer_than_the_context_loses_its_beginning(engine: GgufEngine) -> None:
    [result] = run(engine, TextRequest(task="continue", before=f"{STORY} " * 60, params=GREEDY))
    assert len(result.tokens) == 8


def test_nobody_else_can_ask_its_server(engine: GgufEngine) -> None:
    address = engine._server.listening_address
    assert address.startswith("http://127.0.0.1:")
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"{address}/props")


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0" + bytes(64))
    with pytest.raises(EngineUnavailable, match="llama.cpp cannot load") as caught:
        llama_cpp.build(path, config(), name="damaged")
    assert "\n" not in caught.value.message


def test_a_base_model_is_not_spoken_to_in_chat_markup(model_file: Path, tmp_path: Path) -> None:
    assert llama_cpp._has_chat_template(model_file)
    path = tmp_path / "base.gguf"
    path.write_bytes(b"GGUF tokenizer.chat_template, but as a word in some value")
    assert not llama_cpp._has_chat_template(path)
