"""A report as a table for people: for each check a row of figures, its source, and one sentence that says why."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set

from rich.console import RenderableType
from rich.text import Text

from rnnconv_cli.errors import EXIT_CONTRADICTED, EXIT_COULD_NOT_MEASURE, EXIT_INCONCLUSIVE
from rnnconv_cli.judge.unmeasured import could_not_measure
from rnnconv_cli.records import (
    AGAINST_THE_CLAIM,
    TANGENT,
    CheckResult,
    ClaimResult,
    ExhibitResult,
    Frontier,
    IdentityError,
    Observation,
    Price,
    Report,
    Status,
    Verdict,
)
from rnnconv_cli.report.estimates import measured, smallest_widths
from rnnconv_cli.report.layout import (
    PLAIN,
    Style,
    amount,
    heading,
    painted,
    paragraph,
    quantity,
    row,
    rule,
    signed,
    verdict,
    words,
)
from rnnconv_cli.report.planned import left_out, within_budget
from rnnconv_cli.report.sparkline import curve
from rnnconv_cli.report.standing import control_in_a_word, warning

FIGURES = (("predicted", 17), ("measured", 23), ("slack", 6), ("control", 8), ("verdict", 12))  # columns and widths
CHECK_WIDTH = 29  # gradient-smallest-in-training
FULL_WIDTH = CHECK_WIDTH + sum(width + 1 for _, width in FIGURES)  # below it, the check stands on a line of its own
INDENT = 2
CONTRADICTS = "(!)"
SPOILING = AGAINST_THE_CLAIM | {Status.FAILED}  # one adversary is enough
EXIT_WORDS = {
    0: "no verdict contradicts its expectation",
    EXIT_CONTRADICTED: "a verdict contradicts its expectation",
    EXIT_INCONCLUSIVE: "a check is inconclusive, and --strict was asked for",
    EXIT_COULD_NOT_MEASURE: "something could not be measured",
}
NOT_KEPT = "all was measured, but something could not be kept or written"  # the same status, which no check is behind


def render(report: Report, style: Style = PLAIN) -> str:
    """The report as lines of text, at most `style.width` columns wide."""
    return painted((*_claims(report, style), *_summary(report, style)), style)


def _claims(report: Report, style: Style) -> Iterator[RenderableType]:
    for claim in report.claims:
        checks = [check for check in claim.checks if not style.brief or _needs_attention(check)]
        if style.brief and not checks:
            continue
        yield heading(f"{claim.id}: {claim.title}", style)
        yield paragraph("source", claim.source, style, indent=INDENT)
        yield paragraph("verdict", verdict(_claim_verdict(claim), style), style, indent=INDENT)
        yield words("", style)
        yield _column_names(checks, style)
        for check in checks:
            lost = left_out(report.plan, claim.id, check.id) if report.plan is not None else ""
            yield from _check(check, lost, style)
        yield words("", style)


def _needs_attention(check: CheckResult) -> bool:
    return check.as_expected is False or check.verdict is Verdict.INCONCLUSIVE


def _claim_verdict(claim: ClaimResult) -> str:
    return f"{_marked(claim.verdict, claim.as_expected)}, expected {claim.expected}"


def _marked(word: Verdict, as_expected: bool | None) -> str:
    return f"{word} {CONTRADICTS}" if as_expected is False else str(word)


def _column_names(checks: Sequence[CheckResult], style: Style) -> RenderableType:
    estimates = [check.finding.estimate for check in checks]
    levels = {each.level for each in estimates if each is not None and not isinstance(each, IdentityError)}
    at = f" at {100 * max(levels):.4g}%" if len(levels) == 1 else " [interval]"
    names = [f"measured{at}" if name == "measured" else name for name, _ in FIGURES]
    return _line("check", [words(name, style, "bold") for name in names], style)


def _line(first: str, figures: Sequence[Text], style: Style) -> RenderableType:
    widths = [width for _, width in FIGURES]
    if style.width >= FULL_WIDTH:
        lines = Text("\n").join(words(each, style, "bold") for each in textwrap.wrap(first, CHECK_WIDTH))
        return row((lines, *figures), (CHECK_WIDTH, *widths))
    return row(figures, widths, indent=INDENT)


def _check(check: CheckResult, lost: str, style: Style) -> Iterator[RenderableType]:
    if style.width < FULL_WIDTH:
        yield words(check.id, style, "bold")
    figures = (
        words(check.predicted.text, style),
        words(measured(check.finding.estimate), style),
        words(signed(check.finding.slack), style),
        verdict(control_in_a_word(check), style),
        verdict(_marked(check.verdict, check.as_expected), style),
    )
    yield _line(check.id, figures, style)
    for label, text in _remarks(check, style):
        yield paragraph(label, text, style)
    if lost:
        yield paragraph("left out", lost, style)


def _remarks(check: CheckResult, style: Style) -> Iterator[tuple[str, str]]:
    expected = "" if check.expected is Verdict.WITHIN else f", expected {check.expected}"
    yield "source", f"{check.source} ({check.status}{expected})"
    if check.path:
        yield "path", check.path
    yield "because", check.because
    if style.width >= FULL_WIDTH and not style.ascii_only and (drawn := curve(check)):
        yield "curve", drawn
    if isinstance(check.finding.estimate, Frontier):
        yield "widths", smallest_widths(check.finding.estimate, check.parameter or "point")
    if check.worst_adversary is not None:
        yield "worst", f"adversary {check.worst_adversary}"
    if not check.control.as_expected:
        control = check.control
        yield (
            "control",
            f"{control.description.removesuffix('.')}: expected {control.expected}; {control.finding.because}",
        )
    if unused := _unused([each for each in check.observations if each.arm == "main"]):
        yield "unused", unused
    for exhibit in check.exhibits:
        if not exhibit.id.startswith(TANGENT):
            yield "beside", _beside(exhibit)
    if tangent := _tangent(
        {each.id.removeprefix(TANGENT): each for each in check.exhibits if each.id.startswith(TANGENT)}
    ):
        yield "tangent", tangent
    if check.verdict is Verdict.INCONCLUSIVE and check.finding.settle:
        yield "settle", check.finding.settle


def _unused(observations: Sequence[Observation]) -> str:
    """Trials, over all their adversaries, that gave the fit no value, and why measuring failed where it did."""
    trials: dict[tuple[float, int, int], set[Status]] = defaultdict(set)
    for each in observations:
        trials[each.point, each.trial.problem.width, each.trial.replicate].add(each.status)
    lost = Counter(str(status) for statuses in trials.values() if (status := _lost(statuses)) is not None)
    why = next((_why(each) for each in observations if each.status is Status.FAILED), "")
    return f"{_counts(sorted(lost.items()))} of {amount(len(trials), 'trial')}{why}" if lost else ""


def _why(failed: Observation) -> str:
    """Why a trial failed, and how to have it fail again."""
    reason = f"; {failed.detail}" if failed.detail else ""
    return f"{reason}; replay it: rnnconv replay RESULT.json --trial {failed.key}"


def _lost(statuses: Set[Status]) -> Status | None:
    """The status that cost a trial its value; None for one adversary's zero beside another's value."""
    decisive = (statuses & SPOILING) or (statuses if Status.OK not in statuses else set())
    return next((status for status in Status if status in decisive), None)


def _price(estimate: Frontier, price: Price) -> str:
    """What m* of a check is in units of an exhibit's, on average and at each point, with the exhibit's exponent."""
    power = f"m* grows with exponent {measured(estimate)}; " if estimate.value is not None else ""
    mean = f"{quantity(price.value)} [{quantity(price.low)}, {quantity(price.high)}]"
    each = ", ".join(
        f"{quantity(ratio)} [{quantity(low)}, {quantity(high)}]"
        for ratio, low, high in zip(price.ratios, price.ratios_low, price.ratios_high, strict=True)
    )
    return f"{power}the check's m* is {mean} times as large ({each})"


def _beside(exhibit: ExhibitResult) -> str:
    if exhibit.estimate is not None and exhibit.price is not None:
        return f"{exhibit.id}: {_price(exhibit.estimate, exhibit.price)}; {exhibit.description}"
    where = f" at {exhibit.parameter} {quantity(exhibit.point)}" if exhibit.parameter else ""
    spread = f"median {quantity(exhibit.median)} ({quantity(exhibit.low)} to {quantity(exhibit.high)})"
    return f"{exhibit.id}: {spread}{where}; {_counts(exhibit.counts)}; {exhibit.description}"


def _tangent(found: Mapping[str, ExhibitResult]) -> str:
    """What the tangent kernel predicts of a run and what came out, in medians; from the start to the end of the run."""
    if not found:
        return ""
    shown = {name: quantity(each.median) for name, each in found.items()}
    parts = [
        f"{symbol}/m {shown[name]} at the start, {shown[f'{name}-after']} at the end"
        for symbol, name in (("lambda_max", "largest"), ("lambda_min", "smallest"))
        if {name, f"{name}-after"} <= shown.keys()
    ]
    if {"rate", "rate-predicted", "rate-predicted-after"} <= shown.keys():
        predicted = f"predicted {shown['rate-predicted']} from the start, {shown['rate-predicted-after']} from the end"
        parts.append(f"rate over the last decades {shown['rate']} per step, {predicted}")
    if "stable-step" in shown:
        parts.append(f"largest stable step {shown['stable-step']} x 2/lambda_max")
    return "; ".join(parts)


def _counts(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {status}" for status, count in counts)


def _summary(report: Report, style: Style) -> Iterator[RenderableType]:
    checks = [check for claim in report.claims for check in claim.checks]
    verdicts = Counter(check.verdict for check in checks)
    counted = _counts([(str(word), verdicts[word]) for word in Verdict if verdicts[word]])
    against = sum(check.as_expected is False for check in checks)
    seconds = dict(report.timing.seconds).get("total", 0.0)
    facts = (
        f"{len(checks)} check{'s' if len(checks) > 1 else ''}: {counted}" if checks else "no checks",
        f"{against} against expectation {CONTRADICTS}" if against else "none against expectation",
        f"profile {report.profile}, seed {report.seed}, {seconds:.1f} s",
        f"exit status {report.exit_status}: {_exit_words(report.exit_status, checks)}",
    )
    yield rule(style)
    if said := warning(report):
        yield paragraph("warning", said, style, indent=0)
    if report.plan is not None:
        yield paragraph("plan", within_budget(report.plan), style, indent=0)
    for reason in report.exit_reasons:
        yield paragraph("reason", reason, style, indent=0)
    yield verdict("; ".join(facts), style)


def _exit_words(status: int, checks: Sequence[CheckResult]) -> str:
    if status == EXIT_COULD_NOT_MEASURE and not any(map(could_not_measure, checks)):
        return NOT_KEPT
    return EXIT_WORDS.get(status, "see above")
