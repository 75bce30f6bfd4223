"""One server with the real models and one browser for all tests here: a room and a profile for each are apart enough,
and a start of both costs as much as a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from support.pages import Company, chromium
from support.server import ServedProcess, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They run on the loop that server and browser live on."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(
    tmp_path_factory: pytest.TempPathFactory, embedded_text_model: Path, cache_dir: Path
) -> AsyncIterator[ServedProcess]:
    async with serving(tmp_path_factory.mktemp("rooms"), "--cache-dir", str(cache_dir)) as process:
        yield process


@pytest_asyncio.fixture(loop_scope="session")
async def company(browser: Browser) -> AsyncIterator[Company]:
    made = Company(browser)
    yield made
    await made.close()
