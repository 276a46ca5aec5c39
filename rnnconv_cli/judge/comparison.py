"""Baselines and a run → what has changed: the same trials to round-off, others by a test, several in a row by drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rnnconv_cli.judge.moved import EXTREME, Figure, Tolerance, difference, drift, has_same_interval, round_off, step_p
from rnnconv_cli.records import (
    CONTROL,
    MAIN,
    Baseline,
    Change,
    Comparison,
    KeptArm,
    KeptCheck,
    KeptNumber,
    Outcome,
    Rule,
    VerdictMove,
)
from rnnconv_cli.stats.change import corrected

ERROR = 0.01  # chance of a false alarm in a run, over all of its tests
LEAST_RUNS = 3  # independent ones, for a drift

Place = tuple[str, str, str, str]  # claim, check, arm, number


@dataclass(frozen=True, slots=True)
class _Pair:
    """One number then and now, with what the newest baseline declares for it."""

    place: Place
    then: Figure
    now: Figure
    is_same_trials: bool
    threshold: float
    noise: float


def compare(
    baselines: Sequence[Baseline], now: Baseline, *, differs: tuple[str, ...], tolerance: Tolerance
) -> Comparison:
    """What has become of the newest baseline's numbers, and of those of all baselines, oldest first.

    `differs` says what the conditions differ in between the newest baseline and now. With several baselines, half of
    the error goes to drifts.
    """
    newest = baselines[-1]
    error = ERROR if len(baselines) == 1 else ERROR / 2
    then_checks, now_checks = _by_name(newest), _by_name(now)
    pairs = tuple(_pairs(newest, now))
    changes = _tested(pairs, [_first_look(pair, bool(differs), tolerance) for pair in pairs], error)
    moved = {_place(each) for each in changes if each.outcome is Outcome.CHANGED}
    drifts = _drifts(baselines, now, pairs, tolerance, error) if len(baselines) > 1 else ()
    return Comparison(
        changes=changes,
        drifts=tuple(each for each in drifts if _place(each) not in moved),
        verdicts=tuple(
            VerdictMove(check.claim, check.id, check.verdict, now_checks[name].verdict)
            for name, check in then_checks.items()
            if name in now_checks and now_checks[name].verdict is not check.verdict
        ),
        only_then=tuple("/".join(name) for name in then_checks if name not in now_checks),
        only_now=tuple("/".join(name) for name in now_checks if name not in then_checks),
        differs=differs,
        baselines=len(baselines),
        error=ERROR,
        other_runs=tuple(_other_runs(newest, now)),
    )


def _other_runs(then: Baseline, now: Baseline) -> Iterator[str]:
    """In what two runs differ besides their conditions, so that other trials are no surprise."""
    if then.seed != now.seed:
        yield f"seed {then.seed} → {now.seed}"
    if then.profile != now.profile:
        yield f"profile {then.profile} → {now.profile}"
    digests = dict(then.claims)
    edited = [claim for claim, digest in now.claims if digests.get(claim, digest) != digest]
    if edited:
        yield f"edited claims: {', '.join(edited)}"


def _by_name(baseline: Baseline) -> dict[tuple[str, str], KeptCheck]:
    return {(check.claim, check.id): check for check in baseline.checks}


def _pairs(then: Baseline, now: Baseline) -> Iterator[_Pair]:
    """Every number that one of the two has of a check of both."""
    now_checks = _by_name(now)
    for name, check in _by_name(then).items():
        if name in now_checks:
            for arm in (MAIN, CONTROL):
                before, after = _arm(check, arm), _arm(now_checks[name], arm)
                numbers_then, numbers_now = _numbers(before), _numbers(after)
                for number in dict.fromkeys((*numbers_then, *numbers_now)):
                    yield _Pair(
                        (*name, arm, number),
                        Figure(then.seed, before, numbers_then.get(number, _nothing(number))),
                        Figure(now.seed, after, numbers_now.get(number, _nothing(number))),
                        _same_trials(then, before, now, after, name[0]),
                        then.threshold if check.threshold is None else check.threshold,
                        then.noise if check.noise is None else check.noise,
                    )


def _arm(check: KeptCheck, arm: str) -> KeptArm:
    return check.main if arm == MAIN else check.control


def _numbers(arm: KeptArm) -> Mapping[str, KeptNumber]:
    return {number.name: number for number in arm.numbers}


def _nothing(name: str) -> KeptNumber:
    return KeptNumber(name, None, None, None, None)


def _same_trials(then: Baseline, before: KeptArm, now: Baseline, after: KeptArm, claim: str) -> bool:
    """Whether two arms have asked for the same trials.

    A frontier's search asks for what its answers call for: two that begin alike, with as much left out for want of
    time, are the same search, so that other trials mean other answers. An estimate that is gone at the same seed is no
    other trial either.
    """
    if before.trials and before.trials == after.trials:
        return True
    if (then.seed, then.profile, before.left_out) != (now.seed, now.profile, after.left_out):
        return False
    if before.numbers and not after.numbers:
        return True
    is_same_claim = any(each == claim and (each, digest) in now.claims for each, digest in then.claims)
    return is_same_claim and before.points == after.points and before.kind == after.kind == "frontier"


def _first_look(pair: _Pair, is_elsewhere: bool, tolerance: Tolerance) -> Change:
    """The change of the same trials, decided; of others, only whether it can be tested."""
    then, now, apart = pair.then, pair.now, difference(pair.then, pair.now)
    rule = (Rule.ROUND_OFF if is_elsewhere else Rule.BITS) if pair.is_same_trials else Rule.TEST
    allowed = 0.0 if rule is Rule.BITS else round_off(then, now, tolerance)
    change = Change(
        *pair.place, Outcome.SAME, rule, then.number.value, now.number.value, apart, max(allowed, pair.noise),
        then.half_width, by_ratio=now.number.by_ratio,
    )  # fmt: skip
    if pair.is_same_trials:
        why = _other_values(then, now, change.allowed)
        is_same = _has_same_value(then, now, change.allowed) and not why
        return change if is_same else replace(change, outcome=Outcome.CHANGED, because=why)
    if _is_nothing(then.number) and _is_nothing(now.number):
        return change
    why = _obstacle(then, now)
    if not why and then.arm.kind == EXTREME:
        return replace(change, outcome=Outcome.UNTESTED)
    return replace(change, outcome=Outcome.NOT_COMPARED, because=why) if why else change


def _has_same_value(then: Figure, now: Figure, allowed: float) -> bool:
    """Without an allowance by the number itself: a logarithm may round two neighbours to one."""
    apart = difference(then, now)
    is_near = apart is not None and abs(apart) <= allowed and allowed > 0
    return is_near or then.number.value == now.number.value


def _is_nothing(number: KeptNumber) -> bool:
    return number.value is None and number.low is None and number.high is None


def _other_values(then: Figure, now: Figure, allowed: float) -> str:
    """What else is not the same of the same trials' number; empty for nothing."""
    if then.arm.kind == now.arm.kind and then.arm.count != now.arm.count:
        return f"made of {then.arm.count} values then, {now.arm.count} now"
    has_lost_value = then.number.value is not None and now.number.value is None
    if has_lost_value or has_same_interval(then, now, allowed):
        return ""
    return f"its interval was {_interval(then.number)}, and is {_interval(now.number)}"


