"""The figure of a decay: curves, the steps for each further decade, and the rate beside the one that was predicted."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, Decay, ExhibitResult, Observation, Report, Status
from rnnconv_cli.report.figures.decay_panels import MOST_CURVES, MOST_POINTS, figure_of
from rnnconv_cli.report.figures.figure import CONTROL, INK, MAIN, PREDICTED, Panel

STEPS, DECADES, RUNS = 20, 6, 12  # a loss that falls by a factor of ten every 20 steps
RATE = 1 - 10 ** (-1 / STEPS)
DECAY = math.log(10) / STEPS  # of log f per step


@pytest.fixture
def check(report: Report) -> CheckResult:
    found = next(each for each in report.claims[0].checks if each.kind == "decay")
    fit = Decay(0.0, -0.1, 0.1, 0.99, (5, 6), RUNS, (20.0, 20.0), RATE, RATE, RATE, 0.1)
    predicted = ExhibitResult("tangent-rate-predicted", "", None, 1.0, 2 * DECAY, None, None, ())
    rows = [row for arm in ("main", "control") for run in range(RUNS) for row in _run(found.observations[0], arm, run)]
    return replace(found, finding=replace(found.finding, estimate=fit), observations=tuple(rows), exhibits=(predicted,))


def _run(like: Observation, arm: str, run: int) -> list[Observation]:
    """One run, read at every decade; its curve stands in each reading. The control stops after two decades."""
    trial = replace(like.trial, replicate=run)
    curve = tuple((step, 10 ** (-step / STEPS)) for step in range(0, STEPS * DECADES + 1))
    reached = DECADES if arm == "main" else 2
    row = replace(like, arm=arm, trial=trial, key=f"{arm}{run}", curve=curve)
    return [
        replace(row, point=float(k), value=float(STEPS * k), status=Status.OK)
        if k <= reached
        else replace(row, point=float(k), value=None, status=Status.NOT_REACHED)
        for k in range(1, DECADES + 1)
    ]


def _panels(check: CheckResult) -> tuple[Panel, Panel, Panel]:
    found = figure_of(check)
    assert found is not None
    losses, steps, judged = found.panels
    return losses, steps, judged


def test_some_runs_of_both_arms_are_shown_each_once_and_thinned(check: CheckResult) -> None:
    losses, _, _ = _panels(check)
    curves = {series.role: series.paths for series in losses.series if series.role != PREDICTED}
    assert {role: len(paths) for role, paths in curves.items()} == MOST_CURVES
    for path in curves[MAIN]:
        assert len(path) <= MOST_POINTS + 1
        assert path[0] == (0.0, 1.0)
        assert path[-1] == pytest.approx((120.0, 1e-6))
    assert {series.shape for series in losses.series if series.role == CONTROL} == {"dashes"}


def test_the_tail_has_its_rate_and_the_predicted_one_from_where_it_begins(check: CheckResult) -> None:
    losses, _, _ = _panels(check)
    own, predicted = (series for series in losses.series if series.role == PREDICTED)
    assert own.label == "rate of the tail: 0.1087 per step"
    assert [step for step, _ in own.paths[0]] == pytest.approx([80.0, 120.0])
    assert [loss for _, loss in own.paths[0]] == pytest.approx([1e-4, 1e-6])
    assert predicted.label == "predicted by the kernels of a few draws: 0.2057 per step"
    start, end = predicted.paths[0]
    assert start == pytest.approx((80.0, 1e-4))
    assert end == pytest.approx((100.0, 1e-6))


def test_steps_are_those_between_decades(check: CheckResult) -> None:
    _, steps, _ = _panels(check)
    means = {series.role: series.paths[0] for series in steps.series if series.shape == "marks"}
    assert [x for x, _ in means[MAIN]] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert [y for _, y in means[MAIN]] == pytest.approx([20.0] * 5)
    assert len(means[CONTROL]) == 1
    assert means[CONTROL][0] == pytest.approx((2.0, 20.0))
    assert [shade.corners[0] for shade in steps.shades] == [pytest.approx((5.0, 20.0))] * 2


def test_without_curves_the_steps_are_shown_alone(check: CheckResult) -> None:
    bare = tuple(replace(each, curve=()) for each in check.observations)
    found = figure_of(replace(check, observations=bare))
    assert found is not None
    assert [panel.heading for panel in found.panels] == ["as claimed: within", "growth at 99%"]


def test_words_and_table_have_the_numbers(check: CheckResult) -> None:
    found = figure_of(check)
    assert found is not None
    assert found.text.startswith("On the last 2 decades, each further decade of the loss takes 20 to 20 steps")
    assert "grows by 0.000 [-0.100, 0.100] per decade; at most 0.1 is allowed" in found.text
    (table,) = found.tables
    assert table.rows[0] == ("as claimed", "2", "12", "20", "20", "20", "0")
    assert table.rows[-1] == ("control", "6", "0", "-", "-", "-", "12 not-reached")


@pytest.mark.parametrize(
    ("decay", "shown"),
    [(1.5, "0.7769"), (50.0, "1"), (0.0, "0"), (-0.01, "-0.01005"), (-1e6, "-1.014e+304"), (1e-300, "1e-300")],
)
def test_no_prediction_is_left_out(check: CheckResult, decay: float, shown: str) -> None:
    """A decay of log f may be 1 or more, and a loss may be predicted to stand still or to grow."""
    other = replace(check.exhibits[0], median=decay)
    losses, _, _ = _panels(replace(check, exhibits=(other,)))
    *_, predicted = (series for series in losses.series if series.role == PREDICTED)
    assert predicted.label == f"predicted by the kernels of a few draws: {shown} per step"
    start, end = predicted.paths[0]
    assert start == pytest.approx((80.0, 1e-4))
    assert start[0] < end[0] <= losses.x.high
    assert math.log(end[1] / start[1]) == pytest.approx(-decay * (end[0] - start[0]), abs=1e-6)


def test_lost_draws_of_both_arms_are_noted(check: CheckResult) -> None:
    _, steps, _ = _panels(check)
    assert [(note.text, note.role) for note in steps.notes] == [("control: up to 12×∞", CONTROL)]
    late = tuple(
        replace(each, value=None, status=Status.NOT_REACHED) if each.point == 6 else each for each in check.observations
    )
    _, steps, _ = _panels(replace(check, observations=late))
    own, beside = steps.notes
    assert (own.text, own.at[0], own.role) == ("12×∞", 6.0, INK)
    assert own.at[1] > beside.at[1]
