from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.errors import StoreError
from rnnconv_cli.records import ArmPlan, BudgetPlan
from rnnconv_cli.sweep.kept_plans import plan_from, plan_key, text_of_plan
from rnnconv_cli.sweep.store import Store

if TYPE_CHECKING:
    from tests.conftest import Written

KEY = bytes(range(32))
PLAN = BudgetPlan(
    600.0,
    2,
    1.1 + 0.2,
    (
        ArmPlan("claim", "check", "main", "width", (64.0, 128.0), 9, (256.0,), 7),
        ArmPlan("claim", "check", "control", None, (), 100, (), 0),
    ),
)
ASKED: dict[str, Any] = {"checks": ("a", "b"), "profile": "quick", "seed": 0, "seconds": 600.0, "jobs": 2}
CHECK = {
    "quantity": "hidden-norm-upper",
    "problem": {"width": 16, "horizon": 4, "n_sequences": 2},
    "sweep": {"replicates": 60},
    "prediction": {"kind": "event", "bound": 1.1, "probability": 0.9, "reason": "made up"},
    "control": {"description": "linear", "change": {"problem": {"activation": "linear"}}},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with closing(Store(path)) as opened:
        yield opened


def test_a_plan_is_the_same_after_its_text() -> None:
    assert plan_from(text_of_plan(PLAN)) == PLAN


def test_a_plan_is_found_again_by_its_key_alone(store: Store, path: Path) -> None:
    assert store.plan(KEY) is None
    store.keep_plan(KEY, PLAN)
    with closing(Store(path)) as again:
        assert again.plan(KEY) == PLAN
        assert again.plan(KEY[::-1]) is None


def test_a_later_plan_takes_the_place_of_an_earlier_one(store: Store) -> None:
    store.keep_plan(KEY, PLAN)
    store.keep_plan(KEY, replace(PLAN, inflation=1.5))
    assert store.plan(KEY) == replace(PLAN, inflation=1.5)


@pytest.mark.parametrize(
    "damage", ["plan = replace(plan, '128', '129')", "plan = CAST(1 AS TEXT)", "checksum = x'00'", "key = x'00'"]
)
def test_a_damaged_plan_is_noticed(store: Store, path: Path, damage: str) -> None:
    store.keep_plan(KEY, PLAN)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE plans SET {damage}")
    ((total, (found,)), key) = store.damage(), "00" if damage.startswith("key") else KEY.hex()[:12]
    assert (total, found) == (0, f"plan {key} is not what was stored")
    if damage.startswith("key"):
        assert store.plan(KEY) is None
    else:
        with pytest.raises(StoreError, match=r"is damaged \(a plan is not what was stored\)"):
            store.plan(KEY)


def test_plans_stay_where_trials_of_other_conditions_go(store: Store) -> None:
    store.keep_plan(KEY, PLAN)
    assert store.drop_all_but(lambda conditions: False) == 0
    assert store.plan(KEY) == PLAN
    assert store.damage() == (0, ())


def test_the_key_is_what_a_plan_is_for(written: Written) -> None:
    one, other = written(CHECK), written({**CHECK, "sweep": {"replicates": 61}}, claim_id="other")
    key = plan_key([one, other], **ASKED)
    assert len(key) == 32
    assert plan_key([other, one], **{**ASKED, "checks": ("b", "a", "b"), "seconds": 600}) == key
    changes = ({"checks": ()}, {"profile": "full"}, {"seed": 1}, {"seconds": 601.0}, {"jobs": 1})
    others = [plan_key([one, other], **{**ASKED, **change}) for change in changes]
    others += [plan_key([one], **ASKED), plan_key([written(CHECK, claim_id="renamed"), other], **ASKED)]
    assert len({key, *others}) == 1 + len(others)


def test_plans_are_no_trials(store: Store) -> None:
    store.keep_plan(KEY, PLAN)
    assert list(store.kept()) == []
    assert store.shelves() == ()
