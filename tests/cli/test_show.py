from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rnnconv_cli.cli.show import sweep_text
from rnnconv_cli.spec import catalogue, loader
from rnnconv_cli.spec.claim import Arm


def _arm() -> Arm:
    return loader.load(catalogue.find("perturbation-bound")).checks[0].check


@pytest.mark.parametrize("path", catalogue.shipped(), ids=lambda path: path.stem)
@pytest.mark.parametrize("profile", ["quick", "full"])
def test_every_claim_is_shown_without_running_it(run: Callable[..., Any], fake: Any, path: Any, profile: str) -> None:
    done = run("show", path.stem, "--profile", profile)
    claim = loader.load(path)
    assert (done.status, done.err, fake.options) == (0, "", [])
    starts = done.out.splitlines()
    assert {check.check.id for check in claim.checks} <= set(starts)
    assert done.out.count("  cost  ") == len(claim.checks)
    assert starts[-1].startswith("total") or starts[-2].startswith("total")
    assert max(map(len, starts)) <= 100


def test_an_unknown_claim_gets_a_suggestion(run: Callable[..., Any]) -> None:
    done = run("show", "linear-convergance")
    assert (done.status, done.out) == (2, "")
    assert "did you mean linear-convergence?" in done.err


def test_a_path_is_shown_as_the_result_shows_it(run: Callable[..., Any], fake: Any) -> None:
    assert "  path      m = max(256, 4 L^2)" in run("show", "no-explosion-or-vanishing").out.splitlines()


def test_the_literal_constants_are_shown_at_the_widest_network(run: Callable[..., Any]) -> None:
    done = run("show", "linear-convergence", "--literal")
    assert (done.status, done.err) == (0, "")
    assert "time-in-width, at m = 724, L = 4, n = 4, d = 2, delta = 0.5" in " ".join(done.out.split())
    lines = done.out.splitlines()
    lower = next(position for position, line in enumerate(lines) if line.startswith("gradient, lower"))
    assert lines[lower].endswith(" 10^-30.0")
    assert lines[lower + 1] == "    vacuous   less than a thousandth of m"
    assert max(map(len, lines)) <= 100


def test_a_sweep_names_its_grid_and_draws() -> None:
    arm = _arm()
    quick = arm.sweep.quick.model_copy(update={"grid": (1.0, 2.5), "replicates": 9, "widths": (32, 64)})
    swept = arm.model_copy(update={"sweep": arm.sweep.model_copy(update={"quick": quick})})
    assert sweep_text(swept, "quick") == "width 1, 2.5; 9 draws each; widths 32, 64 (quick)"
    still = arm.model_copy(update={"sweep": arm.sweep.model_copy(update={"parameter": None})})
    assert sweep_text(still, "full") == f"none, {arm.sweep.full.replicates} draws (full)"


def test_an_event_says_what_must_hold_and_why_these_numbers(run: Callable[..., Any]) -> None:
    shown = " ".join(run("show", "misprints").out.split())
    assert "predicted event: weight-norm is at most 2.1 with P ≥ 0.9 why 2.1 is the printed 2 and a twentieth" in shown
    shown = " ".join(run("show", "sufficient-width").out.split())
    assert "predicted frontier: m* ≤ L^2 (+0.3), where hidden-norm-off-band is at most 1 with P ≥ 0.75 why " in shown