def _interval(number: KeptNumber) -> str:
    low, high = ("open" if end is None else f"{end:g}" for end in (number.low, number.high))
    return f"[{low}, {high}]"


def _obstacle(then: Figure, now: Figure) -> str:
    """Why two numbers cannot be tested; empty where they can, and for extremes, which are not."""
    for figure, which in ((then, "the baseline"), (now, "the result")):
        if figure.number.value is None:
            return f"no number in {which}"
    if then.arm.kind != now.arm.kind:
        return f"an estimate of kind {then.arm.kind} then, {now.arm.kind} now"
    if then.arm.kind == EXTREME:
        return ""
    for figure, which in ((then, "the baseline"), (now, "the result")):
        if not figure.is_tested:
            return f"no closed interval in {which}"
    return ""


def _tested(pairs: Sequence[_Pair], looked: Sequence[Change], error: float) -> tuple[Change, ...]:
    """The changes with those of other trials tested, all together."""
    tested = [
        place
        for place, change in enumerate(looked)
        if change.rule is Rule.TEST and change.outcome is Outcome.SAME and change.difference is not None
    ]
    found = list(looked)
    p_values = corrected([step_p(pairs[place].then, pairs[place].now, pairs[place].threshold) for place in tested])
    for place, p in zip(tested, p_values, strict=True):
        found[place] = _judged(looked[place], p, error)
    return tuple(found)


