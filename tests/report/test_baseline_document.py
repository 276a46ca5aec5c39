"""A baseline as text and back: nothing is lost, three lines a check, and nothing of a stranger's is believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import Baseline, KeptArm, KeptCheck, KeptNumber, Revision, Verdict
from rnnconv_cli.report.baseline_document import as_text, read_baseline

WRONG: tuple[Any, ...] = ("a word", True, {}, [[]], 10**400, None, -1, 1.5)
SLOPE = KeptArm(
    Verdict.WITHIN, "exponent", (256.0, 512.0, 724.5), 0.995, 12, None, "0123456789ab",
    (KeptNumber("exponent", 1 / 3, 0.3, 0.4, 0.05),), 36, 12,
)  # fmt: skip
EVENT = KeptArm(
    Verdict.OUTSIDE, "probability", (), 0.99, 60, 0, "ba9876543210", (KeptNumber("probability", 0.0, 0.0, 0.1, None),)
)
WIDTH = KeptArm(
    Verdict.MEASURED, "frontier", (2.0, 4.0), 0.99, 8, None, "00",
    (
        KeptNumber("m* at 2", 64.0, 50.0, 80.0, None, by_ratio=True),
        KeptNumber("m* at 4", None, 2048.0, None, None, by_ratio=True),
    ),
)  # fmt: skip
NOTHING = KeptArm(Verdict.INCONCLUSIVE, "", (), None, 0, None, "none", ())
BASELINE = Baseline(
    date="2026-01-02",
    tool_version="0.1.0",
    profile="quick",
    seed=7,
    backend="compiled",
    conditions=(("cpu", "znver4"), ("numpy", "2.4.6")),
    claims=(("a-claim", "0123456789ab"),),
    checks=(
        KeptCheck("a-claim", "slope", Verdict.WITHIN, SLOPE, EVENT),
        KeptCheck("a-claim", "width", Verdict.MEASURED, WIDTH, NOTHING, threshold=0.1, noise=0.0),
    ),
    threshold=0.05,
    noise=1e-9,
    history=(Revision("2026-01-01", "sums in another order", "0" * 64),),
)
TEXT = as_text(BASELINE)


def test_nothing_is_lost() -> None:
    assert read_baseline(TEXT, "b.json") == BASELINE
    assert as_text(read_baseline(TEXT, "b.json")) == TEXT


def test_a_check_has_three_lines() -> None:
    lines = TEXT.splitlines()
    first = lines.index('"a-claim/slope": {"verdict": "within",')
    assert lines[first + 1] == (
        ' "main": {"verdict": "within", "kind": "exponent", "points": [256, 512, 724.5], "level": 0.995, "count": 12, '
        '"trials": "0123456789ab", "numbers": {"exponent": {"value": 0.3333333333333333, "low": 0.3, "high": 0.4, '
        '"scatter": 0.05}}, "draws": 36, "left_out": 12},'
    )
    assert lines[first + 3].startswith('"a-claim/width": {"verdict": "measured", "threshold": 0.1, "noise": 0.0,')


def test_draws_that_nobody_has_kept_are_not_known() -> None:
    document = json.loads(TEXT)
    for name in ("draws", "left_out"):
        del document["checks"]["a-claim/slope"]["main"][name]
    main = read_baseline(json.dumps(document), "b.json").checks[0].main
    assert (main.draws, main.left_out) == (0, 0)


def test_an_empty_baseline_is_one() -> None:
    empty = replace(BASELINE, conditions=(), claims=(), checks=(), history=())
    assert read_baseline(as_text(empty), "b.json") == empty


def test_the_history_keeps_the_last_fifty() -> None:
    long = tuple(Revision("2026-01-01", str(place), "0") for place in range(60))
    kept = read_baseline(as_text(replace(BASELINE, history=long)), "b.json").history
    assert (len(kept), kept[0].reason, kept[-1].reason) == (50, "10", "59")


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a document."""
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(document[key], (*path, key))


def damaged(place: tuple[Any, ...], value: Any) -> str:
    document = json.loads(TEXT)
    part = document
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return json.dumps(document)


