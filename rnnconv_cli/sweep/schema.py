"""How a store is laid out, and how it is told from other files: one script for each step to the newest layout."""

from __future__ import annotations

APPLICATION = 0x726E6E63  # "rnnc": tells a store from other SQLite files
HEADER = b"SQLite format 3\0"

MIGRATIONS = (
    """
    CREATE TABLE conditions (
        number INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        facts TEXT NOT NULL  -- JSON, [[name, value], ...]
    ) STRICT;
    CREATE TABLE trials (
        conditions INTEGER NOT NULL REFERENCES conditions (number),
        digest BLOB NOT NULL,
        quantity TEXT NOT NULL,
        trial TEXT NOT NULL,  -- JSON, the fields of a Trial
        readings TEXT NOT NULL,  -- JSON, [[value, status, point, curve, detail], ...]
        has_failed INTEGER NOT NULL,
        checksum BLOB NOT NULL,
        stored_at TEXT NOT NULL,  -- UTC
        PRIMARY KEY (conditions, digest)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE plans (
        key BLOB NOT NULL PRIMARY KEY,  -- SHA-256 of what it is a plan for
        plan TEXT NOT NULL,  -- JSON, the fields of a BudgetPlan
        checksum BLOB NOT NULL,
        stored_at TEXT NOT NULL  -- UTC
    ) STRICT, WITHOUT ROWID;
    """,
)
