"""Every trial of a result can be put together again from it, and nothing else passes for one."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.pipeline import observations_of
from rnnconv_cli.records import Observation, Reading, Report, Status
from rnnconv_cli.report import json as json_format
from rnnconv_cli.report.reading.stored_trial import as_stored, read_trial
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import load
from rnnconv_cli.sweep.plan import Plan, make_plan
from rnnconv_cli.sweep.serial import digest_of, key_of

Written = Callable[[Sequence[Observation]], dict[str, Any]]
loaded = cache(load)


@pytest.fixture
def result_of(report: Report) -> Written:
    """A result with these observations, all in one check."""

    def write(observations: Sequence[Observation]) -> dict[str, Any]:
        claim = report.claims[0]
        check = replace(claim.checks[0], observations=tuple(observations))
        text = json_format.render(replace(report, claims=(replace(claim, checks=(check,)),)))
        document: dict[str, Any] = json.loads(text)
        return document

    return write


@cache
def observed(claim: str, check: str, *, ends_only: bool = True) -> Sequence[Observation]:
    """Observations of a shipped check as a run would have them: the ends of each arm alone, or all."""
    plan = make_plan([loaded(catalogue.find(claim))], profile="quick", seed=7, checks=(check,))
    jobs = plan.jobs
    if ends_only:
        arms = [[job for job in jobs if job.arm == arm] for arm in dict.fromkeys(job.arm for job in jobs)]
        jobs = tuple(dict.fromkeys(job for arm in arms for job in (arm[0], arm[-1])))
    readings = {
        job.trial: tuple(Reading(0.1 * k, point=float(k)) for k in job.trial.read_at) or (Reading(0.1),) for job in jobs
    }
    return observations_of(Plan(jobs), readings)[claim, check]


def rows_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = result["claims"][0]["checks"][0]["observations"]
    return rows


def shared(result: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = result["claims"][0]["checks"][0]["arms"]["main"]
    return settings


@pytest.mark.parametrize("path", catalogue.shipped(), ids=lambda path: path.stem)
def test_every_kind_of_trial_is_put_together_again(path: Any, result_of: Written) -> None:
    for check in loaded(path).checks:
        rows = observed(path.stem, check.check.id)
        text = json.dumps(result_of(rows))
        for row in rows:
            found = read_trial(text, "r.json", row.key)
            assert digest_of(found.trial) == digest_of(row.trial)
            assert found.digest == digest_of(row.trial).hex()


@pytest.fixture
def decades() -> Sequence[Observation]:
    return observed("linear-convergence", "loss-decays-geometrically", ends_only=False)


def test_a_run_is_read_in_order_once_for_every_arm_that_has_it(
    decades: Sequence[Observation], result_of: Written
) -> None:
    first = decades[0]
    rows = [each for each in decades if each.trial == first.trial]
    beside = [replace(each, arm="beside", value=2.0) for each in rows]
    found = read_trial(json.dumps(result_of([*decades, *beside])), "r.json", first.key)
    places = [each.place.rpartition(", ")[2] for each in found.measured]
    assert places == ["main", "beside"]
    assert [(each.value, each.point) for each in found.measured[0].readings] == [
        (each.value, each.point) for each in rows
    ]
    assert len(found.measured[0].readings) == len(first.trial.read_at) > 1
    assert (found.backend, found.environment["python"]) == ("compiled", "CPython 3.11.7")


def test_a_run_has_its_loss_curve(decades: Sequence[Observation], result_of: Written) -> None:
    """A result has it once for each arm, with null for a loss that is not finite; it stands with the first reading."""
    first = next(row for row in decades if row.arm == "main")
    curve = ((0, 1.0), (1, math.nan), (2, math.inf))
    result = result_of([replace(row, curve=curve if row == first else ()) for row in decades])
    head, *others = read_trial(json.dumps(result), "r.json", first.key).measured[0].readings
    assert head.curve == as_stored(Reading(0.1, curve=curve)).curve == ((0, 1.0), (1, math.inf), (2, math.inf))
    assert {each.curve for each in others} == {()}
    curves = result["claims"][0]["checks"][0]["curves"]
    curves.append(curves[0])
    with pytest.raises(UsageError, match="damaged"):
        read_trial(json.dumps(result), "r.json", first.key)


def test_a_censored_value_keeps_its_status(decades: Sequence[Observation], result_of: Written) -> None:
    lost = decades[0]
    rows = [replace(each, value=None, status=Status.NOT_REACHED) for each in decades if each.trial == lost.trial]
    (found,) = read_trial(json.dumps(result_of(rows)), "r.json", lost.key).measured
    assert {(each.value, each.status) for each in found.readings} == {(None, Status.NOT_REACHED)}


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_may_be_short_long_or_in_capitals(decades: Sequence[Observation], result_of: Written) -> None:
    text, wanted = json.dumps(result_of(decades)), decades[0]
    whole = digest_of(wanted.trial).hex()
    for key in (whole[:8], whole[:12], whole[:20].upper(), whole):
        assert read_trial(text, "r.json", key).digest == whole
    with pytest.raises(UsageError, match="found no trial with a key that begins with"):
        read_trial(text, "r.json", whole[:12] + ("0" if whole[12] != "0" else "1"))


@pytest.mark.parametrize("key", ["", "xyz", "../..", "12 34", "[red]"])
def test_a_key_is_hexadecimal(key: str, decades: Sequence[Observation], result_of: Written) -> None:
    with pytest.raises(UsageError, match="wanted hexadecimal digits"):
        read_trial(json.dumps(result_of(decades)), "r.json", key)


def test_an_ambiguous_key_names_those_it_may_be(result_of: Written) -> None:
    rows = observed("perturbation-bound", "first-order-identity", ends_only=False)
    beginning = next(digit for digit in "0123456789abcdef" if sum(row.key[0] == digit for row in rows) > 3)
    with pytest.raises(UsageError) as caught:
        read_trial(json.dumps(result_of(rows)), "r.json", beginning)
    said = str(caught.value)
    like = [row.key for row in rows if row.key[0] == beginning]
    assert f"found {len(like)} trials with a key that begins with '{beginning}' in r.json, wanted one" in said
    assert f"say more of it: {', '.join(like[:3])} and {len(like) - 3} more" in said


def test_an_unknown_key_is_told_with_those_that_resemble_it(decades: Sequence[Observation], result_of: Written) -> None:
    known = decades[0].key
    unknown = known[:11] + ("0" if known[11] != "0" else "1")
    with pytest.raises(UsageError, match=rf"begins with '{unknown}' in r\.json, wanted one; its keys are {known}"):
        read_trial(json.dumps(result_of(decades)), "r.json", unknown)
    with pytest.raises(UsageError, match="wanted one; it has none"):
        read_trial(json.dumps(result_of([])), "r.json", known)


# --- results that are not as they were written ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        lambda result, row: row.update(width=row["width"] + 1),
        lambda result, row: row.update(replicate=row["replicate"] + 1),
        lambda result, row: row.update(learning_rate=row["learning_rate"] * (1 + 2**-52)),
        lambda result, row: result.update(seed=8),
        lambda result, row: shared(result)["problem"].update(input_dim=17),
        lambda result, row: shared(result)["training"].update(method="sgd", batch_size=1),
        lambda result, row: shared(result)["read_at"].pop(),
    ],
)  # fmt: skip
def test_an_edited_setting_is_found_by_its_key(
    edit: Callable[[Any, Any], object], decades: Sequence[Observation], result_of: Written
) -> None:
    result = result_of(decades)
    edit(result, rows_of(result)[0])
    key = decades[0].key
    with pytest.raises(UsageError, match=rf"found the key {key} of a trial whose numbers give [0-9a-f]+ in r\.json"):
        read_trial(json.dumps(result), "r.json", key)


def test_an_edited_point_is_found_by_the_numbers_of_its_trial(result_of: Written) -> None:
    rows = observed("perturbation-bound", "first-order-identity")
    result = result_of(rows)
    rows_of(result)[0]["point"] = 3.25
    said = rf"found the point 3\.25 in r\.json, which is no number of trial {rows[0].key}"
    with pytest.raises(UsageError, match=said):
        read_trial(json.dumps(result), "r.json", rows[0].key)


@pytest.mark.parametrize(
    "edit",
    [
        lambda result, row: row.pop("width"),
        lambda result, row: row.update(width="64"),
        lambda result, row: row.update(width=64.5),
        lambda result, row: row.update(width=True),
        lambda result, row: row.update(learning_rate=[1.0]),
        lambda result, row: row.update(value="0.1"),
        lambda result, row: row.update(value=None),
        lambda result, row: row.update(status="fine"),
        lambda result, row: row.update(detail={}),
        lambda result, row: row.update(arm="none"),
        lambda result, row: row.update(trial=12),
        lambda result, row: result.update(seed="7"),
        lambda result, row: result.update(backend=None),
        lambda result, row: result.update(environment=[]),
        lambda result, row: result["environment"].update(cpu={"a": 1}),
        lambda result, row: result["claims"][0]["checks"][0].update(arms=[]),
        lambda result, row: shared(result).update(preconditions=[1]),
        lambda result, row: rows_of(result).remove(row),
    ],
)  # fmt: skip
def test_damage_is_told(edit: Callable[[Any, Any], object], decades: Sequence[Observation], result_of: Written) -> None:
    result = result_of(decades)
    edit(result, rows_of(result)[0])
    with pytest.raises(UsageError, match=r"found a damaged result in r\.json \(.+\), wanted one as it was written"):
        read_trial(json.dumps(result), "r.json", decades[0].key)


def test_a_result_without_keys_is_of_an_older_version(decades: Sequence[Observation], result_of: Written) -> None:
    result = result_of(decades)
    for row in rows_of(result):
        del row["trial"]
    with pytest.raises(UsageError, match=r"an observation without its trial's key in r\.json.*older rnnconv"):
        read_trial(json.dumps(result), "r.json", key_of(decades[0].trial))


VALUES: Sequence[Any] = (None, True, 0, -1, 1.5, 1e308, 10**30, "", "ok", "\ud800", "[red]", [], [1], {}, {"a": 1})


@pytest.mark.parametrize("n_cases", [300, pytest.param(20_000, marks=pytest.mark.slow)])
def test_whatever_is_changed_the_trial_is_the_keys_own_or_refused(
    n_cases: int, decades: Sequence[Observation], result_of: Written
) -> None:
    wanted, chance = decades[0], random.Random(0)
    result = result_of([each for each in decades if each.trial == wanted.trial])
    text, every = json.dumps(result), list(_places(result))
    outcomes: Counter[str] = Counter()
    for _ in range(n_cases):
        part = changed = json.loads(text)
        *steps, last = chance.choice(every)
        for step in steps:
            part = part[step]
        part[last] = chance.choice(VALUES)
        try:
            found = read_trial(json.dumps(changed), "r.json", wanted.key)
        except UsageError as error:
            outcomes["refused" if len(str(error)) < 500 else "without end"] += 1
        else:
            assert digest_of(found.trial) == digest_of(wanted.trial)
            outcomes["whole"] += 1
    assert outcomes.keys() == {"refused", "whole"}
    assert min(outcomes.values()) > n_cases / 20


def _places(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something can be changed in a document."""
    for step in part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
        yield (*path, step)
        yield from _places(part[step], (*path, step))
