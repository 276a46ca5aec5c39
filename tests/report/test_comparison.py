"""Two results side by side: what has moved, by how much, and whether one seed has given the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, Environment, Exponent, Observation, Report, Status, Verdict
from rnnconv_cli.report.comparison import Bits, Pair, Setting, side_by_side


def with_first(report: Report, change: Callable[[CheckResult], CheckResult]) -> Report:
    """The report with its first check changed."""
    claim, *others = report.claims
    return replace(report, claims=(replace(claim, checks=(change(claim.checks[0]), *claim.checks[1:])), *others))


def first_pair(one: Report, other: Report) -> Pair:
    return side_by_side(one, other).pairs[0]


def shifted(by: float, half_width: float | None = None) -> Callable[[CheckResult], CheckResult]:
    def change(check: CheckResult) -> CheckResult:
        estimate = check.finding.estimate
        assert isinstance(estimate, Exponent)
        half = 0.019 if half_width is None else half_width
        value = estimate.value + by
        moved = replace(estimate, value=value, low=value - half, high=value + half)
        return replace(check, finding=replace(check.finding, estimate=moved))

    return change


def observed(change: Callable[[int, Observation], Observation]) -> Callable[[CheckResult], CheckResult]:
    return lambda check: replace(
        check, observations=tuple(change(index, each) for index, each in enumerate(check.observations))
    )


def test_a_report_beside_itself_differs_in_nothing(report: Report) -> None:
    found = side_by_side(report, report)
    assert (found.settings, found.only_first, found.only_second, found.exit_status) == ((), (), (), 0)
    assert all(pair.is_same for pair in found.pairs)
    assert len(found.pairs) == 10
    assert found.bits == Bits(9 * 24, 0, None)


def test_the_difference_is_in_units_of_the_larger_half_width(report: Report) -> None:
    pair = first_pair(report, with_first(report, shifted(0.1, half_width=0.05)))
    assert pair.difference == pytest.approx(0.1)
    assert pair.half_widths == pytest.approx(2.0)
    assert not pair.is_same
    back = first_pair(with_first(report, shifted(0.1, half_width=0.05)), report)
    assert back.difference == pytest.approx(-0.1)
    assert back.half_widths == pytest.approx(2.0)


def test_an_open_interval_has_no_half_width(report: Report) -> None:
    open_ended = with_first(report, shifted(0.0, half_width=math.inf))
    assert first_pair(report, open_ended).half_widths == 0.0
    assert first_pair(open_ended, open_ended).half_widths is None


@pytest.mark.parametrize("kind", ["identity", "frontier"])
def test_kinds_without_an_interval_have_no_half_widths(report: Report, kind: str) -> None:
    (pair,) = (each for each in side_by_side(report, report).pairs if each.first.kind == kind)
    assert pair.half_widths is None
    assert pair.difference == (0.0 if kind == "identity" else None)


def test_a_check_without_a_number_on_one_side_has_no_difference(report: Report) -> None:
    lost = with_first(report, lambda check: replace(check, finding=replace(check.finding, estimate=None)))
    pair = first_pair(report, lost)
    assert (pair.difference, pair.half_widths, pair.is_same) == (None, None, False)


def test_another_verdict_is_status_three(report: Report) -> None:
    moved = with_first(report, lambda check: replace(check, verdict=Verdict.INCONCLUSIVE))
    found = side_by_side(report, moved)
    assert [pair.first.id for pair in found.pairs if pair.moved] == ["exponent-of-something"]
    assert found.exit_status == 3


def test_checks_of_one_side_are_named(report: Report) -> None:
    fewer = replace(report, claims=report.claims[:1])
    found = side_by_side(fewer, report)
    assert found.only_first == ()
    assert found.only_second == tuple(f"awkward-claim/{check.id}" for check in report.claims[1].checks)
    assert found.exit_status == 0
    assert side_by_side(report, fewer).only_first == found.only_second


def test_bits_are_compared_at_the_same_trials(report: Report) -> None:
    def change(index: int, each: Observation) -> Observation:
        if index == 5 and each.value is not None:
            return replace(each, value=each.value * (1 + 1e-12))
        if index == 6 and each.value is not None:
            return replace(each, value=each.value * 2)
        if index == 7:
            return replace(each, status=Status.OUT_OF_REGIME)
        return replace(each, key="0" * 12) if index == 8 else each

    pair = first_pair(report, with_first(report, observed(change)))
    assert (pair.bits.common, pair.bits.different, pair.bits.largest) == (23, 3, 0.5)
    assert not pair.is_same


def test_a_trial_of_another_arm_is_another(report: Report) -> None:
    swapped = with_first(report, observed(lambda _, each: replace(each, arm=f"{each.arm}-too")))
    assert first_pair(report, swapped).bits == Bits(0, 0, None)


def test_a_difference_of_one_bit_counts(report: Report) -> None:
    def change(index: int, each: Observation) -> Observation:
        return replace(each, value=math.nextafter(each.value or 0.0, math.inf)) if index == 6 else each

    bits = first_pair(report, with_first(report, observed(change))).bits
    assert bits.different == 1
    assert bits.largest is not None
    assert 0 < bits.largest < 3e-16


def test_another_loss_curve_is_another_measurement(report: Report) -> None:
    def change(*losses: float, at: int = 4) -> Callable[[CheckResult], CheckResult]:
        curve = tuple(enumerate(losses))
        return observed(lambda index, each: replace(each, curve=curve) if index == at else each)

    one = with_first(report, change(1.0, 0.5, math.inf))
    assert first_pair(one, one).bits.different == 0
    bits = first_pair(one, with_first(report, change(1.0, 0.25, math.inf))).bits
    assert (bits.different, bits.largest) == (1, 0.5)
    bits = first_pair(one, with_first(report, change(1.0, 0.5, 1e300))).bits
    assert (bits.different, bits.largest) == (1, 0.0)
    pair = first_pair(one, report)
    assert (pair.bits.different, pair.is_same) == (1, False)


def test_a_loss_curve_is_that_of_its_run_whichever_observation_has_it(report: Report) -> None:
    def change(has_it: int) -> Callable[[CheckResult], CheckResult]:
        return observed(
            lambda index, each: (
                replace(each, key="0" * 12, curve=((0, 1.0),) if index == has_it else ()) if index in (0, 1) else each
            )
        )

    assert first_pair(with_first(report, change(0)), with_first(report, change(1))).bits.different == 0


def test_what_runs_were_carried_out_under_is_named_where_it_differs(report: Report) -> None:
    other = replace(
        report,
        seed=8,
        environment=Environment((("python", "CPython 3.13"), ("numpy", "2.5.0"), ("sources.kernels", "ab"))),
        claims=(replace(report.claims[0], digest="1" * 64), *report.claims[1:]),
    )
    assert side_by_side(report, other).settings == (
        Setting("seed", "7", "8"),
        Setting("numpy", "not known", "2.5.0"),
        Setting("sources.kernels", "not known", "ab"),
        Setting("claim perturbation-bound", "000000000000", "111111111111"),
    )
