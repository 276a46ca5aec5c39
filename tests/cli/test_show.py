from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rnnconv_cli.cli.show import source_text, sweep_text
from rnnconv_cli.spec import catalogue, loader
from rnnconv_cli.spec.claim import Arm, Source


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


def test_a_source_leaves_out_what_is_missing() -> None:
    assert source_text(Source(paper="P", statement="(1)", page="")) == "P, (1)"
    assert source_text(Source(paper="P", statement="(1)", page="7")) == "P, (1), p. 7"


def test_a_sweep_names_its_grid_and_draws() -> None:
    arm = _arm()
    quick = arm.sweep.quick.model_copy(update={"grid": (1.0, 2.5), "replicates": 9, "widths": (32, 64)})
    swept = arm.model_copy(update={"sweep": arm.sweep.model_copy(update={"quick": quick})})
    assert sweep_text(swept, "quick") == "width 1, 2.5; 9 draws each; widths 32, 64 (quick)"
    still = arm.model_copy(update={"sweep": arm.sweep.model_copy(update={"parameter": None})})
    assert sweep_text(still, "full") == f"none, {arm.sweep.full.replicates} draws (full)"
