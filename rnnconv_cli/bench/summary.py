"""A result in a few figures: how groups of cases stand to the fastest peer, and how far both are from the floor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import geometric_mean, median

from rnnconv_cli.bench.cases import DTYPES, STEP, TASKS, Case
from rnnconv_cli.bench.results import LEVEL, SLOWER, CaseResult

SINGLE, DOUBLE = DTYPES
OF_INTEREST: Mapping[str, Callable[[Case], bool]] = {
    "n 10, m 128 to 512": lambda case: case.n_sequences == 10 and 128 <= case.width <= 512,
    "n 10, m 512 or more": lambda case: case.n_sequences == 10 and case.width >= 512,
    "n 10, m 1024 or more": lambda case: case.n_sequences == 10 and case.width >= 1024,
    "n 50, m 512 or more": lambda case: case.n_sequences == 50 and case.width >= 512,
    "n 1, m 512 or more": lambda case: case.n_sequences == 1 and case.width >= 512,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How we stand in a group of cases; None where no case of it has what a figure needs."""

    name: str
    cases: int  # that have both our time and a peer's
    ratio: float | None  # to the fastest peer, geometric mean
    worst_ratio: float | None
    worst_case: Case | None
    level: int  # cases nearer to the fastest peer than the spread
    slower: int  # cases in which the fastest peer is faster by more than that
    least_of_floor: float | None  # our share of the floor
    median_of_floor: float | None
    peer_of_floor: float | None  # the fastest peer's share of the floor, geometric mean
    ratio_at_floor: float | None  # the ratio of a program at the floor, geometric mean: 1 over the peer's share


@dataclass(frozen=True, slots=True)
class Doubling:
    """Our time in float64 over that in float32, over the sizes of a task that have both."""

    task: str
    cases: int
    median: float
    largest: float
    largest_case: Case  # in float64


def standings(cases: Sequence[CaseResult]) -> tuple[Standing, ...]:
    """The groups that have a case: all, each task on each number of cores, and the steps of interest."""
    return tuple(_standing(name, group) for name, group in _groups(cases) if group)


def doublings(cases: Sequence[CaseResult]) -> tuple[Doubling, ...]:
    """The price of float64, for each task."""
    found = []
    for task in TASKS:
        ratios = dict(_doublings([each for each in cases if each.case.task == task]))
        if ratios:
            largest = max(ratios, key=ratios.__getitem__)
            found.append(Doubling(task, len(ratios), median(ratios.values()), ratios[largest], largest))
    return tuple(found)


def _groups(cases: Sequence[CaseResult]) -> Iterator[tuple[str, list[CaseResult]]]:
    yield "all", list(cases)
    for task in TASKS:
        for cores in sorted({each.case.cores for each in cases}):
            group = [each for each in cases if (each.case.task, each.case.cores) == (task, cores)]
            yield f"{task}, {cores} core{'s' if cores > 1 else ''}", group
    for name, is_in in OF_INTEREST.items():
        yield f"{STEP}, {name}", [each for each in cases if each.case.task == STEP and is_in(each.case)]


def _standing(name: str, cases: Sequence[CaseResult]) -> Standing:
    ratios = [(each.ratio, each.case) for each in cases if each.ratio is not None]
    worst_ratio, worst_case = min(ratios, key=lambda pair: pair[0], default=(None, None))
    ours = [share for each in cases if each.ours is not None and (share := each.of_floor(each.ours)) is not None]
    peers = [share for each in cases if each.peers and (share := each.of_floor(each.peers[0])) is not None]
    peer_of_floor = geometric_mean(peers) if peers else None
    return Standing(
        name=name,
        cases=len(ratios),
        ratio=geometric_mean([ratio for ratio, _ in ratios]) if ratios else None,
        worst_ratio=worst_ratio,
        worst_case=worst_case,
        level=sum(each.standing == LEVEL for each in cases),
        slower=sum(each.standing == SLOWER for each in cases),
        least_of_floor=min(ours, default=None),
        median_of_floor=median(ours) if ours else None,
        peer_of_floor=peer_of_floor,
        ratio_at_floor=None if peer_of_floor is None else 1 / peer_of_floor,
    )


def _doublings(cases: Sequence[CaseResult]) -> Iterator[tuple[Case, float]]:
    times = {each.case: each.ours.median for each in cases if each.ours is not None}
    for case, double in times.items():
        single = times.get(replace(case, dtype=SINGLE))
        if case.dtype == DOUBLE and single is not None and double is not None:
            yield case, double / single
