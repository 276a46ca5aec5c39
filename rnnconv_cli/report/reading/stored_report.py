"""A stored result read back, whole: the report that every other format is made from, after the run.

A result is a stranger's data: every part is checked for its type, and nothing in it is run. What a document leaves out
(the value of a censored observation, what would settle a control) is None or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rnnconv_cli.records import (
    ArmPlan,
    BudgetPlan,
    CheckResult,
    ClaimResult,
    ControlResult,
    Environment,
    Estimate,
    ExhibitResult,
    Finding,
    Frontier,
    Inequality,
    Observation,
    Predicted,
    Price,
    Report,
    Status,
    Timing,
    Verdict,
)
from rnnconv_cli.report.document import KINDS
from rnnconv_cli.report.reading.parts import (
    ident,
    items,
    key_of_trial,
    number,
    parsed,
    section,
    undamaged,
    whole,
    word,
)
from rnnconv_cli.report.reading.stored_rows import Trials, curves_of, facts_of, places_of
from rnnconv_cli.report.reading.typed import estimated, made, maybe, truth

IN_PREDICTED = frozenset(
    {"kind", "side", "tolerance", "earned", "text", "counted", "reason"}
)  # and a number, named by its kind
WORST = frozenset({"largest", "smallest"})
ESTIMATES: Mapping[str, type[Estimate]] = {name: record for record, name in KINDS.items()}


def read_report(text: str, origin: str) -> Report:
    """The report in a JSON document. Raises UsageError for anything that `rnnconv verify` does not write."""
    found = parsed(text, origin)
    with undamaged(origin):
        seed = whole(found["seed"])
        environment = section(found, "environment")
        return Report(
            tool_version=word(section(found, "tool"), "version"),
            profile=ident(found, "profile"),
            seed=seed,
            backend=word(found, "backend"),
            exit_status=whole(found["exit_status"]),
            exit_reasons=tuple(word({"a reason": each}, "a reason") for each in items(found, "exit_reasons")),
            claims=tuple(_claim(claim, seed) for claim in items(found, "claims")),
            environment=Environment(tuple(facts_of(environment).items())),
            timing=Timing(tuple((name, number(each)) for name, each in section(found, "timing").items())),
            plan=None if found["plan"] is None else _plan(section(found, "plan")),
            places=places_of(environment),
        )


def _plan(plan: Mapping[str, Any]) -> BudgetPlan:
    arms = tuple(made(ArmPlan, arm) for arm in items(plan, "arms"))
    return BudgetPlan(number(plan["seconds"]), whole(plan["jobs"]), number(plan["inflation"]), arms)


def _claim(claim: Mapping[str, Any], seed: int) -> ClaimResult:
    return ClaimResult(
        id=ident(claim, "id"),
        title=word(claim, "title"),
        source=word(claim, "source"),
        statement=word(claim, "statement"),
        digest=word(claim, "digest"),
        verdict=Verdict(word(claim, "verdict")),
        expected=Verdict(word(claim, "expected")),
        as_expected=_perhaps(claim, "as_expected"),
        checks=tuple(_check(check, seed) for check in items(claim, "checks")),
    )


def _check(check: Mapping[str, Any], seed: int) -> CheckResult:
    main = section(check, "main")
    return CheckResult(
        id=ident(check, "id"),
        source=word(check, "source"),
        statement=word(check, "statement"),
        quantity=word(check, "quantity"),
        definition=word(check, "definition"),
        parameter=_text(check, "parameter"),
        path=word(check, "path"),
        kind=word(check, "kind"),
        status=word(check, "status"),
        verdict=Verdict(word(check, "verdict")),
        expected=Verdict(word(check, "expected")),
        as_expected=_perhaps(check, "as_expected"),
        because=word(check, "because"),
        predicted=_predicted(section(check, "predicted")),
        finding=Finding(
            Verdict(word(main, "verdict")),
            word(main, "because"),
            _estimate(check["estimate"], check["local_exponents"]),
            maybe(check, "slack"),
            word(check, "settle"),
        ),
        control=_control(section(check, "control")),
        exhibits=tuple(_exhibit(each) for each in items(check, "beside")),
        worst_adversary=_text(check, "worst_adversary"),
        observations=_observations(check, seed),
        notes=word(check, "notes"),
        worst=_worst(check),
    )


def _predicted(predicted: Mapping[str, Any]) -> Predicted:
    (name,) = predicted.keys() - IN_PREDICTED
    counted = None if predicted["counted"] is None else made(Inequality, section(predicted, "counted"))
    own = {"number": predicted[name], "number_name": name.replace("_", "-"), "counted": None}
    return replace(made(Predicted, {**predicted, **own}), counted=counted)


def _control(control: Mapping[str, Any]) -> ControlResult:
    estimate = _estimate(control["estimate"], control["local_exponents"])
    verdict, because = Verdict(word(control, "verdict")), word(control, "because")
    return ControlResult(
        word(control, "description"),
        word(control, "quantity"),
        word(control, "definition"),
        Verdict(word(control, "expected")),
        Finding(verdict, because, estimate, maybe(control, "slack"), ""),
        truth(control, "as_expected"),
    )


def _exhibit(exhibit: Mapping[str, Any]) -> ExhibitResult:
    estimate = _estimate(exhibit["estimate"], [])
    if estimate is not None and not isinstance(estimate, Frontier):
        raise TypeError("an estimate beside a check is no frontier")
    return ExhibitResult(
        id=ident(exhibit, "id"),
        description=word(exhibit, "description"),
        parameter=_text(exhibit, "parameter"),
        point=number(exhibit["point"]),
        median=maybe(exhibit, "median"),
        low=maybe(exhibit, "low"),
        high=maybe(exhibit, "high"),
        counts=tuple((name, whole(each)) for name, each in section(exhibit, "counts").items()),
        estimate=estimate,
        price=None if exhibit["price"] is None else estimated(Price, section(exhibit, "price")),
    )


def _estimate(found: object, local: object) -> Estimate | None:
    if found is None:
        return None
    if not isinstance(found, dict):
        raise TypeError("an estimate is no mapping")
    return estimated(ESTIMATES[word(found, "kind")], {**found, "local": local})


def _observations(check: Mapping[str, Any], seed: int) -> tuple[Observation, ...]:
    trials = Trials(section(check, "arms"), seed)
    curves = dict(curves_of(check))
    return tuple(
        Observation(
            arm=(arm := word(row, "arm")),
            point=number(row["point"]),
            adversary=_text(row, "adversary"),
            trial=trials.of(row),
            key=(key := key_of_trial(row, "trial")),
            value=maybe(row, "value"),
            status=Status(word(row, "status")),
            curve=curves.pop((arm, key), ()),
            detail=word(row, "detail"),
        )
        for row in items(check, "observations")
    )


def _worst(check: Mapping[str, Any]) -> str:
    found = word(check, "worst")
    if found not in WORST:
        raise ValueError("worst is neither largest nor smallest")
    return found


def _perhaps(part: Mapping[str, Any], key: str) -> bool | None:
    return None if part[key] is None else truth(part, key)


def _text(part: Mapping[str, Any], key: str) -> str | None:
    return None if part[key] is None else word(part, key)
