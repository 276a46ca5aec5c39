"""How often a claim that is true by its tolerance is called outside, and one that is false is called within.

The truth lies on the border of what is allowed, where both are hardest to avoid: the claim is then as barely true and
as barely false as can be. Through the whole of `judge_arm`: envelope, censoring, intervals, curvature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rnnconv_cli.judge.judge import judge_arm
from rnnconv_cli.records import Verdict

if TYPE_CHECKING:
    from tests.conftest import Synthetic
    from tests.controls.conftest import Bound

KINDS = ("exponent", "attainment", "growth", "event", "decay", "frontier")
LEVEL = 0.95  # a claim of one check: any correction for more of them makes both errors rarer
MOST_ERRORS = 0.05


def _shares(bound: Bound, truth: float, simulations: int) -> Mapping[Verdict, float]:
    rng = np.random.default_rng(7)
    verdicts = Counter(
        judge_arm(bound.arm, bound.world(rng, truth), level=LEVEL, is_count=False, seconds=1.0)[0].verdict
        for _ in range(simulations)
    )
    return {verdict: verdicts[verdict] / simulations for verdict in Verdict}


def _assert_rare_errors(kind: str, bound: Bound, simulations: int) -> None:
    shares = _shares(bound, bound.border, simulations)
    rejected, accepted = shares[Verdict.OUTSIDE], shares[Verdict.WITHIN]
    print(f"{kind}, truth on the border: outside {rejected:.1%}, within {accepted:.1%}")
    assert rejected <= MOST_ERRORS
    assert accepted <= MOST_ERRORS


@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_rare(kind: str, bounds: Mapping[str, Bound]) -> None:
    _assert_rare_errors(kind, bounds[kind], 400)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_rare_in_many_runs(kind: str, bounds: Mapping[str, Bound]) -> None:
    _assert_rare_errors(kind, bounds[kind], 4000)


@pytest.mark.parametrize("kind", KINDS)
def test_planned_sizes_decide(kind: str, bounds: Mapping[str, Bound]) -> None:
    """A claim that is true, or false, by more than its tolerance mostly gets its verdict, and never the opposite."""
    bound = bounds[kind]
    if_true, if_false = _shares(bound, bound.true, 60), _shares(bound, bound.false, 60)
    print(f"{kind}: within {if_true[Verdict.WITHIN]:.0%} if true, outside {if_false[Verdict.OUTSIDE]:.0%} if false")
    assert if_true[Verdict.WITHIN] >= 0.8
    assert if_false[Verdict.OUTSIDE] >= 0.8
    assert if_true[Verdict.OUTSIDE] == if_false[Verdict.WITHIN] == 0


def test_an_identity_has_no_border(synthetic: Synthetic) -> None:
    """Errors up to the allowed rounding are never outside; one draw beyond it is never within."""
    arm = synthetic.arm(None, kind="identity", rounding_units=8.0)
    rng = np.random.default_rng(7)
    for _ in range(400):
        errors = rng.uniform(0, 8, (24, 1))
        broken = errors.copy()
        broken[rng.integers(24)] = 8.001
        verdicts = [
            judge_arm(arm, observations, level=LEVEL, is_count=False, seconds=1.0)[0].verdict
            for observations in (synthetic.observations([1.0], rows.tolist()) for rows in (errors, broken))
        ]
        assert verdicts == [Verdict.WITHIN, Verdict.OUTSIDE]
