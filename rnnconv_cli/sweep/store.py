"""READINGS, KEPT: every finished trial is on disk at once, and is found again by what its numbers depend on.

One SQLite file. A row's key is the trial and the conditions it was measured under, and nothing else: neither the claim
that asked for it, nor the run, nor the order. Each row carries a checksum of itself, so that a damaged file is noticed
and not believed. A run has one writer; runs that share a file wait for each other.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnconv_cli.errors import StoreError
from rnnconv_cli.records import BudgetPlan, Reading, Status, Trial
from rnnconv_cli.sweep import kept_plans
from rnnconv_cli.sweep.schema import APPLICATION, HEADER, MIGRATIONS
from rnnconv_cli.sweep.serial import (
    Conditions,
    checksum,
    digest_of,
    readings_from,
    sha256,
    text_of_readings,
    text_of_trial,
    trial_from,
)

WAIT_SECONDS = 600.0  # for another process that writes
AT_A_TIME = 500  # keys in one question

ELSEWHERE = "name another --store"
COPIED = "copy it to a folder that can be written, as files are made beside it, or name another --store"
DAMAGED = "move it away, or name another --store"
SAID = {
    "SQLITE_FULL": ("found no room on the disk", "make room, or name another --store"),
    "SQLITE_READONLY": ("cannot be written", COPIED),
    "SQLITE_CANTOPEN": ("cannot be opened", COPIED),
    "SQLITE_PERM": ("cannot be opened", ELSEWHERE),
    "SQLITE_IOERR": ("cannot be read or written", ELSEWHERE),
    "SQLITE_BUSY": (f"is held by another process for more than {WAIT_SECONDS:.0f} s", "wait for it to end"),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A trial as it is stored."""

    conditions: Conditions
    key: str  # of the trial, in hexadecimal digits
    trial: Trial
    readings: tuple[Reading, ...]
    stored_at: str  # UTC


@dataclass(frozen=True, slots=True)
class Shelf:
    """How much is stored of one quantity under the same conditions."""

    conditions: Conditions
    quantity: str
    trials: int
    failed: int
    last: str  # when the last one was stored, UTC


