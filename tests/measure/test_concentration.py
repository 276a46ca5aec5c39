"""Lemmas of Appendix A on columns of W: against loops and exact laws; what they owe to scale and order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom, chi2, kstest

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.concentration import kolmogorov_distance
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading

DrawInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

WIDTH = 128
LAWS = ("masked-entries-law", "masked-norm-law")


def standardised(instance: Instance) -> np.ndarray:
    return np.asarray(instance.W[0] / math.sqrt(2 / instance.setting.width))


def test_kolmogorov_distance_is_that_of_scipy() -> None:
    sample = np.random.default_rng(0).standard_normal(500)
    assert kolmogorov_distance(sample, ndtr) == pytest.approx(kstest(sample, "norm").statistic, rel=1e-12)


@pytest.mark.parametrize("column", [(2.0, 1.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0)])
def test_the_chi_square_exponent_puts_the_sum_on_its_border(
    write_instance: Callable[..., Instance], value_of: ValueOf, backend: Backend, column: tuple[float, ...]
) -> None:
    W = np.zeros((4, 4))
    W[:, 0] = np.array(column) / math.sqrt(2)  # sigma^2 = 2/4, so the standardised entries are those of `column`
    instance = write_instance(W=W, B=[[1, 1, 1, 1]], x=np.ones((2, 1, 4)))
    t = value_of("chi-square-exponent", instance, backend, probe={"rows": 4})
    total = sum(each**2 for each in column)
    border = 4 + 2 * math.sqrt(4 * t) + 2 * t if total > 4 else 4 - 2 * math.sqrt(4 * t)
    assert border == pytest.approx(total, rel=1e-12)


def test_one_number_lemmas_by_a_loop(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    instance = draw_instance(width=WIDTH)
    x = standardised(instance)[:, 0]
    square = sum(float(each) ** 2 for each in x)
    assert value_of("square-norm-deviation", instance, backend, probe={"rows": WIDTH}) == pytest.approx(
        abs(square / WIDTH - 1), rel=1e-9
    )
    mass = sum(max(float(each) ** 2 - math.log(WIDTH), 0) for each in x) / (2 * math.sqrt(WIDTH))
    assert value_of("large-entry-mass", instance, backend) == pytest.approx(mass, rel=1e-9)
    kept = math.sqrt(sum(max(float(each), 0) ** 2 for each in instance.W[0][:, 0]))
    assert value_of("relu-norm-deviation", instance, backend) == pytest.approx(abs(kept - 1), rel=1e-9)
    share = min(sum(each >= 0.1 for each in x), sum(each <= -0.1 for each in x)) / WIDTH
    assert value_of("good-share", instance, backend, probe={"deviation": 0.4}) == pytest.approx(share / 0.3, rel=1e-9)


def test_equal_entries_are_counted_as_often_as_they_stand_for_others(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=WIDTH)
    repeated = replace(instance, W=np.repeat(instance.W[:, : WIDTH // 4], 4, axis=1))
    for quantity in ("square-norm-deviation", "chi-square-exponent", "relu-norm-tail"):
        few, all_of_them = (
            value_of(quantity, each, backend, probe={"rows": rows, "deviation": 0.15})
            for each, rows in ((instance, WIDTH // 4), (repeated, WIDTH))
        )
        assert few == pytest.approx(all_of_them, rel=1e-9)


@pytest.mark.parametrize("rows", [0, WIDTH + 1])
def test_more_rows_than_there_are_is_refused(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, rows: int
) -> None:
    with pytest.raises(MeasurementError, match=f"rows must be between 1 and the width {WIDTH}, found {rows}"):
        measure("square-norm-deviation", draw_instance(width=WIDTH), backend, probe={"rows": rows})


def test_failures_of_the_relu_norm_are_as_rare_as_a_gaussian_limit_says(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    """Var ||relu(W x)||^2 = 5/m, so that the deviation is N(0, 1.25/m) and the exponent 0.4 eps^2 m."""
    found = [
        value_of("relu-norm-tail", draw_instance(width=256, seed=seed), backend, probe={"rows": 256, "deviation": 0.1})
        for seed in range(12)
    ]
    assert np.mean(found) == pytest.approx(0.4 * 0.1**2 * 256, rel=0.15)


def test_no_failure_has_a_finite_exponent(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    instance = draw_instance(width=WIDTH)
    assert value_of("relu-norm-tail", instance, backend, probe={"rows": WIDTH, "deviation": 50.0}) > 3


def test_masked_norms_are_compared_with_the_mixture(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=WIDTH)
    x = standardised(instance)
    squares = np.array([np.sum((x[:, j] * (x[:, j] + x[:, j + 1] >= 0)) ** 2) for j in range(0, WIDTH, 2)])

    def law(values: np.ndarray) -> np.ndarray:
        degrees = np.arange(1, WIDTH + 1)
        weights = binom.pmf(degrees, WIDTH, 0.5)
        return np.array([binom.pmf(0, WIDTH, 0.5) + weights @ chi2.cdf(value, degrees) for value in values])

    expected = math.sqrt(WIDTH / 2) * kstest(law(squares), "uniform").statistic
    assert value_of("masked-norm-law", instance, backend) == pytest.approx(expected, rel=1e-8)


def test_masked_entries_are_compared_with_half_a_mass_at_zero(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=32)
    x = standardised(instance)
    entries = np.sort([abs(x[k, j]) * (x[k, j] + x[k, j + 1] >= 0) for j in range(0, 32, 2) for k in range(32)])
    gaps = []
    for value in entries:
        gaps.append(abs(np.mean(entries <= value) - ndtr(value)))
        if value > 0:
            gaps.append(abs(np.mean(entries < value) - ndtr(value)))
    expected = math.sqrt(entries.size) * max(gaps)
    assert value_of("masked-entries-law", instance, backend) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("quantity", LAWS)
def test_a_shift_chosen_after_the_weights_has_another_law(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    for seed in range(4):
        instance = draw_instance(width=WIDTH, seed=seed)
        assert value_of(quantity, instance, backend) < 1.95
        assert value_of(f"{quantity}-of-chosen-shift", instance, backend) > 4


@pytest.mark.parametrize(
    "quantity", [*LAWS, "percentile-excess", "percentile-upper-excess", "large-entry-mass", "good-share"]
)
def test_order_of_units_does_not_matter(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(width=WIDTH)
    order = np.random.default_rng(0).permutation(WIDTH)
    moved = replace(instance, W=np.ascontiguousarray(instance.W[:, order]))
    assert value_of(quantity, moved, backend) == pytest.approx(value_of(quantity, instance, backend), rel=1e-9)


def test_no_vector_is_good_for_a_share_of_nothing(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    with pytest.raises(MeasurementError, match="good-share: found deviation = 1, wanted less than 1"):
        measure("good-share", draw_instance(), backend, probe={"deviation": 1.0})


@pytest.mark.parametrize("quantity", ["percentile-excess", "percentile-upper-excess", "good-share"])
def test_shares_see_the_scale_of_the_weights(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    one, other = (value_of(quantity, draw_instance(weight_variance=variance), backend) for variance in (2.0, 0.05))
    assert one != pytest.approx(other, rel=0.05)


def test_upper_percentiles_hold_for_centred_entries_only(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=WIDTH)
    assert value_of("percentile-upper-excess", instance, backend) < 1.95
    assert value_of("percentile-lower-excess-over-means", instance, backend) < 1.95
    assert value_of("percentile-upper-excess-over-means", instance, backend) == pytest.approx(WIDTH * 2 / 3, rel=0.01)
