"""PLANS, KEPT: what a budget has chosen is found again by the same command, however fast the machine is that day."""

from __future__ import annotations

import datetime
import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rnnconv_cli.records import ArmPlan, BudgetPlan
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.sweep.serial import SEPARATORS, sha256

CHECKSUM_BYTES = 16


def plan_key(
    claims: Sequence[LoadedClaim], *, checks: Sequence[str], profile: str, seed: int, seconds: float, jobs: int
) -> bytes:
    """Return the key of a plan: SHA-256 of what it is a plan for, whatever the order of claims and checks."""
    asked: dict[str, Any] = {
        "claims": sorted(claim.digest for claim in claims),
        "checks": sorted(set(checks)),
        "profile": profile,
        "seed": seed,
        "seconds": float(seconds),
        "jobs": jobs,
    }
    return sha256(json.dumps(asked, sort_keys=True, separators=SEPARATORS))


def find(connection: sqlite3.Connection, key: bytes) -> BudgetPlan | None:
    """Return the plan of a key, None where there is none. Raises ValueError for one that is not what was stored."""
    row = connection.execute("SELECT plan, checksum FROM plans WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    text, check = row
    if not _is_intact(key, text, check):
        raise ValueError("a plan is not what was stored")
    return plan_from(text)


def keep(connection: sqlite3.Connection, key: bytes, plan: BudgetPlan) -> None:
    """Store a plan; it takes the place of one that was there."""
    text, now = text_of_plan(plan), datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    connection.execute(
        "INSERT OR REPLACE INTO plans (key, plan, checksum, stored_at) VALUES (?, ?, ?, ?)",
        (key, text, _checksum(key, text), now),
    )


def damage(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return what is wrong with the plans, each in a few words."""
    rows = connection.execute("SELECT key, plan, checksum FROM plans")
    return tuple(f"plan {_named(key)} is not what was stored" for key, *rest in rows if not _is_intact(key, *rest))


def text_of_plan(plan: BudgetPlan) -> str:
    """Return a plan as JSON, every number to its last bit."""
    return json.dumps(asdict(plan), allow_nan=False, separators=SEPARATORS)


def plan_from(text: str) -> BudgetPlan:
    """Return the plan of a text."""
    found: dict[str, Any] = json.loads(text)
    arms = tuple(
        ArmPlan(**{**arm, "grid": tuple(arm["grid"]), "grid_left_out": tuple(arm["grid_left_out"])})
        for arm in found.pop("arms")
    )
    return BudgetPlan(**found, arms=arms)


def _named(key: object) -> str:
    return key.hex()[:12] if isinstance(key, bytes) else "without a key"


def _is_intact(key: object, text: object, check: object) -> bool:
    """Whether a row is what was stored; damage may turn bytes into a text, and a text into bytes."""
    return isinstance(key, bytes) and isinstance(text, str) and check == _checksum(key, text)


def _checksum(key: bytes, text: str) -> bytes:
    return hashlib.blake2b(key + text.encode(), digest_size=CHECKSUM_BYTES).digest()
