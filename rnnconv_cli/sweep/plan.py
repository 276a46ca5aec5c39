"""SPEC → TRIALS: every name resolved, every law evaluated, every trial that a run will measure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rnnconv_cli.errors import LISTED_BY, SpecError, UsageError, Violation, meant, one_of
from rnnconv_cli.measure import MEASUREMENTS, Measurement
from rnnconv_cli.measure.cost import TYPICAL, Speeds, draw_seconds, slowdown
from rnnconv_cli.records import (
    CONTROL,
    MAIN,
    PerturbationSetting,
    ProbeSetting,
    ProblemSetting,
    TrainingSetting,
    Trial,
)
from rnnconv_cli.spec.claim import Arm, InverseLambdaMax, Law, Probe, Profile
from rnnconv_cli.spec.loader import LoadedCheck, LoadedClaim, refuse_unknown_checks
from rnnconv_cli.spec.rules import RUN_PARAMETERS
from rnnconv_cli.stats import dose

WHOLE_SIZES = ("width", "horizon", "n_sequences", "output_dim")  # of a problem: what a path gives is rounded
NEVER_REACHED = 1e-30  # of the initial loss: round-off comes first, so that a run read at its steps takes all of them
MOST_TRIALS = 1_000_000
PROBE_NUMBERS = tuple(name for name in Probe.model_fields if name != "search")


@dataclass(frozen=True, slots=True)
class Job:
    """A trial with its place in a check. A trial that several checks ask for is measured once."""

    claim: str
    check: str
    arm: str  # main | control | the id of an exhibit
    point: float
    trial: Trial


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a run will measure."""

    jobs: tuple[Job, ...]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Return the distinct trials, in the order in which they are first asked for."""
        return tuple(dict.fromkeys(job.trial for job in self.jobs))

    def of(self, claim: str, check: str, arm: str) -> Plan:
        """Return the part of the plan that one arm of one check asks for."""
        return Plan(tuple(job for job in self.jobs if (job.claim, job.check, job.arm) == (claim, check, arm)))


def predicted_seconds(trial: Trial, speeds: Speeds = TYPICAL) -> float:
    """Return the predicted core-seconds of one trial on a machine of these speeds."""
    measured = slowdown(trial.problem, speeds) * MEASUREMENTS[trial.quantity].seconds(trial)
    return draw_seconds(trial.problem, speeds) + measured


def predicted_bytes(trial: Trial) -> int:
    """Return the predicted peak memory of one trial."""
    return MEASUREMENTS[trial.quantity].peak_bytes(trial)


def make_plan(claims: Sequence[LoadedClaim], *, profile: str, seed: int, checks: Sequence[str] = ()) -> Plan:
    """Return the plan of these claims, or of the named checks alone; of a search, its first round.

    Raises SpecError for every quantity, adversary or section that no measurement can use, UnknownName for a check id
    that no claim has, UsageError for two claims of one id, whose results could not be told apart, and for more trials
    than one run holds.
    """
    _refuse_namesakes(claims)
    selected = selected_checks(claims, checks)
    violations = tuple(violation for claim in claims for violation in _violations(claim))
    if violations:
        raise SpecError(violations)
    _refuse_too_many(selected, profile)
    jobs: list[Job] = []
    for claim, check in selected:
        for name, arm in arms(check):
            jobs += [
                Job(claim.claim.id, check.check.id, name, point, trial) for point, trial in _trials(arm, profile, seed)
            ]
    return Plan(tuple(jobs))


def search_of(amount: Profile) -> dose.Search | None:
    """Return where a frontier looks for m*, in the terms of its rounds; None where it declares its widths."""
    if amount.search is None:
        return None
    return dose.Search(amount.search.least, amount.search.most, amount.replicates, amount.search.precision)


def _refuse_too_many(selected: Sequence[tuple[LoadedClaim, LoadedCheck]], profile: str) -> None:
    """Count before anything is listed: a text of a few lines may ask for more trials than memory holds."""
    counts = [
        (sum(_n_trials(arm, profile_of(arm, profile)) for _, arm in arms(check)), check.check.id)
        for _, check in selected
    ]
    total = sum(count for count, _ in counts)
    if total > MOST_TRIALS:
        most, check = max(counts)
        found = f"{total:,} trials, {most:,} of them in {check}"
        raise UsageError(found, f"at most {MOST_TRIALS:,} in one run", "try fewer replicates, or some of the checks")


def _n_trials(arm: Arm, amount: Profile) -> int:
    adversaries = len(arm.perturbation.adversaries) if arm.perturbation else 1
    search = search_of(amount)
    draws = sum(dose.typical_draws(search).values()) if search else max(1, len(amount.widths)) * amount.replicates
    return len(points_of(arm, amount)) * adversaries * draws


def _refuse_namesakes(claims: Sequence[LoadedClaim]) -> None:
    origins: dict[str, str] = {}
    for claim in claims:
        if claim.claim.id in origins:
            found = f"the claim id {claim.claim.id!r} in {origins[claim.claim.id]} and in {claim.origin}"
            raise UsageError(found, "a different id for each claim", "verify them one at a time, or change an id")
        origins[claim.claim.id] = claim.origin


def selected_checks(
    claims: Sequence[LoadedClaim], checks: Sequence[str]
) -> tuple[tuple[LoadedClaim, LoadedCheck], ...]:
    """Return the (claim, check) pairs to run: all, or those whose id is named. Raises UnknownName for an unknown id."""
    every = tuple((claim, check) for claim in claims for check in claim.checks)
    refuse_unknown_checks(checks, (check.check.id for _, check in every))
    return tuple((claim, check) for claim, check in every if not checks or check.check.id in checks)


def arms(check: LoadedCheck) -> tuple[tuple[str, Arm], ...]:
    """Return what a check measures: itself, its control, its exhibits."""
    return ((MAIN, check.check), (CONTROL, check.control), *((exhibit.id, arm) for exhibit, arm in check.exhibits))


def profile_of(arm: Arm, profile: str) -> Profile:
    """Return the arm's grid and replicates under the profile of this name."""
    return arm.sweep.quick if profile == "quick" else arm.sweep.full


