"""What a bench has found: values without arrays, so that reports need nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median, quantiles

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.records import Environment, Exponent

OURS, PEAK = "rnnconv", "peak"
LOADED_BELOW = 0.9  # of the cores: a product that keeps fewer threads busy shares them with something else
LOADED_SPREAD = 0.1  # of the product's times: beyond, the machine was not the same in all rounds
FASTER, LEVEL, SLOWER = "faster", "level", "slower"


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant in one case: its errors against the float64 reference, and its times, or why it has none."""

    contestant: str
    seconds: tuple[float, ...] = ()  # of one call, a number for each round
    busy: tuple[float, ...] = ()  # threads: processor time over time, a number for each round
    cores: int = 1  # that it ran on
    loss_error: float | None = None  # relative; for `product`, of the norm
    gradient_error: float | None = None  # ||G - G*||_F / ||G*||_F; None where the task has no gradient
    last_loss_error: float | None = None  # relative, after two small steps; None where there was no short run
    first_seconds: float = 0.0  # of the call that was compared, with all that is done once in it
    problem: str = ""  # why it was not timed

    @property
    def median(self) -> float | None:
        """Median over rounds [s]; None where it was not timed."""
        return median(self.seconds) if self.seconds else None

    @property
    def busy_threads(self) -> float | None:
        """Median over rounds of the threads that were busy."""
        return median(self.busy) if self.busy else None

    @property
    def spread(self) -> float | None:
        """Interquartile range over rounds, relative to the median [1]; None below two rounds."""
        if len(self.seconds) < 2:
            return None
        low, middle, high = quantiles(self.seconds, n=4, method="inclusive")
        return (high - low) / middle


@dataclass(frozen=True, slots=True)
class Limits:
    """What the machine reaches on a case's cores, in the fastest of the same rounds."""

    peak: float  # operations per second of a large square product
    bandwidth: float  # bytes per second of reading a matrix of the size of W
    floor: float  # seconds below which a call of the case cannot come


@dataclass(frozen=True, slots=True)
class CaseResult:
    """All contestants of one case, in the order in which they were asked."""

    case: Case
    limits: Limits | None
    entries: tuple[Entry, ...]
    machine: tuple[Entry, ...] = ()  # what the limits are made of
    on_one_core: tuple[Entry, ...] = ()  # of a case on more cores: the entries of the same case on one, in this run

    @property
    def ours(self) -> Entry | None:
        """Our kernels' entry, if they were timed."""
        return next((each for each in self.entries if each.contestant == OURS and each.seconds), None)

    @property
    def peers(self) -> tuple[Entry, ...]:
        """Every other contestant that was timed, each in its better way, fastest first.

        A program may leave a core idle: where one core was faster than all of the case's, that is the better way.
        """
        better: dict[str, Entry] = {}
        for each in sorted((*self.entries, *self.on_one_core), key=lambda each: each.median or math.inf):
            if each.contestant != OURS and each.seconds:
                better.setdefault(each.contestant, each)
        return tuple(better.values())

    @property
    def ratio(self) -> float | None:
        """Median time of the fastest peer over ours [1]: above 1, ours is faster."""
        return self.times_ours(self.peers[0]) if self.peers else None

    @property
    def standing(self) -> str | None:
        """FASTER or SLOWER than the fastest peer, or LEVEL: nearer to it than the larger of both spreads."""
        if self.ours is None or self.ratio is None:
            return None
        spread = max(self.ours.spread or 0.0, self.peers[0].spread or 0.0)
        if max(self.ratio, 1 / self.ratio) <= 1 + spread:
            return LEVEL
        return FASTER if self.ratio > 1 else SLOWER

    @property
    def is_loaded(self) -> bool:
        """Whether something else kept the machine busy, or changed its speed, by what its large product shows."""
        return any(
            (each.busy_threads or 0.0) < LOADED_BELOW * self.case.cores or (each.spread or 0.0) > LOADED_SPREAD
            for each in self.machine
            if each.contestant == PEAK and each.seconds
        )

    def times_ours(self, entry: Entry) -> float | None:
        """An entry's median time over ours [1]."""
        if self.ours is None or self.ours.median is None or entry.median is None:
            return None
        return entry.median / self.ours.median

    def of_floor(self, entry: Entry) -> float | None:
        """The floor over an entry's median time [1]: 1 is as fast as the machine multiplies or reads at best."""
        if self.limits is None or entry.median is None:
            return None
        return self.limits.floor / entry.median


@dataclass(frozen=True, slots=True)
class CostExponent:
    """Power with which a step's time grows in one parameter, the others fixed, and where it comes from."""

    parameter: str
    case: Case  # the others; its own value of the parameter is that of the base
    predicted: float
    operations: float  # of the number of operations, by the same fit on the same points
    floor: Exponent  # of the floor
    found: Exponent  # of our time
    beyond_floor: Exponent  # of our time over the floor
    times: tuple[tuple[float, ...], ...]  # seconds, [round][point]
    floors: tuple[tuple[float, ...], ...]  # seconds, [round][point], each from its own round's limits

    def holds(self, power: float) -> bool:
        """Whether a power lies in the interval of the measured one."""
        return self.found.low <= power <= self.found.high


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Everything that one run has found."""

    tool_version: str
    grid: str
    seed: int
    environment: Environment
    contestants: tuple[tuple[str, str], ...]  # who took part, and what it is
    missing: tuple[tuple[str, str], ...]  # contestant and the library that it lacks
    left_out: tuple[tuple[str, str], ...]  # contestant, and the cases in which it was not asked
    cases: tuple[CaseResult, ...]
    exponents: tuple[CostExponent, ...]
    unmeasured: tuple[str, ...]  # what nobody was asked, and why
    seconds: float  # of the whole run
    interrupted: bool = False  # by a signal: what had been timed until then is here

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be measured, in words."""
        entries = ((case.case, entry) for case in self.cases for entry in case.entries)
        failed = (f"{entry.contestant}, {case.label}: {entry.problem}" for case, entry in entries if entry.problem)
        return (*failed, *self.unmeasured)
