"""What a fresh run says of the trials that it measures a second time."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rnnconv_cli.records import ProblemSetting, Reading, Status, Trial
from rnnconv_cli.sweep.keeper import StoreKeeper
from rnnconv_cli.sweep.serial import Conditions, key_of
from rnnconv_cli.sweep.store import Store

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRIAL, OTHER = (Trial("movement", PROBLEM, None, None, None, (), (), replicate, 7) for replicate in (0, 1))
HERE = Conditions((("backend", "compiled"), ("cpu", "abacus")))
ELSEWHERE = Conditions((("backend", "compiled"), ("cpu", "slide rule")))
VALUE = Reading(1.5, curve=((0, 1.0),), detail="a word")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "kept.sqlite"
    with closing(Store(path)) as store:
        store.keep(HERE, {TRIAL: (VALUE,), OTHER: (Reading(None, Status.FAILED),)})
    return path


def changed(path: Path | None, measured: Reading, *, fresh: bool = True, conditions: Conditions = HERE) -> object:
    """What a run says that measures both trials."""
    with closing(StoreKeeper(path, HERE, fresh=fresh)) as keeper:
        keeper.keep({TRIAL: (measured,), OTHER: (VALUE,)}, conditions)
        facts = dict(keeper.facts)
        assert keeper.problem is None
        return facts["trials_changed"], facts["first_changed"]


@pytest.mark.parametrize(
    "measured",
    [
        replace(VALUE, value=1.5000000000000002),
        replace(VALUE, value=None, status=Status.DIVERGED),
        replace(VALUE, curve=((0, 1.0), (1, 0.5))),
    ],
)
def test_other_bits_under_the_same_conditions_are_counted_and_named(path: Path, measured: Reading) -> None:
    assert changed(path, measured) == (1, key_of(TRIAL))
    with closing(Store(path)) as store:  # what was stored first stays
        assert store.find(HERE, [TRIAL, OTHER]) == {TRIAL: (VALUE,), OTHER: (VALUE,)}


def test_what_is_the_same_or_cannot_be_compared_is_not_counted(path: Path) -> None:
    assert changed(path, VALUE) == (0, None)
    assert changed(path, replace(VALUE, detail="another word")) == (0, None)
    assert changed(path, Reading(None, Status.FAILED)) == (0, None)
    assert changed(path, replace(VALUE, value=2.0), conditions=ELSEWHERE) == (0, None)


def test_only_a_fresh_run_compares(path: Path) -> None:
    assert changed(path, replace(VALUE, value=2.0), fresh=False) == (None, None)
    assert changed(None, VALUE) == (None, None)


def test_a_store_that_fails_is_said_at_once_and_only_then(path: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with closing(StoreKeeper(path, HERE, fresh=False, warn=said.append)):
        assert said == []
    spoilt = tmp_path / "r.json"
    spoilt.write_text("{}")
    with closing(StoreKeeper(spoilt, HERE, fresh=False, warn=said.append)) as keeper:
        assert said == [
            f"the store {spoilt} is no store of rnnconv: nothing is kept from here on; name another --store"
        ]
        keeper.keep({TRIAL: (VALUE,)}, HERE)
    assert len(said) == 1
