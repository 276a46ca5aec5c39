"""What a bench has found as tables for people: a row for each case, who else was how much slower, and a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import RenderableType

from rnnconv_cli.bench.cases import DTYPES, TASKS, Case
from rnnconv_cli.bench.results import (
    FASTER,
    LEVEL,
    LOADED_BELOW,
    LOADED_SPREAD,
    OURS,
    SLOWER,
    BenchResult,
    CaseResult,
    CostExponent,
    Entry,
)
from rnnconv_cli.bench.summary import Doubling, Standing, doublings, standings
from rnnconv_cli.report.layout import PLAIN, Style, amount, heading, interval, painted, paragraph, row, rule, words

Columns = tuple[tuple[str, int], ...]  # name and width; a negative width stands for words, which begin on the left

CASES: Columns = (
    ("m", 4),
    ("n", 3),
    ("L", 3),
    ("ours", 9),
    ("spread", 6),
    ("of floor", 8),
    ("threads", 7),
    ("best peer", -16),
    ("its time", 9),
    ("of floor", 8),
    ("ratio", 8),
)
GROWTH: Columns = (
    ("", -3),
    ("time", -20),
    ("predicted", -9),
    ("operations", -13),
    ("floor", -20),
    ("time over floor", -23),
)
STANDINGS: Columns = (
    ("", -26),
    ("cases", 5),
    ("ratio", 7),
    ("worst", 7),
    ("level", 5),
    ("slower", 6),
    ("of floor", 8),
    ("least", 6),
    ("peer", 6),
    ("at floor", 8),
)
SYMBOLS = {"width": "m", "n_sequences": "n", "horizon": "L"}
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
MOST_LINES = 20  # of one kind at the end; a run that was stopped early leaves hundreds of cases


def render(result: BenchResult, style: Style = PLAIN) -> str:
    """The result as lines of text, at most `style.width` columns wide."""
    parts = (*_tables(result, style), *_growth(result, style), *_summary(result, style), *_end(result, style))
    return painted(parts, style)


def _line(columns: Columns, cells: Sequence[str], style: Style, look: str = "") -> RenderableType:
    """Cells in columns, numbers on the right; on a narrow page columns shrink alike and what is too long is folded."""
    wanted = sum(abs(width) + 1 for _, width in columns)
    room = min(wanted, style.width)
    texts = [words(cell, style, look) for cell in cells]
    for text, (_, width) in zip(texts, columns, strict=True):
        text.justify = "right" if width > 0 else "left"
    return row(texts, [max(2, abs(width) * room // wanted) for _, width in columns])


def _names(columns: Columns, style: Style) -> RenderableType:
    return _line(columns, [name for name, _ in columns], style, "bold")


def _tables(result: BenchResult, style: Style) -> Iterator[RenderableType]:
    """A table for each task, dtype and number of cores."""
    for (task, dtype, cores), group in groupby(sorted(result.cases, key=_place), key=lambda each: _place(each)[:3]):
        name = list(TASKS)[task]
        yield heading(f"{name}, {DTYPES[dtype]}, {cores} core{'s' if cores > 1 else ''}: {TASKS[name]}", style)
        yield _names(CASES, style)
        cases = list(group)
        for case in cases:
            yield _line(CASES, _cells(case), style)
            if not style.brief and (others := _others(case)):
                yield paragraph("others", others, style)
        if any(entry.cores != cores for case in cases for entry in case.peers):
            yield paragraph("(1)", ON_ONE_CORE, style, indent=0)
        yield words("", style)


ON_ONE_CORE = "a peer on one core, where it was faster on one in this run: a program may leave a core idle"


def _place(result: CaseResult) -> tuple[int, int, int, int, int, int]:
    """What cases are sorted by: task, dtype and cores, which share a table; then n, L and m."""
    case = result.case
    task, dtype = list(TASKS).index(case.task), DTYPES.index(case.dtype)
    return task, dtype, case.cores, case.n_sequences, case.horizon, case.width


def _cells(result: CaseResult) -> list[str]:
    case, ours, best = result.case, result.ours, next(iter(result.peers), None)
    return [
        *map(str, (case.width, case.n_sequences, case.horizon)),
        _seconds(ours),
        "-" if ours is None or ours.spread is None else f"{ours.spread:.1%}",
        _share(result, ours),
        "-" if ours is None or ours.busy_threads is None else f"{ours.busy_threads:.1f}",
        "none" if best is None else _name(best, case),
        _seconds(best),
        _share(result, best),
        f"{_times(result.ratio)}{' =' if result.standing == LEVEL else ''}",
    ]


def _name(entry: Entry, case: Case) -> str:
    """A contestant's name, with the number of its cores where those are not the case's."""
    return entry.contestant if entry.cores == case.cores else f"{entry.contestant} ({entry.cores})"


def _others(result: CaseResult) -> str:
    """The contestants beyond the best peer in units of our time; empty where we have none."""
    factors = [(_name(entry, result.case), result.times_ours(entry)) for entry in result.peers[1:]]
    listed = ", ".join(f"{name} {factor:.2f}" for name, factor in factors if factor is not None)
    return f"{listed} times ours" if listed else ""


def _share(result: CaseResult, entry: Entry | None) -> str:
    return _percent(None if entry is None else result.of_floor(entry))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}x"


def _seconds(entry: Entry | None) -> str:
    median = None if entry is None else entry.median
    return "-" if median is None else duration(median)


def duration(seconds: float) -> str:
    """A time in three significant digits and its unit."""
    size, unit = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}" if seconds / size < 1000 else f"{seconds / size:.0f} {unit}"


def _growth(result: BenchResult, style: Style) -> Iterator[RenderableType]:
    if not result.exponents:
        return
    yield heading(f"how the time of a step of {OURS} grows: t = C p^e", style)
    yield _names(GROWTH, style)
    for cost in result.exponents:
        yield _line(GROWTH, _powers(cost), style)
    for cost in result.exponents:
        points = ", ".join(f"{point:g}" for point in cost.found.points)
        yield paragraph(SYMBOLS[cost.parameter], f"over {points}", style, indent=0)
    first = result.exponents[0]
    how = f"intervals at {100 * first.found.level:g}% over {first.found.replicates} rounds; else {first.case.label}"
    yield paragraph("fit", how, style, indent=0)
    yield paragraph("columns", GROWTH_WORDS, style, indent=0)
    yield words("", style)


GROWTH_WORDS = (
    "operations: the exponent of their number; floor: of what the machine's limits allow, measured in the same rounds; "
    "time over floor: what is left to our kernels. All by the same fit. Inside or outside, after a predicted exponent "
    "and after that of the operations: whether the interval of the time's exponent holds it."
)


def _powers(cost: CostExponent) -> list[str]:
    floor, time, beyond = (
        interval(each.value, each.low, each.high) for each in (cost.floor, cost.found, cost.beyond_floor)
    )
    predicted = f"{cost.predicted:g} {_inside(cost, cost.predicted)}"
    operations = f"{cost.operations:.3f} {_inside(cost, cost.operations)}"
    return [SYMBOLS[cost.parameter], time, predicted, operations, floor, beyond]


def _inside(cost: CostExponent, power: float) -> str:
    return "inside" if cost.holds(power) else "outside"


def _summary(result: BenchResult, style: Style) -> Iterator[RenderableType]:
    if not result.cases:
        return
    yield heading("summary", style)
    yield _names(STANDINGS, style)
    for standing in standings(result.cases):
        yield _line(STANDINGS, _figures(standing), style)
        if standing.worst_case is not None and not style.brief:
            yield paragraph("worst", standing.worst_case.label, style)
    yield paragraph("columns", SUMMARY_WORDS, style, indent=0)
    for doubling in doublings(result.cases):
        yield paragraph("float64", _doubled(doubling), style, indent=0)
    yield words("", style)


SUMMARY_WORDS = (
    "cases: those with our time and a peer's; ratio: the fastest peer's time over ours, geometric mean; level: cases "
    "nearer to 1 than the spread of either, marked = above; slower: cases below 1 by more; of floor, least: the median "
    "and the least of our shares of the floor; peer: the fastest peer's share, geometric mean; at floor: the ratio "
    "that a program at the floor would have, which none can exceed by much."
)


def _figures(standing: Standing) -> list[str]:
    return [
        standing.name,
        str(standing.cases),
        _times(standing.ratio),
        _times(standing.worst_ratio),
        str(standing.level),
        str(standing.slower),
        _percent(standing.median_of_floor),
        _percent(standing.least_of_floor),
        _percent(standing.peer_of_floor),
        _times(standing.ratio_at_floor),
    ]


def _doubled(doubling: Doubling) -> str:
    times = f"{doubling.median:.2f}x the time of float32 in the median of {doubling.cases}"
    return f"{doubling.task}: {times}, at most {doubling.largest:.2f}x ({_size(doubling.largest_case)})"


def _size(case: Case) -> str:
    return case.label.partition(": ")[2]


def _end(result: BenchResult, style: Style) -> Iterator[RenderableType]:
    yield rule(style)
    for library, group in groupby(result.missing, key=lambda each: each[1]):
        names = ", ".join(name for name, _ in group)
        yield paragraph("missing", f"{names}: {library} is not installed", style, indent=0)
    for name, why in result.left_out:
        yield paragraph("left out", f"{name}: {why}", style, indent=0)
    yield from _first("problem", result.problems, style)
    slower = sorted((case for case in result.cases if case.standing == SLOWER), key=lambda case: case.ratio or 0.0)
    lines = [f"{_times(case.ratio)} {_name(case.peers[0], case.case)}, {case.case.label}" for case in slower]
    yield from _first("slower", lines, style)
    loaded = sum(case.is_loaded for case in result.cases)
    if loaded:
        yield paragraph("loaded", f"{loaded} of {len(result.cases)} cases: {LOADED_WORDS}", style, indent=0)
    if dict(result.environment.facts).get("keeps_to_cores") is False:
        yield paragraph("cores", NOT_PINNED, style, indent=0)
    facts = [amount(len(result.cases), "case")]
    standing = Counter(case.standing for case in result.cases if case.standing is not None)
    if standing:
        how = f"faster than the fastest peer in {standing[FASTER]}, level in {standing[LEVEL]}, slower in"
        facts.append(f"{OURS} is {how} {standing[SLOWER]} of {standing.total()}")
    facts.append(f"grid {result.grid}, seed {result.seed}, {result.seconds:.1f} s")
    yield words("; ".join(facts), style)


LOADED_WORDS = (
    f"the machine did something else too, or changed its speed. Its large product kept less than {LOADED_BELOW:.0%} of "
    f"the cores busy, or its times spread by more than {LOADED_SPREAD:.0%}; shares of the floor and ratios of these "
    "cases are doubtful"
)
NOT_PINNED = "this system lets no process keep to its cores: times may be those of any, and of more than the case names"


def _first(label: str, lines: Sequence[str], style: Style) -> Iterator[RenderableType]:
    """The first MOST_LINES of them, and how many more there are."""
    for line in lines[:MOST_LINES]:
        yield paragraph(label, line, style, indent=0)
    if len(lines) > MOST_LINES:
        yield paragraph(label, f"and {len(lines) - MOST_LINES} more, which the JSON document has", style, indent=0)
