"""Whether a number has moved: by hand, beside SciPy's tests, and by simulation of whole runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from rnnconv_cli.stats.change import (
    Shift,
    corrected,
    drift_weights,
    leverage,
    p_value,
    shares_p_value,
    shift,
    step_weights,
)
from rnnconv_cli.stats.curves import slopes
from rnnconv_cli.stats.student import Array, t_quantile

ERROR = 0.01


def summary(*samples: Array) -> tuple[Array, Array, Array]:
    """Means, standard errors and degrees of freedom of samples."""
    values = np.array([np.mean(each) for each in samples])
    errors = np.array([np.std(each, ddof=1) / math.sqrt(len(each)) for each in samples])
    return values, errors, np.array([len(each) - 1.0 for each in samples])


def step(*samples: Array, alike: bool, threshold: float = 0.0) -> float:
    values, errors, degrees = summary(*samples)
    found = shift(values, errors, degrees, step_weights(degrees), alike=alike)
    return float(p_value(found, np.asarray(threshold)))


@pytest.mark.parametrize(("first", "second"), [(8, 8), (8, 24), (5, 12)])
def test_runs_of_one_grid_are_compared_by_the_pooled_t(first: int, second: int) -> None:
    rng = np.random.default_rng(first)
    a, b = rng.normal(0.0, 1.0, first), rng.normal(1.0, 1.0, second)
    assert step(a, b, alike=True) == pytest.approx(stats.ttest_ind(a, b).pvalue)


def test_runs_of_other_grids_keep_their_scatter_and_the_fewer_degrees() -> None:
    a, b = np.array([0.0, 1.0, 2.0, 3.0]), np.array([5.0, 5.1, 5.2, 5.3, 5.4, 5.5])
    error = math.sqrt(np.var(a, ddof=1) / 4 + np.var(b, ddof=1) / 6)
    assert step(a, b, alike=False) == pytest.approx(2 * stats.t.sf(3.75 / error, 3))
    assert step(a, b, alike=False) > stats.ttest_ind(a, b, equal_var=False).pvalue


def test_a_change_up_to_the_threshold_is_as_rare_as_none() -> None:
    found = Shift(np.array([1.0, 1.0, 1.0]), np.full(3, 0.1), np.full(3, 10.0))
    p = p_value(found, np.array([0.0, 0.9, 2.0]))
    assert p[0] == pytest.approx(2 * stats.t.sf(10, 10))
    assert p[1] == pytest.approx(stats.t.sf(1, 10) + stats.t.sf(19, 10))
    assert p[2] > 0.999


def test_without_scatter_any_change_beyond_the_threshold_is_one() -> None:
    found = Shift(np.array([0.0, 1e-9, 1.0]), np.zeros(3), np.full(3, 7.0))
    assert p_value(found, np.zeros(3)).tolist() == [1.0, 0.0, 0.0]
    assert p_value(found, np.full(3, 1e-3)).tolist() == [1.0, 1.0, 0.0]


def test_a_drift_is_what_the_line_goes_from_first_to_last() -> None:
    degrees = np.array([7.0, 7.0, 7.0, 7.0])
    weights = drift_weights(degrees)
    assert float(np.sum(weights * np.array([1.0, 2.0, 3.0, 4.0]))) == pytest.approx(3.0)
    assert float(np.sum(weights)) == pytest.approx(0.0, abs=1e-15)


def test_a_run_of_many_draws_counts_more_in_a_drift() -> None:
    values, degrees = np.array([0.0, 1.0, 0.0, 0.0]), np.array([7.0, 700.0, 7.0, 7.0])
    even = float(np.sum(drift_weights(np.full(4, 7.0)) * values))
    assert even == pytest.approx(-0.3)  # (-1.5, -0.5, 0.5, 1.5) / 5 * 3
    assert abs(float(np.sum(drift_weights(degrees) * values))) > abs(even)


@pytest.mark.parametrize("holds", [(57, 41), (0, 9), (36, 36), (10, 11), (0, 0), (57, 57)])
@pytest.mark.parametrize("trials", [(57, 57), (60, 117)])
def test_shares_are_compared_by_fishers_exact_test(holds: tuple[int, int], trials: tuple[int, int]) -> None:
    table = np.array([[k, n - k] for k, n in zip(holds, trials, strict=True)])
    assert shares_p_value(holds, trials) == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)


def test_shares_up_to_the_threshold_apart_are_no_change() -> None:
    assert shares_p_value((60, 54), (60, 60), 0.1) == 1.0
    assert shares_p_value((54, 60), (60, 60), 0.2) == 1.0


def test_shares_beyond_a_threshold_by_hand() -> None:
    """(1 - p)^n in one run and (p + 1/2)^n in the other: most likely together at p = 1/4, (3/4)^(2n)."""
    product = 0.75**40
    expected = 2 * product * (1 - math.log(product))
    assert shares_p_value((0, 20), (20, 20), 0.5) == pytest.approx(expected, rel=1e-5)
    assert shares_p_value((20, 0), (20, 20), 0.5) == pytest.approx(expected, rel=1e-5)
    assert shares_p_value((400_000, 600_000), (10**6, 10**6), 0.1) == 0.0


THRESHOLDS = [(240, 0.5, 0.6), (1000, 0.5, 0.6), (64, 1.0, 0.9), (64, 0.9, 1.0)]


@pytest.mark.parametrize(("draws", "before", "after"), THRESHOLDS)
def test_a_probability_that_moves_by_the_threshold_is_rarely_called(draws: int, before: float, after: float) -> None:
    held = np.random.default_rng(draws).binomial(draws, [[before], [after]], (2, 1000))
    pairs, counts = np.unique(held, axis=1, return_counts=True)
    p_values = np.array([shares_p_value((int(a), int(b)), (draws, draws), 0.1) for a, b in pairs.T])
    assert float(np.sum(counts[p_values < ERROR])) <= ERROR * 1000


def test_a_probability_that_moves_far_beyond_the_threshold_is_called() -> None:
    held = np.random.default_rng(1).binomial(240, [[1.0], [0.7]], (2, 300))
    caught_all = [N_TESTS * shares_p_value((int(a), int(b)), (240, 240), 0.1) < ERROR for a, b in held.T]
    assert sum(caught_all) >= 0.99 * 300


@pytest.mark.parametrize(("few", "many"), [(8, 48), (12, 48)])
def test_unequal_draws_of_one_grid_raise_few_false_alarms(few: int, many: int) -> None:
    """70 tests of skewed slopes: pooled, 1.7 to 2.5% of the runs raise one."""
    runs, tests = 1000, 70
    rng = np.random.default_rng(few)
    found = [rng.standard_exponential((count, runs * tests)) for count in (few, many)]
    logs = [np.log(each) for each in found]
    values = np.stack([np.mean(each, axis=0) for each in logs])
    errors = np.stack([np.std(each, axis=0, ddof=1) / math.sqrt(len(each)) for each in logs])
    degrees = np.stack([np.full(runs * tests, len(each) - 1.0) for each in logs])
    p_values = p_value(shift(values, errors, degrees, step_weights(degrees), alike=False), np.zeros(runs * tests))
    assert float(np.mean(tests * np.min(p_values.reshape(runs, tests), axis=1) < ERROR)) <= ERROR


def test_corrected_p_values_by_hand() -> None:
    assert corrected([0.02, 0.001, 0.03]) == pytest.approx((0.04, 0.003, 0.04))
    assert corrected([0.9, 0.8]) == (1.0, 1.0)
    assert corrected([]) == ()


def test_leverage_is_reached_by_the_worst_move() -> None:
    columns = np.column_stack([np.ones(4), np.log([256.0, 512.0, 1024.0, 2048.0])])
    worst = np.sign(np.linalg.pinv(columns)[-1])
    assert leverage(columns) == pytest.approx(float(np.linalg.lstsq(columns, worst)[0][-1]))
    assert leverage(columns) == pytest.approx(4 / (5 * math.log(2)))


# --- whole runs -------------------------------------------------------------------------------------------------------

DRAWS = {8: 4, 10: 4, 12: 31, 16: 18, 20: 4, 24: 22, 32: 7, 48: 14}  # of 104 slopes: what the quick profile has
SHARES = ((40, 0.9), (64, 0.97), (72, 1.0), (117, 0.5), (160, 0.95), (36, 0.99))  # draws, probability
N_EVENTS = 16  # of each, main runs and controls: 48 checks
N_FRONTIERS = 70  # 7 checks, main and control, an exponent and about four widths each
N_SLOPES = 2 * sum(DRAWS.values())
N_TESTS = N_SLOPES + len(SHARES) * N_EVENTS + N_FRONTIERS
POSITIONS = np.log([256.0, 512.0, 1024.0, 2048.0, 4096.0])
LEVEL = 1 - 0.05 / 11  # of an interval in a claim of eleven checks: the catalogue's mean


WEIGHTS = slopes(POSITIONS, np.eye(len(POSITIONS)))  # the estimator's slope is linear in the logarithms


@dataclass(frozen=True)
class Noise:
    """How slopes scatter between replicates, and points about their line."""

    name: str
    skewed: bool

    def slopes(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        """What the estimator of exponents makes of each replicate."""
        own = np.log(rng.standard_exponential(shape)) if self.skewed else rng.standard_t(4, shape)
        return np.asarray(own + 0.5 * float(np.linalg.norm(WEIGHTS)) * rng.standard_normal(shape))


HEAVY, SKEWED = Noise("heavy", skewed=False), Noise("skewed", skewed=True)


def runs_of_slopes(rng: np.random.Generator, noise: Noise, draws: int, runs: int) -> tuple[Array, Array, Array]:
    """Mean, standard error and degrees of freedom of an exponent, (runs,) each."""
    found = noise.slopes(rng, (draws, runs))
    return np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / math.sqrt(draws), np.full(runs, draws - 1.0)


def several(rng: np.random.Generator, noise: Noise, draws: int, runs: int, count: int) -> tuple[Array, Array, Array]:
    """The same of several independent runs, (count, runs) each."""
    values, errors, degrees = zip(*(runs_of_slopes(rng, noise, draws, runs) for _ in range(count)), strict=True)
    return np.stack(values), np.stack(errors), np.stack(degrees)


def smallest_p(rng: np.random.Generator, noise: Noise, runs: int, count: int) -> Iterator[tuple[Array, Array]]:
    """p-values of step and drift, (runs,) each, test by test, where nothing has changed over `count` runs."""
    none = np.zeros(runs)
    for draws, checks in DRAWS.items():
        for _ in range(2 * checks):
            values, errors, degrees = several(rng, noise, draws, runs, count)
            yield step_and_drift(values, errors, degrees, none)
    for _ in range(N_FRONTIERS):  # eight groups, and what the curve's shape leaves open in the interval
        groups = rng.standard_normal((count, 8, runs))
        errors = np.std(groups, axis=1, ddof=1) / math.sqrt(8) + 0.1
        yield step_and_drift(np.mean(groups, axis=1), errors, np.full((count, runs), 7.0), none)
    for draws, probability in SHARES:
        for _ in range(N_EVENTS):
            held = rng.binomial(draws, probability, (count, runs))
            half = count // 2
            trend = held[:half].sum(axis=0), held[-half:].sum(axis=0)
            yield exact(held[-2], held[-1], draws), exact(*trend, half * draws)


def step_and_drift(values: Array, errors: Array, degrees: Array, threshold: Array) -> tuple[Array, Array]:
    step_found = shift(values[-2:], errors[-2:], degrees[-2:], step_weights(degrees[-2:]), alike=True)
    drift_found = shift(values, errors, degrees, drift_weights(degrees), alike=True)
    return p_value(step_found, threshold), p_value(drift_found, threshold)


def exact(first: NDArray[np.int64], second: NDArray[np.int64], draws: int) -> Array:
    pairs, where = np.unique(np.stack([first, second]), axis=1, return_inverse=True)
    return np.array([shares_p_value((int(a), int(b)), (draws, draws)) for a, b in pairs.T])[where.reshape(-1)]


def alarms(noise: Noise, runs: int, count: int) -> float:
    """The share of runs in which any of all tests says that something has changed, where nothing has."""
    rng = np.random.default_rng(count)
    steps, drifts = np.ones(runs), np.ones(runs)
    for step_p, drift_p in smallest_p(rng, noise, runs, count):
        steps, drifts = np.minimum(steps, step_p), np.minimum(drifts, drift_p)
    if count == 2:
        return float(np.mean(N_TESTS * steps < ERROR))
    return float(np.mean(N_TESTS * np.minimum(steps, drifts) < ERROR / 2))


def caught(noise: Noise, draws: int, runs: int, *, level: float = LEVEL) -> float:
    """The share of moves by three full widths of the interval then that are seen among all tests of a run."""
    values, errors, degrees = several(np.random.default_rng(draws), noise, draws, runs, 2)
    values[1] += 3 * 2 * t_quantile(draws - 1, level) * errors[0]
    return float(np.mean(N_TESTS * step_and_drift(values, errors, degrees, np.zeros(runs))[0] < ERROR))


def caught_drifts(noise: Noise, draws: int, runs: int, count: int) -> float:
    """The same for as far a way that is gone in equal steps over several runs."""
    values, errors, degrees = several(np.random.default_rng(draws), noise, draws, runs, count)
    way = 3 * 2 * t_quantile(draws - 1, LEVEL) * errors[0]
    values += way * np.linspace(0, 1, count)[:, None]
    return float(np.mean(N_TESTS * step_and_drift(values, errors, degrees, np.zeros(runs))[1] < ERROR / 2))


def mixed(shares: dict[int, float]) -> float:
    """The mean over the slopes of the quick profile."""
    return sum(shares[draws] * checks for draws, checks in DRAWS.items()) / sum(DRAWS.values())


def test_false_alarms_are_rare_in_a_few_runs() -> None:
    assert alarms(HEAVY, 300, 2) <= ERROR + 0.02  # 1% of 300, and four standard errors


def test_a_move_by_three_widths_is_caught_in_a_few_runs() -> None:
    assert mixed({draws: caught(HEAVY, draws, 2000) for draws in DRAWS}) >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4], ids=["one-baseline", "three-baselines"])
@pytest.mark.parametrize("noise", [HEAVY, SKEWED], ids=lambda noise: noise.name)
def test_false_alarms_are_rare(noise: Noise, count: int) -> None:
    found = alarms(noise, 20_000, count)
    print(f"{noise.name} noise, {count - 1} baselines, {N_TESTS} tests: a false alarm in {100 * found:.2f}% of runs")
    assert found <= ERROR


@pytest.mark.slow
@pytest.mark.parametrize("noise", [HEAVY, SKEWED], ids=lambda noise: noise.name)
def test_a_move_by_three_widths_is_rarely_missed(noise: Noise) -> None:
    found = {draws: caught(noise, draws, 40_000) for draws in DRAWS}
    slow = {draws: caught_drifts(noise, draws, 40_000, 4) for draws in DRAWS}
    for name, shares in (("a step", found), ("a drift over 3 baselines", slow)):
        each = ", ".join(f"{100 * share:.2f}% at R = {draws}" for draws, share in shares.items())
        print(f"{noise.name} noise, {name} of three widths is caught in {100 * mixed(shares):.2f}%: {each}")
    alone = {draws: caught(noise, draws, 40_000, level=0.95) for draws in (8, 12, 16, 24)}
    print(f"{noise.name} noise, three widths at 95%: {alone}")
    assert mixed(found) >= 0.99
    assert mixed(slow) >= 0.99


@pytest.mark.slow
def test_which_change_of_a_probability_is_rarely_missed() -> None:
    rng = np.random.default_rng(0)
    for draws in (36, 57, 117, 240):
        for before, after in ((1.0, 0.7), (0.95, 0.6), (0.95, 0.5), (0.5, 0.1)):
            held = rng.binomial(draws, [[before], [after]], (2, 4000))
            share = float(np.mean(N_TESTS * exact(held[0], held[1], draws) < ERROR))
            print(f"{draws} draws, {before} -> {after}: caught in {100 * share:.1f}%")
            assert share > 0.99 or draws < 240


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [1.0, 3.0])
@pytest.mark.parametrize("draws", [(8, 24), (24, 8), (12, 12), (8, 48)])
@pytest.mark.parametrize("noise", [HEAVY, SKEWED], ids=lambda noise: noise.name)
def test_small_p_values_of_other_grids_are_as_rare_as_they_say(
    noise: Noise, draws: tuple[int, int], ratio: float
) -> None:
    """The second run's slopes scatter `ratio` times as much about one mean, which is that of log E where skewed."""
    runs, small = 400_000, 1e-3
    rng = np.random.default_rng(draws[0])
    mean = -float(np.euler_gamma) if noise.skewed else 0.0
    found = [
        scale * (noise.slopes(rng, (count, runs)) - mean) for count, scale in zip(draws, (1.0, ratio), strict=True)
    ]
    values = np.stack([np.mean(each, axis=0) for each in found])
    errors = np.stack([np.std(each, axis=0, ddof=1) / math.sqrt(len(each)) for each in found])
    degrees = np.stack([np.full(runs, count - 1.0) for count in draws])
    ours = shift(values, errors, degrees, step_weights(degrees), alike=False)
    parts = errors**4 / degrees
    welch = Shift(ours.size, ours.error, ours.error**4 / np.sum(parts, axis=0))
    ours_share, welch_share = (float(np.mean(p_value(each, np.zeros(runs)) < small)) for each in (ours, welch))
    print(f"{noise.name}, R = {draws}, scatter x {ratio}: {ours_share / small:.2f}, Welch {welch_share / small:.2f}")
    assert ours_share <= small * (1.1 if noise is HEAVY or ratio == 1 else 2)
