"""ARM → DESIGNS: the grids and draws that a budget may choose among, each with its cost and its loss of sharpness."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.records import Trial
from rnnconv_cli.spec.claim import Arm, FrontierPrediction, Profile, VerdictWord
from rnnconv_cli.spec.rules import FITTED_KINDS, Role, error_share, least_points, least_replicates
from rnnconv_cli.stats import dose
from rnnconv_cli.stats.design import by_count, by_student, rate_information, slope_information
from rnnconv_cli.sweep.plan import points_of, search_of, trials_at

BY_STUDENT = FITTED_KINDS | {"decay"}  # judged by the scatter between replicates
COUNTS = 60  # numbers of draws to choose among, about equally far apart in their logarithm

Bill = Iterator[tuple[int, int]]  # the number of a setting, and how often it is drawn


@dataclass(frozen=True, slots=True)
class Design:
    """One way to measure an arm."""

    amount: Profile
    inflation: float  # predicted half-width over that of the whole profile [1]
    seconds: float  # predicted core-seconds, if no other arm asked for the same trials


class Prices:
    """Predicted core-seconds of a draw of each setting: a trial without its replicate. Settings are numbered."""

    def __init__(self, price: Callable[[Trial], float]) -> None:
        """Take the price of a trial."""
        self.seconds: list[float] = []
        self._price = price
        self._numbers: dict[Trial, int] = {}

    def number_of(self, setting: Trial) -> int:
        """Return the number of a setting, the same for all arms that ask for it."""
        number = self._numbers.setdefault(setting, len(self.seconds))
        if number == len(self.seconds):
            self.seconds.append(self._price(setting))
        return number


class PricedArm:
    """An arm with its profile, and the prices of what it asks for at each point and width."""

    def __init__(self, arm: Arm, amount: Profile, prices: Prices, seed: int) -> None:
        """Take the arm, and the table of prices that it shares with others."""
        self.arm, self.amount = arm, amount
        self._prices, self._seed = prices, seed
        self._settings: dict[tuple[float, int | None], tuple[int, ...]] = {}

    def bill(self, amount: Profile) -> Bill:
        """Yield the settings of a part of the profile, each with its draws; of a search, what it is likely to draw."""
        draws = _draws(amount)
        for point in points_of(self.arm, amount):
            for width, count in draws.items():
                for number in self._settings_at(point, width):
                    yield number, count

    def seconds(self, amount: Profile) -> float:
        """Return the predicted core-seconds of a part of the profile."""
        return sum(count * self._prices.seconds[number] for number, count in self.bill(amount))

    def _settings_at(self, point: float, width: int | None) -> tuple[int, ...]:
        place = (point, width)
        if place not in self._settings:
            trials = trials_at(self.arm, self.amount, point, width, range(1), self._seed)
            self._settings[place] = tuple(map(self._prices.number_of, trials))
        return self._settings[place]


def _draws(amount: Profile) -> Mapping[int | None, int]:
    """How often each width is drawn at a point; None stands for the width of the problem."""
    search = search_of(amount)
    if search is None:
        return dict.fromkeys(amount.widths or (None,), amount.replicates)
    return dict[int | None, int](dose.typical_draws(search).items())


def designs(priced: PricedArm, role: Role, expected: VerdictWord, n_checks: int) -> tuple[Design, ...]:
    """Return the designs of an arm that is judged, cheapest first, each sharper than all before, the profile last.

    All of them keep the rules of claim files: enough points for the kind, enough draws to decide.
    """
    arm, whole = priced.arm, priced.amount
    least, _ = least_replicates(arm, role, expected, n_checks)
    level = 1 - error_share(n_checks)
    full_width = _half_width(arm, whole.replicates, level)
    found = []
    for grid in _grids(priced, role):
        told = 1.0 if grid == whole.grid else _information(arm, grid) / _information(arm, whole.grid)
        for replicates in _counts(min(least, whole.replicates), whole.replicates):
            amount = whole.model_copy(update={"grid": grid, "replicates": replicates})
            inflation = _half_width(arm, replicates, level) / full_width / math.sqrt(told)
            found.append(Design(amount, inflation, priced.seconds(amount)))
    return tuple(_worthwhile(found))


def cheapest(choices: Sequence[Design], inflation: float) -> Design:
    """Return the cheapest design whose half-width is at most so many times the profile's, of what `designs` returns."""
    return choices[bisect_left(choices, -inflation, key=lambda each: -each.inflation, hi=len(choices) - 1)]


def beside(own: Profile, check: Profile, taken: Profile) -> Profile:
    """Return what an exhibit keeps of its profile where its check keeps `taken`: it is there to be compared with it.

    The points that the check keeps, the same share of its draws. What is shown at the check's last point moves with it.
    """
    grid = own.grid
    if set(own.grid) <= set(check.grid):
        grid = tuple(point for point in own.grid if point in taken.grid) or taken.grid[-1:]
    replicates = math.ceil(own.replicates * taken.replicates / check.replicates)
    return own.model_copy(update={"grid": grid if own.grid else (), "replicates": replicates})


def _grids(priced: PricedArm, role: Role) -> Iterator[tuple[float, ...]]:
    """The profile's grid, and shorter ones: without the end whose loss saves most for the sharpness that it costs."""
    arm, grid = priced.arm, priced.amount.grid
    yield grid
    least = _least_points(arm, role, len(grid))

    def price_of_sharpness(points: tuple[float, ...]) -> float:
        """Core-seconds for one unit of information: what a design costs whose draws make up for its grid."""
        return priced.seconds(priced.amount.model_copy(update={"grid": points})) / _information(arm, points)

    while len(grid) > least:
        grid = min(grid[:-1], grid[1:], key=price_of_sharpness)
        yield grid


def _least_points(arm: Arm, role: Role, n_points: int) -> int:
    """How many points a grid must keep: all, where dropping one saves nothing or takes away what is measured there."""
    prediction = arm.prediction
    has_exponent = isinstance(prediction, FrontierPrediction) and prediction.exponent is not None
    if MEASUREMENTS[arm.quantity].read_along or not (prediction.kind in FITTED_KINDS or has_exponent):
        return n_points
    return least_points(arm, role)[0]


def _information(arm: Arm, grid: tuple[float, ...]) -> float:
    if arm.prediction.kind == "growth":
        return rate_information(grid)
    return slope_information([math.log(point) for point in grid])


def _half_width(arm: Arm, replicates: int, level: float) -> float:
    return by_student(replicates, level) if arm.prediction.kind in BY_STUDENT else by_count(replicates)


def _counts(least: int, most: int) -> list[int]:
    ratio = most / least
    return sorted({round(least * ratio ** (k / COUNTS)) for k in range(COUNTS + 1)})


def _worthwhile(found: Sequence[Design]) -> Iterator[Design]:
    """The designs that no other one beats in both cost and sharpness, cheapest first."""
    sharpest = math.inf
    for each in sorted(found, key=lambda design: (design.seconds, design.inflation)):
        if each.inflation < sharpest:
            sharpest = each.inflation
            yield each
