"""The generation engine over a toy model (tests that look inside; the rest is in the contract suite)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import Failed, ImageRequest, InvalidRequest, TextRequest
from antiphon_engines.text.engine import TextEngine
from antiphon_proto.params import ImageSteer, TextParams, TextSteer
from support.drive import Result, run, run_to_end, step
from support.toy_model import END, ToyModel, ToyTokenizer


def make(model: ToyModel, *, max_jobs: int = 4, chunk: int = 16, idle_chunk: int = 16) -> TextEngine:
    return TextEngine(
        model, ToyTokenizer(), max_jobs=max_jobs, max_batch=8, chunk=chunk, idle_chunk=idle_chunk
    )


def ask(text: str = "Once upon a time", **params: object) -> TextRequest:
    return TextRequest("continue", text, params=TextParams(**{"seed": 1, "max_tokens": 10, **params}))


def writes(text: str, **params: object) -> Result:
    """The output when the model wants to write `text`."""
    engine = make(ToyModel(script=list(text.encode())))
    [result] = run(engine, ask(**{"max_tokens": 100, "temperature": 0.0, **params}))
    return result


def test_it_ends_when_the_model_ends() -> None:
    result = writes(" there was 🦔 ёж.")
    assert result.text == " there was 🦔 ёж."
    assert result.done.reason == "end"
    assert [token.index for token in result.tokens] == list(range(len(result.text.encode())))


def test_a_run_never_begins_with_its_end() -> None:
    engine = make(ToyModel(script=[]))
    [result] = run(engine, ask(max_tokens=1))
    assert len(result.tokens) == 1
    assert result.tokens[0].token_id != END


def test_a_stop_string_across_tokens_is_withheld_and_ends_the_run() -> None:
    result = writes("one two STOP three", stop=("STOP", "never"))
    assert (result.text, result.done.reason) == ("one two ", "stop_string")


def test_what_only_looked_like_a_stop_string_comes_out() -> None:
    result = writes("one STO two ST", stop=("STOP",))
    assert (result.text, result.done.reason) == ("one STO two ST", "end")


def test_length_flushes_what_was_withheld() -> None:
    result = writes("one ST two", stop=("STOP",), max_tokens=6)
    assert (result.text, result.done.reason) == ("one ST", "length")


def test_an_incomplete_character_at_the_end_is_left_out() -> None:
    result = writes("ab🦔", max_tokens=4)
    assert result.text == "ab"
    assert len(result.tokens) == 4


def test_after_a_space_the_answer_begins_with_a_space_that_is_not_written_twice() -> None:
    engine = make(ToyModel())
    for seed in range(5):
        [result] = run(engine, ask("Once upon ", seed=seed))
        assert result.tokens[0].token_id == ord(" ")
        assert result.tokens[0].text == ""


def test_a_full_row_ends_the_run() -> None:
    engine = make(ToyModel(context=40))
    [result] = run(engine, ask("x" * 19, max_tokens=4000, seed=3))
    assert result.done.reason in ("length", "end")
    engine = make(ToyModel(context=40, script=[ord("y")] * 100))
    [result] = run(engine, ask("x" * 19, max_tokens=4000))
    assert result.done.reason == "length"
    assert 19 + len(result.tokens) == 41  # the last one needs no place


def test_prompts_are_read_in_chunks_of_at_least_two_and_share_a_step() -> None:
    model = ToyModel()
    engine = make(model, chunk=16, idle_chunk=16)
    results = [Result(engine.admit(ask("a" * 33))), Result(engine.admit(ask("b" * 20)))]
    step(engine, results)
    assert model.calls == [((results[0].job.row,), (16,))]  # type: ignore[attr-defined]
    run_to_end(engine, results)
    chunks = [lengths[0] for _, lengths in model.calls if len(lengths) == 1 and lengths[0] > 1]
    assert sum(chunks) == 33 + 20
    assert max(chunks) <= 16


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 150), min_size=1, max_size=4),
    chunk=st.integers(16, 40),
    idle=st.integers(16, 100),
)
def test_chunks_are_cut_where_they_change_no_number(lengths: list[int], chunk: int, idle: int) -> None:
    """All but the last are multiples of the model's grain; none is shorter than its least, unless the prompt is."""
    model = ToyModel(rows=6)
    model.grain, model.least = 4, 8
    engine = make(model, chunk=chunk, idle_chunk=idle)
    # They share a beginning, of which a prompt takes over as much as leaves its own chunks exact.
    results = [Result(engine.admit(ask("ab" * (n // 2) + "c" * n))) for n in lengths]
    run_to_end(engine, results)
    for result in results:
        whole = len(result.job.prompt.ids)  # type: ignore[attr-defined]
        row = result.job.row  # type: ignore[attr-defined]
        read = [sizes[rows.index(row)] for rows, sizes in model.calls if row in rows]
        first = read[: next((at for at, size in enumerate(read) if size == 1), len(read))]
        taken = [length for _, target, length in model.copies if target == row]
        assert all(length % 4 == 0 and whole - length >= 8 for length in taken)
        if whole >= 8:
            assert all(size % 4 == 0 for size in first[:-1])
            assert all(size >= 8 for size in first)


def test_a_prompt_of_one_token_waits_while_others_fill_the_step() -> None:
    model = ToyModel()
    engine = make(model, chunk=16, idle_chunk=16)
    results = [Result(engine.admit(ask("a" * 32))), Result(engine.admit(ask("b")))]
    step(engine, results)
    assert model.calls == [((results[0].job.row,), (16,))]  # type: ignore[attr-defined]
    run_to_end(engine, results)
    assert all(result.tokens for result in results)


def test_chunks_are_larger_while_nobody_is_being_written_for() -> None:
    model = ToyModel()
    engine = make(model, chunk=8, idle_chunk=64)
    [first] = [Result(engine.admit(ask("a" * 60, max_tokens=50)))]
    step(engine, [first])
    assert model.calls[-1][1] == (60,)
    second = Result(engine.admit(ask("b" * 60)))
    step(engine, [first, second])
    assert (8,) in [lengths for _, lengths in model.calls]


def test_prompts_that_begin_alike_are_read_once_although_they_came_together() -> None:
    """Three writers of one room ask at the same moment: none of their prompts has been read when the others come."""
    story = "The ferry left the harbour before dawn. " * 6
    asks = [ask(story + end) for end in ("Mara", "Mara counted the lamps", "Nobody spoke")]
    alone = [run(make(ToyModel()), each)[0].text for each in asks]
    model = ToyModel()
    results = run(make(model, chunk=32, idle_chunk=32), *asks)
    assert [result.text for result in results] == alone
    read = sum(sum(lengths) for _, lengths in model.calls if max(lengths) > 1)
    assert read < 1.3 * len(story)


def test_what_others_have_read_is_not_copied_for_a_few_tokens() -> None:
    model = ToyModel()
    run(make(model, chunk=8), ask("abcdefgh" * 4), ask("abcdefgh" + "x" * 24))
    assert model.copies == []


def test_chunks_are_cut_to_the_time_that_is_given() -> None:
    """10 ms a token."""
    model = ToyModel()
    engine = TextEngine(
        model, ToyTokenizer(), max_jobs=4, max_batch=8, chunk=32, clock=lambda: 0.01 * model.tokens
    )
    [result] = [Result(engine.admit(ask("a" * 200)))]
    engine.budget(0.1)
    step(engine, [result])
    assert model.calls[-1][1] == (32,), "nothing has been measured before"
    step(engine, [result])
    assert model.calls[-1][1] == (10,)
    engine.budget(0.0)
    step(engine, [result])
    assert model.calls[-1][1] == (4,), "it always does something"
    engine.budget(60.0)
    step(engine, [result])
    assert model.calls[-1][1] == (32,)


def test_streams_decode_in_one_call() -> None:
    model = ToyModel()
    engine = make(model)
    results = [Result(engine.admit(ask(f"{n} text", max_tokens=5))) for n in range(3)]
    run_to_end(engine, results)
    assert max(len(rows) for rows, lengths in model.calls if set(lengths) == {1}) == 3


def test_a_grown_document_is_read_from_where_it_grew() -> None:
    model = ToyModel()
    engine = make(model, idle_chunk=400, chunk=400)
    run(engine, ask("x" * 100))
    model.calls.clear()
    run(engine, ask("x" * 100 + "y" * 5))
    assert model.calls[0][1] == (5,)


@pytest.mark.parametrize("warm", [False, True])
def test_a_cached_prefix_changes_nothing(warm: bool) -> None:
    engine = make(ToyModel())
    if warm:
        run(engine, ask("Once upon a"), ask("Once upon a time there", seed=9))
    [result] = run(engine, ask("Once upon a time", max_tokens=20))
    [fresh] = run(make(ToyModel()), ask("Once upon a time", max_tokens=20))
    assert result.tokens == fresh.tokens


def test_one_broken_job_fails_alone() -> None:
    engine = make(ToyModel())
    [alone] = run(engine, ask(max_tokens=12))
    good, bad = run(engine, ask(max_tokens=12), ask("poison ☠"))
    assert isinstance(bad.end, Failed)
    assert bad.end.code == "engine_failed"
    assert good.tokens == alone.tokens
    [after] = run(engine, ask(max_tokens=12))
    assert after.tokens == alone.tokens


def test_steering_the_sampling_keeps_the_row() -> None:
    model = ToyModel()
    engine = make(model)
    result = Result(engine.admit(ask(max_tokens=30, temperature=2.0)))
    while len(result.tokens) < 3:
        step(engine, [result])
    model.calls.clear()
    engine.steer(result.job, TextSteer(temperature=0.0, max_tokens=8, top_k=1))
    run_to_end(engine, [result])
    assert all(lengths == (1,) for _, lengths in model.calls)
    assert len(result.tokens) <= 8


def test_steering_the_instruction_puts_a_new_prompt_under_what_was_written() -> None:
    model = ToyModel(script=[ord("z")] * 50)
    engine = make(model)
    request = TextRequest("instruct", "text", instruction="old", params=TextParams(max_tokens=6, seed=1))
    result = Result(engine.admit(request))
    while len(result.tokens) < 3:
        step(engine, [result])
    engine.steer(result.job, TextSteer(instruction="new"))
    step(engine, [result])
    held = bytes(model.held(result.job.row)).decode()  # type: ignore[attr-defined]
    assert held == "<user>text\n\nnew<ai>zzz"
    run_to_end(engine, [result])
    assert len(result.tokens) == 6


def test_a_steer_that_does_not_fit_changes_nothing() -> None:
    engine = make(ToyModel(context=128))
    request = TextRequest("instruct", "text", instruction="old", params=TextParams(max_tokens=6, seed=1))
    [plain] = run(engine, request)
    result = Result(engine.admit(request))
    step(engine, [result])
    with pytest.raises(InvalidRequest):
        engine.steer(result.job, TextSteer(instruction="x" * 500, temperature=0.0))
    run_to_end(engine, [result])
    assert result.tokens == plain.tokens


def test_what_is_meant_for_a_picture_is_refused() -> None:
    engine = make(ToyModel())
    with pytest.raises(InvalidRequest):
        engine.admit(ImageRequest("text_to_image", "a hedgehog"))
    result = Result(engine.admit(ask()))
    with pytest.raises(InvalidRequest):
        engine.steer(result.job, ImageSteer())
    run_to_end(engine, [result])
    assert result.tokens


def test_runs_without_a_seed_differ() -> None:
    engine = make(ToyModel())
    texts = {
        run(engine, ask(seed=None, max_tokens=12, temperature=2.0, top_k=0, min_p=0.0))[0].text
        for _ in range(4)
    }
    assert len(texts) > 1


def test_a_prompt_that_is_too_long_is_refused_and_takes_no_row() -> None:
    engine = make(ToyModel(context=64), max_jobs=1)
    with pytest.raises(InvalidRequest):
        engine.admit(TextRequest("instruct", "", instruction="x" * 200))
    engine.admit(ask("ok"))


def test_closing_closes_the_model() -> None:
    model = ToyModel()
    make(model).close()
    assert model.closed


def test_more_jobs_than_rows_cannot_be_configured() -> None:
    with pytest.raises(ValueError, match="rows"):
        make(ToyModel(rows=2), max_jobs=3)
