"""Observations of a check → its verdict, its control's, and one sentence that says why; then claims, then the run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from rnnconv_cli.errors import EXIT_CONTRADICTED, EXIT_COULD_NOT_MEASURE, EXIT_INCONCLUSIVE
from rnnconv_cli.judge import frontier, scaling
from rnnconv_cli.judge.counting import event_finding, identity_finding
from rnnconv_cli.judge.envelope import envelope, worst_adversary
from rnnconv_cli.judge.unmeasured import could_not_measure, failures_among
from rnnconv_cli.judge.words import path, shortened
from rnnconv_cli.records import (
    AGAINST_THE_CLAIM,
    CONTROL,
    MAIN,
    Cell,
    CheckResult,
    ClaimResult,
    ControlResult,
    ExhibitResult,
    Finding,
    Observation,
    Predicted,
    Trial,
    Verdict,
)
from rnnconv_cli.spec.claim import Arm, Claim, EventPrediction, Exhibit, FrontierPrediction, IdentityPrediction
from rnnconv_cli.spec.loader import LoadedCheck, LoadedClaim
from rnnconv_cli.spec.rules import error_share

LONGEST_NAME = 60  # characters of a control's description inside a sentence


def level(claim: Claim) -> float:
    """The level of every interval of a claim: 1 - 0.05 / number of its checks (Bonferroni), shown and judged alike."""
    return 1 - error_share(len(claim.checks))


def judge_arm(
    arm: Arm, observations: Sequence[Observation], *, level: float, is_count: bool, seconds: float
) -> tuple[Finding, Predicted, str | None]:
    """The finding of one arm, its prediction in words, and the adversary that was most often the worst.

    `seconds` are the predicted core-seconds of its trials: what would settle it is priced by them.
    """
    smallest = arm.perturbation is not None and arm.perturbation.worst == "smallest"
    match arm.prediction:
        case EventPrediction() as prediction:
            finding, predicted = event_finding(
                arm, prediction, observations, smallest=smallest, level=level, seconds=seconds
            )
        case IdentityPrediction() as prediction:
            finding, predicted = identity_finding(arm, prediction, observations, smallest=smallest)
        case FrontierPrediction() as prediction:
            finding, predicted = frontier.finding(arm, prediction, observations, level=level, seconds=seconds)
        case _:
            finding, predicted = scaling.finding(
                arm, observations, smallest=smallest, level=level, is_count=is_count, seconds=seconds
            )
    return finding, predicted, worst_adversary(observations, smallest=smallest)


def judge_check(
    loaded: LoadedCheck,
    observations: Sequence[Observation],
    *,
    claim: Claim,
    level: float,
    is_count: Mapping[str, bool],
    definitions: Mapping[str, str],
    price: Callable[[Trial], float],
) -> CheckResult:
    """A check with its control and its exhibits. No verdict where the control does not come out as expected.

    Nor is there one where a trial of either could not be carried out: what fails need not fail by chance. A trial's
    `price` is its predicted core-seconds.
    """
    check = loaded.check
    arms = {name: [each for each in observations if each.arm == name] for name in {each.arm for each in observations}}

    def judged(arm: Arm, name: str) -> tuple[Finding, Predicted, str | None]:
        own = arms.get(name, [])
        seconds = sum(map(price, dict.fromkeys(each.trial for each in own)))
        return judge_arm(arm, own, level=level, is_count=is_count.get(arm.quantity, False), seconds=seconds)

    main, predicted, worst = judged(check, MAIN)
    found, _, _ = judged(loaded.control, CONTROL)
    expected = Verdict(check.control.expected)
    changed = loaded.control.quantity
    is_measured = found.estimate is not None or found.verdict is not Verdict.INCONCLUSIVE
    as_expected = found.verdict is expected and is_measured  # what could not be measured shows nothing
    control = ControlResult(
        check.control.description, changed, definitions.get(changed, ""), expected, found, as_expected
    )
    verdict, because, main = _weighed(main, control, failures_among([*arms.get(MAIN, []), *arms.get(CONTROL, [])]))
    return CheckResult(
        id=check.id,
        source=check.source.text,
        statement=check.statement,
        quantity=check.quantity,
        definition=definitions.get(check.quantity, ""),
        parameter=check.sweep.parameter,
        path=path(check.sweep.path),
        kind=check.prediction.kind,
        status=check.status or claim.status,
        verdict=verdict,
        expected=Verdict(check.expected),
        as_expected=_as_expected(verdict, Verdict(check.expected)),
        because=because,
        predicted=predicted,
        finding=main,
        control=control,
        exhibits=tuple(
            _exhibit(exhibit, check, arm, arms.get(MAIN, []), arms.get(exhibit.id, []), level)
            for exhibit, arm in loaded.exhibits
        ),
        worst_adversary=worst,
        observations=tuple(observations),
        notes=check.notes,
        worst="largest" if check.perturbation is None else check.perturbation.worst,
    )


def judge_claim(claim: LoadedClaim, checks: Sequence[CheckResult]) -> ClaimResult:
    """A claim with its checks; as expected if no check contradicts its expectation."""
    verdict = _together(check.verdict for check in checks)
    contradicted = any(check.as_expected is False for check in checks)
    undecided = verdict in (Verdict.INCONCLUSIVE, Verdict.MEASURED)
    return ClaimResult(
        id=claim.claim.id,
        title=claim.claim.title,
        source=claim.claim.source.text,
        statement=claim.claim.statement,
        digest=claim.digest,
        verdict=verdict,
        expected=_together(check.expected for check in checks),
        as_expected=False if contradicted else None if undecided else True,
        checks=tuple(checks),
    )


def exit_status(claims: Sequence[ClaimResult], *, strict: bool) -> tuple[int, tuple[str, ...]]:
    """The exit status that the results call for, and every reason, the most important first: 5, then 3, then 4."""
    checks = [(f"{claim.id}/{check.id}", check) for claim in claims for check in claim.checks]
    failed = tuple(f"{name}: {obstacle}" for name, check in checks if (obstacle := could_not_measure(check)))
    contradicted = tuple(
        f"{name}: {check.verdict}, expected {check.expected}" for name, check in checks if check.as_expected is False
    )
    undecided = tuple(
        f"{name}: inconclusive, {check.because}"
        for name, check in checks
        if strict and check.verdict is Verdict.INCONCLUSIVE
    )
    statuses = ((failed, EXIT_COULD_NOT_MEASURE), (contradicted, EXIT_CONTRADICTED), (undecided, EXIT_INCONCLUSIVE))
    status = next((status for reasons, status in statuses if reasons), 0)
    return status, failed + contradicted + undecided


def _weighed(main: Finding, control: ControlResult, failures: str) -> tuple[Verdict, str, Finding]:
    """Verdict, reason and price."""
    if failures:
        return Verdict.INCONCLUSIVE, failures, replace(main, settle="trials that can be carried out")
    if control.as_expected:
        return main.verdict, main.because, main
    price = control.finding.settle or "a change that breaks the statement"
    own = f"; {main.settle}" if main.settle else ""
    return Verdict.INCONCLUSIVE, _without_power(control), replace(main, settle=f"for the control: {price}{own}")


def _without_power(control: ControlResult) -> str:
    name = shortened(control.description, LONGEST_NAME)
    if control.finding.verdict is control.expected:
        return f"no power: the control ({name}) could not be measured"
    return f"no power: the control ({name}) is {control.finding.verdict}, expected {control.expected}"


def _as_expected(verdict: Verdict, expected: Verdict) -> bool | None:
    return None if verdict in (Verdict.INCONCLUSIVE, Verdict.MEASURED) else verdict is expected


def _together(verdicts: Iterable[Verdict]) -> Verdict:
    """Outside if one is, else inconclusive if one is, else within if one is; measured if all are."""
    found = set(verdicts)
    order = (Verdict.OUTSIDE, Verdict.INCONCLUSIVE, Verdict.WITHIN)
    return next((verdict for verdict in order if verdict in found), Verdict.MEASURED)


def _exhibit(
    exhibit: Exhibit,
    check: Arm,
    arm: Arm,
    main: Sequence[Observation],
    observations: Sequence[Observation],
    level: float,
) -> ExhibitResult:
    """Median and range over replicates at the last point; of a frontier, at the largest width there, and its m*."""
    estimate, price = frontier.beside(check, arm, main, observations, level=level)
    smallest = arm.perturbation is not None and arm.perturbation.worst == "smallest"
    last = max(((each.point, each.trial.problem.width) for each in observations), default=(1.0, 0))
    there = [each for each in observations if (each.point, each.trial.problem.width) == last]
    values = sorted(value for _, cell in envelope(there, smallest=smallest) if (value := _shown(cell)) is not None)
    middle = median(values) if values else math.nan
    counts = Counter(each.status.value for each in there)
    return ExhibitResult(
        id=exhibit.id,
        description=exhibit.description,
        parameter=arm.sweep.parameter,
        point=last[0],
        median=_finite(middle),
        low=_finite(values[0]) if values else None,
        high=_finite(values[-1]) if values else None,
        counts=tuple(sorted(counts.items())),
        estimate=estimate,
        price=price,
    )


def _shown(cell: Cell) -> float | None:
    return math.inf if cell.status in AGAINST_THE_CLAIM else cell.value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
