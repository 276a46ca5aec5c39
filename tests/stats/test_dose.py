from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from rnnconv_cli.stats import dose
from rnnconv_cli.stats.dose import Search, first_draws, next_draws, typical_draws
from rnnconv_cli.stats.frontier import Located, located
from rnnconv_cli.stats.student import Array
from tests.stats.test_frontier import CURVES, OCTAVE

SEARCH = Search(least=16, most=4096, draws=96, precision=0.2)
MIDDLE = math.log(256)


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """A search that has ended."""

    found: Located
    asked: Mapping[int, int]
    rounds: int


def _run(search: Search, answers: Array, q: float, *, level: float = 0.95) -> Searched:
    """A search among answers (replicates, lattice) that are there to be asked for."""
    column = {width: index for index, width in enumerate(search.lattice)}
    holds, asked, rounds = np.full_like(answers, np.nan), dict[int, int](), 0
    while wanted := next_draws(search, asked, holds, q, level):
        assert all(draws > asked.get(width, 0) for width, draws in wanted.items())
        rounds += 1
        for width, draws in wanted.items():
            holds[:draws, column[width]] = answers[:draws, column[width]]
            asked[width] = draws
    return Searched(located(np.log(search.lattice), holds, q, level), asked, rounds)


def _answers(
    rng: np.random.Generator,
    truth: float,
    q: float,
    *,
    curve: str = "logistic",
    steepness: float = 0.5,
    shared: float = 0,
) -> Array:
    """Whether the event would hold at every draw and width; `shared` octaves of m* belong to a replicate's data."""
    share, quantile = CURVES[curve]
    data = shared * OCTAVE * rng.standard_normal((SEARCH.draws, 1))
    p = share((np.log(SEARCH.lattice) - truth - data) / (steepness * OCTAVE) + quantile(q))
    return (rng.random((SEARCH.draws, len(SEARCH.lattice))) < p).astype(np.float64)


