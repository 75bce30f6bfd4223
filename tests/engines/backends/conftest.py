from __future__ import annotations

import pytest

from antiphon_engines.backends.plans.checkpoint import Checkpoint
from antiphon_engines.backends.plans.plan_store import PlanStore
from support import plans


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return plans.tiny_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> PlanStore:
    """Shared by the tests that only read, so that nothing is exported twice."""
    return PlanStore(tmp_path_factory.mktemp("plans"))
