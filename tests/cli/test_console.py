from __future__ import annotations

import io
import os

import pytest

from rnnconv_cli.cli.console import complain, style_of, writes_unicode


class Terminal(io.StringIO):
    encoding = "UTF-8"

    def isatty(self) -> bool:
        return True


def _stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("utf-16", True), ("ascii", False), ("latin-1", False)]
)
def test_the_encoding_decides_between_signs_and_ascii(encoding: str, unicode: bool) -> None:
    assert writes_unicode(_stream(encoding)) is unicode
    assert style_of(_stream(encoding)).ascii_only is not unicode


def test_a_log_is_a_hundred_columns_wide_and_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "33", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    style = style_of(_stream("utf-8"))
    assert (style.width, style.colour, style.brief) == (100, False, False)


@pytest.mark.parametrize(("columns", "width"), [(80, 80), (20, 74), (300, 140)])
def test_a_terminal_has_its_own_width_within_reason(monkeypatch: pytest.MonkeyPatch, columns: int, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert style_of(Terminal()).width == width


@pytest.mark.parametrize(
    ("environment", "colour"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], colour: bool
) -> None:
    monkeypatch.setattr(os, "environ", {"TERM": "xterm"} | environment)
    assert style_of(Terminal()).colour is colour


def test_without_a_stream_there_is_a_style() -> None:
    assert style_of(None).ascii_only


def test_messages_cannot_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    complain("a\nb \x1b[31m ≤")
    assert capsys.readouterr().err == "a\nb \\x1b[31m ≤\n"
