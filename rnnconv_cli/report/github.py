"""A report as workflow commands of GitHub Actions: annotations on the lines of claim files, the most pressing first.

GitHub shows ten of a kind for each step and hides the rest, so that the tenth says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnnconv_cli.records import CheckResult, Place, Report, Verdict
from rnnconv_cli.report.estimates import measured_in_full
from rnnconv_cli.report.layout import PLAIN, Style, signed
from rnnconv_cli.report.plain import ascii_only, visible
from rnnconv_cli.report.standing import Standing, expectation, reason, run_reasons, standing, summary, warning

MOST = 10  # of a kind
KINDS = ("error", "warning", "notice")
KIND_OF = {Standing.CONTRADICTED: "error", Standing.UNMEASURED: "error", Standing.UNDECIDED: "warning"}
STATUSES = ("theorem", "derived", "conjecture", "misprint")  # what a contradiction weighs
IN_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
IN_PROPERTY = IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})
Places = Mapping[tuple[str, str], Place]


@dataclass(frozen=True, slots=True)
class _Annotation:
    """One message, and the line that it is about."""

    kind: str
    title: str
    lines: tuple[str, ...]
    place: Place | None = None


def render(report: Report, style: Style = PLAIN) -> str:
    """The report as workflow commands, one on each line; at most ten of a kind."""
    every = [*(_Annotation("error", "rnnconv", (each,)) for each in run_reasons(report)), *_of_checks(report)]
    if amiss := warning(report):
        every.append(_Annotation("warning", "rnnconv", (amiss,)))
    if not style.brief:
        every.append(_Annotation("notice", "rnnconv", (summary(report),)))
    shown = [each for kind in KINDS for each in _at_most(kind, [one for one in every if one.kind == kind])]
    return "".join(_command(each, style) + "\n" for each in shown)


def _of_checks(report: Report) -> Iterator[_Annotation]:
    places = {(place.claim, place.check): place for place in report.places}
    found = [(claim.id, check) for claim in report.claims for check in claim.checks]
    for claim, check in sorted(found, key=lambda each: _pressing(each[1])):
        kind = KIND_OF.get(standing(check))
        if kind is not None:
            title = f"{claim}/{check.id}: {_headline(check)}"
            yield _Annotation(kind, title, tuple(_message(check)), places.get((claim, check.id)))


def _pressing(check: CheckResult) -> tuple[int, int]:
    status = STATUSES.index(check.status) if check.status in STATUSES else len(STATUSES)
    return list(Standing).index(standing(check)), status


def _headline(check: CheckResult) -> str:
    found = standing(check)
    return expectation(check) if found is Standing.CONTRADICTED else str(found)


def _message(check: CheckResult) -> Iterator[str]:
    yield reason(check)
    found = measured_in_full(check.finding.estimate, check.parameter)
    slack = "" if check.finding.slack is None else f", slack {signed(check.finding.slack)}"
    yield f"predicted {check.predicted.text}, measured {found}{slack}"
    yield f"{check.source} ({check.status}): {check.statement}"
    if check.verdict is Verdict.INCONCLUSIVE and check.finding.settle:
        yield f"to settle it: {check.finding.settle}"


def _at_most(kind: str, found: Sequence[_Annotation]) -> Sequence[_Annotation]:
    if len(found) <= MOST:
        return found
    hidden = len(found) - MOST + 1
    return (*found[: MOST - 1], _Annotation(kind, "rnnconv", (f"… and {hidden} more: the results have them all",)))


def _command(each: _Annotation, style: Style) -> str:
    where = {} if each.place is None else {"file": each.place.path, "line": str(each.place.line)}
    properties = ",".join(
        f"{name}={_shown(text, style).translate(IN_PROPERTY)}" for name, text in {**where, "title": each.title}.items()
    )
    message = "\n".join(_shown(line, style) for line in each.lines)
    return f"::{each.kind} {properties}::{message.translate(IN_MESSAGE)}"


def _shown(text: str, style: Style) -> str:
    safe = visible(text)
    return ascii_only(safe) if style.ascii_only else safe
