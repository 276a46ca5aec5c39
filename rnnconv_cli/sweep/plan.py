"""SPEC → TRIALS: every name resolved, every law evaluated, every trial that a run will measure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.errors import SpecError, UsageError, Violation
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.measure.cost import draw_seconds
from rnnconv_cli.records import CONTROL, MAIN, PerturbationSetting, ProblemSetting, TrainingSetting, Trial
from rnnconv_cli.spec.claim import Arm, InverseLambdaMax, Law, Profile
from rnnconv_cli.spec.loader import LoadedCheck, LoadedClaim, refuse_unknown_checks

INTEGER_PARAMETERS = ("width", "horizon", "n_sequences")


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


def predicted_seconds(trial: Trial) -> float:
    """Return the predicted core-seconds of one trial."""
    return draw_seconds(trial.problem) + MEASUREMENTS[trial.quantity].seconds(trial)


def make_plan(claims: Sequence[LoadedClaim], *, profile: str, seed: int, checks: Sequence[str] = ()) -> Plan:
    """Return the plan of these claims, or of the named checks alone.

    Raises SpecError for every quantity, adversary or section that no measurement can use, UnknownName for a check id
    that no claim has, UsageError for two claims of one id, whose results could not be told apart.
    """
    _refuse_namesakes(claims)
    selected = selected_checks(claims, checks)
    violations = tuple(violation for claim in claims for violation in _violations(claim))
    if violations:
        raise SpecError(violations)
    jobs: list[Job] = []
    for claim, check in selected:
        for name, arm in arms(check):
            jobs += [
                Job(claim.claim.id, check.check.id, name, point, trial) for point, trial in _trials(arm, profile, seed)
            ]
    return Plan(tuple(jobs))


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


def _trials(arm: Arm, profile_name: str, seed: int) -> Iterator[tuple[float, Trial]]:
    profile = profile_of(arm, profile_name)
    measurement = MEASUREMENTS[arm.quantity]
    first = measurement.first_decade
    decades = tuple(first + int(decade) for decade in profile.grid) if measurement.by_decade else ()
    points = (1.0,) if measurement.by_decade or not profile.grid else profile.grid
    for point in points:
        for width in profile.widths or (None,):
            problem = _problem_setting(arm, point, width)
            training = _training_setting(arm, problem, decades)
            for perturbation in _perturbation_settings(arm, problem, point):
                for replicate in range(profile.replicates):
                    yield (
                        float(point),
                        Trial(
                            arm.quantity,
                            problem,
                            training,
                            perturbation,
                            decades,
                            tuple(arm.preconditions),
                            replicate,
                            seed,
                        ),
                    )


def _problem_setting(arm: Arm, point: float, width: int | None) -> ProblemSetting:
    values = arm.problem.model_dump()
    if width is not None:
        values["width"] = width
    parameter = arm.sweep.parameter
    if parameter in values:
        values[parameter] = point
    for followed, law in arm.sweep.path.items():
        values[followed] = law.at(point)
    for name in INTEGER_PARAMETERS:
        values[name] = round(values[name])
    values["separation"] = float(values["separation"])
    values["weight_variance"] = float(values["weight_variance"])
    return ProblemSetting(**values)


def _training_setting(arm: Arm, problem: ProblemSetting, decades: tuple[int, ...]) -> TrainingSetting | None:
    training = arm.training
    if training is None or not MEASUREMENTS[arm.quantity].reads_training:
        return None
    rate = training.learning_rate
    relative = isinstance(rate, InverseLambdaMax)
    value = rate.over_lambda_max if isinstance(rate, InverseLambdaMax) else _at(rate, problem)
    return TrainingSetting(
        method=training.method,
        batch_size=training.batch_size if training.method == "sgd" else problem.n_sequences,
        learning_rate=value,
        learning_rate_unit="inverse-lambda-max" if relative else "absolute",
        max_steps=training.max_steps,
        accuracy=10.0 ** -max(decades) if decades else training.accuracy,
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


def _at(number: float | Law | None, problem: ProblemSetting) -> float:
    """Return a number, or a law of the width or the horizon at this problem; the spec has refused None."""
    if isinstance(number, Law):
        return number.at(problem.width if number.parameter == "width" else problem.horizon)
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
    if measurement.by_decade != (arm.sweep.parameter == "decades"):
        wanted = "parameter 'decades'" if measurement.by_decade else "another parameter"
        yield claim.violation((*path, "sweep"), f"parameter {arm.sweep.parameter!r}", f"{wanted} for this quantity")
    for position, adversary in enumerate(arm.perturbation.adversaries if arm.perturbation else ()):
        if adversary not in ADVERSARIES:
            place = (*path, "perturbation", "adversaries", position)
            yield _unknown(claim, place, "adversary", adversary, tuple(ADVERSARIES))


def _unknown(
    claim: LoadedClaim, path: tuple[str | int, ...], kind: str, name: str, known: tuple[str, ...]
) -> Violation:
    close = difflib.get_close_matches(name, known)
    hint = f"did you mean {' or '.join(close)}?" if close else ""
    return claim.violation(path, f"{kind} {name!r}", f"one of {', '.join(known)}", hint)
