"""The trials of a stored check are those that it was measured with."""

from __future__ import annotations

import json

import pytest

from rnnconv_cli.records import Report
from rnnconv_cli.report import json as json_format
from rnnconv_cli.report.stored_rows import Trials, facts_of


def test_every_row_gives_its_trial_back(report: Report) -> None:
    check = report.claims[0].checks[0]
    stored = json.loads(json_format.render(report))["claims"][0]["checks"][0]
    trials = Trials(stored["arms"], report.seed)
    assert tuple(map(trials.of, stored["observations"])) == tuple(each.trial for each in check.observations)


def test_equal_numbers_of_another_type_are_not_taken_for_known_ones(report: Report) -> None:
    stored = json.loads(json_format.render(report))["claims"][0]["checks"][0]
    trials, row = Trials(stored["arms"], report.seed), stored["observations"][0]
    trials.of(row)
    for wrong in (float(row["width"]), True):
        with pytest.raises(TypeError, match="is no whole number"):
            trials.of({**row, "width": wrong})


def test_facts_are_words_and_numbers() -> None:
    assert facts_of({"cpu": "x", "jobs": 2, "load": 0.5, "store": None}) == {
        "cpu": "x",
        "jobs": 2,
        "load": 0.5,
        "store": None,
    }
    with pytest.raises(TypeError, match="the fact cpu is no word or number"):
        facts_of({"cpu": ["x"]})
