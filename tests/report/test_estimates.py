from __future__ import annotations

import math
from dataclasses import replace

from rnnconv_cli.records import Frontier, IdentityError, Report
from rnnconv_cli.report.estimates import measured, measured_in_full, smallest_widths


def test_every_kind_in_a_few_words(report: Report) -> None:
    shown = {check.kind: measured(check.finding.estimate) for check in report.claims[0].checks}
    assert shown == {
        "exponent": "0.641 [0.622, 0.660]",
        "growth": "1.2e-04 [-2.0e-04, 4.4e-04]",
        "event": "1.000 [0.937, 1.000]",
        "identity": "0.35 of 8",
        "decay": "0.010 [-0.020, 0.040]",
        "attainment": "-1.020 [-1.200, -0.900]",
        "frontier": "widths below",
    }
    assert measured(None) == "nothing"
    for value in (math.nan, math.inf):
        assert measured(IdentityError(value, 8.0, 24)) == "not finite"


def test_in_full_a_frontier_has_its_widths(report: Report) -> None:
    frontier = report.claims[0].checks[-1].finding.estimate
    assert isinstance(frontier, Frontier)
    assert smallest_widths(frontier, "n") == "64 [50, inf] at n 2"
    assert measured_in_full(frontier, "n") == "m* = 64 [50, inf] at n 2"
    assert measured_in_full(frontier, None) == "m* = 64 [50, inf] at point 2"
    assert measured_in_full(None, "n") == "nothing"


def test_a_width_outside_all_that_were_tried_is_no_number(report: Report) -> None:
    frontier = report.claims[0].checks[-1].finding.estimate
    assert isinstance(frontier, Frontier)
    assert smallest_widths(replace(frontier, widths=(0.0,), widths_low=(0.0,)), "n") == "below all [0, inf] at n 2"
    assert smallest_widths(replace(frontier, widths=(math.inf,)), "n") == "beyond all [50, inf] at n 2"