class Store:
    """An open store. Every method raises StoreError where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        """Open a store, made where there is none, and bring an older one up to date."""
        self.path = path
        with self._said():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._refuse_other_files()
            self._connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
            try:
                self._migrate()
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Let go of the file."""
        with self._said():
            self._connection.close()

    def find(self, conditions: Conditions, trials: Iterable[Trial]) -> dict[Trial, tuple[Reading, ...]]:
        """Return the readings of those trials that are stored under these conditions and have not failed."""
        found: dict[bytes, tuple[Reading, ...]] = {}
        with self._said():
            number = self._number(conditions)
            if number is None:
                return {}
            digests = {trial: digest_of(trial) for trial in trials}  # trials that differ in no number share one
            for some in _batches(tuple(set(digests.values()))):
                marks = ", ".join("?" * len(some))
                question = (
                    "SELECT digest, trial, readings, checksum FROM trials "
                    f"WHERE conditions = ? AND NOT has_failed AND digest IN ({marks})"
                )
                for digest, trial, readings, check in self._connection.execute(question, (number, *some)):
                    self._believe(conditions.digest, digest, trial, readings, check)
                    found[digest] = readings_from(readings)
        return {trial: found[digest] for trial, digest in digests.items() if digest in found}

    def keep(self, conditions: Conditions, measured: Mapping[Trial, Sequence[Reading]]) -> None:
        """Store trials under these conditions, all or none; on disk when this returns. What failed may be replaced."""
        rows, now = [], datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        for trial, readings in measured.items():
            trial_text, readings_text = text_of_trial(trial), text_of_readings(readings)
            has_failed = any(reading.status is Status.FAILED for reading in readings)
            check = checksum(conditions.digest, trial_text, readings_text)
            rows.append((sha256(trial_text), trial.quantity, trial_text, readings_text, has_failed, check, now))
        with self._said(), self._writing():
            number = self._number(conditions)
            if number is None:
                facts = json.dumps(conditions.facts)
                added = self._connection.execute(
                    "INSERT INTO conditions (digest, facts) VALUES (?, ?)", (conditions.digest, facts)
                )
                number = added.lastrowid
            self._connection.executemany(
                "INSERT INTO trials (conditions, digest, quantity, trial, readings, has_failed, checksum, stored_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "readings = excluded.readings, has_failed = excluded.has_failed, checksum = excluded.checksum, "
                "stored_at = excluded.stored_at "
                "WHERE has_failed",
                [(number, *row) for row in rows],
            )

    def conditions_of(self, trials: Iterable[Trial]) -> dict[Trial, Conditions]:
        """Return the last conditions under which these trials were stored, of those that were, failed ones included."""
        digests = {trial: digest_of(trial) for trial in trials}
        found: dict[bytes, Conditions] = {}
        with self._said():
            every = {number: conditions for conditions, number in self._every_conditions()}
            for some in _batches(tuple(set(digests.values()))):
                marks = ", ".join("?" * len(some))
                question = f"SELECT digest, max(conditions) FROM trials WHERE digest IN ({marks}) GROUP BY digest"
                for digest, number in self._connection.execute(question, some):
                    found[digest] = every[number]
        return {trial: found[digest] for trial, digest in digests.items() if digest in found}

    def kept_under(self, conditions: Conditions, quantity: str) -> tuple[Trial, ...]:
        """Return the trials of a quantity that are stored under these conditions."""
        with self._said():
            rows = self._connection.execute(
                "SELECT trial FROM trials WHERE conditions = ? AND quantity = ?", (self._number(conditions), quantity)
            )
            return tuple(trial_from(text) for (text,) in rows)

    def kept(self, key: str = "") -> Iterator[Kept]:
        """Yield what is stored and has a key that begins like this, by conditions in the order of their first use."""
        with self._said():
            for conditions, number in self._every_conditions():
                rows = self._connection.execute(
                    "SELECT digest, trial, readings, checksum, stored_at FROM trials "
                    "WHERE conditions = ? AND substr(hex(digest), 1, ?) = ? ORDER BY trial",
                    (number, len(key), key.upper()),
                )
                for digest, trial, readings, check, stored_at in rows:
                    self._believe(conditions.digest, digest, trial, readings, check)
                    yield Kept(conditions, digest.hex(), trial_from(trial), readings_from(readings), stored_at)

    def shelves(self) -> tuple[Shelf, ...]:
        """Return how much there is, by conditions and quantity."""
        with self._said():
            every = {number: conditions for conditions, number in self._every_conditions()}
            rows = self._connection.execute(
                "SELECT conditions, quantity, count(*), sum(has_failed), max(stored_at) FROM trials "
                "GROUP BY conditions, quantity ORDER BY conditions, quantity"
            )
            return tuple(Shelf(every[number], *rest) for number, *rest in rows)

    def plan(self, key: bytes) -> BudgetPlan | None:
        """Return what a budget has chosen, where it was kept under this key."""
        with self._said():
            return kept_plans.find(self._connection, key)

    def keep_plan(self, key: bytes, plan: BudgetPlan) -> None:
        """Store what a budget has chosen; on disk when this returns."""
        with self._said(), self._writing():
            kept_plans.keep(self._connection, key, plan)

    def damage(self) -> tuple[int, tuple[str, ...]]:
        """Read everything; return how many trials there are, and what is wrong, each in a few words."""
        found: list[str] = []
        with self._said():
            found += [text for (text,) in self._connection.execute("PRAGMA integrity_check") if text != "ok"]
            every = {number: conditions.digest for conditions, number in self._every_conditions()}
            total = 0
            rows = self._connection.execute("SELECT conditions, digest, trial, readings, checksum FROM trials")
            for number, digest, trial, readings, check in rows:
                total += 1
                if not _is_intact(every.get(number, ""), digest, trial, readings, check):
                    named = digest.hex()[:12] if isinstance(digest, bytes) else "without a key"
                    found.append(f"trial {named} is not what was stored")
            found += kept_plans.damage(self._connection)
        return total, tuple(found)

    def drop_all_but(self, is_kept: Callable[[Conditions], bool]) -> int:
        """Delete the trials of all conditions but these, give the room back to the disk, and return how many they were.

        Plans stay: they do not depend on conditions.
        """
        gone = 0
        with self._said():
            with self._writing():
                for number in [number for conditions, number in self._every_conditions() if not is_kept(conditions)]:
                    gone += self._connection.execute("DELETE FROM trials WHERE conditions = ?", (number,)).rowcount
                    self._connection.execute("DELETE FROM conditions WHERE number = ?", (number,))
            self._connection.execute("VACUUM")
        return gone

    def _every_conditions(self) -> list[tuple[Conditions, int]]:
        rows = self._connection.execute("SELECT digest, facts, number FROM conditions ORDER BY number").fetchall()
        found = []
        for digest, facts, number in rows:
            conditions = Conditions(tuple((name, value) for name, value in json.loads(facts)))
            if conditions.digest != digest:
                raise StoreError(str(self.path), "the conditions of stored trials are damaged", DAMAGED)
            found.append((conditions, number))
        return found

    def _number(self, conditions: Conditions) -> int | None:
        row = self._connection.execute("SELECT number FROM conditions WHERE digest = ?", (conditions.digest,))
        found = row.fetchone()
        return None if found is None else int(found[0])

    def _believe(self, conditions: str, digest: bytes, trial: str, readings: str, check: bytes) -> None:
        if not _is_intact(conditions, digest, trial, readings, check):
            raise StoreError(str(self.path), "has a trial that is not what was stored", DAMAGED)

    def _refuse_other_files(self) -> None:
        if self.path.is_dir():
            raise StoreError(str(self.path), "is a folder", "name a file")
        if self.path.exists():
            with self.path.open("rb") as file:
                if file.read(len(HEADER)) not in (HEADER, b""):
                    raise StoreError(str(self.path), "is no store of rnnconv", "name another --store")

    def _migrate(self) -> None:
        version = self._pragma("user_version")
        if version > len(MIGRATIONS):
            problem = f"comes from a newer rnnconv (layout {version}, this one knows up to {len(MIGRATIONS)})"
            raise StoreError(str(self.path), problem, "use that version, or another --store")
        if self._has_tables() and self._pragma("application_id") != APPLICATION:  # which comes with the first table
            raise StoreError(str(self.path), "is no store of rnnconv", "name another --store")
        self._connection.execute("PRAGMA synchronous = FULL")
        if version == len(MIGRATIONS):
            return
        self._use_write_ahead_log()
        with self._writing():
            for script in MIGRATIONS[self._pragma("user_version") :]:  # another process may have been first
                for statement in filter(str.strip, script.split(";")):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")

    def _use_write_ahead_log(self) -> None:
        """Change the file's journal. SQLite does not wait for another process that does the same, so we do."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _has_tables(self) -> bool:
        return bool(self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        """Turn what SQLite and the system say into StoreError."""
        try:
            yield
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            name = getattr(error, "sqlite_errorname", "") or ""
            code = "_".join(name.split("_")[:2])
            problem, hint = SAID.get(code, ("is damaged", DAMAGED))
            raise StoreError(str(self.path), f"{problem} ({error})", hint) from error
        except OSError as error:
            raise StoreError(str(self.path), f"cannot be used ({error.strerror or error})", ELSEWHERE) from error


def _batches(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for first in range(0, len(keys), AT_A_TIME):
        yield keys[first : first + AT_A_TIME]


def _is_intact(conditions: str, digest: bytes, trial: str, readings: str, check: bytes) -> bool:
    are_texts = isinstance(trial, str) and isinstance(readings, str)  # damage may turn one into bytes
    return are_texts and digest == sha256(trial) and check == checksum(conditions, trial, readings)