def points_of(arm: Arm, amount: Profile) -> tuple[float, ...]:
    """Return the points that trials are drawn at: the grid, unless one run is read at all of it or nothing is swept."""
    along = MEASUREMENTS[arm.quantity].read_along
    return (1.0,) if along or not amount.grid else tuple(float(point) for point in amount.grid)


def trials_at(
    arm: Arm, amount: Profile, point: float, width: int | None, replicates: range, seed: int
) -> Iterator[Trial]:
    """Yield the trials of these replicates at one point, and at one width where the profile chooses it."""
    measurement = MEASUREMENTS[arm.quantity]
    read_at = tuple(measurement.first_decade + int(each) for each in amount.grid) if measurement.read_along else ()
    problem = _problem_setting(arm, point, width)
    training = _training_setting(arm, problem, read_at)
    probe = _probe_setting(arm, problem, point)
    for perturbation in _perturbation_settings(arm, problem, point):
        for replicate in replicates:
            yield Trial(
                arm.quantity,
                problem,
                training,
                perturbation,
                probe,
                read_at,
                tuple(arm.preconditions),
                replicate,
                seed,
            )


def _trials(arm: Arm, profile_name: str, seed: int) -> Iterator[tuple[float, Trial]]:
    amount = profile_of(arm, profile_name)
    search = search_of(amount)
    draws: Mapping[int | None, int] = dict.fromkeys(amount.widths or (None,), amount.replicates)
    for point in points_of(arm, amount):
        for width, count in (dose.first_draws(search) if search else draws).items():
            for trial in trials_at(arm, amount, point, width, range(count), seed):
                yield point, trial


def _problem_setting(arm: Arm, point: float, width: int | None) -> ProblemSetting:
    values = arm.problem.model_dump()
    if width is not None:
        values["width"] = width
    parameter = arm.sweep.parameter
    if parameter in values:
        values[parameter] = point
    for followed, law in arm.sweep.path.items():
        values[followed] = law.at(point)
    for name in WHOLE_SIZES:
        values[name] = round(values[name])
    values["separation"] = float(values["separation"])
    values["weight_variance"] = float(values["weight_variance"])
    return ProblemSetting(**values)


def _training_setting(arm: Arm, problem: ProblemSetting, read_at: tuple[int, ...]) -> TrainingSetting | None:
    training = arm.training
    if training is None or not MEASUREMENTS[arm.quantity].reads_training:
        return None
    rate = training.learning_rate
    relative = isinstance(rate, InverseLambdaMax)
    value = rate.over_lambda_max if isinstance(rate, InverseLambdaMax) else _at(rate, problem)
    to_the_last = 10.0 ** -max(read_at) if arm.sweep.parameter == "decades" else NEVER_REACHED
    return TrainingSetting(
        method=training.method,
        batch_size=training.batch_size if training.method == "sgd" else problem.n_sequences,
        learning_rate=value,
        learning_rate_unit="inverse-lambda-max" if relative else "absolute",
        max_steps=max(read_at) if arm.sweep.parameter == "steps" else training.max_steps,
        accuracy=to_the_last if read_at else training.accuracy,
        objective=training.objective,
    )


def _perturbation_settings(arm: Arm, problem: ProblemSetting, point: float) -> tuple[PerturbationSetting | None, ...]:
    perturbation = arm.perturbation
    if perturbation is None or not MEASUREMENTS[arm.quantity].reads_perturbation:
        return (None,)
    if arm.sweep.parameter == "size" or perturbation.size is not None:
        size = point if arm.sweep.parameter == "size" else _at(perturbation.size, problem)
    else:
        tau0 = point if arm.sweep.parameter == "tau0" else _at(perturbation.tau0, problem)
        size = tau0 / problem.width**0.5
    return tuple(PerturbationSetting(float(size), name, perturbation.around) for name in perturbation.adversaries)


