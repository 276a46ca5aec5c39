from __future__ import annotations

from pathlib import Path

import pytest

from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.coverage import Covered, coverage, names, statements, table
from rnnconv_cli.spec.loader import load, loads
from rnnconv_cli.spec.template import claim_text


@pytest.fixture(scope="module")
def covered() -> tuple[Covered, ...]:
    return coverage([load(path) for path in catalogue.shipped()])


def test_every_statement_has_a_check_or_a_reason_and_not_both(covered: tuple[Covered, ...]) -> None:
    bare = [row.statement.id for row in covered if not row.checks and not row.statement.reason]
    both = [row.statement.id for row in covered if row.checks and row.statement.reason]
    assert (bare, both) == ([], [])


def test_every_check_of_the_paper_belongs_to_a_statement(covered: tuple[Covered, ...]) -> None:
    every = {
        (claim.claim.id, check.check.id)
        for path in catalogue.shipped()
        for claim in [load(path)]
        for check in claim.checks
    }
    assert every - {check for row in covered for check in row.checks} == set()


def test_statements_have_an_id_of_their_own_a_place_and_a_name() -> None:
    rows = statements()
    assert len({row.id for row in rows}) == len(rows) > 90
    assert all(row.page and row.name for row in rows)


@pytest.mark.parametrize(
    ("source", "statement", "named"),
    [
        ("(5.1), Lemma C.2b", "Lemma C.2b", True),
        ("(5.1), Lemma C.2b", "(5.1)", True),
        ("Lemma B.14", "Lemma B.1", False),
        ("Lemma C.2b", "Lemma C.2", False),
        ("Lemma B.3, as printed", "Lemma B.3", True),
        ("Theorem 12", "Theorem 1", False),
        ("derived from Theorem 1", "Theorem 1", True),
        ("the sum f(W0)", "f(W0)", True),
    ],
)
def test_a_source_names_whole_statements(source: str, statement: str, named: bool) -> None:
    assert names(source, statement) is named


def test_a_claim_about_another_paper_covers_nothing() -> None:
    text = claim_text("elsewhere").replace('statement: "Lemma B.3"', 'statement: "Lemma B.3", paper: "another"')
    assert not any(row.checks for row in coverage([loads(text, "test")]))


def test_the_table_in_the_documentation_is_the_one_that_is_generated(covered: tuple[Covered, ...]) -> None:
    theory = (Path(__file__).parents[2] / "docs" / "theory.md").read_text(encoding="utf-8")
    assert table(covered) in theory, "python -m rnnconv_cli.spec.coverage writes the table"
