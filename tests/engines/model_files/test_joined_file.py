from __future__ import annotations

import io
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.model_files.joined_file import JoinedFile

PARTS = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6)


@given(PARTS, st.data())
def test_a_file_is_whole_wherever_it_was_interrupted(parts: list[bytes], data: st.DataObject) -> None:
    """Each life appends some parts, then dies with bytes of the next one behind them, or with the state gone."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(data.draw(st.integers(0, 4))):
            joined = JoinedFile(Path(folder), "model", "recipe", len(b"".join(parts)))
            for part in parts[joined.parts : joined.parts + data.draw(st.integers(0, 2))]:
                joined.append(io.BytesIO(part))
            with joined.path.open("ab") as file:
                file.write(data.draw(st.binary(max_size=20)))
            match data.draw(st.sampled_from(["", "state", "file", "nonsense", "short"])):
                case "state":
                    (Path(folder) / JoinedFile.STATE).unlink(missing_ok=True)
                case "file":
                    joined.path.unlink()
                case "nonsense":
                    (Path(folder) / JoinedFile.STATE).write_bytes(data.draw(st.binary(max_size=40)))
                case "short":
                    joined.path.write_bytes(joined.path.read_bytes()[:-1])
        joined = JoinedFile(Path(folder), "model", "recipe", len(b"".join(parts)))
        for part in parts[joined.parts :]:
            joined.append(io.BytesIO(part))
        joined.finish()
        assert joined.path.read_bytes() == b"".join(parts)
        assert [path.name for path in Path(folder).iterdir()] == ["model"]


def test_parts_of_another_recipe_are_dropped(tmp_path: Path) -> None:
    JoinedFile(tmp_path, "model", "one", 0).append(io.BytesIO(b"abc"))
    assert JoinedFile(tmp_path, "model", "one", 0).size == 3
    joined = JoinedFile(tmp_path, "model", "other", 0)
    assert (joined.parts, joined.size) == (0, 0)
    assert not joined.path.exists()
