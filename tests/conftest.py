"""Fixtures for everyone. `support.server.serving` starts `antiphon serve` as a process of its own."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from antiphon_engines.config import DEFAULT_TEXT_MODEL
from antiphon_engines.model_files import synth_binding
from antiphon_engines.model_files.prepare import prepare_embedded
from support.server import LiveServer, running

# Before torch is imported, here and in the processes that run tests side by side: its threads wait for each other by
# spinning, and where two test processes share two cores that costs more than the work itself.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples every time: a run that fails fails again, and a slow machine is no failure. (On a clean one the
# tables of `st.text` alone may take the second that Hypothesis allows for making examples.)
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


# `auto`, the default, would fetch a gigabyte beside every server that a test starts.
os.environ.setdefault("ANTIPHON_TEXT_MODEL", DEFAULT_TEXT_MODEL)

_DEPRECATIONS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
_deprecated: Counter[str] = Counter()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long values give no names: an archive holds the time, and two processes would disagree about the tests."""
    return argname if isinstance(val, bytes | str) and len(val) > 60 else None


def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    """Deprecations of third parties fail no test: they are counted by package."""
    if issubclass(warning_message.category, _DEPRECATIONS):
        parts = Path(warning_message.filename).parts
        packages = len(parts) - 1 - parts[::-1].index("site-packages") if "site-packages" in parts else -1
        _deprecated[parts[packages + 1] if packages >= 0 else "the caller"] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _deprecated:
        counts = ", ".join(f"{name} {count}" for name, count in _deprecated.most_common())
        terminalreporter.write_line(f"Deprecations of third parties: {_deprecated.total()} ({counts})")


@pytest.fixture(scope="session")
def cache_dir() -> Path:
    """Where prepared models and the Node peers are kept between runs: ANTIPHON_CACHE_DIR, else the user's cache."""
    return Path(os.environ.get("ANTIPHON_CACHE_DIR", "~/.cache/antiphon")).expanduser()


@pytest.fixture(scope="session")
def embedded_text_model(cache_dir: Path) -> Path:
    """The folder of the embedded text model, prepared when it is not there yet (minutes, once)."""
    return prepare_embedded(cache_dir, "int8", lambda stage, part: None)


@pytest.fixture(scope="session")
def synthesiser(cache_dir: Path) -> None:
    """The band's synthesiser, fetched when it is not there yet. It is no package of the environment: no test may skip
    because it cannot be imported by its name."""
    synth_binding.prepare(cache_dir, lambda stage, part: None)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """The real app on a free port, drained at the end. `support.server.running` takes settings."""
    async with running(tmp_path / "data") as live:
        yield live
