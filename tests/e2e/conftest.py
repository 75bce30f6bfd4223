"""A server with the real model, and a browser, for all tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from support.pages import Company, chromium
from support.server import ServedProcess, serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    tmp_path_factory: pytest.TempPathFactory, embedded_text_model: Path, cache_dir: Path
) -> AsyncIterator[ServedProcess]:
    async with serving(tmp_path_factory.mktemp("rooms"), "--cache-dir", str(cache_dir)) as process:
        yield process


@pytest_asyncio.fixture(loop_scope="module")
async def company(browser: Browser) -> AsyncIterator[Company]:
    made = Company(browser)
    yield made
    await made.close()
