"""The engines that the contract suite is run against. A new engine adds its entry to ENGINES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import pytest

from antiphon_engines.api import Engine
from support.toy_model import ToyModel, ToyTokenizer


@dataclass(frozen=True)
class EngineCase:
    """`build` makes a fresh engine with at least 3 places; it may ask for session fixtures through the request.

    `exact`: the same seed and prompt give the same text, alone or in any company.
    """

    name: str
    build: Callable[[pytest.FixtureRequest], Engine]
    exact: bool = True
    needs: tuple[str, ...] = ()
    """Modules without which the case is skipped."""

    def make(self, request: pytest.FixtureRequest) -> Engine:
        if missing := [name for name in self.needs if find_spec(name) is None]:
            pytest.skip(f"needs {', '.join(missing)}")
        return self.build(request)


def _toy(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.text.engine import TextEngine

    return TextEngine(ToyModel(rows=5), ToyTokenizer(), max_jobs=4, max_batch=3, chunk=32)


def _embedded(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.text.engine import TextEngine
    from antiphon_engines.text.onnx_model import OnnxModel
    from antiphon_engines.text.tokenizer import CHATML, FolderTokenizer

    folder = request.getfixturevalue("embedded_text_model")
    model = OnnxModel(folder, name="embedded", rows=4, context=512, threads=2)
    tokenizer = FolderTokenizer(folder, chat=CHATML, starts=("<|endoftext|>",))
    return TextEngine(model, tokenizer, max_jobs=4, max_batch=3, chunk=32)


ENGINES: list[EngineCase] = [
    EngineCase("toy", _toy),
    EngineCase("embedded", _embedded, needs=("onnxruntime",)),
]
