"""What an arm has measured, point by point: the worst case of each draw, and the draws without a value."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, Report, Status
from rnnconv_cli.report.figures.measured import Column, arm_of, columns, drawn_quantity, parameter_label, table_rows


@pytest.fixture
def check(report: Report) -> CheckResult:
    return report.claims[0].checks[0]


def test_every_draw_has_its_value_or_its_status(check: CheckResult) -> None:
    found = columns(check, "main")
    assert [each.point for each in found] == [256.0, 512.0, 1024.0, 2048.0]
    assert found[0] == Column(256.0, (256.0**0.641,), (("diverged", 1), ("zero", 1)))
    assert found[1].lost == (("out-of-regime", 1),)
    assert found[2].values == (1024.0**0.641,) * 3
    assert found[2].mean_log == pytest.approx(0.641 * math.log(1024.0))
    assert math.isnan(Column(1.0, (), ()).mean_log)


def _searched(check: CheckResult, worst: str) -> CheckResult:
    """Noise with slope 0.2 and level 1, and a search with slope 0.641 and five times the level, in every draw."""
    rows = [replace(each, status=Status.OK, value=each.point**0.641 * 5.0) for each in arm_of(check, "main")]
    noise = (replace(each, adversary="gaussian", value=each.point**0.2) for each in rows)
    return replace(check, observations=(*rows, *noise), worst=worst)


def test_the_worst_case_is_the_largest_over_the_adversaries(check: CheckResult) -> None:
    found = columns(_searched(check, "largest"), "main")
    assert found[0].values == pytest.approx([256.0**0.641 * 5.0] * 3)


def test_where_the_smallest_was_judged_it_is_shown(check: CheckResult) -> None:
    """Whatever was fitted, and where nothing was."""
    for estimate in (check.finding.estimate, None):
        fitted = replace(check, finding=replace(check.finding, estimate=estimate))
        found = columns(_searched(fitted, "smallest"), "main")
        assert found[0].values == pytest.approx([256.0**0.2] * 3)


def test_labels_have_a_unit(check: CheckResult) -> None:
    observations = arm_of(check, "main")
    assert drawn_quantity(observations) == "activation-flips [1]"
    steps = replace(observations[0], trial=replace(observations[0].trial, quantity="steps-to-accuracy"))
    assert drawn_quantity((steps,)) == "steps-to-accuracy [steps]"
    assert parameter_label("width") == "m (width) [1]"
    assert parameter_label("steps") == "t (steps) [steps]"
    assert parameter_label("n_sequences") == "n (sequences) [1]"
    assert parameter_label(None) == "p (point) [1]"


def test_a_table_says_what_is_shown() -> None:
    rows = table_rows("control", (Column(2.0, (1.0, 4.0), (("diverged", 3),)), Column(3.0, (), (("zero", 1),))))
    assert rows == (
        ("control", "2", "2", "1", "2", "4", "3 diverged"),
        ("control", "3", "0", "-", "-", "-", "1 zero"),
    )
    assert table_rows("control", (Column(2.0, (-1.0, 4.0), ()),))[0][3:6] == ("-1", "-", "4")
