"""The paper's statements, and the checks that measure each: a check belongs to the statements that its source names."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import yaml

from rnnconv_cli.spec.loader import LoadedClaim

ROWS = "statements.yaml"
PAPER = "arXiv:1810.12065"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the paper: a row of the coverage."""

    id: str
    page: str
    name: str
    reason: str = ""  # why no experiment can decide it; empty where checks do


@dataclass(frozen=True, slots=True)
class Covered:
    """A statement with the (claim id, check id) pairs that measure it."""

    statement: Statement
    checks: tuple[tuple[str, str], ...]


def statements() -> tuple[Statement, ...]:
    """The statements of the paper, in its order."""
    text = resources.files("rnnconv_cli.spec").joinpath(ROWS).read_text(encoding="utf-8")
    return tuple(Statement(**row) for row in yaml.safe_load(text))


def coverage(claims: Sequence[LoadedClaim]) -> tuple[Covered, ...]:
    """Every statement with the checks of these claims that name it as their source."""
    sources = [
        ((claim.claim.id, check.check.id), check.check.source.statement)
        for claim in claims
        for check in claim.checks
        if check.check.source.paper.startswith(PAPER)
    ]
    return tuple(
        Covered(row, tuple(check for check, source in sources if names(source, row.id))) for row in statements()
    )


def names(source: str, statement: str) -> bool:
    """Whether a source names this statement as a whole: `Lemma B.1` is not in `Lemma B.14`, nor `C.2` in `C.2a`."""
    return re.search(rf"(?<![\w.]){re.escape(statement)}(?!\w|\.\w)", source) is not None


def table(covered: Sequence[Covered]) -> str:
    """The coverage as a Markdown table: what docs/theory.md holds."""
    lines = ["| statement | page | what it says | measured by |", "|---|---|---|---|"]
    for each in covered:
        row = each.statement
        by_claim: dict[str, list[str]] = {}
        for claim, check in each.checks:
            by_claim.setdefault(claim, []).append(f"`{check}`")
        measured = "; ".join(f"{claim}: {', '.join(checks)}" for claim, checks in by_claim.items())
        lines.append(f"| {row.id} | {row.page} | {row.name} | {measured or f'*no check*: {row.reason}'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from rnnconv_cli.spec import catalogue, loader

    sys.stdout.write(table(coverage([loader.load(path) for path in catalogue.shipped()])))
