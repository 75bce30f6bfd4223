"""Sizes of calls against sizes of plans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.backends.plans.signature import Dim, Port, ShapeRefused, Signature

SIGNATURE = Signature(
    inputs=(
        Port("latents", ("rows", 4, "height")),
        Port("mask", ("rows", "span"), "bool"),
        Port("past", ("rows", "past")),
        Port("ids", ("rows", "new"), "int64"),
    ),
    outputs=("answer",),
    dims=(Dim("rows", 1, 2, 8), Dim("height", 4, 8, 32, 4), Dim("past", 0, 4, 100), Dim("new", 1, 1, 10)),
    sums=(("span", "past", "new"),),
)
numbers = st.integers(-1, 40)


def shapes(sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
    return {port.name: SIGNATURE.shape(port, sizes) for port in SIGNATURE.inputs}


@given(st.fixed_dictionaries({"rows": numbers, "height": numbers, "past": numbers, "new": numbers}))
def test_a_call_is_taken_exactly_when_every_size_lies_in_its_range(sizes: dict[str, int]) -> None:
    fits = (
        1 <= sizes["rows"] <= 8
        and 4 <= sizes["height"] <= 32
        and sizes["height"] % 4 == 0
        and 0 <= sizes["past"] <= 100
        and 1 <= sizes["new"] <= 10
    )
    if fits:
        assert SIGNATURE.sizes(shapes(sizes)).items() >= sizes.items()
    else:
        with pytest.raises(ShapeRefused):
            SIGNATURE.sizes(shapes(sizes))


GOOD = {"rows": 2, "height": 8, "past": 3, "new": 1}


@pytest.mark.parametrize(
    ("name", "shape"),
    [("latents", (2, 5, 8)), ("latents", (2, 4)), ("mask", (3, 4)), ("mask", (2, 5)), ("ids", ())],
)
def test_shapes_that_contradict_each_other_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeRefused):
        SIGNATURE.sizes(shapes(GOOD) | {name: shape})


def test_an_input_that_is_not_there_is_refused() -> None:
    given = shapes(GOOD)
    del given["mask"]
    with pytest.raises(ShapeRefused, match="mask"):
        SIGNATURE.sizes(given)


@pytest.mark.parametrize("sizes", [(2, 1, 3, 1), (1, 4, 3, 1), (4, 6, 8, 4), (-4, 4, 8, 4)])
def test_a_dim_that_makes_no_sense_cannot_be_made(sizes: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="rise"):
        Dim("x", *sizes)
