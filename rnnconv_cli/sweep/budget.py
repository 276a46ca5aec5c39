"""CLAIMS + BUDGET → CLAIMS: grids and draws that fit a time, chosen before anything is measured.

Every main run and every control is a little less sharp than its profile, and all by the same factor at most: the
smallest for which the distinct trials of the run are predicted to fit. What time is left then goes to whoever asks for
least of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import CONTROL, MAIN, ArmPlan, BudgetPlan, Trial
from rnnconv_cli.spec.claim import Arm, Profile
from rnnconv_cli.spec.loader import LoadedCheck, LoadedClaim
from rnnconv_cli.spec.rules import Role
from rnnconv_cli.sweep.designs import Bill, Design, PricedArm, Prices, beside, cheapest, designs
from rnnconv_cli.sweep.plan import arms, profile_of, selected_checks
from rnnconv_cli.sweep.progress import duration

AnArm = TypeVar("AnArm", bound=Arm)

Counts = dict[int, int]  # the number of a setting, and how often it is drawn

START_SECONDS = 5.0  # of wall-clock time: imports, kernels, the self-check, the judge
BUSY = 0.9  # share of the cores' time that goes into trials
STEP = 1.02  # between the inflations that are tried


@dataclass(frozen=True, slots=True)
class _Judged:
    """A check's main run or its control, with its designs; and what follows it without a choice of its own."""

    claim: str
    check: str
    name: str
    priced: PricedArm
    choices: tuple[Design, ...]
    exhibits: tuple[tuple[str, PricedArm], ...]

    def taken(self, inflation: float) -> Iterator[tuple[str, PricedArm, Profile]]:
        """Yield the arms with what they keep where half-widths may grow by this factor."""
        amount = cheapest(self.choices, inflation).amount
        yield self.name, self.priced, amount
        for name, priced in self.exhibits:
            yield name, priced, beside(priced.amount, self.priced.amount, amount)

    def bill(self, inflation: float) -> Counts:
        """Return how often each setting is drawn for these arms."""
        return _together(priced.bill(amount) for _, priced, amount in self.taken(inflation))


def plan_within(
    claims: Sequence[LoadedClaim],
    *,
    seconds: float,
    jobs: int,
    profile: str,
    seed: int,
    price: Callable[[Trial], float],
    checks: Sequence[str] = (),
) -> BudgetPlan:
    """Return what these claims, or the named checks alone, measure within so many seconds on so many cores.

    Raises UsageError where even the smallest grids and the fewest draws are predicted to take longer.
    """
    prices = Prices(price)
    judged = tuple(_judged(claims, profile, seed, prices, checks))
    for inflation in _inflations(judged):
        bills = [each.bill(inflation) for each in judged]
        needed = START_SECONDS + measuring_seconds(*_work(bills, prices), jobs)
        if needed <= seconds:
            break
    else:
        raise _too_short(seconds, needed, jobs)
    room = seconds - START_SECONDS
    factors = _sharpened(judged, inflation, prices, BUSY * jobs * room, room)
    taken = [(each, arm) for each, factor in zip(judged, factors, strict=True) for arm in each.taken(factor)]
    reached = max(cheapest(each.choices, inflation).inflation for each in judged)
    return BudgetPlan(seconds, jobs, reached, tuple(_arm_plan(each, *arm) for each, arm in taken))


def within(claims: Sequence[LoadedClaim], plan: BudgetPlan, profile: str) -> tuple[LoadedClaim, ...]:
    """Return the claims as if their files had declared under this profile what the plan takes."""
    parts = {(each.claim, each.check, each.arm): each for each in plan.arms}

    def smaller(claim: str, check: LoadedCheck) -> LoadedCheck:
        def kept(name: str, arm: AnArm) -> AnArm:
            part = parts.get((claim, check.check.id, name))
            return arm if part is None else _reduced(arm, part, profile)  # None: the check is not selected

        return LoadedCheck(
            check=kept(MAIN, check.check),
            control=kept(CONTROL, check.control),
            exhibits=tuple((exhibit, kept(exhibit.id, arm)) for exhibit, arm in check.exhibits),
        )

    return tuple(
        replace(claim, checks=tuple(smaller(claim.claim.id, check) for check in claim.checks)) for claim in claims
    )


def _reduced(arm: AnArm, part: ArmPlan, profile: str) -> AnArm:
    taken = {"grid": part.grid, "replicates": part.replicates}
    amount = profile_of(arm, profile).model_copy(update=taken)
    return arm.model_copy(update={"sweep": arm.sweep.model_copy(update={profile: amount})})


