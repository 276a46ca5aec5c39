from __future__ import annotations

import math
from typing import get_args

import pytest

from rnnconv_cli.judge.words import core_time, extent, interval, law, limit, path, place, shortened, symbol
from rnnconv_cli.spec.claim import Law, Parameter


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


@pytest.mark.parametrize(
    ("bound", "text"),
    [(1.0, "1"), (1 / 6, "0.166667"), (0.999999999999, "0.999999999999"), (1e-12, "1e-12"), (3e7, "3e+07")],
)
def test_a_bound_is_no_whole_number_that_it_is_not(bound: float, text: str) -> None:
    assert limit(bound) == text


def test_places_and_extents() -> None:
    assert place("width", 1024.0) == " at m = 1024"
    assert place(None, 1.0) == ""
    assert extent("width", 5, 10) == "on 5 widths x 10 draws"
    assert extent(None, 1, 10) == "on 1 points x 10 draws"


@pytest.mark.parametrize("parameter", get_args(Parameter))
def test_every_parameter_has_a_symbol(parameter: str) -> None:
    assert symbol(parameter) != symbol(None)
    assert "points" not in extent(parameter, 2, 2)


@pytest.mark.parametrize(
    ("coefficient", "parameter", "power", "at_least", "text"),
    [
        (4.0, "horizon", 2.0, 256.0, "max(256, 4 L^2)"),
        (0.5, "width", -1.0, 0.0, "0.5 m^-1"),
        (1.5, "horizon", 1.0, 0.0, "1.5 L"),
        (1.0, "width", 0.5, 0.0, "m^0.5"),
    ],
)
def test_laws_are_formulas(coefficient: float, parameter: str, power: float, at_least: float, text: str) -> None:
    sections = {"coefficient": coefficient, "parameter": parameter, "power": power, "at_least": at_least}
    assert law(Law.model_validate(sections)) == text


def test_a_path_names_every_parameter_that_follows() -> None:
    line = Law(coefficient=2.0, parameter="horizon", power=1.0)
    assert path({"width": line, "n_sequences": line}) == "m = 2 L; n = 2 L"
    assert path({}) == ""


def test_long_texts_end_at_a_word() -> None:
    assert shortened("one two three", 13) == "one two three"
    assert shortened("one two three", 12) == "one two..."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.01, "1 core-second"),
        (12.34, "12 core-seconds"),
        (119.0, "120 core-seconds"),
        (200.0, "3.3 core-minutes"),
        (7300.0, "2 core-hours"),
        (1e6, "280 core-hours"),
    ],
)
def test_a_predicted_time_has_two_digits(seconds: float, text: str) -> None:
    assert core_time(seconds) == text
