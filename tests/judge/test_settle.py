from __future__ import annotations

import math
import re

import pytest

from rnnconv_cli.judge.allowed import Allowed
from rnnconv_cli.judge.settle import by_draws, by_replicates, by_scaling
from rnnconv_cli.judge.words import core_time
from rnnconv_cli.stats.probability import probability
from rnnconv_cli.stats.student import t_quantile

BELOW_ONE = Allowed(-math.inf, 1.0)


def _draws(text: str) -> int:
    match = re.match(r"(\d+) instead of ", text)
    assert match is not None, text
    return int(match[1])


@pytest.mark.parametrize(("value", "verdict"), [(0.9, "within"), (1.1, "outside")])
def test_the_draws_named_are_the_fewest_that_decide(value: float, verdict: str) -> None:
    text = by_replicates(value, 0.3, 8, 0.995, BELOW_ONE, seconds=80.0)
    needed = _draws(text)
    assert t_quantile(needed - 1, 0.995) * 0.3 / math.sqrt(needed) <= 0.1
    assert t_quantile(needed - 2, 0.995) * 0.3 / math.sqrt(needed - 1) > 0.1
    more = f"about {core_time(10.0 * (needed - 8))} more"
    assert text.endswith(f"({needed / 8:.1f}x the trials, {more}) would decide for {verdict} if the estimate holds")


@pytest.mark.parametrize("value", [1.0, 1.0 - 1e-6])
def test_on_the_border_no_number_of_draws_decides(value: float) -> None:
    assert "no number of draws decides: more points" in by_replicates(value, 0.3, 8, 0.95, BELOW_ONE, seconds=80.0)


def test_a_single_draw_has_no_scatter_to_plan_with() -> None:
    assert "at least 2 draws" in by_replicates(0.5, math.nan, 1, 0.95, BELOW_ONE, seconds=80.0)


def test_a_half_width_falls_with_the_root_of_the_draws() -> None:
    text = by_scaling(0.875, 0.25, 40, BELOW_ONE, seconds=80.0)
    assert text.startswith("160 instead of 40 draws (4.0x the trials, about 4 core-minutes more) would decide")


@pytest.mark.parametrize(("holds", "trials"), [(38, 40), (30, 40)])
def test_an_event_needs_as_many_draws_as_its_share_takes(holds: int, trials: int) -> None:
    needed = _draws(by_draws(holds, trials, 0.95, Allowed(0.9, 1.0), seconds=80.0))
    found = probability(math.floor(holds / trials * needed), needed, 0.95)
    assert Allowed(0.9, 1.0).verdict(found.low, found.high) != "inconclusive"
    assert needed > trials


def test_an_event_on_the_border_is_not_settled_by_draws() -> None:
    assert "no number of draws decides" in by_draws(36, 40, 0.95, Allowed(0.9, 1.0), seconds=80.0)