def measuring_seconds(core_seconds: float, longest: float, jobs: int) -> float:
    """Return the predicted wall-clock time of trials of so many core-seconds, of which one takes the longest."""
    return max(core_seconds / (BUSY * jobs), longest)


def _judged(
    claims: Sequence[LoadedClaim], profile: str, seed: int, prices: Prices, checks: Sequence[str]
) -> Iterator[_Judged]:
    for claim, check in selected_checks(claims, checks):
        priced = {name: PricedArm(arm, profile_of(arm, profile), prices, seed) for name, arm in arms(check)}
        shown = tuple((name, arm) for name, arm in priced.items() if name not in (MAIN, CONTROL))
        n_checks, place = len(claim.claim.checks), (claim.claim.id, check.check.id)
        main = designs(priced[MAIN], Role.MAIN, "within", n_checks)
        control = designs(priced[CONTROL], Role.CONTROL, check.check.control.expected, n_checks)
        yield _Judged(*place, MAIN, priced[MAIN], main, shown)
        yield _Judged(*place, CONTROL, priced[CONTROL], control, ())


def _inflations(judged: Sequence[_Judged]) -> Iterator[float]:
    """Factors to try: from 1, at which nothing is left out, up to where every arm takes the least that it may.

    All in turn, as halving the range needs a time that falls with them: an arm that moves to a grid of its own, away
    from trials that it shared, can make the run longer.
    """
    loosest = max(each.choices[0].inflation for each in judged)
    yield from (STEP**k for k in range(2 + math.ceil(math.log(loosest, STEP))))


def _together(bills: Iterable[Bill]) -> Counts:
    """Bills as one: of a setting that several ask for, the most draws count."""
    counts: Counts = {}
    for bill in bills:
        for number, count in bill:
            counts[number] = max(counts.get(number, 0), count)
    return counts


def _work(bills: Iterable[Counts], prices: Prices) -> tuple[float, float]:
    """Predicted core-seconds of the distinct trials of these bills, and of the longest one."""
    counts = _together(iter(bill.items()) for bill in bills)
    longest = max((prices.seconds[number] for number in counts), default=0.0)
    return sum(count * prices.seconds[number] for number, count in counts.items()), longest


def _sharpened(
    judged: Sequence[_Judged], inflation: float, prices: Prices, core_seconds: float, longest: float
) -> list[float]:
    """A factor for each arm, none above the common one: where an arm with a costly point cannot follow, others can.

    Step by step all that have followed so far are offered the next smaller factor, the least additional work first.
    """
    factors, bills = [inflation] * len(judged), [each.bill(inflation) for each in judged]
    left, following = core_seconds - _work(bills, prices)[0], set(range(len(judged)))
    while following and inflation > 1:
        inflation = max(1.0, inflation / STEP)
        offers = []
        for index in sorted(following):
            if cheapest(judged[index].choices, inflation) is not cheapest(judged[index].choices, factors[index]):
                bill = judged[index].bill(inflation)
                offers.append((_additional(bill, bills[index], prices), index, bill))
        for more, index, bill in sorted(offers, key=lambda offer: offer[:2]):
            if more <= left and _work([bill], prices)[1] <= longest:
                factors[index], bills[index], left = inflation, bill, left - more
            else:
                following.discard(index)
    return factors


def _additional(bill: Counts, before: Counts, prices: Prices) -> float:
    """Predicted core-seconds that a bill adds to one before, at most: others may have asked for them already."""
    more = ((number, count - before.get(number, 0)) for number, count in bill.items())
    return sum(prices.seconds[number] * count for number, count in more if count > 0)


def _arm_plan(judged: _Judged, name: str, priced: PricedArm, amount: Profile) -> ArmPlan:
    whole = priced.amount
    return ArmPlan(
        claim=judged.claim,
        check=judged.check,
        arm=name,
        parameter=priced.arm.sweep.parameter,
        grid=amount.grid,
        replicates=amount.replicates,
        grid_left_out=tuple(point for point in whole.grid if point not in amount.grid),
        replicates_left_out=whole.replicates - amount.replicates,
    )


def _too_short(seconds: float, needed: float, jobs: int) -> UsageError:
    cores = f"{jobs} core{'s' if jobs > 1 else ''}"
    start, trials = duration(START_SECONDS), duration(math.ceil(needed - START_SECONDS))
    parts = f"{start} to start and to judge, and {trials} for the smallest grids and the fewest draws on {cores}"
    wanted = f"at least {duration(math.ceil(needed))}: {parts}"
    return UsageError(f"a budget of {duration(seconds)}", wanted, "allow more time, or ask for fewer checks")
