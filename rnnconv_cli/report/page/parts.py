"""A report as the parts of a page: what a template needs to know of each claim and check, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from rnnconv_cli.records import CheckResult, ClaimResult, ControlResult, Report, Verdict
from rnnconv_cli.report.figures.data import figure_of
from rnnconv_cli.report.figures.figure import Figure, Table
from rnnconv_cli.report.layout import signed
from rnnconv_cli.report.page import asked, glossary, words
from rnnconv_cli.report.page.commands import Command, commands
from rnnconv_cli.report.page.numbers import beside, diagnostics, drawn
from rnnconv_cli.report.page.settings import counts, settings
from rnnconv_cli.report.planned import left_out, within_budget
from rnnconv_cli.report.standing import warning
from rnnconv_cli.report.table import EXIT_WORDS
from rnnconv_cli.sweep.progress import duration

OWN_PLACES = ("contents", "reading", "claims")  # of the template
MARKS: Mapping[Verdict, str] = {
    Verdict.WITHIN: "✓",
    Verdict.OUTSIDE: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.MEASURED: "–",
}
FACTS = {
    "command": "command",
    "date": "date",
    "cpu": "processor",
    "usable_cores": "usable cores",
    "jobs": "worker processes",
    "platform": "system",
    "python": "Python",
    "numpy": "NumPy",
    "numba": "numba",
    "scipy": "SciPy",
    "commit": "commit of the sources",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A verdict in a mark and a word; the look only repeats them in colour."""

    look: str
    mark: str
    word: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure of a check, and what the ids in its SVG begin with: no two figures of a page share one."""

    prefix: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class CheckPart:
    """One check, with its words."""

    anchor: str
    check: CheckResult
    badge: Badge
    standing: str
    question: str
    verdict: str
    predicted: str
    measured: str
    brief: str  # what was measured, in a cell
    slack: str
    slack_number: str
    worst: str
    swept: str
    drawing: Drawing | None
    drawn: tuple[Table, ...]  # its numbers
    diagnostics: Table | None
    control_badge: Badge
    control_expected: str
    control_found: str
    settings: Table | None
    counts: Table | None
    beside: tuple[Table, ...]
    lost: str  # what a budget has left out
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class ClaimPart:
    """One claim, with its checks."""

    anchor: str
    claim: ClaimResult
    badge: Badge
    tally: str
    checks: tuple[CheckPart, ...]


@dataclass(frozen=True, slots=True)
class ResultPart:
    """One result: what was run, and what it says."""

    anchor: str
    name: str
    report: Report
    tally: str
    status: str
    warning: str
    plan: str
    facts: Table
    all_facts: Table
    claims: tuple[ClaimPart, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A report, and the name of the file that it stands in."""

    name: str
    report: Report


class Anchors:
    """Names of places in the page: readable, and each once."""

    def __init__(self) -> None:
        self._taken = set(OWN_PLACES)
        self._figures = 0

    def of(self, *names: str) -> str:
        """A name for a place that these words lead to, which no other place has."""
        wanted = "/".join(re.sub(r"[^a-z0-9-]", "-", name.lower())[:80] or "-" for name in names)
        free = next(each for each in _numbered(wanted) if each not in self._taken)
        self._taken.add(free)
        return free

    def of_figure(self) -> str:
        """What the ids of the next figure begin with: no place has a point in its name."""
        self._figures += 1
        return f"figure.{self._figures}"


def _numbered(wanted: str) -> Iterator[str]:
    yield wanted
    yield from (f"{wanted}/{number}" for number in count(2))


def parts(sources: Sequence[Source]) -> tuple[ResultPart, ...]:
    """Every result with its claims and checks, in the order given."""
    anchors = Anchors()
    return tuple(_result(source, anchors, f"result-{number}") for number, source in enumerate(sources, start=1))


def badge(verdict: Verdict, as_expected: bool | None) -> Badge:
    """A verdict's mark and word; one that contradicts its expectation says so."""
    word = glossary.SHORT[verdict]
    against = f"{word}, against expectation" if as_expected is False else word
    return Badge(_look(verdict, as_expected), MARKS[verdict], against)