def test_the_lattice_has_eight_widths_to_the_octave() -> None:
    assert SEARCH.lattice[::8] == (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
    assert SEARCH.octaves == SEARCH.lattice[::8]
    assert Search(20, 100, 40, 0.1).lattice[0] >= 20
    assert Search(20, 100, 40, 0.1).octaves == (21, 41, 83, 99)


def test_small_widths_that_round_alike_stand_once() -> None:
    lattice = Search(2, 16, 40, 0.1).lattice
    assert lattice == tuple(sorted(set(lattice)))
    assert lattice[:4] == (2, 3, 4, 5)
    assert Search(2, 16, 40, 0.1).octaves == (2, 4, 8, 16)


@pytest.mark.parametrize(("draws", "stages"), [(40, (8, 40)), (41, (8, 40, 48)), (96, (8, 40, 96))])
def test_all_groups_are_drawn_equally_often(draws: int, stages: tuple[int, ...]) -> None:
    assert Search(8, 64, draws, 0.1).stages == stages


def test_a_search_climbs_until_a_width_is_wide_enough() -> None:
    answers = np.zeros((SEARCH.draws, len(SEARCH.lattice)))
    answers[:, SEARCH.lattice.index(512) :] = 1
    first = first_draws(SEARCH)
    assert first == {16: 8, 32: 8, 64: 8} == next_draws(SEARCH, {}, answers, 0.9, 0.95)
    seen = np.where(np.isin(SEARCH.lattice, list(first)), answers, np.nan)
    assert next_draws(SEARCH, first, seen, 0.9, 0.95) == {128: 8, 256: 8}
    asked = _run(SEARCH, answers, 0.9).asked
    assert 1024 in asked
    assert 4096 not in asked


def test_the_window_closes_in_on_a_jump() -> None:
    answers = np.zeros((SEARCH.draws, len(SEARCH.lattice)))
    answers[:, SEARCH.lattice.index(304) :] = 1
    ended = _run(SEARCH, answers, 0.9)
    assert math.exp(ended.found.low) <= 304
    assert math.exp(ended.found.high) >= 279
    assert math.exp(ended.found.high - ended.found.low) < 1.3
    assert {width for width, draws in ended.asked.items() if draws >= dose.LEAST_DRAWS} == {256, 279, 304, 332}


def test_a_window_that_is_shown_to_be_wide_enough_everywhere_moves() -> None:
    """Few draws below it fitted a flat curve, which crosses far above: many draws then all hold, and m* is below."""
    shares = {32: 0.0, 64: 7 / 8, 70: 7 / 8, 76: 1.0, 128: 1.0, 140: 1.0, 197: 1.0, 279: 1.0, 395: 1.0}
    asked = {width: SEARCH.draws if width >= 140 else 8 for width in shares}
    holds = np.full((SEARCH.draws, len(SEARCH.lattice)), np.nan)
    for width, share in shares.items():
        draws = asked[width]
        holds[:draws, SEARCH.lattice.index(width)] = np.arange(draws) < share * draws
    later = next_draws(SEARCH, asked, holds, 0.9, 0.95)
    assert later
    assert max(later) < 140
    assert set(later.values()) == {SEARCH.draws}


def test_the_widths_stand_as_far_apart_as_the_response_is_steep() -> None:
    rng = np.random.default_rng(1)
    gaps = []
    for steepness in (0.15, 1.0):
        ended = _run(replace(SEARCH, precision=1e-9), _answers(rng, MIDDLE, 0.5, steepness=steepness), 0.5)
        drawn = sorted(width for width, draws in ended.asked.items() if draws == SEARCH.draws)
        gaps.append(math.log2(drawn[1] / drawn[0]))
    assert gaps[0] == pytest.approx(0.125, abs=0.01)
    assert gaps[1] >= 0.49


def test_a_better_precision_costs_more_draws() -> None:
    answers = _answers(np.random.default_rng(2), MIDDLE, 0.9)
    totals = [sum(_run(replace(SEARCH, precision=each), answers, 0.9).asked.values()) for each in (1.0, 1e-9)]
    assert totals[0] < 0.7 * totals[1]


def test_beyond_the_widest_width_the_search_ends_early() -> None:
    ended = _run(SEARCH, np.zeros((SEARCH.draws, len(SEARCH.lattice))), 0.9)
    assert (ended.found.value, ended.found.high) == (math.inf, math.inf)
    assert math.exp(ended.found.low) == pytest.approx(4096)
    assert max(ended.asked.values()) == 8


def test_below_the_least_width_the_interval_is_open_downwards() -> None:
    ended = _run(SEARCH, np.ones((SEARCH.draws, len(SEARCH.lattice))), 0.9)
    assert (ended.found.value, ended.found.low) == (-math.inf, -math.inf)
    assert math.exp(ended.found.high) == pytest.approx(16)
    assert max(ended.asked) == 128


def test_draws_without_an_answer_are_not_asked_for_again() -> None:
    answers = _answers(np.random.default_rng(3), MIDDLE, 0.9)
    answers[::7] = np.nan
    answers[:, : SEARCH.lattice.index(64)] = np.nan
    ended = _run(SEARCH, answers, 0.9)
    assert ended.found.low <= MIDDLE <= ended.found.high
    nothing = _run(SEARCH, np.full_like(answers, np.nan), 0.9)
    assert set(nothing.asked) >= set(SEARCH.octaves)
    assert (nothing.found.low, nothing.found.high) == (-math.inf, math.inf)


def test_a_search_is_a_function_of_what_it_has_seen() -> None:
    """An interrupted search asks for what the first one asked for, whatever else was drawn meanwhile."""
    answers = _answers(np.random.default_rng(4), MIDDLE, 0.9)
    assert _run(SEARCH, answers, 0.9).asked == _run(SEARCH, answers.copy(), 0.9).asked
    unseen = answers.copy()
    asked = _run(SEARCH, answers, 0.9).asked
    unseen[:, [width not in asked for width in SEARCH.lattice]] = 1
    assert _run(SEARCH, unseen, 0.9).asked == asked


def test_a_forecast_is_near_what_a_search_costs() -> None:
    answers = _answers(np.random.default_rng(5), MIDDLE, 0.9)
    likely = sum(typical_draws(SEARCH).values())
    assert 0.5 < sum(_run(SEARCH, answers, 0.9).asked.values()) / likely < 2
    assert typical_draws(SEARCH)[4096] == 1


def _coverage(curve: str, q: float, steepness: float, simulations: int, *, shared: float = 0) -> float:
    rng = np.random.default_rng(6)
    covered, draws, rounds = [], [], []
    for _ in range(simulations):
        truth = MIDDLE + rng.uniform(-1.5, 1.5) * OCTAVE
        ended = _run(SEARCH, _answers(rng, truth, q, curve=curve, steepness=steepness, shared=shared), q)
        covered.append(ended.found.low <= truth <= ended.found.high)
        draws.append(sum(ended.asked.values()))
        rounds.append(ended.rounds)
    where = f"{curve}, q = {q}, {steepness} octaves" + (f", {shared} shared" if shared else "")
    extent = f"{np.mean(draws):.0f} draws in {np.mean(rounds):.1f} rounds"
    print(f"search until known, {where}: m* covered {np.mean(covered):.1%}, {extent}")
    return float(np.mean(covered))


@pytest.mark.parametrize("curve", list(CURVES))
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_interval_covers_under_the_stopping_rule(curve: str, q: float) -> None:
    assert _coverage(curve, q, 0.3, 150) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("curve", list(CURVES))
@pytest.mark.parametrize("q", [0.5, 0.9])
@pytest.mark.parametrize("steepness", [0.05, 0.15, 0.3, 0.6, 1.0])
def test_interval_covers_every_shape_under_the_stopping_rule(curve: str, q: float, steepness: float) -> None:
    assert _coverage(curve, q, steepness, 1000) >= 0.93


@pytest.mark.slow
def test_interval_covers_where_replicates_share_their_data() -> None:
    """A replicate's data make the event harder or easier at every width alike: the median m* stays where it is."""
    assert _coverage("normal", 0.5, 0.3, 1000, shared=0.3) >= 0.93
