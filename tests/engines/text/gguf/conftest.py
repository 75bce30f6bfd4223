from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon_engines.text.gguf import library
from antiphon_engines.text.gguf.model import GgufModel
from antiphon_engines.text.gguf.tokenizer import GgufTokenizer
from support import tiny_gguf

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def model(tiny_file: Path) -> Iterator[GgufModel]:
    opened = GgufModel(tiny_file, name="tiny", rows=4, context=256, threads=1, chunk=32)
    yield opened
    opened.close()


@pytest.fixture
def tokenizer(model: GgufModel) -> GgufTokenizer:
    return GgufTokenizer(model, library.load())
