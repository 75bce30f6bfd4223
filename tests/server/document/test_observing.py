"""A document that nobody holds any more is gone at once: Yrs' observers keep none alive."""

from __future__ import annotations

import weakref
from typing import Any

from antiphon_server.document.document import Document


def test_a_document_goes_with_its_last_holder() -> None:
    document = Document(None, max_update=10**6, max_items=1000, max_document=10**7)
    document.insert(0, "text", {}, 16)
    held: list[weakref.ref[Any]] = [weakref.ref(document), weakref.ref(document._doc)]
    del document
    assert [one() for one in held] == [None, None]
