"""Words -> styles: the names themselves, words that suggest them, spelling, moods, weights, nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.audio.symbolic.styles import KITS, PRESETS, preset_of, sound_of, velocity
from antiphon_engines.audio.symbolic.tokens import STYLES
from antiphon_engines.audio.symbolic.words import UNKNOWN, direction
from antiphon_proto.document.jam import BAND_ROLES, Prompt


@pytest.mark.parametrize("style", [style for style in STYLES if style != UNKNOWN])
def test_a_styles_own_name_means_it(style: str) -> None:
    assert direction([Prompt(style)]).styles == {style: 1.0}


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("piano ballad", "ballad"),
        ("a smoky jazz trio", "jazz"),
        ("Bossa Nova", "bossa"),
        ("heavy metal", "metal"),
        ("baroque", "classical"),
        ("hip-hop beat", "hiphop"),
        ("irish jig", "celtic"),
        ("tecno", "techno"),
        ("viennese waltz", "waltz"),
        ("dubstep", "techno"),
        ("flamenco guitar", "latin"),
        ("afrobeat", "funk"),
        ("медленный блюз", "blues"),
        ("Джазовая баллада", "jazz"),
        ("спокойная босса-нова", "bossa"),
        ("тяжёлый металл", "metal"),
        ("хип-хоп", "hiphop"),
        ("ирландские танцы", "celtic"),
    ],
)
def test_prompts_of_people(text: str, style: str) -> None:
    assert direction([Prompt(text)]).main == style


def test_weights_mix_styles() -> None:
    mixed = direction([Prompt("piano ballad", 0.7), Prompt("baroque", 0.3)]).styles
    assert mixed == pytest.approx({"ballad": 0.7, "classical": 0.3})


def test_moods_speak_of_density_and_brightness() -> None:
    calm, wild = direction([Prompt("calm dark jazz")]), direction([Prompt("frantic bright jazz")])
    assert (calm.density or 0) < (wild.density or 0)
    assert (calm.brightness or 1) < (wild.brightness or 0)
    assert direction([Prompt("jazz")]).density is None


@pytest.mark.parametrize("prompts", [[], [Prompt("qqqq zzzz")], [Prompt("jazz", 0.0)], [Prompt("🎺")]])
def test_what_is_not_understood_asks_for_no_style(prompts: list[Prompt]) -> None:
    assert direction(prompts).styles == {UNKNOWN: 1.0}


@given(st.lists(st.builds(Prompt, st.text(max_size=40), st.floats(0, 1)), max_size=8))
def test_any_text_gives_known_styles_that_sum_to_one(prompts: list[Prompt]) -> None:
    told = direction(prompts)
    assert set(told.styles) <= set(STYLES)
    assert sum(told.styles.values()) == pytest.approx(1)


def test_every_style_has_instruments_that_the_soundfont_has() -> None:
    for style in STYLES:
        sound = sound_of(style)
        for role in BAND_ROLES:
            assert sound.program(role) in (KITS if role == "drums" else PRESETS)


@given(st.integers(-5, 400))
def test_every_program_finds_a_preset(program: int) -> None:
    assert preset_of(program) in PRESETS if 0 <= program < 128 else preset_of(program) is None
    assert preset_of(program, drums=True) in (*KITS, None)


def test_accents_keep_velocities_in_range() -> None:
    for style in STYLES:
        for beat in range(4):
            for offset in (0, 3, 6):
                assert 1 <= velocity(sound_of(style), "lead", beat, 4, offset, 12, 5) <= 127
    rock = sound_of("rock")
    assert velocity(rock, "drums", 0, 4, 0, 12, 0) > velocity(rock, "drums", 0, 4, 3, 12, 0)
