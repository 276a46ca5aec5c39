"""A report as plain mappings and lists: the document that `result.schema.json` describes.

What may differ between two runs of one seed stands under `environment` and `timing`, and under `plan` with a budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import TypeAlias

from rnnconv_cli.records import (
    LARGEST_NUMBER,
    CheckResult,
    ClaimResult,
    ControlResult,
    Decay,
    Estimate,
    ExhibitResult,
    Exponent,
    Frontier,
    Growth,
    IdentityError,
    Observation,
    Predicted,
    Probability,
    Report,
    Status,
    Trial,
)

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

SCHEMA = "rnnconv-result/1"
KINDS: Mapping[type[Estimate], str] = {
    Exponent: "exponent",
    Growth: "growth",
    Probability: "probability",
    IdentityError: "identity-error",
    Decay: "decay",
    Frontier: "frontier",
}
# Statuses that say all of a number. What is at round-off keeps its value: identities, events and exhibits read it.
CENSORED = frozenset({Status.DIVERGED, Status.NOT_REACHED, Status.ZERO, Status.FAILED})
PLACES = "places"  # the one entry of an environment that is no fact
IN_EVERY_ROW = frozenset({"width", "horizon", "n_sequences", "separation", "output_dim"})  # a sweep varies them


def document(report: Report) -> Json:
    """The report as one mapping; numbers that are not finite are None."""
    return finite(
        {
            "schema": SCHEMA,
            "tool": {"name": "rnnconv", "version": report.tool_version},
            "environment": {**dict(report.environment.facts), PLACES: [asdict(place) for place in report.places]},
            "timing": dict(report.timing.seconds),
            "profile": report.profile,
            "seed": report.seed,
            "backend": report.backend,
            "plan": None if report.plan is None else asdict(report.plan),
            "exit_status": report.exit_status,
            "exit_reasons": report.exit_reasons,
            "claims": [_claim(claim) for claim in report.claims],
        }
    )


def finite(value: Json) -> Json:
    """The value with null for every number that is infinite, or taken for it, or none."""
    if isinstance(value, float) and not abs(value) <= LARGEST_NUMBER:
        return None
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [finite(part) for part in value]
    return value


def stored_value(value: float | None, status: Status) -> float | None:
    """A measured value as a document has it: None where it is censored or not finite."""
    return None if value is None or status in CENSORED or not abs(value) <= LARGEST_NUMBER else value


def _claim(claim: ClaimResult) -> Json:
    return {
        "id": claim.id,
        "title": claim.title,
        "source": claim.source,
        "statement": claim.statement,
        "digest": claim.digest,
        "verdict": claim.verdict,
        "expected": claim.expected,
        "as_expected": claim.as_expected,
        "checks": [_check(check) for check in claim.checks],
    }


def _check(check: CheckResult) -> Json:
    finding = check.finding
    return {
        "id": check.id,
        "source": check.source,
        "statement": check.statement,
        "quantity": check.quantity,
        "definition": check.definition,
        "parameter": check.parameter,
        "path": check.path,
        "kind": check.kind,
        "status": check.status,
        "verdict": check.verdict,
        "expected": check.expected,
        "as_expected": check.as_expected,
        "because": check.because,
        "main": {"verdict": finding.verdict, "because": finding.because},
        "predicted": _predicted(check.predicted),
        "estimate": _estimate(finding.estimate, check.parameter),
        "slack": finding.slack,
        "local_exponents": getattr(finding.estimate, "local", ()),
        "settle": finding.settle,
        "worst": check.worst,
        "worst_adversary": check.worst_adversary,
        "control": _control(check.control, check.parameter),
        "beside": [_exhibit(exhibit) for exhibit in check.exhibits],
        "notes": check.notes,
        "arms": _arms(check.observations),
        "observations": [_observation(observation) for observation in check.observations],
        "curves": list(_curves(check.observations)),
    }


def _predicted(predicted: Predicted) -> Json:
    return {
        "kind": predicted.kind,
        "side": predicted.side,
        predicted.number_name.replace("-", "_"): predicted.number,
        "tolerance": predicted.tolerance,
        "earned": predicted.earned,
        "text": predicted.text,
        "counted": None if predicted.counted is None else asdict(predicted.counted),
        "reason": predicted.reason,
    }


def _estimate(estimate: Estimate | None, parameter: str | None) -> Json:
    """The estimate's kind, number and interval, and the diagnostics of its kind."""
    if estimate is None:
        return None
    own: dict[str, Json] = {field.name: getattr(estimate, field.name) for field in fields(estimate)}
    own.pop("local", None)  # stands beside the estimate, as local_exponents
    for name in ("without_first", "without_last"):
        if isinstance(fit := own.get(name), Sequence):
            own[name] = dict(zip(("value", "low", "high"), fit, strict=True))
    everywhere: dict[str, Json] = dict.fromkeys(("value", "low", "high", "level"))
    return {"kind": KINDS[type(estimate)], "parameter": parameter, **everywhere, **own}


