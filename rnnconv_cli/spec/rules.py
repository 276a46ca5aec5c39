"""Rules that span the sections of an arm: what must hold before its kind of prediction can be decided at all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import pairwise

from rnnconv_cli.spec.claim import Arm, DecayPrediction, EventPrediction, FrontierPrediction, Profile, VerdictWord
from rnnconv_cli.spec.document import Path, shown
from rnnconv_cli.spec.explain import Fault
from rnnconv_cli.spec.regime import LARGEST_COUNT, PROFILES, regime_faults

FAMILY_ERROR = 0.05  # over the checks of one claim, by Bonferroni
RESERVED = frozenset({"main", "control"})  # the names of a check's own arms
INTEGER_PARAMETERS = frozenset(
    {"width", "horizon", "n_sequences", "output_dim", "sparsity", "rows", "decades", "steps"}
)
RUN_PARAMETERS = frozenset({"decades", "steps"})  # one run is read at many places
FITTED_KINDS = frozenset({"exponent", "attainment", "growth"})

# Student's t over fewer slopes is wider than any tolerance worth declaring; a frontier fits a dose-response per point.
LEAST_REPLICATES = {"exponent": 5, "attainment": 5, "growth": 5, "decay": 5, "frontier": 40, "identity": 1}
LEAST_POINTS, LEAST_POINTS_OF_A_CONTROL = 5, 4
LEAST_WIDTHS = 5
LEAST_RANGE = 4  # between the ends of a search
LEAST_POINTS_OF_A_FRONTIER_EXPONENT = 4
DEEPEST_DECADE = 30  # f is a sum of squares: float64 residuals of 1e-16 leave 1e-32 of it


class Role(Enum):
    """Which arm of a check: only the first two are judged."""

    MAIN = "main"
    CONTROL = "control"
    EXHIBIT = "exhibit"


def arm_faults(arm: Arm, role: Role, expected: VerdictWord, n_checks: int) -> tuple[Fault, ...]:
    """Everything that keeps an arm from being measured, and from the verdict it is there for."""
    return (*_sweep_faults(arm, role), *_replicate_faults(arm, role, expected, n_checks), *regime_faults(arm))


def id_faults(ids: Iterable[tuple[Path, object]], what: str, reserved: frozenset[str] = frozenset()) -> Iterator[Fault]:
    """Ids that occur twice, or that name something else already."""
    seen: Counter[str] = Counter()
    for path, value in ids:
        if not isinstance(value, str):
            continue
        seen[value] += 1
        if value in reserved:
            yield Fault(path, f"the reserved id {shown(value)}", f"an id for {what} other than {_listed(reserved)}")
        elif seen[value] > 1:
            yield Fault(path, f"the id {shown(value)} a second time", f"a different id for each {what}")


def error_share(n_checks: int) -> float:
    """What one of so many checks may err with, so that all of a claim together err in 5 % of runs (Bonferroni) [1]."""
    return FAMILY_ERROR / n_checks


def replicates_needed(probability: float, n_checks: int, *, for_outside: bool = False) -> int:
    """The fewest draws after which an event without exception decides against a probability q.

    With R draws and no failure the exact (Clopper-Pearson) interval at level 1 - alpha begins at (alpha/2)^(1/R), with
    no success it ends at 1 - (alpha/2)^(1/R); alpha is the check's `error_share`.
    """
    log_tail = math.log(error_share(n_checks) / 2)
    least = log_tail / math.log1p(-probability) if for_outside else log_tail / math.log(probability)
    least = min(least, LARGEST_COUNT)  # beyond what any run could draw, and within what float64 can count
    return max(1, math.floor(least) + 1 if for_outside else math.ceil(least))


def least_points(arm: Arm, role: Role) -> tuple[int, str]:
    """The fewest points that a grid of this arm may have, and what they are for."""
    prediction = arm.prediction
    if arm.sweep.parameter is None:
        return 0, ""
    if role is Role.EXHIBIT:
        return 1, "to show"
    if prediction.kind in FITTED_KINDS:
        least = LEAST_POINTS_OF_A_CONTROL if role is Role.CONTROL else LEAST_POINTS
        return least, f"for the kind {prediction.kind}"
    if isinstance(prediction, DecayPrediction):
        return prediction.tail + 1, f"for a tail of {prediction.tail} decades"
    if isinstance(prediction, FrontierPrediction) and prediction.exponent is not None:
        return LEAST_POINTS_OF_A_FRONTIER_EXPONENT, "for the exponent of a frontier"
    return 1, f"for the kind {prediction.kind}"


def least_replicates(arm: Arm, role: Role, expected: VerdictWord, n_checks: int) -> tuple[int, str]:
    """The fewest draws with which this arm can be decided, and why it takes so many."""
    prediction = arm.prediction
    if role is Role.EXHIBIT:
        return 1, ""
    if isinstance(prediction, EventPrediction) and not (role is Role.CONTROL and expected == "inconclusive"):
        for_outside = role is Role.CONTROL and expected == "outside"
        needed = replicates_needed(prediction.probability, n_checks, for_outside=for_outside)
        failures = "in which it always fails" if for_outside else "without a failure"
        corrected = f" corrected for {n_checks} checks" if n_checks > 1 else ""
        return needed, f"fewer draws {failures} cannot decide against probability {prediction.probability:g}{corrected}"
    return LEAST_REPLICATES.get(prediction.kind, 1), f"fewer can never decide the kind {prediction.kind}"


def _listed(words: Iterable[str]) -> str:
    return " and ".join(sorted(words))


def _sweep_faults(arm: Arm, role: Role) -> Iterator[Fault]:
    kind, parameter = arm.prediction.kind, arm.sweep.parameter
    judged = role is not Role.EXHIBIT
    if judged and (fault := _parameter_fault(arm)):
        yield fault
        return
    if parameter in RUN_PARAMETERS and arm.training is None:
        found = f"{parameter} without a training section"
        yield Fault(("sweep", "parameter"), found, "training: a run to read at several places")
    for name in PROFILES:
        profile: Profile = getattr(arm.sweep, name)
        here: Path = ("sweep", name)
        yield from _grid_faults(profile, (*here, "grid"), parameter, least_points(arm, role))
        if parameter == "steps" and arm.training and profile.grid and profile.grid[-1] > arm.training.max_steps:
            found, wanted = f"step {profile.grid[-1]:g}", f"at most training.max_steps, {arm.training.max_steps}"
            yield Fault((*here, "grid"), found, wanted)
        if judged and isinstance(arm.prediction, DecayPrediction) and not _consecutive(profile.grid):
            yield Fault(
                (*here, "grid"), f"decades {_series(profile.grid)}", "consecutive decades, such as [1, 2, 3, 4, 5]"
            )
        if kind == "frontier":
            yield from _widths_faults(profile, here)
        elif profile.widths or profile.search:
            given = "widths" if profile.widths else "search"
            wanted = f"no {given}: only a frontier searches over widths"
            yield Fault((*here, given), f"{given} for the kind {kind}", wanted, at_key=True)


def _parameter_fault(arm: Arm) -> Fault | None:
    kind, parameter = arm.prediction.kind, arm.sweep.parameter
    here: Path = ("sweep", "parameter")
    if kind in ("event", "identity"):
        wanted = f"no parameter: the kind {kind} is decided at one point"
        return (
            Fault(here, f"the parameter {parameter}", wanted, "a second point is a second check") if parameter else None
        )
    if kind == "decay":
        found = f"the parameter {parameter}" if parameter else "no swept parameter"
        return None if parameter == "decades" else Fault(here, found, "decades, which the kind decay is read from")
    if parameter is None:
        return Fault(here, "no swept parameter", f"one: the kind {kind} says nothing of a parameter that is not swept")
    if kind == "frontier" and parameter == "width":
        return Fault(here, "the parameter width", "another: a frontier finds the width itself, by `widths` or `search`")
    return None


def _grid_faults(profile: Profile, path: Path, parameter: str | None, least: tuple[int, str]) -> Iterator[Fault]:
    grid = profile.grid
    if parameter is None:
        if grid:
            yield Fault(path, f"{len(grid)} points although nothing is swept", "an empty grid, or sweep.parameter")
        return
    points, purpose = least
    if len(grid) < points:
        yield Fault(path, f"{len(grid)} points", f"at least {points} {purpose}")
    if not _ascending(grid):
        yield Fault(path, f"the values {_series(grid)}", "ascending, distinct values")
    if parameter in INTEGER_PARAMETERS:
        for i, value in enumerate(grid):
            if not value.is_integer():
                yield Fault((*path, i), f"{parameter} = {value:g}", "a whole number")
            elif parameter == "decades" and value > DEEPEST_DECADE:
                wanted = f"at most {DEEPEST_DECADE}: below it lies the round-off of float64"
                yield Fault((*path, i), f"decade {value:g}", wanted)


def _widths_faults(profile: Profile, path: Path) -> Iterator[Fault]:
    widths, search, here = profile.widths, profile.search, (*path, "widths")
    if search is not None:
        if widths:
            yield Fault(here, f"{len(widths)} widths and a search", "one of the two", at_key=True)
        if search.most < LEAST_RANGE * search.least:
            found, wanted = f"widths from {search.least} to {search.most}", f"a factor of at least {LEAST_RANGE}"
            yield Fault((*path, "search", "most"), found, wanted, "a search starts with three octaves")
        return
    if len(widths) < LEAST_WIDTHS:
        wanted = f"at least {LEAST_WIDTHS} for a dose-response curve"
        yield Fault(here, f"{len(widths)} widths", wanted, "or a search: {least, most}, which chooses them in rounds")
    if not _ascending(widths):
        yield Fault(here, f"the values {_series(widths)}", "ascending, distinct values")


def _replicate_faults(arm: Arm, role: Role, expected: VerdictWord, n_checks: int) -> Iterator[Fault]:
    needed, reason = least_replicates(arm, role, expected, n_checks)
    for name in PROFILES:
        profile: Profile = getattr(arm.sweep, name)
        if profile.replicates < needed:
            path: Path = ("sweep", name, "replicates")
            yield Fault(path, f"{profile.replicates}", f"at least {needed}", reason)


def _ascending(values: tuple[float, ...]) -> bool:
    return all(low < high for low, high in pairwise(values))


def _consecutive(values: tuple[float, ...]) -> bool:
    return all(high - low == 1 for low, high in pairwise(values))


def _series(values: tuple[float, ...]) -> str:
    listed = ", ".join(f"{value:g}" for value in values[:6])
    return f"[{listed}, ...]" if len(values) > 6 else f"[{listed}]"