def _probe_setting(arm: Arm, problem: ProblemSetting, point: float) -> ProbeSetting | None:
    """Return what the quantity reads of the probe section, and nothing else: the rest would be other trials."""
    reads = MEASUREMENTS[arm.quantity].reads_probe
    if not reads:
        return None
    declared = arm.probe or Probe()
    numbers = {
        name: point if arm.sweep.parameter == name else _at(getattr(declared, name), problem)
        for name in reads
        if name in PROBE_NUMBERS
    }
    return ProbeSetting(**numbers, search=declared.search if "search" in reads else ProbeSetting().search)


def _at(number: float | Law | None, problem: ProblemSetting) -> float:
    """Return a number, or a law at this problem; the spec has refused None."""
    if isinstance(number, Law):
        return number.at(getattr(problem, number.parameter))
    return float(number or 0.0)


def _violations(claim: LoadedClaim) -> Iterator[Violation]:
    """Yield what only this layer can know: names that no table has, sections that a quantity lacks or never reads.

    What a check itself gets wrong is not said again of its control and its exhibits.
    """
    for index, check in enumerate(claim.checks):
        said: set[tuple[str, str]] = set()
        for name, arm in arms(check):
            path: tuple[str | int, ...] = ("checks", index)
            if name == CONTROL:
                path = (*path, "control", "change")
            elif name != MAIN:
                position = [exhibit.id for exhibit, _ in check.exhibits].index(name)
                path = (*path, "beside", position, "change")
            found = tuple(_arm_violations(claim, path, arm, is_main=name == MAIN))
            yield from (violation for violation in found if (violation.found, violation.wanted) not in said)
            if name == MAIN:
                said = {(violation.found, violation.wanted) for violation in found}


def _arm_violations(claim: LoadedClaim, path: tuple[str | int, ...], arm: Arm, *, is_main: bool) -> Iterator[Violation]:
    measurement = MEASUREMENTS.get(arm.quantity)
    if measurement is None:
        yield _unknown(claim, (*path, "quantity"), "quantity", arm.quantity, tuple(MEASUREMENTS))
        return
    sections = (("training", measurement.reads_training), ("perturbation", measurement.reads_perturbation))
    for section, needed in sections:
        present = getattr(arm, section) is not None
        if needed and not present:
            yield claim.violation(path, f"no {section} section", f"one: quantity {arm.quantity!r} reads it")
        if is_main and present and not needed:
            yield claim.violation((*path, section), "a section", f"none: quantity {arm.quantity!r} never reads it")
    along = arm.sweep.parameter if arm.sweep.parameter in RUN_PARAMETERS else ""
    if measurement.read_along != along:
        wanted = f"parameter {measurement.read_along!r}" if measurement.read_along else "another parameter"
        yield claim.violation((*path, "sweep"), f"parameter {arm.sweep.parameter!r}", f"{wanted} for this quantity")
    yield from _probe_violations(claim, path, arm, measurement, is_main=is_main)
    for position, adversary in enumerate(arm.perturbation.adversaries if arm.perturbation else ()):
        if adversary not in measurement.adversaries:
            place = (*path, "perturbation", "adversaries", position)
            yield _unknown(claim, place, "adversary", adversary, measurement.adversaries)


def _probe_violations(
    claim: LoadedClaim, path: tuple[str | int, ...], arm: Arm, measurement: Measurement, *, is_main: bool
) -> Iterator[Violation]:
    declared = arm.probe.model_fields_set if arm.probe else frozenset()
    for name in PROBE_NUMBERS:
        given = arm.sweep.parameter == name or (name in declared and getattr(arm.probe, name) is not None)
        if name in measurement.reads_probe and not given:
            yield claim.violation((*path, "probe"), f"no {name}", f"one: quantity {arm.quantity!r} reads it")
    for name in sorted(declared - set(measurement.reads_probe)) if is_main else ():
        yield claim.violation((*path, "probe", name), "a value", f"none: quantity {arm.quantity!r} never reads it")
    if is_main and arm.sweep.parameter in PROBE_NUMBERS and arm.sweep.parameter not in measurement.reads_probe:
        wanted = f"a parameter that quantity {arm.quantity!r} reads"
        yield claim.violation((*path, "sweep", "parameter"), f"parameter {arm.sweep.parameter!r}", wanted)


def _unknown(
    claim: LoadedClaim, path: tuple[str | int, ...], kind: str, name: str, known: tuple[str, ...]
) -> Violation:
    close = difflib.get_close_matches(name, known)
    return claim.violation(path, f"{kind} {name!r}{meant(close)}", one_of(known, LISTED_BY.get(kind, "")))
