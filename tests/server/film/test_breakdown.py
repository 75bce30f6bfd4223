"""People, props and places of each scene, as a table and as CSV."""

from __future__ import annotations

import csv
import io

from antiphon_server.film.breakdown import as_csv, breakdown
from antiphon_server.film.screenplay import scenes

SCRIPT = """INT. OFFICE - NIGHT

Rain. Anna holds a LETTER and a lantern. A bell rings.

ANNA
Yes.

НАТ. ПРИСТАНЬ - НОЧЬ

Гром. Анна берёт зонт.

ANNA (V.O.)
No.

=1+1

INT. =CMD - DAY

Bob.
"""


def test_a_scene_needs_people_props_and_sounds() -> None:
    office, pier, other = breakdown(scenes(SCRIPT), [0, 0, 1])
    assert (office.number, office.place, office.time, office.shots) == ("1", "OFFICE", "NIGHT", 2)
    assert office.people == ("ANNA",)
    assert set(office.props) == {"letter", "lantern"}
    assert set(office.sounds) == {"rain", "bell", "rings"}
    assert (set(pier.props), set(pier.sounds), pier.speeches) == ({"зонт"}, {"гром"}, 1)
    assert (other.number, other.shots) == ("3", 0)


def test_csv_has_the_words_of_its_language_and_no_formulas() -> None:
    table = as_csv(breakdown(scenes(SCRIPT)), "ru")
    assert table.startswith("\ufeffСцена,")
    rows = list(csv.reader(io.StringIO(table.removeprefix("\ufeff"))))
    assert len(rows) == 4
    assert rows[1][3] == "интерьер"
    assert rows[3][2] == "'=CMD"
