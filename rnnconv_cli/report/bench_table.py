"""What a bench has found as a table for people: a row for each case, and who else was how much slower."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import RenderableType

from rnnconv_cli.bench.cases import TASKS
from rnnconv_cli.bench.results import OURS, BenchResult, CaseResult, CostExponent, Entry
from rnnconv_cli.report.layout import PLAIN, Style, heading, interval, painted, paragraph, row, rule, words

COLUMNS = (
    ("m", 5),
    ("n", 3),
    ("L", 3),
    ("cores", 5),
    ("dtype", 8),
    ("ours", 10),
    ("spread", 6),
    ("of floor", 8),
    ("threads", 7),
    ("best peer", 13),
    ("peer", 10),
    ("ratio", 7),
)
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def render(result: BenchResult, style: Style = PLAIN) -> str:
    """The result as lines of text, at most `style.width` columns wide."""
    return painted((*_tasks(result, style), *_exponents(result, style), *_summary(result, style)), style)


def _tasks(result: BenchResult, style: Style) -> Iterator[RenderableType]:
    order = list(TASKS)
    cases = sorted(result.cases, key=lambda each: order.index(each.case.task))
    for task, group in groupby(cases, key=lambda each: each.case.task):
        yield heading(f"{task}: {TASKS[task]}", style)
        yield _line([name for name, _ in COLUMNS], style, "bold")
        for case in group:
            yield _line(_cells(case), style)
            if not style.brief and (others := _others(case)):
                yield paragraph("others", others, style)
        yield words("", style)


def _line(cells: Sequence[str], style: Style, look: str = "") -> RenderableType:
    """Cells in columns; on a narrow page they shrink alike, and what is too long goes on below."""
    wanted = sum(width + 1 for _, width in COLUMNS)
    room = min(wanted, style.width)
    return row([words(cell, style, look) for cell in cells], [max(2, width * room // wanted) for _, width in COLUMNS])


def _cells(result: CaseResult) -> list[str]:
    case, ours, best = result.case, result.ours, next(iter(result.peers), None)
    sizes = [case.width, case.n_sequences, case.horizon, case.cores]
    return [
        *map(str, sizes),
        case.dtype,
        _seconds(ours),
        "-" if ours is None or ours.spread is None else f"{ours.spread:.1%}",
        _share(result, ours),
        "-" if ours is None else f"{ours.busy_threads:.1f}",
        "none" if best is None else best.contestant,
        _seconds(best),
        "-" if result.ratio is None else f"{result.ratio:.2f}x",
    ]


def _others(result: CaseResult) -> str:
    """The contestants beyond the best peer, in units of our time; of the best peer where ours has none."""
    factors = [(entry.contestant, result.times_ours(entry)) for entry in result.peers[1:]]
    return ", ".join(f"{name} {factor:.2f}x" for name, factor in factors if factor is not None)


def _share(result: CaseResult, entry: Entry | None) -> str:
    share = None if entry is None else result.of_floor(entry)
    return "-" if share is None else f"{share:.0%}"


def _seconds(entry: Entry | None) -> str:
    median = None if entry is None else entry.median
    return "-" if median is None else duration(median)


def duration(seconds: float) -> str:
    """A time in three significant digits and its unit."""
    size, unit = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}" if seconds / size < 1000 else f"{seconds / size:.0f} {unit}"


def _exponents(result: BenchResult, style: Style) -> Iterator[RenderableType]:
    if not result.exponents:
        return
    yield heading(f"cost of a step of {OURS}: t = C p^e", style)
    for each in result.exponents:
        yield paragraph(each.parameter, _exponent(each), style, indent=0)
    yield words("", style)


def _exponent(cost: CostExponent) -> str:
    found = cost.found
    points = ", ".join(f"{point:g}" for point in found.points)
    return (
        f"{interval(found.value, found.low, found.high)} at {100 * found.level:g}%, predicted {cost.predicted:g}; "
        f"{found.replicates} rounds over {points}; else {cost.case.label}"
    )


def _summary(result: BenchResult, style: Style) -> Iterator[RenderableType]:
    yield rule(style)
    for library, group in groupby(result.missing, key=lambda each: each[1]):
        names = ", ".join(name for name, _ in group)
        yield paragraph("missing", f"{names}: {library} is not installed", style, indent=0)
    for problem in result.problems:
        yield paragraph("problem", problem, style, indent=0)
    ratios = [case.ratio for case in result.cases if case.ratio is not None]
    slower = sum(ratio < 1 for ratio in ratios)
    facts = [f"{len(result.cases)} case{'' if len(result.cases) == 1 else 's'}"]
    if ratios:
        facts.append(f"{OURS} is the fastest in {len(ratios) - slower} of {len(ratios)}, ratios {_range(ratios)}")
    facts.append(f"grid {result.grid}, seed {result.seed}, {result.seconds:.1f} s")
    yield words("; ".join(facts), style)


def _range(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.2f}x to {max(ratios):.2f}x"
