"""Plans on disk: found by their exact key, refused when damaged or foreign, never half-made."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon_engines.backends.plans.plan import PlanKey
from antiphon_engines.backends.plans.plan_store import PlanRefused, PlanStore, note_progress
from antiphon_engines.backends.plans.signature import Dim
from antiphon_engines.model_files import manifest

KEY = PlanKey(
    part="denoiser",
    backend="tensorrt",
    weights="a" * 64,
    precision="fp16",
    device="sm89",
    runtime="11.4",
    exporter="recipe 1",
    dims=(Dim("rows", 1, 2, 8),),
)
OTHERS: dict[str, Any] = {
    "part": "decoder",
    "backend": "tensorrt_rtx",
    "weights": "b" * 64,
    "precision": "bf16",
    "device": "sm90",
    "runtime": "11.5",
    "exporter": "recipe 2",
    "dims": (Dim("rows", 1, 2, 9),),
    "loras": (("c" * 64, 0.5),),
    "refittable": True,
}


def put(store: PlanStore, key: PlanKey = KEY, content: bytes = b"engine") -> Path:
    with store.put(key) as folder:
        (folder / "engine.plan").write_bytes(content)
    return store.folder / key.name


def test_what_was_put_is_found(tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    assert store.find(KEY) is None
    assert store.entries() == []
    put(store)
    plan = store.find(KEY)
    assert plan is not None
    assert plan.model.read_bytes() == b"engine"
    [entry] = store.entries()
    assert (entry.key, entry.problem) == (KEY, "")


@pytest.mark.parametrize("field", OTHERS)
def test_every_field_of_the_key_tells_plans_apart(tmp_path: Path, field: str) -> None:
    store = PlanStore(tmp_path)
    folder = put(store)
    other = msgspec.structs.replace(KEY, **{field: OTHERS[field]})
    assert other.name != KEY.name
    assert store.find(other) is None
    # Somebody copies the plan to where the other one would lie.
    folder.rename(store.folder / other.name)
    with pytest.raises(PlanRefused, match=field):
        store.find(other)


def test_the_fields_that_differ_are_all_of_them() -> None:
    assert set(OTHERS) == set(PlanKey.__struct_fields__)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(at=st.integers(0, 99), flip=st.integers(1, 255), name=st.sampled_from(["engine.plan", "key.json"]))
def test_one_changed_byte_is_seen_and_the_plan_built_again(
    tmp_path: Path, at: int, flip: int, name: str
) -> None:
    store = PlanStore(tmp_path)
    folder = put(store, content=bytes(100))
    data = bytearray((folder / name).read_bytes())
    data[at] ^= flip
    (folder / name).write_bytes(data)
    with pytest.raises(PlanRefused):
        store.find(KEY)
    assert store.sound(KEY) is None
    assert not folder.exists()


@pytest.mark.parametrize("name", ["engine.plan", "key.json", manifest.NAME])
def test_a_missing_or_torn_file_is_seen(tmp_path: Path, name: str) -> None:
    store = PlanStore(tmp_path)
    path = put(store) / name
    path.write_bytes(path.read_bytes()[:5])
    with pytest.raises(PlanRefused):
        store.find(KEY)
    assert store.entries()[0].problem
    path.unlink()
    with pytest.raises(PlanRefused):
        store.find(KEY)


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = PlanStore(tmp_path)
    with pytest.raises(RuntimeError), store.put(KEY) as folder:
        (folder / "engine.plan").write_bytes(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    assert store.find(KEY) is None


def test_one_builds_and_the_other_waits_and_finds_it(tmp_path: Path) -> None:
    store, found = PlanStore(tmp_path), []

    def second() -> None:
        with store.locked(KEY):
            found.append(store.find(KEY))

    with store.locked(KEY) as lock:
        thread = threading.Thread(target=second)
        thread.start()
        note_progress(lock, "build", 0.25)
        [under] = store.under_way()
        assert (under.name, under.stage, under.fraction) == (KEY.name, "build", 0.25)
        put(store)
    thread.join()
    assert found == [store.find(KEY)]
    assert store.under_way() == []
    assert store.entries()[0].key == KEY


def test_only_plans_are_dropped(tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    put(store)
    (tmp_path / "precious").mkdir()
    store.drop("../precious")
    assert (tmp_path / "precious").is_dir()
    store.drop(KEY.name)
    assert store.find(KEY) is None
