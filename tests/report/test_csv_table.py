"""One row for each check, numbers as numbers in full, and no text that a spreadsheet would compute."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from rnnconv_cli.records import Frontier, Report
from rnnconv_cli.report.csv_table import COLUMNS, render
from rnnconv_cli.report.layout import Style


def rows(report: Report, style: Style | None = None) -> list[dict[str, str]]:
    """The rows as a strict reader has them; every line ends as RFC 4180 says."""
    shown = render(report) if style is None else render(report, style)
    assert shown.endswith("\r\n")
    assert "\n" not in shown.replace("\r\n", "")
    assert "\r" not in shown.replace("\r\n", "")
    found = list(csv.DictReader(io.StringIO(shown, newline=""), strict=True))
    assert all(None not in row and None not in row.values() for row in found)
    return found


def row_of(report: Report, check: str) -> dict[str, str]:
    (found,) = (row for row in rows(report) if row["check"] == check)
    return found


def test_every_check_has_a_row_with_every_column(report: Report) -> None:
    found = rows(report)
    assert [(row["claim"], row["check"]) for row in found] == [
        (claim.id, check.id) for claim in report.claims for check in claim.checks
    ]
    assert {tuple(row) for row in found} == {COLUMNS}


def test_numbers_stand_in_full_in_their_columns(report: Report) -> None:
    row = row_of(report, "exponent-of-something")
    numbers = {
        name: row[name] for name in ("predicted_number", "tolerance", "earned", "estimate", "low", "high", "level")
    }
    assert {name: float(text) for name, text in numbers.items()} == {
        "predicted_number": 2 / 3,
        "tolerance": 0.04,
        "earned": 0.02,
        "estimate": 0.641,
        "low": 0.622,
        "high": 0.66,
        "level": 0.995,
    }
    assert (row["slack"], row["control_slack"], row["trials"], row["seed"]) == ("0.067", "-0.5", "12", "7")
    assert (row["verdict"], row["expected"], row["as_expected"]) == ("within", "within", "true")
    assert (row["control_verdict"], row["control_estimate"]) == ("outside", "0.641")
    assert (row["counted_side"], row["counted_bound"], row["allowed"], row["widths"]) == ("", "", "", "")


def test_what_only_some_kinds_have(report: Report) -> None:
    assert row_of(report, "identity-of-something")["allowed"] == "8.0"
    event = row_of(report, "event-of-something")
    assert (event["counted_side"], event["counted_bound"]) == ("upper", "100.0")
    frontier = row_of(report, "frontier-of-something")
    assert (frontier["estimate"], frontier["as_expected"]) == ("", "")
    assert [frontier[name] for name in ("points", "widths", "widths_low", "widths_high")] == [
        "2.0",
        "64.0",
        "50.0",
        "inf",
    ]
    nothing = row_of(report, "nothing-measured")
    assert (nothing["estimate"], nothing["level"], nothing["standing"]) == ("", "", "could not be measured")


def test_several_widths_stand_in_one_cell(report: Report) -> None:
    claim = report.claims[0]
    check = claim.checks[-1]
    estimate = check.finding.estimate
    assert isinstance(estimate, Frontier)
    two = replace(estimate, points=(2.0, 4.0), widths=(64.0, 128.5), widths_low=(0.0, 1.0), widths_high=(65.0, 130.0))
    changed = replace(check, finding=replace(check.finding, estimate=two))
    (row,) = rows(replace(report, claims=(replace(claim, checks=(changed,)),)))
    assert (row["points"], row["widths"]) == ("2.0 4.0", "64.0 128.5")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r@", "\n=", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_a_text_is_never_a_formula(report: Report, start: str) -> None:
    evil = f"{start}cmd|' /C calc'!A0"
    claim = report.claims[0]
    check = replace(claim.checks[0], because=evil, source=evil, quantity=evil)
    (row,) = rows(replace(report, profile=evil, claims=(replace(claim, id=evil, checks=(check,)),)))
    for name in ("claim", "because", "source", "quantity", "profile"):
        assert row[name].startswith("'")
        assert row[name].endswith("cmd|' /C calc'!A0")


def test_a_negative_number_stays_a_number(report: Report) -> None:
    assert row_of(report, "attainment-of-something")["estimate"] == "-1.02"


def test_quotes_commas_and_lines_stay_in_their_cell(report: Report) -> None:
    claim = report.claims[0]
    check = replace(claim.checks[0], because='a, "b"\r\nc\x1b[31m')
    (row,) = rows(replace(report, claims=(replace(claim, checks=(check,)),)))
    assert row["because"] == 'a, "b" c\\x1b[31m'


def test_an_empty_report_is_a_header(report: Report) -> None:
    assert render(replace(report, claims=())) == ",".join(COLUMNS) + "\r\n"


def test_ascii_on_request(report: Report) -> None:
    assert not render(report).isascii()
    assert render(report, Style(ascii_only=True)).isascii()
    assert len(rows(report, Style(ascii_only=True))) == len(rows(report))
