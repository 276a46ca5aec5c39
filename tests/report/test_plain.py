from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.report.plain import ACTING, ascii_only, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("‖D′‖₀ ≤ O(τ₀^{2/3} m^{2/3})", "||D'||0 <= O(tau0^{2/3} m^{2/3})"),
        ("m⁻¹ ± 0.1 … ∞", "m^-1 +- 0.1 ... inf"),
        ("Δλ_max − ½ μs, 5 µs", "Deltalambda_max - 1/2 mus, 5 us"),
        ("naïve Łódź", "naive Lodz"),
        ("中", "\\u4e2d"),
        ("plain", "plain"),
    ],
)
def test_signs_of_the_paper_have_names_in_ascii(text: str, shown: str) -> None:
    assert ascii_only(text) == shown


@given(st.text())
def test_every_text_comes_down_to_ascii(text: str) -> None:
    assert ascii_only(visible(text)).isascii()


@given(st.text(st.characters(codec=None)))
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    assert not {unicodedata.category(char) for char in visible(text)} & ACTING


def test_a_line_stays_one_line_unless_asked() -> None:
    assert visible("a\n  b\tc") == "a b c"
    assert visible("a\nb\x1b[31m", lines=True) == "a\nb\\x1b[31m"


def test_text_that_runs_backwards_and_broken_bytes_are_spelt_out() -> None:
    assert visible("\u202eabc\udcff") == "\\u202eabc\\udcff"
