from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.literal import Sizes, ledger, widest
from rnnconv_cli.spec.loader import load

EXAMPLE = Sizes(4096, 10, 10, 1, 1.0, 1e-4)


def test_the_worked_example() -> None:
    """m = 4096, n = L = 10, d = 1: rho = 832, delta/rho^14 = 1.3e-41 delta, eta m = 3e-129 delta, beta_- = 6e-30."""
    found = {entry.name: entry for entry in ledger(EXAMPLE)}
    assert 10 ** found["rho"].log10 == pytest.approx(832, rel=1e-3)
    assert 10 ** (found["gradient, lower"].log10 - math.log10(4096)) == pytest.approx(1.3e-41, rel=0.05)
    assert 10 ** (found["eta"].log10 + math.log10(4096)) == pytest.approx(3e-129, rel=0.1)
    assert 10 ** found["beta_-"].log10 == pytest.approx(6e-30, rel=0.1)
    assert 10 ** found["residual"].log10 == pytest.approx(8.7e-12, rel=0.01)
    assert 10 ** found["cap on delta"].log10 == pytest.approx(1.7e-11, rel=0.05)
    assert 10 ** found["flips at tau_0 = 1"].log10 == pytest.approx(5.5e5, rel=0.01)
    vacuous = {name for name, entry in found.items() if entry.vacuous}
    assert {"width", "rows near a kink", "flips at tau_0 = 1", "steps, from", "movement"} <= vacuous
    assert not {"rho", "eta", "product"} & vacuous  # 10^3 is below (1 + sqrt 2)^10 = 6727


def test_a_bound_that_says_something_is_not_called_vacuous() -> None:
    wide = {entry.name: entry.vacuous for entry in ledger(replace(EXAMPLE, width=1e30, horizon=4))}
    assert wide["flips at tau_0 = 1"] == ""
    assert wide["product"] == "more than (1 + sqrt 2)^L, which needs no lemma"
    small = {entry.name: entry.vacuous for entry in ledger(replace(EXAMPLE, separation=1e-12))}
    assert small["cap on delta"] == ""


def test_nothing_overflows_at_any_size() -> None:
    for width in (2, 1e9):
        for separation in (1e-300, 1.0):
            sizes = Sizes(width, 1000, 1000, 100, separation, 1e-12)
            assert all(math.isfinite(entry.log10) for entry in ledger(sizes))


@pytest.mark.parametrize("path", catalogue.shipped(), ids=lambda path: path.stem)
def test_every_claim_has_a_widest_point(path: Path) -> None:
    claim = load(path)
    check, sizes = widest(claim, "full")
    assert check in {each.check.id for each in claim.checks}
    assert sizes.width >= 2
