from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rnnconv_cli.records import Report, Status
from rnnconv_cli.report.document import CENSORED, document, stored_value
from rnnconv_cli.sweep.serial import key_of


@pytest.fixture
def stored(report: Report) -> Any:
    return document(report)


def test_a_check_holds_what_a_reader_needs(stored: Any) -> None:
    check = stored["claims"][0]["checks"][0]
    assert check["predicted"] == {
        "kind": "exponent",
        "side": "upper",
        "exponent": 2 / 3,
        "tolerance": 0.04,
        "earned": 0.02,
        "text": "≤ m^0.667 (+0.06)",
        "counted": None,
        "reason": "half-width 0.02 over 12 draws",
    }
    assert {key: check["estimate"][key] for key in ("kind", "parameter", "value", "low", "high", "level")} == {
        "kind": "exponent",
        "parameter": "width",
        "value": 0.641,
        "low": 0.622,
        "high": 0.66,
        "level": 0.995,
    }
    assert check["estimate"]["without_first"] == {"value": 0.65, "low": 0.62, "high": 0.68}
    assert check["local_exponents"] == [0.61, 0.63, 1 / 3]
    assert check["control"]["verdict"] == "outside"
    assert check["beside"][0]["counts"] == {"ok": 12, "zero": 1}


def test_a_check_holds_what_follows_its_parameter(stored: Any) -> None:
    assert [check["path"] for check in stored["claims"][0]["checks"][:2]] == ["", "L = max(4, 0.1 m)"]


@pytest.mark.parametrize(
    ("position", "key"),
    [(0, "exponent"), (1, "rate"), (2, "probability"), (3, "rounding_units"), (4, "rate"), (6, "exponent")],
)
def test_the_predicted_number_is_named_after_its_kind(stored: Any, position: int, key: str) -> None:
    assert key in stored["claims"][0]["checks"][position]["predicted"]


def test_a_value_that_is_not_finite_or_censored_is_null_with_its_status(stored: Any) -> None:
    rows = stored["claims"][0]["checks"][0]["observations"]
    assert {row["status"] for row in rows} == {"ok", "diverged", "zero", "out-of-regime"}
    for row in rows:
        assert (row["value"] is None) is (row["status"] in CENSORED)
    assert stored["claims"][0]["checks"][5]["estimate"]["curvature_p"] is None
    assert stored["claims"][0]["checks"][6]["estimate"]["widths_high"] == [None]


def test_an_observation_names_its_trial(stored: Any, report: Report) -> None:
    assert stored["claims"][0]["checks"][0]["observations"][0] == {
        "arm": "main",
        "point": 256.0,
        "width": 256,
        "horizon": 4,
        "n_sequences": 3,
        "separation": 0.5,
        "output_dim": 1,
        "probe": None,
        "learning_rate": 0.1,
        "size": 0.25,
        "adversary": "kinks",
        "replicate": 0,
        "trial": key_of(report.claims[0].checks[0].observations[0].trial),
        "value": 256.0**0.641,
        "status": "ok",
        "detail": "",
    }


def test_what_the_trials_of_an_arm_share_is_said_once(stored: Any) -> None:
    arms = stored["claims"][0]["checks"][0]["arms"]
    assert list(arms) == ["main", "control"]
    assert arms["main"]["problem"]["activation"] == "relu"
    assert arms["main"]["training"]["learning_rate_unit"] == "inverse-lambda-max"
    assert "learning_rate" not in arms["main"]["training"]
    assert arms["main"]["training"]["batch_size"] is None  # of gd: all sequences, whose number a sweep varies


def test_a_batch_of_some_sequences_is_said(report: Report) -> None:
    claim = report.claims[0]
    first = claim.checks[0].observations[0]
    assert first.trial.training is not None
    trial = replace(first.trial, training=replace(first.trial.training, method="sgd", batch_size=2))
    check = replace(claim.checks[0], observations=(replace(first, trial=trial),))
    stored: Any = document(replace(report, claims=(replace(claim, checks=(check,)),)))
    assert stored["claims"][0]["checks"][0]["arms"]["main"]["training"]["batch_size"] == 2


@pytest.mark.parametrize("value", [None, float("inf"), float("nan"), -1.1e300])
def test_what_json_lacks_is_no_value(value: float | None) -> None:
    assert stored_value(value, Status.OK) is None
    assert [stored_value(1.5, status) for status in (Status.OK, Status.DIVERGED)] == [1.5, None]
    assert stored_value(1e-34, Status.ROUND_OFF) == 1e-34  # exhibits and identities are judged by it


def test_a_run_read_at_several_points_has_one_curve(report: Report) -> None:
    claim = report.claims[0]
    first = claim.checks[0].observations[0]
    check = replace(claim.checks[0], observations=(first, replace(first, point=2.0)))
    stored: Any = document(replace(report, claims=(replace(claim, checks=(check,)),)))
    (curve,) = stored["claims"][0]["checks"][0]["curves"]
    assert curve["steps"] == [0, 10, 100]
    assert curve["values"] == [1.0, 0.1, 1 / 3]


def test_a_diverged_curve_keeps_its_steps(stored: Any) -> None:
    assert stored["claims"][0]["checks"][0]["curves"][1]["values"] == [1.0, None]


def test_a_check_without_an_estimate_says_so(stored: Any) -> None:
    check = stored["claims"][1]["checks"][2]
    assert (check["estimate"], check["slack"], check["local_exponents"]) == (None, None, [])
