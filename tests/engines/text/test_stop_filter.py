from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.text.stop_filter import StopFilter
from antiphon_proto.messages import TokenInfo

TEXTS = st.lists(st.text("abя\n", max_size=4), max_size=12)
STOPS = st.lists(st.text("abя\n", min_size=1, max_size=4), max_size=3)


def info(text: str, index: int = 0) -> TokenInfo:
    return TokenInfo(index=index, text=text, token_id=index, logprob=0.0)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(TEXTS, STOPS)
def test_what_goes_out_is_the_text_before_the_first_stop_string(texts: list[str], stops: list[str]) -> None:
    stop_filter = StopFilter(stops)
    out: list[TokenInfo] = []
    seen = ""
    for index, text in enumerate(texts):
        seen += text
        passed, stopped = stop_filter.push(info(text, index))
        out += passed
        found = [at for stop in stops if (at := seen.find(stop)) >= 0]
        assert stopped == bool(found)
        if stopped:
            assert "".join(token.text for token in out) == seen[: min(found)]
            return
        # Nothing that could still become a stop string has gone out, and nothing else is held back.
        written = "".join(token.text for token in out)
        assert seen.startswith(written)
    out += stop_filter.flush()
    assert "".join(token.text for token in out) == seen
    assert [token.token_id for token in out] == list(range(len(texts)))


def test_a_token_waits_only_while_it_may_begin_a_stop_string() -> None:
    stop_filter = StopFilter(["\n\n"])
    assert stop_filter.push(info("a")) == ([info("a")], False)
    assert stop_filter.push(info("b\n", 1)) == ([], False)
    assert stop_filter.push(info("c", 2)) == ([info("b\n", 1), info("c", 2)], False)
    assert stop_filter.push(info("d\n", 3)) == ([], False)
    assert stop_filter.push(info("\n", 4)) == ([info("d", 3)], True)
    assert stop_filter.flush() == []
