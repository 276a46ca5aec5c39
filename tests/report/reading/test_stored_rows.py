"""The trials of a stored check are those that it was measured with."""

from __future__ import annotations

import json

import pytest

from rnnconv_cli.records import Place, Report
from rnnconv_cli.report import json as json_format
from rnnconv_cli.report.reading.stored_rows import Trials, facts_of, places_of


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


def test_places_stand_beside_the_facts_and_are_none() -> None:
    place = {"claim": "a", "check": "b", "path": "c.yaml", "line": 7}
    environment = {"cpu": "x", "places": [place]}
    assert facts_of(environment) == {"cpu": "x"}
    assert places_of(environment) == (Place("a", "b", "c.yaml", 7),)
    assert places_of({"cpu": "x"}) == ()


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"claim": "a"}, "places is no list"),
        ([7], "not subscriptable"),
        ([{"claim": "a", "check": "b", "path": 1, "line": 7}], "path is no text"),
        ([{"claim": "a", "check": "b", "path": "c", "line": 7.5}], "7.5 is no whole number"),
        ([{"claim": "a", "check": "b", "path": "c", "line": 0}], "0 is no line of a file"),
    ],
)
def test_a_place_that_is_none_is_refused(places: object, said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        places_of({"places": places})
