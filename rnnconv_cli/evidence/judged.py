"""Whether a result's verdicts follow from its observations: each is judged again, and compared in all that it says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from json import loads
from typing import Any

import numpy as np

from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE
from rnnconv_cli.evidence.archive import Difference
from rnnconv_cli.evidence.manifest import RESULT
from rnnconv_cli.judge.judge import exit_status
from rnnconv_cli.judge.words import shortened
from rnnconv_cli.pipeline import judge
from rnnconv_cli.records import ClaimResult, Report
from rnnconv_cli.report.json import render
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.sweep.replay import changes

ROUNDING = 1e-9  # of an estimate: how far statistics of the same numbers may be taken apart under other conditions
BREAKS_STATISTICS = (ArithmeticError, LookupError, TypeError, ValueError)  # what numbers that no run gives may do
LONGEST = 120  # characters of a value in a message


def verdict_differences(claims: Sequence[LoadedClaim], report: Report, checks: Sequence[str]) -> Iterator[Difference]:
    """Judge the stored observations again by these claims, and say what comes out otherwise than it was stored.

    Under the conditions of the result every bit must be the same; under others an estimate may differ by `ROUNDING`.
    """
    stored = {(claim.id, check.id): check.observations for claim in report.claims for check in claim.checks}
    try:
        with np.errstate(all="ignore"):
            results = judge(claims, stored, checks)
            outcomes = [exit_status(results, strict=strict) for strict in (False, True)]
    except BREAKS_STATISTICS as error:
        yield Difference(RESULT, f"has observations that cannot be judged: {error or type(error).__name__}")
        return
    rounding = ROUNDING if changes(dict(report.environment.facts), report.backend) else 0.0
    for was, now in zip(report.claims, results, strict=True):
        yield from _of_a_claim(was, now, report, rounding)
    if not any(_is_outcome(report, *outcome) for outcome in outcomes):
        status, reasons = outcomes[0]
        words = "; ".join(reasons) or "no reason for another"
        yield Difference(RESULT, f"has exit status {report.exit_status}, judged {status}: {words}")


def _is_outcome(report: Report, status: int, reasons: tuple[str, ...]) -> bool:
    """Whether a result ended so, or could not be kept or written, which is said before the reasons of its verdicts."""
    kept = report.exit_reasons[len(report.exit_reasons) - len(reasons) :]
    return kept == reasons and report.exit_status == (
        status if len(report.exit_reasons) == len(reasons) else EXIT_COULD_NOT_MEASURE
    )


def _of_a_claim(was: ClaimResult, now: ClaimResult, report: Report, rounding: float) -> Iterator[Difference]:
    old, new = _said(was, report), _said(now, report)
    pairs = zip(old.pop("checks"), new.pop("checks"), strict=True)
    yield from _differences(was.id, old, new, rounding)
    for old_check, new_check in pairs:
        yield from _differences(f"{was.id}/{old_check['id']}", old_check, new_check, rounding)


def _said(claim: ClaimResult, report: Report) -> dict[str, Any]:
    """What a result says of a claim, its observations aside."""
    bare = replace(claim, checks=tuple(replace(check, observations=()) for check in claim.checks))
    found: dict[str, Any] = loads(render(replace(report, claims=(bare,))))["claims"][0]
    return found


def _differences(place: str, stored: Any, judged: Any, rounding: float, where: str = "") -> Iterator[Difference]:
    """Each part, by its path, that is stored otherwise than it is judged."""
    if isinstance(stored, dict) and isinstance(judged, dict) and stored.keys() == judged.keys():
        for key in stored:
            yield from _differences(place, stored[key], judged[key], rounding, f"{where}.{key}".lstrip("."))
    elif isinstance(stored, list) and isinstance(judged, list) and len(stored) == len(judged):
        for number, pair in enumerate(zip(stored, judged, strict=True)):
            yield from _differences(place, *pair, rounding, f"{where}[{number}]")
    elif not _is_same(stored, judged, rounding):
        yield Difference(place, f"{where}: stored {_shown(stored)}, judged {_shown(judged)}")


def _is_same(stored: object, judged: object, rounding: float) -> bool:
    if isinstance(stored, float) and isinstance(judged, float):
        return repr(stored) == repr(judged) or (rounding > 0 and math.isclose(stored, judged, rel_tol=rounding))
    return stored == judged and type(stored) is type(judged)


def _shown(value: object) -> str:
    return shortened(repr(value), LONGEST)
