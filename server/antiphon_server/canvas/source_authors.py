"""The authors of a picture's source: the makers of all objects in its frame at the time of the request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from antiphon_server.document.object_authors import ObjectAuthor
from antiphon_server.document.outlines import Box, Outline, box_of


def source_authors(
    frame: Mapping[str, Any],
    objects: Mapping[str, Outline],
    authors: Iterable[tuple[str, ObjectAuthor]],
) -> dict[str, Any]:
    """`{"authors": people, "runs": runs, "objects": how many}` of the objects in the frame, frames left out."""
    place = box_of(frame)
    inside = {
        key
        for key, one in objects.items()
        if one.type != "frame" and not one.hidden and _meet(place, one.box)
    }
    hands = [hand for key, one in authors if key in inside for hand in (one.creator, one.editor)]
    return {
        "authors": sorted({hand.author for hand in hands if hand.run is None}),
        "runs": sorted({hand.run for hand in hands if hand.run is not None}),
        "objects": len(inside),
    }


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
