"""MusicGen's decoder over fixed memory gives the same as transformers' own, on the CPU and replayed on CUDA."""

from __future__ import annotations

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from antiphon_engines.audio.musicgen.steps import WORDS, MusicSteps  # noqa: E402
from support import tiny_musicgen  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
CUDA = pytest.param(
    "cuda",
    marks=[
        pytest.mark.cuda,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
    ],
)


@pytest.fixture(params=["cpu", CUDA])
def decoder(request: pytest.FixtureRequest) -> Any:
    return copy.deepcopy(tiny_musicgen.model().decoder).to(request.param)


def theirs(decoder: Any, columns: Any, words: Any) -> Any:
    """Logits after the last of `columns`, without any memory."""
    with torch.inference_mode():
        answer = decoder(input_ids=columns.repeat(2, 1), encoder_hidden_states=words, use_cache=False)
    return answer.logits[:, -1].view(2, columns.shape[0], -1)


def told(decoder: Any, length: int) -> Any:
    words = torch.randn(
        1, length, decoder.config.hidden_size, generator=torch.Generator().manual_seed(length)
    )
    return torch.cat([words, torch.zeros_like(words)]).to(decoder.device)


def test_steps_through_windows_and_prompts(decoder: Any) -> None:
    random = torch.Generator().manual_seed(1)
    columns = torch.randint(0, 64, (4, 300), generator=random).to(decoder.device)
    steps = MusicSteps(decoder, window=300)
    for words, first in ((told(decoder, 7), 250), (told(decoder, WORDS), 3)):
        steps.tell(words)
        found = steps(columns[:, :first], 0)
        for place in range(first, first + 12):
            expected = theirs(decoder, columns[:, :place], words)
            assert (found - expected).abs().max() < 1e-4 * expected.abs().max()
            found = steps(columns[:, place : place + 1], place)


def test_what_does_not_fit_is_refused(decoder: Any) -> None:
    steps = MusicSteps(decoder, window=4)
    with pytest.raises(ValueError, match="more than 64"):
        steps.tell(told(decoder, WORDS + 1))
    with pytest.raises(ValueError, match="4 places, not 5"):
        steps(torch.zeros((4, 1), dtype=torch.long, device=decoder.device), 4)