def read_or_refused(text: str) -> Baseline | str:
    """The baseline in a text, or why there is none."""
    try:
        return read_baseline(text, "b.json")
    except UsageError as error:
        return str(error)


def test_a_damaged_part_is_refused_or_read_as_what_it_says() -> None:
    """Whatever stands in any place: a baseline, or one clear message; never another error."""
    found = [read_or_refused(damaged(place, value)) for place in places(json.loads(TEXT)) for value in WRONG]
    refusals = [each for each in found if isinstance(each, str)]
    assert len(refusals) > 300
    assert all("in b.json" in each and len(each) < 400 for each in refusals)
    assert all(read_or_refused(as_text(each)) == each for each in found if isinstance(each, Baseline))


@pytest.mark.parametrize("missing", ["seed", "checks", "conditions", "history", "threshold"])
def test_a_missing_part_is_named(missing: str) -> None:
    document = json.loads(TEXT)
    del document[missing]
    found = rf"found a damaged baseline in b\.json \(nothing at '{missing}'\), wanted one as it was"
    with pytest.raises(UsageError, match=found):
        read_baseline(json.dumps(document), "b.json")


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("checks", "a-claim/slope", "treshold"), 0.1, "a-claim/slope has the unknown key 'treshold'"),
        (("nose",), 0.1, "the baseline has the unknown key 'nose'"),
        (("checks", "a-claim/slope", "main", "colour"), "red", "an arm has the unknown key 'colour'"),
        (("checks", "alone"), {}, "'alone' is no claim/check"),
        (("checks", "a-claim/slope", "noise"), -1.0, "noise is negative"),
        (("checks", "a-claim/slope", "threshold"), None, "None is no finite number"),
        (("checks", "a-claim/slope", "main", "level"), 1.5, "no estimate has level 1.5, count 12 and holds None"),
        (("checks", "a-claim/slope", "main", "level"), 1e-320, "no estimate has level 1e-320, count 12"),
        (("checks", "a-claim/slope", "main", "draws"), -1, "an arm has -1 draws and has left 12 out"),
        (("checks", "a-claim/slope", "control", "holds"), 61, "count 60 and holds 61"),
        (("checks", "a-claim/slope", "main", "count"), 10**9, "count 1000000000"),
        (("checks", "a-claim/slope", "main", "kind"), "guess", "'guess' is no kind of estimate"),
        (("checks", "a-claim/slope", "main", "points"), [0, 1], "a point of an estimate of kind exponent is not pos"),
        (("checks", "a-claim/slope", "main", "numbers", "exponent", "low"), 0.9, "exponent has an interval that no"),
        (("checks", "a-claim/width", "main", "numbers", "m* at 2", "low"), -1.0, "m\\* at 2 has an interval that no"),
        (("checks", "a-claim/width", "main", "numbers", "m* at 2", "by_ratio"), 1, "by_ratio is neither true nor"),
        (("checks", "a-claim/slope", "verdict"), "perhaps", "'perhaps' is not a valid Verdict"),
    ],
)
def test_what_no_run_could_have_written_is_refused(place: tuple[Any, ...], value: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_baseline(damaged(place, value), "b.json")


def test_a_key_that_stands_twice_is_refused() -> None:
    twice = TEXT.replace('"seed": 7,', '"seed": 7,\n"seed": 8,')
    with pytest.raises(UsageError, match="a key stands twice in one mapping"):
        read_baseline(twice, "b.json")


@pytest.mark.parametrize("text", ["", "[" * 100_000, '{"schema_version": NaN}', "9" * 10_000])
def test_no_json(text: str) -> None:
    says = r"found no strict JSON in b\.json \(.+\), wanted a baseline; write one by `rnnconv baseline"
    with pytest.raises(UsageError, match=says):
        read_baseline(text, "b.json")


@pytest.mark.parametrize("text", ["null", "[]", '{"schema": "rnnconv-result/1"}', '{"schema_version": 1}'])
def test_another_document(text: str) -> None:
    says = r"found a (document of .*|result \(.*\)) in b\.json, wanted a baseline \(rnnconv-baseline/1\)"
    with pytest.raises(UsageError, match=says):
        read_baseline(text, "b.json")
