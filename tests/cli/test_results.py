"""What the store holds, as people and spreadsheets read it."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.records import ProblemSetting, Reading, Status, TrainingSetting, Trial
from rnnconv_cli.report import table_of_trials
from rnnconv_cli.sweep.conditions import conditions
from rnnconv_cli.sweep.serial import Conditions, digest_of
from rnnconv_cli.sweep.store import Store

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRAINING = TrainingSetting("gd", 2, 1.0, "absolute", 9, 1e-3, "loss")
TRIAL = Trial("movement", PROBLEM, None, None, None, (), ("separation",), 0, 7)
RUN = replace(TRIAL, quantity="steps-to-decades", training=TRAINING, read_at=(1, 2))
OLD = Conditions((("backend", "compiled"), ("cpu", "abacus"), ("numpy", "1.0")))
READINGS = (Reading(0.1 + 0.2, point=1.0), Reading(None, Status.NOT_REACHED, 2.0, detail="[red]late, by far"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kept.sqlite"
    monkeypatch.setenv("RNNCONV_STORE", str(path))
    with closing(Store(path)) as opened:
        opened.keep(OLD, {TRIAL: (Reading(1.5),), replace(TRIAL, replicate=1): (Reading(None, Status.FAILED),)})
        opened.keep(conditions("compiled"), {RUN: READINGS})
    return path


@pytest.mark.usefixtures("store")
def test_list_counts_by_conditions_and_quantity(run: Callable[..., Any]) -> None:
    done = run("results", "list")
    lines = done.out.splitlines()
    assert done.status == 0
    assert lines[0] == f"conditions {OLD.digest[:12]}: compiled, abacus, numpy 1.0"
    assert lines[3].split()[:3] == ["movement", "2", "1"]
    assert "steps-to-decades" in done.out
    assert lines[-1] == "3 trials"


def test_list_breaks_no_name(run: Callable[..., Any], store: Path) -> None:
    longest = max(MEASUREMENTS, key=len)
    with closing(Store(store)) as opened:
        opened.keep(OLD, {replace(TRIAL, quantity=longest): (Reading(1.5),)})
    (line,) = (line for line in run("results", "list").out.splitlines() if longest in line)
    assert line.split()[:3] == [longest, "1", "0"]
    assert len(line) <= 100


@pytest.mark.usefixtures("store")
def test_show_has_every_field_and_reading(run: Callable[..., Any]) -> None:
    done = run("results", "show", digest_of(RUN).hex()[:8])
    assert f"trial {digest_of(RUN).hex()}" in done.out
    for words in ("training.learning_rate 1.0", "0.3 at 1, ok", "- at 2, not-reached [red]late, by far"):
        assert words in done.out
    assert "probe" not in done.out
    done = run("results", "show", "no")
    assert done.status == 2
    assert "found no trial with a key that begins with 'no', wanted one" in done.err


@pytest.mark.usefixtures("store")
def test_exports_have_every_reading_to_its_last_bit(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("results", "export", str(tmp_path / "a.csv")).status == 0
    assert run("results", "export", str(tmp_path / "b.txt"), "--format", "jsonl").status == 0
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    objects = [json.loads(line) for line in (tmp_path / "b.txt").read_text().splitlines()]
    assert [each["quantity"] for each in rows] == ["movement", "movement", "steps-to-decades", "steps-to-decades"]
    assert [float(each["value"]) for each in rows if each["value"]] == [1.5, 0.1 + 0.2]
    assert [each["value"] for each in objects] == [1.5, None, 0.1 + 0.2, None]
    for row, found in zip(rows, objects, strict=True):
        assert row == {name: "" if value is None else str(value) for name, value in found.items()}
    assert rows[-1]["detail"] == "[red]late, by far"


def test_an_export_in_no_known_format(run: Callable[..., Any], store: Path) -> None:
    done = run("results", "export", "trials.xls")
    assert (done.status, done.err) == (
        2,
        "rnnconv: found the suffix '.xls', wanted one of csv, jsonl, parquet; say --format\n",
    )


@pytest.mark.parametrize("name", ["kept.sqlite", "kept.sqlite-wal", "kept.sqlite-shm", "link.csv"])
def test_an_export_into_the_store_itself_is_refused(name: str, run: Callable[..., Any], store: Path) -> None:
    (store.parent / "link.csv").symlink_to(store)
    before, file = store.read_bytes(), store.parent / "deep" / ".." / name
    done = run("results", "export", str(file), "--format", "csv")
    assert done.status == 2
    assert f"found {str(file)!r}, which is the store, wanted another file; nothing was written" in done.err
    assert store.read_bytes() == before


@pytest.mark.usefixtures("store")
def test_an_export_that_cannot_be_written_is_called_what_it_is(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("results", "export", str(tmp_path / "file" / "a.csv"))
    assert done.status == 2
    assert "wanted a file that can be written; nothing was run" in done.err
    assert "--output" not in done.err


def test_a_store_without_a_name_is_refused(run: Callable[..., Any]) -> None:
    done = run("results", "list", "--store", "")
    assert (done.status, done.out) == (2, "")
    assert "found '', wanted a file name" in done.err


@pytest.mark.usefixtures("store")
def test_parquet_holds_what_csv_holds(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("results", "export", str(tmp_path / "a.csv")).status == 0
    assert run("results", "export", "--format", "parquet", str(tmp_path / "b")).status == 0
    assert run("results", "export", str(tmp_path / "c.parquet")).status == 0
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c.parquet").read_bytes()
    with (tmp_path / "a.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    found = parquet.read_table(tmp_path / "b").to_pylist()
    assert [list(row) for row in found] == [list(line) for line in lines]
    values = ["" if row["value"] is None else repr(row["value"]) for row in found]
    assert values == [line["value"] for line in lines]


def test_parquet_without_pyarrow_writes_nothing(
    run: Callable[..., Any], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_of_trials, "find_spec", lambda name: None)
    done = run("results", "export", str(tmp_path / "deep" / "a.parquet"))
    assert done.status == 2
    assert "wanted pyarrow to be installed; try pip install '.[parquet]' in a clone" in done.err
    assert not (tmp_path / "deep").exists()


def test_gc_keeps_what_a_run_would_find(run: Callable[..., Any], store: Path) -> None:
    done = run("results", "gc")
    assert (done.status, done.out) == (0, "2 trials deleted\n")
    with closing(Store(store)) as opened:
        assert opened.find(conditions("compiled"), [RUN]) == {RUN: READINGS}
        assert [each.trial for each in opened.kept()] == [RUN]


def test_gc_keeps_what_workers_on_other_processors_measured(run: Callable[..., Any], store: Path) -> None:
    here = conditions("compiled")
    changes = ({"cpu": "abacus", "blas.scipy.core": "Zen"}, {"cpu": "abacus", "numpy": "1.0"}, {"backend": "reference"})
    theirs = [Conditions(tuple((name, changed.get(name, value)) for name, value in here.facts)) for changed in changes]
    with closing(Store(store)) as opened:
        for other in theirs:
            opened.keep(other, {RUN: READINGS})
    assert run("results", "gc").out == "4 trials deleted\n"
    with closing(Store(store)) as opened:
        assert [each.conditions for each in opened.kept()] == [here, theirs[0]]
    assert run("results", "gc", "--backend", "reference").out == "2 trials deleted\n"


def test_gc_of_an_unknown_backend_deletes_nothing(run: Callable[..., Any], store: Path) -> None:
    before = store.read_bytes()
    done = run("results", "gc", "--backend", "complied")
    assert (done.status, done.out) == (2, "")
    assert done.err == "rnnconv: found backend 'complied', wanted one of compiled, reference\n"
    assert store.read_bytes() == before
    assert run("results", "list").out.endswith("3 trials\n")


def test_check_names_what_is_damaged(run: Callable[..., Any], store: Path) -> None:
    done = run("results", "check")
    assert (done.status, done.out) == (0, "3 trials, 0 faults\n")
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE trials SET readings = replace(readings, '1.5', '2.5')")
    connection.close()
    done = run("results", "check")
    named = f"trial {digest_of(TRIAL).hex()[:12]} is not what was stored"
    assert (done.status, done.out) == (5, f"{named}\n3 trials, 1 fault\n")


def test_a_strangers_store_does_not_act_on_the_terminal(run: Callable[..., Any], store: Path) -> None:
    with sqlite3.connect(store) as connection:
        connection.execute('CREATE TABLE "a\x1b[31mred\x07" (x)')
        connection.execute('INSERT INTO "a\x1b[31mred\x07" VALUES (NULL)')
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, '(x)', '(x NOT NULL)') WHERE name LIKE 'a%'")
    connection.close()
    done = run("results", "check")
    assert done.status == 5
    assert done.out.startswith("NULL value in a\\x1b[31mred\\x07.x\n")


@pytest.mark.parametrize("words", [("list",), ("show", "ab"), ("export", "a.csv"), ("gc",), ("check",)])
def test_a_store_that_is_not_there_is_not_made(words: tuple[str, ...], run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite"
    done = run("results", *words, "--store", str(path))
    assert done.status == 2
    assert f"found no store at {path}, wanted one; `rnnconv verify` makes it" in done.err
    assert not path.exists()