def _control(control: ControlResult, parameter: str | None) -> Json:
    return {
        "description": control.description,
        "quantity": control.quantity,
        "definition": control.definition,
        "verdict": control.finding.verdict,
        "expected": control.expected,
        "as_expected": control.as_expected,
        "because": control.finding.because,
        "slack": control.finding.slack,
        "local_exponents": getattr(control.finding.estimate, "local", ()),
        "estimate": _estimate(control.finding.estimate, parameter),
    }


def _exhibit(exhibit: ExhibitResult) -> Json:
    price = None if exhibit.price is None else asdict(exhibit.price)
    own = {**asdict(exhibit), "counts": dict(exhibit.counts)}
    return {**own, "estimate": _estimate(exhibit.estimate, exhibit.parameter), "price": price}


def _arms(observations: Sequence[Observation]) -> Json:
    """What all trials of an arm have in common, arm by arm; what varies stands in each observation."""
    first = {observation.arm: observation.trial for observation in reversed(observations)}
    order = dict.fromkeys(observation.arm for observation in observations)
    return {arm: _settings(first[arm]) for arm in order}


def _settings(trial: Trial) -> Json:
    training = None if trial.training is None else asdict(trial.training)
    if training is not None:
        del training["learning_rate"]
        if training["method"] == "gd":  # all sequences, whose number a sweep varies
            training["batch_size"] = None
    return {
        "quantity": trial.quantity,
        "problem": {name: part for name, part in asdict(trial.problem).items() if name not in IN_EVERY_ROW},
        "training": training,
        "around": None if trial.perturbation is None else trial.perturbation.around,
        "read_at": trial.read_at,
        "preconditions": trial.preconditions,
    }


def _observation(observation: Observation) -> Json:
    trial = observation.trial
    return {
        "arm": observation.arm,
        "point": observation.point,
        "width": trial.problem.width,
        "horizon": trial.problem.horizon,
        "n_sequences": trial.problem.n_sequences,
        "separation": trial.problem.separation,
        "output_dim": trial.problem.output_dim,
        "probe": None if trial.probe is None else asdict(trial.probe),
        "learning_rate": None if trial.training is None else trial.training.learning_rate,
        "size": None if trial.perturbation is None else trial.perturbation.size,
        "adversary": observation.adversary,
        "replicate": trial.replicate,
        "trial": observation.key,
        "value": stored_value(observation.value, observation.status),
        "status": observation.status,
        "detail": observation.detail,
    }


def _curves(observations: Sequence[Observation]) -> Iterator[Json]:
    """Loss curves f_t / f_0, one for each run: a run that is read at several points is shown once."""
    seen: set[tuple[str, Trial]] = set()
    for observation in observations:
        key = (observation.arm, observation.trial)
        if observation.curve and key not in seen:
            seen.add(key)
            yield {
                "arm": observation.arm,
                "point": observation.point,
                "adversary": observation.adversary,
                "replicate": observation.trial.replicate,
                "trial": observation.key,
                "steps": [step for step, _ in observation.curve],
                "values": [value for _, value in observation.curve],
            }
