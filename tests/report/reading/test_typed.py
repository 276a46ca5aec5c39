"""Fields of a record take what they declare, and nothing else."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rnnconv_cli.records import BudgetPlan, Exponent, Frontier, Predicted
from rnnconv_cli.report.reading.typed import estimated, made, maybe, truth

PREDICTED: dict[str, Any] = {
    "kind": "exponent",
    "side": "upper",
    "number": None,
    "number_name": "exponent",
    "tolerance": 0.1,
    "earned": 0.0,
    "text": "m^0",
    "counted": None,
    "reason": "half-width 0.05",
}


def test_words_and_numbers_are_taken() -> None:
    assert made(Predicted, PREDICTED) == Predicted(
        "exponent", "upper", None, "exponent", 0.1, 0.0, "m^0", None, "half-width 0.05"
    )


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("kind", 1), ("number", "x"), ("tolerance", None), ("tolerance", True), ("tolerance", math.inf), ("text", None)],
)
def test_anything_else_is_refused(field: str, wrong: object) -> None:
    with pytest.raises(TypeError, match="is no "):
        made(Predicted, {**PREDICTED, field: wrong})


def test_null_in_an_estimate_is_what_its_field_makes_of_it() -> None:
    fit = {"value": None, "low": None, "high": None}
    own = {"level": 0.9, "points": [1.0], "replicates": 3, "local": [None], "curvature_p": None, "scatter": None}
    found = estimated(Exponent, {**fit, **own, "without_first": fit, "without_last": fit})
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert all(map(math.isnan, (found.value, *found.local, found.curvature_p, found.scatter, found.without_first[0])))
    widths = {name: [None, 8.0] for name in ("widths", "widths_low", "widths_high")}
    own = {"level": 0.9, "points": [1.0, 2.0], "groups": 3, "local": [], "scatter": 0.0}
    frontier = estimated(Frontier, {**fit, **own, **widths})
    assert (frontier.value, frontier.low, frontier.widths) == (None, None, (math.inf, 8.0))
    for column in widths:
        with pytest.raises(ValueError, match="a point lacks its numbers"):
            estimated(Frontier, {**fit, **own, **widths, column: [8.0]})
    with pytest.raises(TypeError, match="None is no finite number"):
        estimated(Frontier, {**fit, **own, **widths, "points": [1.0, None]})


def test_a_record_of_records_is_not_made() -> None:
    with pytest.raises(NotImplementedError, match="arms"):
        made(BudgetPlan, {"seconds": 1.0, "jobs": 1, "inflation": 1.0, "arms": []})


def test_numbers_and_answers_may_be_missing_only_where_they_may() -> None:
    assert maybe({"x": None}, "x") is None
    assert maybe({"x": 1}, "x") == 1.0
    assert truth({"x": False}, "x") is False
    with pytest.raises(TypeError, match="x is neither true nor false"):
        truth({"x": 0}, "x")