def _look(verdict: Verdict, as_expected: bool | None) -> str:
    return "against" if as_expected is False else str(verdict)


def _control_badge(control: ControlResult) -> Badge:
    return Badge("as-it-must", "✓", "as it must") if control.as_expected else Badge("against", "✗", "not as it must")


def _result(source: Source, anchors: Anchors, name: str) -> ResultPart:
    report = source.report
    anchor = anchors.of(name)
    return ResultPart(
        anchor=anchor,
        name=source.name,
        report=report,
        tally=words.tally([check for claim in report.claims for check in claim.checks]),
        status=f"{report.exit_status}: {EXIT_WORDS.get(report.exit_status, 'see the reasons')}",
        warning=warning(report),
        plan="" if report.plan is None else within_budget(report.plan),
        facts=_facts(report),
        all_facts=_all_facts(report),
        claims=tuple(_claim(claim, source, anchors) for claim in report.claims),
    )


def _facts(report: Report) -> Table:
    """What was run, where, with what, and how long it took, for people."""
    known = dict(report.environment.facts)
    total = dict(report.timing.seconds).get("total")
    rows = [
        ("profile", f"{report.profile}, which says how many sizes and draws are measured"),
        ("seed", f"{report.seed}: the same seed gives the same numbers"),
        ("rnnconv", f"{report.tool_version}, {report.backend} kernels"),
        *((label, _fact(known[name])) for name, label in FACTS.items() if known.get(name) is not None),
        *([("took", duration(total))] if total is not None else []),
        *_before(known),
    ]
    return Table("The run", ("fact", "value"), tuple(rows))


def _before(known: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """That trials were measured by an earlier run, whose conditions are the same but for time and place."""
    found, measured = known.get("trials_found"), known.get("trials_measured")
    if isinstance(found, int) and isinstance(measured, int) and found > 0:
        yield "from the store", f"{found} of {found + measured} trials, which an earlier run has measured"


def _all_facts(report: Report) -> Table:
    facts = ((name, _fact(value)) for name, value in report.environment.facts)
    phases = ((f"seconds: {name}", f"{seconds:.1f}") for name, seconds in report.timing.seconds)
    return Table("Every fact that was recorded", ("fact", "value"), (*facts, *phases))


def _fact(value: str | int | float | bool | None) -> str:
    return "not known" if value is None else str(value).replace(",", ", ")


def _claim(claim: ClaimResult, source: Source, anchors: Anchors) -> ClaimPart:
    return ClaimPart(
        anchor=anchors.of(claim.id),
        claim=claim,
        badge=Badge(_look(claim.verdict, claim.as_expected), MARKS[claim.verdict], words.of_claim(claim)),
        tally=words.tally(claim.checks),
        checks=tuple(_check(claim.id, check, source, anchors) for check in claim.checks),
    )


def _check(claim: str, check: CheckResult, source: Source, anchors: Anchors) -> CheckPart:
    report, control = source.report, check.control
    anchor = anchors.of(claim, check.id)
    shown = figure_of(check)
    return CheckPart(
        anchor=anchor,
        check=check,
        badge=badge(check.verdict, check.as_expected),
        standing=glossary.STANDING.get(check.status, check.status),
        question=asked.question(check),
        verdict=words.verdict(check),
        predicted=asked.predicted(check),
        measured=words.measured(check),
        brief=words.brief(check),
        slack=words.slack(check),
        slack_number=signed(check.finding.slack),
        worst=words.worst(check),
        swept=asked.swept(check.parameter),
        drawing=None if shown is None else Drawing(anchors.of_figure(), shown),
        drawn=() if shown is None else drawn(check, shown.tables),
        diagnostics=diagnostics(check),
        control_badge=_control_badge(control),
        control_expected=words.must(check),
        control_found=words.sentence(control.finding.because),
        settings=settings(check),
        counts=counts(check),
        beside=beside(check.exhibits),
        lost="" if report.plan is None else left_out(report.plan, claim, check.id),
        commands=commands(claim, check, report, source.name),
    )