def _judged(change: Change, p: float, error: float) -> Change:
    has_changed = p < error and abs(change.difference or 0.0) > change.allowed
    return replace(change, p=p, outcome=Outcome.CHANGED if has_changed else Outcome.SAME)


def _drifts(
    baselines: Sequence[Baseline], now: Baseline, pairs: Sequence[_Pair], tolerance: Tolerance, error: float
) -> tuple[Change, ...]:
    """Numbers that have gone one way over all baselines; the same trials beyond round-off, others by the trend."""
    found, tested = [], []
    older = [_by_name(each) for each in baselines]
    for pair in pairs:
        row = [*_history(baselines, older, pair), (now, pair.now)]
        since = next((figure for run, figure in row[:-1] if _is_sharp(run, figure, now, pair)), None)
        if since is not None and pair.now.value is not None:
            change = _drift(pair, since, difference(since, pair.now), round_off(since, pair.now, tolerance))
            if abs(change.difference or 0.0) > change.allowed:
                found.append(replace(change, outcome=Outcome.CHANGED))
        runs = _independent(figure for _, figure in row if figure.arm.kind == pair.now.arm.kind and figure.is_tested)
        if len(runs) >= LEAST_RUNS and runs[-1] is pair.now:
            size, p = drift(runs, pair.threshold)
            tested.append((_drift(pair, runs[0], size, round_off(runs[0], pair.now, tolerance)), p))
    certain = {_place(change) for change in found}
    p_values = corrected([p for _, p in tested])
    judged = [_judged(change, p, error) for (change, _), p in zip(tested, p_values, strict=True)]
    return (*found, *(each for each in judged if each.outcome is Outcome.CHANGED and _place(each) not in certain))


def _history(
    baselines: Sequence[Baseline], older: Sequence[Mapping[tuple[str, str], KeptCheck]], pair: _Pair
) -> Iterator[tuple[Baseline, Figure]]:
    """What each baseline has of a number, oldest first."""
    claim, check, arm, number = pair.place
    for baseline, checks in zip(baselines, older, strict=True):
        if (claim, check) in checks:
            kept = _arm(checks[claim, check], arm)
            if number in (numbers := _numbers(kept)):
                yield baseline, Figure(baseline.seed, kept, numbers[number])


def _is_sharp(run: Baseline, figure: Figure, now: Baseline, pair: _Pair) -> bool:
    return figure.value is not None and _same_trials(run, figure.arm, now, pair.now.arm, pair.place[0])


def _independent(figures: Iterator[Figure]) -> list[Figure]:
    """The newest of each seed, in their order: runs of one seed share their draws."""
    newest: dict[int, Figure] = {}
    for figure in figures:
        newest.pop(figure.seed, None)
        newest[figure.seed] = figure
    return list(newest.values())


def _drift(pair: _Pair, since: Figure, size: float | None, allowed: float) -> Change:
    return Change(
        *pair.place, Outcome.SAME, Rule.DRIFT, since.number.value, pair.now.number.value, size,
        max(allowed, pair.noise), since.half_width, by_ratio=since.number.by_ratio,
    )  # fmt: skip


def _place(change: Change) -> Place:
    return change.claim, change.check, change.arm, change.number
