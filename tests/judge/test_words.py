from __future__ import annotations

import math
from typing import get_args

import pytest

from rnnconv_cli.judge.words import extent, interval, place, shortened, symbol
from rnnconv_cli.spec.claim import Parameter


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((-0.48, -0.52, -0.44), "-0.480 [-0.520, -0.440]"),
        ((1.2, 0.2, 2.2), "1.20 [0.20, 2.20]"),
        ((1.2e-4, -2.0e-4, 4.4e-4), "0.00012 [-0.00020, 0.00044]"),
        ((0.5, 0.5, 0.5), "0.500 [0.500, 0.500]"),
        ((0.5, -math.inf, math.inf), "0.500 [-inf, inf]"),
    ],
)
def test_an_interval_has_two_digits_of_its_half_width(ends: tuple[float, float, float], text: str) -> None:
    assert interval(*ends) == text


def test_places_and_extents() -> None:
    assert place("width", 1024.0) == " at m = 1024"
    assert place(None, 1.0) == ""
    assert extent("width", 5, 10) == "on 5 widths x 10 draws"
    assert extent(None, 1, 10) == "on 1 points x 10 draws"


@pytest.mark.parametrize("parameter", get_args(Parameter))
def test_every_parameter_has_a_symbol(parameter: str) -> None:
    assert symbol(parameter) != symbol(None)
    assert "points" not in extent(parameter, 2, 2)


def test_long_texts_end_at_a_word() -> None:
    assert shortened("one two three", 13) == "one two three"
    assert shortened("one two three", 12) == "one two..."
