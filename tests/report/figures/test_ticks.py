"""Ends and marks of axes: round and plain, whatever numbers they are asked to show."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.report.figures.ticks import axis, plain, position, value

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.0, "0"),
        (256.0, "256"),
        (0.005, "0.005"),
        (-0.4, "−0.4"),
        (10000.0, "10000"),
        (1e5, "10⁵"),
        (2e-7, "2·10⁻⁷"),
        (-1e-12, "−10⁻¹²"),
        (6.25e13, "6.25·10¹³"),
    ],
)
def test_numbers_are_written_as_one_would(number: float, words: str) -> None:
    assert plain(number) == words


def test_a_grid_is_marked_at_its_points() -> None:
    found = axis("m", "log", (256.0, 512.0, 1024.0), grid=(256.0, 512.0, 1024.0, 512.0))
    assert found.ticks == ((256.0, "256"), (512.0, "512"), (1024.0, "1024"))
    assert found.low < 256.0
    assert found.high > 1024.0


@pytest.mark.parametrize(
    ("scale", "low", "high", "labels"),
    [
        ("log", 98.0, 330.0, ["100", "200", "300"]),
        ("log", 0.9, 110.0, ["1", "3", "10", "30", "100"]),
        ("log", 1e-12, 1.0, ["10⁻¹²", "10⁻⁹", "10⁻⁶", "0.001", "1"]),
        ("linear", 0.0, 1.0, ["0", "0.25", "0.5", "0.75", "1"]),
        ("linear", -0.31, 0.33, ["−0.2", "0", "0.2"]),
    ],
)
def test_marks_are_round(scale: str, low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in axis("q", scale, (low, high)).ticks] == labels


def test_scatter_is_not_blown_up_to_the_whole_axis() -> None:
    found = axis("q", "log", (1.0, 1.01), least=1.5)
    assert found.high / found.low > 1.5
    assert found.low < 1.0 < 1.01 < found.high


@given(st.lists(FINITE, max_size=4), st.sampled_from(["log", "linear"]))
def test_any_numbers_have_an_axis_around_them(numbers: list[float], scale: str) -> None:
    small = [number / 4 for number in numbers]  # so that what is between their extremes is finite
    found = axis("q", scale, [*small, math.inf, math.nan])
    assert math.isfinite(found.low)
    assert math.isfinite(found.high)
    assert position(found.low, scale) < position(found.high, scale)
    assert len(found.ticks) <= 12
    assert all(found.low <= number <= found.high for number, _ in found.ticks)
    assert all(found.low <= number <= found.high for number in small if scale == "linear" or 1e-290 < number < 1e290)


@given(st.floats(1e-300, 1e300))
def test_a_place_is_that_of_its_number(number: float) -> None:
    assert math.isclose(value(position(number, "log"), "log"), number, rel_tol=1e-9)
    assert value(position(number, "linear"), "linear") == number
