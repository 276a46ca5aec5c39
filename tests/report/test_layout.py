from __future__ import annotations

import math

import pytest

from rnnconv_cli.report.layout import (
    PLAIN,
    Style,
    interval,
    painted,
    paragraph,
    quantity,
    row,
    signed,
    unbroken,
    verdict,
    words,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0.0, "+0.000"), (-0.0312, "-0.031"), (2e-5, "+0.000"), (-12.34, "-12.3"), (-4.5e12, "-4e+12")],
)
def test_a_signed_number_fits_a_column(value: float | None, shown: str) -> None:
    assert signed(value) == shown
    assert len(shown) <= 6


def test_an_interval_is_written_to_one_scale() -> None:
    assert interval(0.5, 1e-5, 1.0) == "0.500 [0.000, 1.000]"
    assert interval(1e-5, -1e-5, 2e-5) == "1.0e-05 [-1.0e-05, 2.0e-05]"
    assert interval(0.5, -math.inf, math.inf) == "0.500 [-inf, inf]"
    assert interval(math.nan, math.nan, math.nan) == "nan [nan, nan]"


def test_quantities_keep_their_digits() -> None:
    assert (quantity(None), quantity(123456.0), quantity(3.0)) == ("-", "1.235e+05", "3")


def test_markup_is_shown_and_not_read() -> None:
    assert painted([words("[bold]x[/bold] :smile:", PLAIN)], PLAIN) == "[bold]x[/bold] :smile:\n"


def test_colour_is_used_only_where_wanted() -> None:
    plain, coloured = (painted([verdict("outside", style)], style) for style in (PLAIN, Style(colour=True)))
    assert plain == "outside\n"
    assert "\x1b[" in coloured
    assert "outside" in coloured


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [paragraph("because", "word " * 60, PLAIN)]
    before = painted(parts, PLAIN)
    for name, value in {"COLUMNS": "30", "FORCE_COLOR": "1", "TERM": "xterm", "NO_COLOR": ""}.items():
        monkeypatch.setenv(name, value)
    assert painted(parts, PLAIN) == before


def test_long_cells_go_on_below_in_their_own_column() -> None:
    shown = painted([row((words("abcdefgh", PLAIN), words("x", PLAIN)), (5, 5))], PLAIN)
    assert shown == "abcde x\nfgh\n"


def test_a_paragraph_hangs_beside_its_label() -> None:
    shown = painted([paragraph("because", "one two three", Style(width=22), indent=2)], Style(width=22))
    assert shown == "  because   one two\n            three\n"


def test_a_line_to_copy_is_not_broken_and_acts_on_nothing() -> None:
    path = "/a  folder" + "/with blanks" * 20
    assert unbroken(f"claims {path}", PLAIN) == f"claims {path}\n"
    assert unbroken("a\nb\x1b[2J", PLAIN) == "a\\nb\\x1b[2J\n"
    assert unbroken("2 × 3", Style(ascii_only=True)) == "2 x 3\n"
