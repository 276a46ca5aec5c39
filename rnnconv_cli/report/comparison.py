"""Two reports side by side: what has become of each check, and whether the same trials have the same bits.

No test is made of whether a difference is one: two intervals and the distance between their estimates are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnnconv_cli.errors import EXIT_CONTRADICTED, EXIT_INCONCLUSIVE
from rnnconv_cli.records import CheckResult, Estimate, Observation, Report
from rnnconv_cli.report.planned import within_budget

LIBRARIES = frozenset({"numpy", "scipy", "numba", "llvmlite", "cpu", "cpu_features", "processors", "compiled"})

Row = tuple[str, str, float]  # arm, key of the trial, point
Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that two runs were carried out under, where it differs."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Bits:
    """What two runs have measured at the same trials: how many observations, how many of them differ, and how far.

    An observation differs in its value, in its status, or in the loss curve of its run.
    """

    common: int
    different: int
    largest: float | None  # relative difference [1]; None where none differs, or only in status


@dataclass(frozen=True, slots=True)
class Pair:
    """One check in two reports."""

    claim: str
    first: CheckResult
    second: CheckResult
    difference: float | None  # second minus first; None where one has no number
    half_widths: float | None  # its size in units of the larger half-width; None where neither has an interval
    bits: Bits

    @property
    def moved(self) -> bool:
        """Whether the verdict is another."""
        return self.first.verdict is not self.second.verdict

    @property
    def is_same(self) -> bool:
        """Whether nothing that was measured or judged differs."""
        found = [repr((each.finding, each.control.finding)) for each in (self.first, self.second)]  # NaN equals itself
        return not self.moved and found[0] == found[1] and not self.bits.different


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two reports compared."""

    settings: tuple[Setting, ...]
    only_first: tuple[str, ...]  # claim/check
    only_second: tuple[str, ...]
    pairs: tuple[Pair, ...]
    bits: Bits  # over all checks of both

    @property
    def exit_status(self) -> int:
        """3 where a verdict is another, 4 where no check is in both, else 0."""
        if not self.pairs:
            return EXIT_INCONCLUSIVE
        return EXIT_CONTRADICTED if any(pair.moved for pair in self.pairs) else 0


def side_by_side(first: Report, second: Report) -> SideBySide:
    """Two reports compared, check by check, in the order of the first."""
    ones, others = _checks(first), _checks(second)
    pairs = tuple(_pair(name, ones[name], others[name]) for name in ones if name in others)
    return SideBySide(
        settings=tuple(_settings(first, second)),
        only_first=tuple("/".join(name) for name in ones if name not in others),
        only_second=tuple("/".join(name) for name in others if name not in ones),
        pairs=pairs,
        bits=_together([pair.bits for pair in pairs]),
    )


def _checks(report: Report) -> Mapping[tuple[str, str], CheckResult]:
    return {(claim.id, check.id): check for claim in report.claims for check in claim.checks}


def _settings(first: Report, second: Report) -> Iterator[Setting]:
    """What differs of all that verdicts and numbers depend on; of claims that both have, those that were changed."""
    ones, others = _named(first), _named(second)
    for name in dict.fromkeys((*ones, *others)):
        one, other = ones.get(name, "not known"), others.get(name, "not known")
        if one != other:
            yield Setting(name, one, other)
    digests = {claim.id: claim.digest for claim in first.claims}
    for claim in second.claims:
        if digests.get(claim.id, claim.digest) != claim.digest:
            yield Setting(f"claim {claim.id}", digests[claim.id][:12], claim.digest[:12])


def _named(report: Report) -> Mapping[str, str]:
    facts = {
        name: str(value)
        for name, value in report.environment.facts
        if name in LIBRARIES or name.startswith("sources.") or name.endswith(".core")
    }
    return {
        "version": report.tool_version,
        "profile": report.profile,
        "seed": str(report.seed),
        "budget": "none" if report.plan is None else within_budget(report.plan),
        "backend": report.backend,
        **facts,
    }


def _pair(name: tuple[str, str], first: CheckResult, second: CheckResult) -> Pair:
    one, other = first.finding.estimate, second.finding.estimate
    difference = _difference(one, other)
    wider = max((width for each in (one, other) if (width := _half_width(each)) is not None), default=None)
    half_widths = None if difference is None or not wider else abs(difference) / wider
    return Pair(name[0], first, second, difference, half_widths, _bits(first.observations, second.observations))


def _difference(first: Estimate | None, second: Estimate | None) -> float | None:
    """Second minus first, where both are numbers of one kind."""
    if first is None or second is None or type(first) is not type(second):
        return None
    if first.value is None or second.value is None:
        return None
    found = second.value - first.value
    return found if math.isfinite(found) else None


def _half_width(estimate: Estimate | None) -> float | None:
    low, high = getattr(estimate, "low", None), getattr(estimate, "high", None)
    return None if low is None or high is None or not math.isfinite(high - low) else (high - low) / 2


def _bits(first: Sequence[Observation], second: Sequence[Observation]) -> Bits:
    ones, others = _rows(first), _rows(second)
    common = [(ones[row], others[row]) for row in ones if row in others]
    curves = _curves(first), _curves(second)
    different = [pair for pair in common if _measured(pair[0], curves[0]) != _measured(pair[1], curves[1])]
    relative = [each for one, other in different if (each := _relative(one.value, other.value)) is not None]
    relative += [each for one, other in different for each in _apart(curves[0][_run(one)], curves[1][_run(other)])]
    return Bits(len(common), len(different), max(relative, default=None))


def _measured(observation: Observation, curves: Mapping[tuple[str, str], Curve]) -> object:
    return observation.value, observation.status, curves[_run(observation)]


def _run(observation: Observation) -> tuple[str, str]:
    return observation.arm, observation.key


def _curves(observations: Sequence[Observation]) -> Mapping[tuple[str, str], Curve]:
    """The loss curve of each run; one of its observations has it, and which one says nothing."""
    found = dict.fromkeys(map(_run, observations), ())
    return {**found, **{_run(each): each.curve for each in observations if each.curve}}


def _apart(first: Curve, second: Curve) -> Iterator[float]:
    """The relative differences of two curves, where both have a loss that is finite."""
    losses = dict(second)
    for step, one in first:
        other = losses.get(step, math.inf)
        if math.isfinite(one) and math.isfinite(other):
            yield _relative(one, other) or 0.0


def _rows(observations: Sequence[Observation]) -> Mapping[Row, Observation]:
    return {(each.arm, each.key, each.point): each for each in observations}


def _relative(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return None
    size = max(abs(one), abs(other))
    return abs(one - other) / size if size else 0.0


def _together(found: Sequence[Bits]) -> Bits:
    largest = max((each.largest for each in found if each.largest is not None), default=None)
    return Bits(sum(each.common for each in found), sum(each.different for each in found), largest)
