"""What has become of a baseline's numbers, in words: what moved, by how much, and whether a verdict moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType

from rnnconv_cli.errors import EXIT_CONTRADICTED, EXIT_INCONCLUSIVE
from rnnconv_cli.records import CONTROL, Change, Comparison, Outcome, Rule, VerdictMove
from rnnconv_cli.report.layout import PLAIN, Style, amount, heading, painted, paragraph, quantity, rule, words

MOST_NAMES = 8  # of checks that one side lacks
OTHER_BITS = "not the same bits: an edit of how estimates are made, or one seed that has given two results"
EXACT = "the same trials, with the same backend, sources, versions and processor: every bit must be the same"


def render(found: Comparison, relative: float, strict: bool, style: Style = PLAIN) -> str:
    """The comparison as lines of text; `relative` is the difference [1] that other conditions may make."""
    return painted((*_rules(found, relative, style), *_findings(found, style), *_summary(found, strict, style)), style)


def exit_status(found: Comparison, *, strict: bool) -> int:
    """3 where a number has changed, or a verdict to its opposite; 4 if nothing was compared, where strict: not all."""
    if _changed(found) or found.drifts or any(move.contradicts for move in found.verdicts):
        return EXIT_CONTRADICTED
    return EXIT_INCONCLUSIVE if _is_empty(found) or (strict and _lacking(found)) else 0


def _changed(found: Comparison) -> list[Change]:
    return [each for each in found.changes if each.outcome is Outcome.CHANGED]


def _is_empty(found: Comparison) -> bool:
    """Whether no number was compared: of such a comparison nobody learns that nothing has changed."""
    return all(each.outcome in (Outcome.NOT_COMPARED, Outcome.UNTESTED) for each in found.changes)


def _lacking(found: Comparison) -> bool:
    has_gap = any(each.outcome is Outcome.NOT_COMPARED for each in found.changes)
    return has_gap or bool(found.only_then or found.only_now)


def _rules(found: Comparison, relative: float, style: Style) -> Iterator[RenderableType]:
    counts = Counter(each.rule for each in found.changes)
    tests = sum(each.p is not None for each in found.changes)
    if found.other_runs:
        yield paragraph("other run", "; ".join(found.other_runs), style, indent=0)
    if bits := counts[Rule.BITS]:
        yield paragraph("exact", f"{amount(bits, 'number')} of {EXACT}", style, indent=0)
    if rounded := counts[Rule.ROUND_OFF]:
        which = f"{amount(rounded, 'number')} of the same trials, under other conditions ({', '.join(found.differs)})"
        allowed = f"a relative difference of {relative:g} of a measured value, one count or one rounding unit"
        yield paragraph("round-off", f"{which}: {allowed} is allowed", style, indent=0)
    if tests:
        text = f"{amount(tests, 'number')} of other trials (another seed, grid or number of draws): both intervals"
        odds = f"at most {100 * found.error:g}% of runs raise a false alarm"
        yield paragraph("tested", f"{text} say whether they have changed; {odds}, over all tests", style, indent=0)
    if found.baselines > 1:
        yield paragraph("drift", f"{found.baselines} baselines, oldest first, and the result", style, indent=0)


def _findings(found: Comparison, style: Style) -> Iterator[RenderableType]:
    yield from _section("changed", (_lines(each) for each in _changed(found)), style)
    yield from _section("drifted", (_lines(each) for each in found.drifts), style)
    yield from _section("verdict moved", (_moved(each) for each in found.verdicts), style)
    gaps = [each for each in found.changes if each.outcome is Outcome.NOT_COMPARED]
    missing = [
        (f"{some(names)}", f"not in {where}")
        for names, where in ((found.only_then, "the result"), (found.only_now, "the baseline"))
        if names
    ]
    yield from _section("not compared", (*missing, *((_name(each), each.because) for each in gaps)), style)


def _section(name: str, lines: Iterable[tuple[str, str]], style: Style) -> Iterator[RenderableType]:
    rows = list(lines)
    if rows:
        yield words("", style)
        yield heading(name, style)
        for which, text in rows:
            yield words(which, style, "bold")
            yield paragraph("", text, style, indent=0)


def _lines(change: Change) -> tuple[str, str]:
    return _name(change), "; ".join(part for part in _parts(change) if part)


def _parts(change: Change) -> Iterator[str]:
    if change.then is not None or change.now is not None:
        yield f"{_shown(change.then, change)} → {_shown(change.now, change)}"
    if change.difference is None:
        yield change.because or "a number on one side only"
        return
    by = f"{change.difference:+.4g}{' in the logarithm' if change.by_ratio else ''}"
    share = f", {abs(change.difference) / change.half_width:.2g} half-widths" if change.half_width else ""
    yield by + share
    match change.rule:
        case Rule.BITS:
            yield (
                change.because
                or "not the same bits: an edit of what makes numbers of trials, or one seed has given two results"
            )
        case Rule.ROUND_OFF if change.because:
            yield change.because
        case Rule.ROUND_OFF:
            yield f"more than the {change.allowed:.2g} that other conditions may make"
        case Rule.DRIFT if change.p is None:
            yield f"step by step, more than the {change.allowed:.2g} that round-off may make of the same trials"
        case Rule.TEST | Rule.DRIFT:
            line = "along the fitted line, " if change.rule is Rule.DRIFT else ""
            yield f"{line}p = {change.p:.1g} among all tests"


def _shown(value: float | None, change: Change) -> str:
    """A number to its last digit where bits count."""
    if value is None:
        return "none"
    return quantity(value) if change.rule in (Rule.TEST, Rule.DRIFT) and change.p is not None else repr(value)


def _name(change: Change) -> str:
    arm = ", control" if change.arm == CONTROL else ""
    return f"{change.claim}/{change.check}{arm}: {change.number}"


def _moved(move: VerdictMove) -> tuple[str, str]:
    text = f"{move.then} → {move.now}"
    return f"{move.claim}/{move.check}", f"{text}: the opposite" if move.contradicts else text


def some(names: Sequence[str]) -> str:
    """Names in a row: the first few, and how many more there are."""
    more = f", and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _summary(found: Comparison, strict: bool, style: Style) -> Iterator[RenderableType]:
    counts = Counter(each.outcome for each in found.changes)
    status = exit_status(found, strict=strict)
    parts = [
        f"{amount(len(found.changes), 'number')}: {counts[Outcome.CHANGED]} changed, {counts[Outcome.SAME]} the same",
        *([f"{amount(counts[Outcome.UNTESTED], 'extreme')} not tested"] if counts[Outcome.UNTESTED] else []),
        *([f"{counts[Outcome.NOT_COMPARED]} not compared"] if counts[Outcome.NOT_COMPARED] else []),
        *([f"{len(found.drifts)} drifted"] if found.drifts else []),
    ]
    moved = f"{len(found.verdicts)} verdict{'s' if len(found.verdicts) > 1 else ''} moved" if found.verdicts else ""
    yield rule(style)
    if _is_empty(found):
        yield words("nothing was compared: the baseline and the result have no number in common", style)
    yield words("; ".join(part for part in (", ".join(parts), moved, f"exit status {status}") if part), style)
