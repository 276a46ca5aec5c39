"""Grids too short for their fit, replicates that could never decide, and names that mean two things are refused."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binomtest

from rnnconv_cli.spec.loader import Overrides, loads
from rnnconv_cli.spec.rules import replicates_needed


@pytest.mark.parametrize(("probability", "n_checks", "needed"), [(0.9, 1, 36), (0.9, 10, 57), (0.95, 10, 117)])
def test_replicates_that_an_event_needs(probability: float, n_checks: int, needed: int) -> None:
    assert replicates_needed(probability, n_checks) == needed


@pytest.mark.parametrize("n_checks", [1, 4, 10])
@pytest.mark.parametrize("probability", [0.5, 0.8, 0.9, 0.99])
def test_replicates_needed_against_the_exact_interval(probability: float, n_checks: int) -> None:
    level = 1 - 0.05 / n_checks
    needed = replicates_needed(probability, n_checks)
    assert binomtest(needed, needed).proportion_ci(level).low >= probability
    assert binomtest(needed - 1, needed - 1).proportion_ci(level).low < probability
    needed = replicates_needed(probability, n_checks, for_outside=True)
    assert binomtest(0, needed).proportion_ci(level).high < probability
    assert needed == 1 or binomtest(0, needed - 1).proportion_ci(level).high >= probability


ALONE = "quick: {replicates: 60}"
FLIPS = "quick: {grid: [256, 512, 1024, 2048, 4096], replicates: 8}"
DECADES = "quick: {grid: [1, 2, 3, 4, 5, 6], replicates: 8}"
GROWTH = "quick: {grid: [4, 8, 16, 24, 32], replicates: 8}"
FRONTIER = "quick: {grid: [2, 3, 4, 6], widths: [8, 16, 32, 64, 128], replicates: 40}"
SEARCH = "quick: {grid: [2, 3, 4, 6], search: {least: 8, most: 128}, replicates: 40}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            ALONE,
            "quick: {replicates: 53}",
            "16:27: checks.0.sweep.quick.replicates: found 53, wanted at least 54 (fewer draws without a failure "
            "cannot decide against probability 0.9 corrected for 7 checks)",
        ),
        (
            "sweep: {quick: {replicates: 20}}",
            "sweep: {quick: {replicates: 2}}",
            "checks.0.control.change.sweep.quick.replicates: found 2, wanted at least 3 (fewer draws in which it",
        ),
        (
            ALONE,
            "quick: {grid: [1, 2], replicates: 60}",
            "quick.grid: found 2 points although nothing is swept, wanted an",
        ),
        (
            "      quick: {replicates: 60}",
            "      parameter: width\n      quick: {replicates: 60}",
            "checks.0.sweep.parameter: found the parameter width, wanted no parameter: the kind event is decided",
        ),
        (
            FLIPS,
            "quick: {grid: [256, 512, 1024, 2048], replicates: 8}",
            "33:21: checks.1.sweep.quick.grid: found 4 points, wanted at least 5 for the kind exponent",
        ),
        (
            FLIPS,
            FLIPS.replace("512", "200"),
            "found the values [256, 200, 1024, 2048, 4096], wanted ascending, distinct",
        ),
        (
            FLIPS,
            FLIPS.replace("512", "256"),
            "found the values [256, 256, 1024, 2048, 4096], wanted ascending, distinct",
        ),
        (
            FLIPS,
            FLIPS.replace("512", "512.5"),
            "33:27: checks.1.sweep.quick.grid.1: found width = 512.5, wanted a whole",
        ),
        (FLIPS, FLIPS.replace(": 8}", ": 4}"), "found 4, wanted at least 5 (fewer can never decide the kind exponent)"),
        (
            FLIPS,
            FLIPS.replace("repl", "widths: [8], repl"),
            "found widths for the kind exponent, wanted no widths: only a",
        ),
        (
            "      parameter: width\n      quick: {grid: [256",
            "      quick: {grid: [256",
            "checks.1.sweep.parameter: found no swept parameter, wanted one: the kind exponent says nothing of a "
            "parameter that is not swept",
        ),
        (
            "parameter: decades",
            "parameter: width",
            "checks.2.sweep.parameter: found the parameter width, wanted decades, which the kind decay is read from",
        ),
        (DECADES, DECADES.replace("[1, 2, 3,", "[3,"), "found 4 points, wanted at least 5 for a tail of 4 decades"),
        (
            DECADES,
            DECADES.replace("5, 6]", "6, 7]"),
            "found decades [1, 2, 3, 4, 6, 7], wanted consecutive decades, such",
        ),
        (
            DECADES,
            DECADES.replace("5, 6]", "5, 31]"),
            "found decade 31, wanted at most 30: below it lies the round-off",
        ),
        (
            "    training:\n      learning_rate: {over_lambda_max: 1.0}\n      max_steps: 20000\n",
            "",
            "checks.2.sweep.parameter: found decades without a training section, wanted training: a run to read at",
        ),
        (GROWTH, GROWTH.replace("4, 8, 16,", "16,"), "found 3 points, wanted at least 5 for the kind growth"),
        (GROWTH, GROWTH.replace(": 8}", ": 4}"), "found 4, wanted at least 5 (fewer can never decide the kind growth)"),
        (
            "replicates: 8}\n      full: {grid: [64,",
            "replicates: 1}\n      full: {grid: [64,",
            "decide the kind attainment",
        ),
        (FRONTIER, FRONTIER.replace("2, 3,", "2,"), "found 3 points, wanted at least 4 for the exponent of a frontier"),
        (FRONTIER, FRONTIER.replace("16, ", ""), "found 4 widths, wanted at least 5 for a dose-response curve"),
        (FRONTIER, FRONTIER.replace("16, ", ""), "(or a search: {least, most}, which chooses them in rounds)"),
        (
            FRONTIER,
            SEARCH.replace("search", "widths: [8], search"),
            "found 1 widths and a search, wanted one of the two",
        ),
        (
            FRONTIER,
            SEARCH.replace("128", "31"),
            "most: found widths from 8 to 31, wanted a factor of at least 4 (a sea",
        ),
        (FRONTIER, SEARCH.replace("least: 8", "least: 0"), "quick.search.least: found 0, wanted"),
        (FRONTIER, SEARCH.replace(": 40}", ": 39}"), "found 39, wanted at least 40 (fewer can never decide"),
        (FLIPS, FLIPS.replace("replicates", "search: {least: 8, most: 64}, replicates"), "no search: only a frontier"),
        (FRONTIER, FRONTIER.replace("16, ", "8, "), "found the values [8, 8, 32, 64, 128], wanted ascending, distinct"),
        (
            FRONTIER,
            FRONTIER.replace(": 40}", ": 39}"),
            "found 39, wanted at least 40 (fewer can never decide the kind fro",
        ),
        (
            "parameter: horizon\n      quick: {grid: [2, 3, 4, 6], widths",
            "parameter: width\n      quick: {grid: [2, 3, 4, 6], widths",
            "found the parameter width, wanted another: a frontier finds the width itself, by `widths` or `search`",
        ),
        (
            "id: pattern-flips-in-width",
            "id: hidden-norm-upper",
            '23:9: checks.1.id: found the id "hidden-norm-upper" a second time, wanted a different id for each check',
        ),
        (
            "id: tail-rate",
            "id: control",
            'checks.2.beside.0.id: found the reserved id "control", wanted an id for exhibit',
        ),
        (
            "id: tail-rate",
            "id: main",
            'found the reserved id "main", wanted an id for exhibit other than control and main',
        ),
        (
            "      - id: tail-rate\n",
            "      - {id: tail-rate, description: x, change: {quantity: loss}}\n      - id: tail-rate\n",
            'checks.2.beside.1.id: found the id "tail-rate" a second time, wanted a different id for each exhibit',
        ),
        (
            "change: {problem: {output_variance: 1/m}}",
            "change: {problem: {output_variance: 1/d}}",
            "114:15: checks.5.control.change: found a change that changes nothing, wanted a change that must turn",
        ),
        ("change: {problem: {output_variance: 1/m}}", "change: {}", "found a change that changes nothing"),
        (
            "change: {problem: {output_variance: 1/m}}",
            "expected: within\n      change: {problem: {output_variance: 1/m}}",
            "checks.5.control.expected: found within, which the check itself is expected to be, wanted another "
            "verdict: a control must turn its check's",
        ),
        (
            "    control:\n      description: Variance 1/m.\n",
            "    expected: outside\n    control:\n      description: Variance 1/m.\n",
            "checks.6.control.expected: found outside, which the check itself is expected to be, wanted another",
        ),
        (
            "    control:\n      description: Variance 1/m.\n      change: {problem: {weight_variance: 1.0}}\n",
            "",
            "checks.6.control: found nothing, wanted the key control: a mapping {description, change} (without a "
            "control a check has no power: declare the change that must turn its verdict)",
        ),
    ],
)
def test_refusals_say_what_is_needed(broken: Any, old: str, new: str, message: str) -> None:
    assert message in broken((old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            "change: {problem: {output_variance: 1/m}}",
            "change: {problem: {output_variance: 1/m}, sweep: {quick: {grid: [64, 128, 256, 512]}}}",
            id="a control may have four points",
        ),
        pytest.param(
            "sweep: {quick: {replicates: 20}}",
            "sweep: {quick: {replicates: 3}}",
            id="a control needs only what shows that it is outside",
        ),
        pytest.param(
            "sweep: {quick: {replicates: 20}}}",
            "sweep: {quick: {replicates: 1}}}\n      expected: inconclusive",
            id="an inconclusive control needs nothing",
        ),
        pytest.param(
            "exponent: 2.0, reason: m over",
            "reason: m over",
            id="a frontier without an exponent",
        ),
        pytest.param(FRONTIER, SEARCH, id="a search instead of widths, in one of the profiles"),
        pytest.param(
            "quick: {grid: [], replicates: 2}", "quick: {grid: [], replicates: 1}", id="an exhibit of one draw"
        ),
        pytest.param("id: hidden-norm-growth", "id: main", id="only exhibits have reserved names"),
    ],
)
def test_what_is_enough(base: str, old: str, new: str) -> None:
    assert old in base
    loads(base.replace(old, new, 1), "claim.yaml")


def test_a_control_that_is_expected_within_needs_as_many_draws_as_a_check(broken: Any) -> None:
    message = broken(("sweep: {quick: {replicates: 20}}}", "sweep: {quick: {replicates: 20}}}\n      expected: within"))
    assert "checks.0.control.change.sweep.quick.replicates: found 20, wanted at least 54" in message


def test_fewer_checks_need_fewer_draws(base: str) -> None:
    alone = base[: base.index("  - id: pattern-flips-in-width")]
    loads(alone, "claim.yaml", Overrides(replicates=36))


def test_what_a_check_gets_wrong_is_not_said_again_of_its_control(broken: Any) -> None:
    assert broken((GROWTH, GROWTH.replace(": 8}", ": 4}"))).count("\n") == 0
