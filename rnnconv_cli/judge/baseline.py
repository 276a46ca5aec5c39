"""A report → the numbers that later runs are compared with."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence

from rnnconv_cli.records import (
    CONTROL,
    LEAST_KEPT_LEVEL,
    MAIN,
    Baseline,
    CheckResult,
    Decay,
    Estimate,
    Exponent,
    Finding,
    Frontier,
    Growth,
    IdentityError,
    KeptArm,
    KeptCheck,
    KeptNumber,
    Observation,
    Probability,
    Report,
)

DIGEST_DIGITS = 12  # hexadecimal
END_DIGITS = 4
LEVEL_DECIMALS = 9
MOST_DECIMALS = 15  # that a number near 1 has


def kept(report: Report, conditions: tuple[tuple[str, str], ...], date: str) -> Baseline:
    """The numbers of a run, with the conditions that its trials were measured under."""
    return Baseline(
        date=date,
        tool_version=report.tool_version,
        profile=report.profile,
        seed=report.seed,
        backend=report.backend,
        conditions=conditions,
        claims=tuple((claim.id, claim.digest[:DIGEST_DIGITS]) for claim in report.claims),
        checks=tuple(_check(claim.id, check, _left_out(report)) for claim in report.claims for check in claim.checks),
    )


def _left_out(report: Report) -> dict[tuple[str, str, str], int]:
    """How many replicates of its profile each arm (claim, check, arm) lacks for want of time."""
    planned = report.plan.arms if report.plan else ()
    return {(each.claim, each.check, each.arm): each.replicates_left_out for each in planned}


def _check(claim: str, check: CheckResult, left_out: Mapping[tuple[str, str, str], int]) -> KeptCheck:
    main, control = check.finding, check.control.finding

    def arm(finding: Finding, name: str) -> KeptArm:
        observations = [each for each in check.observations if each.arm == name]
        return _arm(finding, observations, left_out.get((claim, check.id, name), 0))

    return KeptCheck(
        claim,
        check.id,
        check.verdict,
        arm(main, MAIN),
        arm(control, CONTROL),
    )


def _arm(finding: Finding, observations: Sequence[Observation], left_out: int) -> KeptArm:
    kind, points, count, holds, numbers = _figures(finding.estimate)
    level = round(getattr(finding.estimate, "level", 0.0), LEVEL_DECIMALS)
    known = level if LEAST_KEPT_LEVEL <= level < 1 else None
    draws = len({each.trial.replicate for each in observations})
    trials = _digest(observations)
    return KeptArm(finding.verdict, kind, points, known, count, holds, trials, tuple(numbers), draws, left_out)


def _digest(observations: Iterable[Observation]) -> str:
    """What the trials of an arm are found by: the same for the same seed, grid, draws and settings; empty for none."""
    keys = sorted({each.key for each in observations})
    return hashlib.sha256(" ".join(keys).encode()).hexdigest()[:DIGEST_DIGITS] if keys else ""


def _figures(
    estimate: Estimate | None,
) -> tuple[str, tuple[float, ...], int, int | None, Sequence[KeptNumber]]:
    """Kind, fitted points, what is counted, how often an event held, and the numbers of an estimate."""
    match estimate:
        case None:
            return "", (), 0, None, ()
        case Probability():
            number = _number("probability", estimate.value, estimate.low, estimate.high, None)
            return "probability", (), estimate.trials, estimate.holds, (number,)
        case IdentityError():
            return "identity-error", (), estimate.trials, None, (_number("error", estimate.value, None, None, None),)
        case Exponent():
            return "exponent", estimate.points, estimate.replicates, None, (_slope("exponent", estimate),)
        case Growth():
            return "growth", estimate.points, estimate.replicates, None, (_slope("rate", estimate),)
        case Decay():
            rate = _number("rate", estimate.rate, estimate.rate_low, estimate.rate_high, None, by_ratio=True)
            points = tuple(map(float, estimate.tail))
            return "decay", points, estimate.replicates, None, (_slope("steps-growth", estimate), rate)
        case Frontier():
            return "frontier", estimate.points, estimate.groups, None, _widths(estimate)


def _slope(name: str, estimate: Exponent | Growth | Decay) -> KeptNumber:
    return _number(name, estimate.value, estimate.low, estimate.high, estimate.scatter)


def _widths(estimate: Frontier) -> tuple[KeptNumber, ...]:
    found = zip(estimate.points, estimate.widths, estimate.widths_low, estimate.widths_high, strict=True)
    widths = (
        _number(f"m* at {_exact(point)}", width, low, high, None, by_ratio=True) for point, width, low, high in found
    )
    power = _number("exponent", estimate.value, estimate.low, estimate.high, estimate.scatter)
    return (*(() if estimate.value is None else (power,)), *widths)


def _exact(point: float) -> str:
    """A point in as few digits as tell it from any other."""
    return short if float(short := f"{point:g}") == point else repr(point)


def _number(
    name: str,
    value: float | None,
    low: float | None,
    high: float | None,
    scatter: float | None,
    *,
    by_ratio: bool = False,
) -> KeptNumber:
    """A number to its last bit; its ends, which only say how far it may be by chance, to a ten-thousandth of that."""
    near, low, high = _finite(value), _finite(low), _finite(high)
    distances = [abs(end - near) for end in (low, high) if end is not None and near is not None and end != near]
    decimals = END_DIGITS - math.floor(math.log10(min(distances))) if distances else None
    if decimals is not None and decimals < MOST_DECIMALS:
        low, high = (None if end is None else round(end, decimals) for end in (low, high))
    return KeptNumber(name, near, low, high, _rounded(_finite(scatter)), by_ratio)


def _rounded(scatter: float | None) -> float | None:
    return scatter and float(f"{scatter:.{END_DIGITS}e}")


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
