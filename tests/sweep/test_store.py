"""The store keeps bits, finds trials by what their numbers depend on, and believes nothing that is damaged."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.errors import StoreError
from rnnconv_cli.records import (
    PerturbationSetting,
    ProbeSetting,
    ProblemSetting,
    Reading,
    Status,
    TrainingSetting,
    Trial,
)
from rnnconv_cli.sweep import store as stores
from rnnconv_cli.sweep.schema import APPLICATION, MIGRATIONS
from rnnconv_cli.sweep.serial import (
    Conditions,
    checksum,
    digest_of,
    key_of,
    readings_from,
    text_of_readings,
    text_of_trial,
    trial_from,
)
from rnnconv_cli.sweep.store import Store

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
HERE = Conditions((("backend", "compiled"), ("numpy", "2.4.6")))
ELSEWHERE = Conditions((("backend", "compiled"), ("numpy", "2.4.7")))
BARE = Trial("hidden-norm-max", PROBLEM, None, None, None, (), (), 0, 0)
FULL = Trial(
    "steps-to-accuracy",
    PROBLEM,
    TrainingSetting("sgd", 2, 0.1, "absolute", 10, 1e-3, "loss"),
    PerturbationSetting(1e-3, "gradient", "initial"),
    ProbeSetting(sparsity=3.0, search="adversarial"),
    (1, 2),
    ("separated", "n-L-below-m"),
    7,
    2**63 - 1,
)
VALUE = (Reading(0.1 + 0.2),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "observations.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path)
    yield opened
    opened.close()


def draw(replicate: int) -> Trial:
    return replace(BARE, replicate=replicate)


@pytest.mark.parametrize("trial", [BARE, FULL])
def test_a_trial_is_the_same_after_its_text(trial: Trial) -> None:
    assert trial_from(text_of_trial(trial)) == replace(trial, preconditions=tuple(sorted(trial.preconditions)))


@pytest.mark.parametrize("trial", [BARE, FULL])
def test_the_text_of_a_trial_is_canonical_json(trial: Trial) -> None:
    text = text_of_trial(trial)
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text


def test_people_name_a_trial_by_the_beginning_of_its_digest() -> None:
    assert len(key_of(FULL)) == 12
    assert digest_of(FULL).hex().startswith(key_of(FULL))


def test_equal_trials_have_one_text() -> None:
    whole = replace(FULL, problem=replace(PROBLEM, separation=1), probe=ProbeSetting(sparsity=3))
    same = replace(FULL, problem=replace(PROBLEM, separation=1.0), probe=ProbeSetting(sparsity=3.0))
    assert whole == same
    assert text_of_trial(whole) == text_of_trial(same)
    assert '"separation":1.0' in text_of_trial(whole)


def test_the_order_of_preconditions_is_no_other_trial() -> None:
    turned = replace(FULL, preconditions=FULL.preconditions[::-1])
    assert turned != FULL
    assert digest_of(turned) == digest_of(FULL)


@pytest.mark.parametrize(
    "other",
    [
        replace(FULL, quantity="other"),
        replace(FULL, problem=replace(PROBLEM, separation=math.nextafter(PROBLEM.separation, 1))),
        replace(FULL, training=None),
        replace(FULL, perturbation=PerturbationSetting(1e-3, "random", "initial")),
        replace(FULL, probe=ProbeSetting(sparsity=3.0)),
        replace(FULL, read_at=(1, 3)),
        replace(FULL, preconditions=("separated",)),
        replace(FULL, replicate=8),
        replace(FULL, seed=0),
    ],
)
def test_any_other_field_is_another_trial(other: Trial) -> None:
    assert digest_of(other) != digest_of(FULL)


numbers = st.none() | st.floats()
readings = st.builds(
    Reading,
    numbers,
    st.sampled_from(Status),
    numbers,
    st.lists(st.tuples(st.integers(0, 2**53), st.floats()), max_size=3).map(tuple),
    st.text(st.characters(codec="utf-8")),
)


@given(st.lists(readings, max_size=3).map(tuple))
def test_readings_keep_every_bit(measured: tuple[Reading, ...]) -> None:
    assert repr(readings_from(text_of_readings(measured))) == repr(measured)


def test_what_is_kept_is_found_under_its_conditions_alone(store: Store) -> None:
    store.keep(HERE, {BARE: VALUE, FULL: (Reading(None, Status.DIVERGED, 1.0, ((0, math.inf),), "off"),)})
    assert store.find(HERE, [FULL, draw(1), BARE]) == {
        BARE: VALUE,
        FULL: (Reading(None, Status.DIVERGED, 1.0, ((0, math.inf),), "off"),),
    }
    assert store.find(ELSEWHERE, [BARE, FULL]) == {}


def test_trials_that_share_a_key_are_all_found(store: Store) -> None:
    turned = replace(FULL, preconditions=FULL.preconditions[::-1])
    store.keep(HERE, {FULL: VALUE})
    assert store.find(HERE, [FULL, turned]) == {FULL: VALUE, turned: VALUE}
    assert store.conditions_of([turned, FULL]) == {FULL: HERE, turned: HERE}


def test_conditions_are_the_same_in_any_order(store: Store) -> None:
    store.keep(HERE, {BARE: VALUE})
    assert store.find(Conditions(HERE.facts[::-1]), [BARE]) == {BARE: VALUE}


def test_it_is_still_there_for_the_next_run(store: Store, path: Path) -> None:
    store.keep(HERE, {draw(k): VALUE for k in range(1201)})
    store.close()
    again = Store(path)
    assert again.find(HERE, [draw(k) for k in range(1300)]) == {draw(k): VALUE for k in range(1201)}
    again.close()


def test_what_has_been_measured_stays_and_what_has_failed_is_tried_again(store: Store) -> None:
    store.keep(HERE, {BARE: VALUE, draw(1): (Reading(None, Status.FAILED, detail="no memory"),)})
    assert store.find(HERE, [BARE, draw(1)]) == {BARE: VALUE}
    store.keep(HERE, {BARE: (Reading(1.0),), draw(1): (Reading(2.0),)})
    assert store.find(HERE, [BARE, draw(1)]) == {BARE: VALUE, draw(1): (Reading(2.0),)}
    store.keep(HERE, {draw(1): (Reading(None, Status.FAILED),)})
    assert store.find(HERE, [draw(1)]) == {draw(1): (Reading(2.0),)}


def test_everything_that_is_kept_can_be_read(store: Store) -> None:
    store.keep(ELSEWHERE, {FULL: VALUE})
    store.keep(HERE, {BARE: VALUE})
    known = replace(FULL, preconditions=tuple(sorted(FULL.preconditions)))
    found = [(each.conditions, each.trial, each.readings) for each in store.kept()]
    assert found == [(ELSEWHERE, known, VALUE), (HERE, BARE, VALUE)]
    (one,) = store.kept(digest_of(BARE).hex()[:12])
    assert (one.trial, one.key) == (BARE, digest_of(BARE).hex())
    assert list(store.kept("no key")) == []


def test_shelves_count(store: Store) -> None:
    store.keep(HERE, {BARE: VALUE, FULL: VALUE, draw(1): (Reading(None, Status.FAILED),)})
    store.keep(ELSEWHERE, {FULL: VALUE})
    found = [(each.conditions, each.quantity, each.trials, each.failed) for each in store.shelves()]
    assert found == [
        (HERE, "hidden-norm-max", 2, 1),
        (HERE, "steps-to-accuracy", 1, 0),
        (ELSEWHERE, "steps-to-accuracy", 1, 0),
    ]


def test_what_no_run_would_find_can_be_dropped(store: Store) -> None:
    store.keep(HERE, {BARE: VALUE})
    store.keep(ELSEWHERE, {draw(k): VALUE for k in range(5)})
    assert store.drop_all_but(lambda conditions: True) == 0
    assert store.drop_all_but(lambda conditions: conditions == HERE) == 5
    assert [each.trial for each in store.kept()] == [BARE]
    assert store.drop_all_but(lambda conditions: conditions == ELSEWHERE) == 1
    assert store.shelves() == ()
    store.keep(ELSEWHERE, {BARE: VALUE})
    assert store.find(ELSEWHERE, [BARE]) == {BARE: VALUE}


def test_damage_is_counted_and_named(store: Store, path: Path) -> None:
    store.keep(HERE, {draw(k): VALUE for k in range(3)})
    assert store.damage() == (3, ())
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE trials SET trial = replace(trial, 'fresh', 'zero') WHERE digest = ?", (digest_of(draw(1)),)
        )
        connection.execute("UPDATE trials SET readings = '[]' WHERE digest = ?", (digest_of(draw(2)),))
    connection.close()
    total, found = store.damage()
    wrong = {f"trial {digest_of(draw(k)).hex()[:12]} is not what was stored" for k in (1, 2)}
    assert (total, set(found)) == (3, wrong)


# --- what cannot be used ----------------------------------------------------------------------------------------------


def test_another_file_is_left_as_it_is(tmp_path: Path) -> None:
    other = tmp_path / "thesis.txt"
    other.write_text("Chapter 1")
    with pytest.raises(StoreError, match="is no store of rnnconv; name another --store"):
        Store(other)
    assert other.read_text() == "Chapter 1"
    with pytest.raises(StoreError, match="is a folder; name a file"):
        Store(tmp_path)


def test_another_database_is_left_as_it_is(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = other.read_bytes()
    with pytest.raises(StoreError, match="is no store of rnnconv"):
        Store(other)
    assert other.read_bytes() == before


def test_a_newer_layout_is_refused_and_kept(store: Store, path: Path) -> None:
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(StoreError, match=r"comes from a newer rnnconv \(layout 3, this one knows up to 2\)"):
        Store(path)


def test_a_store_of_the_first_layout_loses_nothing(path: Path) -> None:
    """Laid out as before there were plans, with trials in it."""
    kept = {draw(k): (Reading(k / 7),) for k in range(5)} | {FULL: VALUE}
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(MIGRATIONS[0])
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO conditions VALUES (1, ?, ?)", (HERE.digest, json.dumps(HERE.facts)))
    for trial, readings in kept.items():
        texts = text_of_trial(trial), text_of_readings(readings)
        row = (digest_of(trial), trial.quantity, *texts, checksum(HERE.digest, *texts))
        connection.execute("INSERT INTO trials VALUES (1, ?, ?, ?, ?, 0, ?, '2026-01-01T00:00:00+00:00')", row)
    connection.close()
    with closing(Store(path)) as opened:
        assert opened.find(HERE, kept) == kept
        assert opened.damage() == (len(kept), ())
        assert {each.stored_at for each in opened.kept()} == {"2026-01-01T00:00:00+00:00"}
        assert opened.plan(b"") is None
        assert opened._pragma("user_version") == len(MIGRATIONS)


def test_a_changed_number_is_noticed(store: Store, path: Path) -> None:
    store.keep(HERE, {BARE: (Reading(0.125),)})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE trials SET readings = replace(readings, '0.125', '0.126')")
    connection.close()
    for read in (lambda: store.find(HERE, [BARE]), lambda: list(store.kept())):
        with pytest.raises(
            StoreError, match="has a trial that is not what was stored; move it away, or name another --store"
        ):
            read()


def test_a_full_disk_is_said_and_nothing_is_lost(store: Store) -> None:
    store.keep(HERE, {BARE: VALUE})
    pages = store._pragma("page_count")
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"found no room on the disk .*; make room"):
        store.keep(HERE, {draw(k): VALUE for k in range(1, 1000)})
    assert store.find(HERE, [draw(k) for k in range(1000)]) == {BARE: VALUE}
    store._connection.execute("PRAGMA max_page_count = 100000")
    store.keep(HERE, {draw(1): VALUE})
    assert store.find(HERE, [draw(1)]) == {draw(1): VALUE}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match=r"cannot be (used|opened)"):
        Store(tmp_path / "observations.sqlite")


def test_what_sqlite_refuses_to_write_is_said(store: Store) -> None:
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match=r"cannot be written .*; copy it to a folder .* or name another --store"):
        store.keep(HERE, {BARE: VALUE})


@pytest.mark.parametrize("n_cases", [100, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_files_give_right_readings_or_an_error(n_cases: int, tmp_path: Path) -> None:
    """A byte changed, or the end cut off: what is found is what was stored; anything else is a StoreError."""
    whole = tmp_path / "whole.sqlite"
    stored = {draw(k): (Reading(k / 7, curve=((0, 1.0), (k, 0.5))),) for k in range(60)}
    with closing(Store(whole)) as opened:
        opened.keep(HERE, stored)
    text, path, chance = whole.read_bytes(), tmp_path / "kept.sqlite", random.Random(0)
    outcomes: Counter[str] = Counter()
    for case in range(n_cases):
        place = chance.randrange(len(text))
        spoilt = text[:place] + (b"" if case % 4 == 0 else bytes([chance.randrange(256)]) + text[place + 1 :])
        for left in tmp_path.glob("kept.sqlite*"):
            left.unlink()
        path.write_bytes(spoilt)
        try:
            with closing(Store(path)) as opened:
                found = opened.find(HERE, stored)
                assert found.items() <= stored.items()
                opened.keep(HERE, {draw(1000): VALUE})
                assert opened.find(HERE, [draw(1000)]) == {draw(1000): VALUE}
        except StoreError:
            outcomes["refused"] += 1
        else:
            outcomes["whole" if found == stored else "in part"] += 1
    assert outcomes["refused"] > n_cases / 4
    assert outcomes["whole"] > n_cases / 20


# --- two processes ----------------------------------------------------------------------------------------------------


def _keep_many(path: Path, first: int) -> None:
    writer = Store(path)
    for k in range(first, first + 100):
        writer.keep(HERE, {draw(k): VALUE})
    writer.close()


def test_processes_wait_for_each_other(path: Path) -> None:
    workers = [multiprocessing.get_context("spawn").Process(target=_keep_many, args=(path, 50 * k)) for k in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert [each.exitcode for each in workers] == [0, 0, 0]
    reader = Store(path)
    assert reader.find(HERE, [draw(k) for k in range(300)]) == {draw(k): VALUE for k in range(200)}
    reader.close()


def _open_together(path: Path, gate: Barrier) -> None:
    gate.wait()
    Store(path).close()


def test_processes_that_make_one_store_together_all_have_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    for round_ in range(10):
        gate = context.Barrier(4)
        path = tmp_path / f"{round_}.sqlite"
        openers = [context.Process(target=_open_together, args=(path, gate)) for _ in range(4)]
        for each in openers:
            each.start()
        for each in openers:
            each.join()
        assert [each.exitcode for each in openers] == [0, 0, 0, 0]


def test_a_store_that_another_process_holds_is_named(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "WAIT_SECONDS", 0.0)
    hurried = Store(path)
    store._connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"is held by another process .*; wait for it to end"):
        hurried.keep(HERE, {BARE: VALUE})
    store._connection.execute("ROLLBACK")
    hurried.keep(HERE, {BARE: VALUE})
    hurried.close()
