from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from antiphon_engines.config import checked
from antiphon_server.config import Settings, SettingsError, load
from antiphon_server.net.backlog import BacklogLimits
from antiphon_server.room_limits import RoomLimits


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "antiphon.toml"
    path.write_text(
        'port = 1000\nhost = "0.0.0.0"\n[limits]\nmax_update = 5000\nmax_name = 20\n[engine]\nthreads = 3\n'
    )
    return path


def test_the_defaults_are_valid_for_the_worker_and_the_rooms() -> None:
    settings = Settings()
    assert checked(settings.worker_config()).max_queue == settings.limits.max_queue
    assert settings.room_limits().max_document == settings.limits.max_document
    assert settings.backlog_limits().ordered_bytes == settings.limits.queue_bytes
    # The default bounds of rooms and slow clients are stated in one place.
    assert settings.room_limits() == RoomLimits()
    assert settings.backlog_limits() == BacklogLimits()


def test_command_line_beats_environment_beats_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_PORT", "2000")
    monkeypatch.setenv("ANTIPHON_LIMITS__MAX_NAME", "30")
    monkeypatch.setenv("ANTIPHON_TEXT_MODEL", "from-environment")
    settings = load(file, {"text_model": "from-command-line", "port": None})
    assert settings.text_model == "from-command-line"
    assert settings.port == 2000
    assert settings.host == "0.0.0.0"
    assert settings.limits.max_name == 30
    assert settings.limits.max_update == 5000
    assert settings.worker_config().threads == 3


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = 70000", "setting port: "),
        ("prot = 80", "setting prot: "),
        ("[limits]\nmax_update = 1", r"setting limits\.max_update: "),
        ('allowed_origins = ["example.org"]', "an origin looks like"),
        ('trusted_proxies = ["nowhere"]', "trusted_proxies"),
        ('public_url = "example.org"', "must start with http"),
        ("port = ", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        load(path)
    assert "\n" not in caught.value.message


def test_a_missing_settings_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the settings file"):
        load(tmp_path / "none.toml")


def test_a_wrong_environment_variable_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_LIMITS", "{")
    with pytest.raises(SettingsError, match="^ANTIPHON_LIMITS in the environment: not valid JSON$"):
        load()


def test_secrets_are_not_shown() -> None:
    settings = load(None, {"engine": {"api_key": "very-secret"}})
    assert "very-secret" not in repr(settings)
    assert "very-secret" not in repr(settings.worker_config())
    assert settings.worker_config().api_key == "very-secret"
