"""A report as JUnit XML, for whatever shows the tests of a build: a suite for each claim, a case for each check.

Names hold no number, so that a case keeps its history. The checks of a run share trials and processes: none has a time
of its own, and only the whole run has one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rnnconv_cli.judge.words import out_of_reach
from rnnconv_cli.records import MAIN, CheckResult, ClaimResult, Frontier, IdentityError, Place, Report
from rnnconv_cli.report.estimates import measured_in_full
from rnnconv_cli.report.layout import PLAIN, Style, quantity, signed
from rnnconv_cli.report.plain import visible
from rnnconv_cli.report.standing import Standing, expectation, reason, run_reasons, standing

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'
NUMBERS = {  # what the number of an estimate is, by kind
    "exponent": "exponent",
    "attainment": "exponent",
    "growth": "rate",
    "event": "probability",
    "identity": "error",
    "decay": "steps-growth",
    "frontier": "exponent",
}
OUTCOMES = {  # element and type of what is not fine
    Standing.CONTRADICTED: ("failure", "contradicts-expectation"),
    Standing.UNMEASURED: ("error", "could-not-measure"),
    Standing.UNDECIDED: ("skipped", "inconclusive"),
}

COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}  # attributes of a suite


def render(report: Report, style: Style = PLAIN) -> str:
    """The report as one XML document in ASCII, which is UTF-8 too; no style changes it."""
    from xml.etree.ElementTree import Element, indent, tostring

    suites = [_suite(claim, report) for claim in report.claims]
    if whole := run_reasons(report):
        suites.append(_of_run(whole))
    root = Element("testsuites", {"name": "rnnconv", **_counts(suites), "time": f"{_seconds(report):.3f}"})
    root.extend(suites)
    indent(root, " ")
    body: bytes = tostring(root, encoding="us-ascii", xml_declaration=False)
    return HEADER + body.decode("ascii") + "\n"


def _suite(claim: ClaimResult, report: Report) -> Element:
    places = {place.check: place for place in report.places if place.claim == claim.id}
    cases = [_case(claim, check, places.get(check.id), report) for check in claim.checks]
    suite = _element("testsuite", name=claim.id)
    ran = {"profile": report.profile, "seed": report.seed, "backend": report.backend, "version": report.tool_version}
    suite.append(_properties({**ran, "title": claim.title, "source": claim.source, "verdict": claim.verdict}))
    suite.extend(cases)
    suite.attrib.update(_numbers_of(cases))
    return suite


def _of_run(reasons: tuple[str, ...]) -> Element:
    """A suite for what is wrong with the run as a whole, so that no build is green that should not be."""
    case = _element("testcase", classname="rnnconv", name="run")
    case.append(_element("error", "\n".join(map(_clean, reasons)), message=reasons[0], type="run"))
    suite = _element("testsuite", name="rnnconv")
    suite.append(case)
    suite.attrib.update(_numbers_of([case]))
    return suite


def _case(claim: ClaimResult, check: CheckResult, place: Place | None, report: Report) -> Element:
    where = {} if place is None else {"file": place.path, "line": str(place.line)}
    case = _element("testcase", classname=claim.id, name=check.id, **where)
    case.append(_properties(dict(facts(check, report))))
    found = standing(check)
    said = "\n".join(map(_clean, sentences(check)))
    if found is Standing.FINE:
        case.append(_element("system-out", said))
    else:
        tag, kind = OUTCOMES[found]
        case.append(_element(tag, said, message=_message(check, found), type=kind))
    return case


def _message(check: CheckResult, found: Standing) -> str:
    if found is Standing.CONTRADICTED:
        return f"{expectation(check)}: {reason(check)}"
    return reason(check) if found is Standing.UNMEASURED else check.finding.settle or reason(check)


def sentences(check: CheckResult) -> Iterator[str]:
    """What a reader of a build's log wants to know."""
    yield f"because {reason(check)}"
    yield f"predicted {check.predicted.text}, measured {measured_in_full(check.finding.estimate, check.parameter)}"
    if check.finding.slack is not None:
        yield f"slack {signed(check.finding.slack)}"
    control = check.control
    yield f"control {control.finding.verdict}, expected {control.expected}: {control.description}"
    yield f"source {check.source} ({check.status}): {check.statement}"


def facts(check: CheckResult, report: Report) -> Iterator[tuple[str, object]]:
    """The numbers of a check, and the words that tell them apart."""
    estimate, predicted = check.finding.estimate, check.predicted
    yield from (("kind", check.kind), ("quantity", check.quantity), ("parameter", check.parameter))
    yield from (("verdict", check.verdict), ("expected", check.expected), ("control", check.control.finding.verdict))
    if estimate is not None:
        yield NUMBERS.get(check.kind, "value"), estimate.value
        for name in ("low", "high", "level"):
            yield name, getattr(estimate, name, None)
    if isinstance(estimate, IdentityError):
        yield "allowed", estimate.allowed
    if isinstance(estimate, Frontier):
        for point, width in zip(estimate.points, estimate.widths, strict=True):
            yield f"width at {quantity(point)}", None if out_of_reach(width) else width
    yield from (("predicted", predicted.number), ("side", predicted.side), ("tolerance", predicted.tolerance))
    yield from (("earned", predicted.earned), ("slack", check.finding.slack))
    yield "trials", len({each.key for each in check.observations if each.arm == MAIN})
    yield from (("profile", report.profile), ("seed", report.seed), ("adversary", check.worst_adversary))


def _properties(facts: Mapping[str, object]) -> Element:
    """What is known of these facts; a number to its last digit."""
    found = _element("properties")
    for name, value in facts.items():
        if value is None or (isinstance(value, float) and math.isnan(value)):
            continue
        text = repr(value) if isinstance(value, float) else str(value)
        found.append(_element("property", name=name, value=text))
    return found


def _numbers_of(cases: list[Element]) -> dict[str, str]:
    found = {name: sum(case.find(tag) is not None for case in cases) for name, tag in COUNTED.items()}
    return {"tests": str(len(cases)), **{name: str(count) for name, count in found.items()}}


def _counts(suites: list[Element]) -> dict[str, str]:
    return {name: str(sum(int(suite.attrib[name]) for suite in suites)) for name in ("tests", *COUNTED)}


def _seconds(report: Report) -> float:
    return dict(report.timing.seconds).get("total", 0.0)


def _element(tag: str, text: str | None = None, **attributes: str) -> Element:
    from xml.etree.ElementTree import Element

    found = Element(tag, {name: _clean(value) for name, value in attributes.items()})
    found.text = text
    return found


def _clean(text: str) -> str:
    """The text without characters that XML 1.0 lacks."""
    return visible(text)
