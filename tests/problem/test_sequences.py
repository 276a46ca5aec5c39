"""Section 2.1 and Assumption 2.1: unit first tokens at a set distance, bounded later tokens, labels of every kind."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.problem import sequences
from rnnconv_cli.records import ProblemSetting

MakeSetting = Callable[..., ProblemSetting]

SEPARATIONS = (1.0, 0.9, 0.5, 0.1, 1e-3, 1e-6, 1e-8)
CROWDS = ((1, 2), (2, 3), (2, 16), (4, 3), (5, 6), (10, 6), (6, 4), (20, 16), (30, 16))  # (n, d_x), n <= 2 (d_x - 1)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def crowd(make_setting: MakeSetting, n_sequences: int, input_dim: int, separation: float) -> ProblemSetting:
    return make_setting(n_sequences=n_sequences, input_dim=input_dim, separation=separation)


def broken_of_all(setting: ProblemSetting, x: Array) -> tuple[str, ...]:
    """Return which of all preconditions these sequences break."""
    return sequences.broken_preconditions(setting, x, sequences.PRECONDITIONS)


# --- first tokens -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separation", SEPARATIONS)
@pytest.mark.parametrize(("n_sequences", "input_dim"), CROWDS)
def test_first_tokens_are_those_of_section_2_1(
    make_setting: MakeSetting, n_sequences: int, input_dim: int, separation: float
) -> None:
    x = sequences.first_tokens(crowd(make_setting, n_sequences, input_dim, separation), generator())
    assert x.shape == (n_sequences, input_dim)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(x[:, -1], 1 / math.sqrt(2))


@pytest.mark.parametrize("separation", SEPARATIONS)
@pytest.mark.parametrize(("n_sequences", "input_dim"), [each for each in CROWDS if each[0] > 1])
def test_closest_pair_is_exactly_the_separation(
    make_setting: MakeSetting, n_sequences: int, input_dim: int, separation: float
) -> None:
    x = sequences.first_tokens(crowd(make_setting, n_sequences, input_dim, separation), generator())
    # the distance of two rounded points near 1 is known to a few eps, whatever it is
    assert sequences.closest_pair(x[None]) == pytest.approx(separation, rel=1e-12, abs=4e-16)


@given(
    seed=st.integers(0, 2**20),
    separation=st.floats(-8, 0).map(lambda power: 10.0**power),
    input_dim=st.integers(3, 9),
    data=st.data(),
)
def test_closest_pair_is_the_separation_for_any_crowd_that_always_fits(
    make_setting: MakeSetting, seed: int, separation: float, input_dim: int, data: st.DataObject
) -> None:
    n_sequences = data.draw(st.integers(2, 2 * (input_dim - 1)))
    x = sequences.first_tokens(crowd(make_setting, n_sequences, input_dim, separation), generator(seed))
    assert sequences.closest_pair(x[None]) == pytest.approx(separation, rel=1e-12, abs=4e-16)


def test_two_input_dimensions_hold_two_points_at_their_only_distance(make_setting: MakeSetting) -> None:
    x = sequences.first_tokens(crowd(make_setting, 2, 2, 0.5), generator())
    assert sequences.closest_pair(x[None]) == pytest.approx(math.sqrt(2), rel=1e-14)


@pytest.mark.parametrize(("n_sequences", "input_dim"), [(3, 2), (5, 3), (11, 6), (31, 16)])
def test_more_points_than_the_sphere_holds_are_refused(
    make_setting: MakeSetting, n_sequences: int, input_dim: int
) -> None:
    with pytest.raises(MeasurementError, match="first tokens") as refused:
        sequences.first_tokens(crowd(make_setting, n_sequences, input_dim, 1.0), generator())
    assert str(n_sequences) in refused.value.problem
    assert "try a smaller separation, fewer sequences or a larger input_dim" in refused.value.problem


def test_more_points_than_the_cross_polytope_has_are_placed_where_they_fit(make_setting: MakeSetting) -> None:
    x = sequences.first_tokens(crowd(make_setting, 40, 6, 0.2), generator())
    assert sequences.closest_pair(x[None]) == pytest.approx(0.2, rel=1e-12)


def test_first_points_are_spread_over_the_sphere(make_setting: MakeSetting) -> None:
    setting = crowd(make_setting, 2, 4, 0.3)
    points = np.array([sequences.first_tokens(setting, generator(seed))[:, :-1] for seed in range(400)])
    mean = points.mean(axis=0) * math.sqrt(2)
    # each coordinate of a random unit vector in R^3 has variance 1/3; five standard errors
    assert np.abs(mean).max() < 5 * math.sqrt(1 / 3 / 400)


# --- later tokens and copies ------------------------------------------------------------------------------------------


def test_fresh_tokens_are_units_of_their_own(make_setting: MakeSetting) -> None:
    x = sequences.inputs(make_setting(later_tokens="fresh"), generator())
    np.testing.assert_allclose(np.linalg.norm(x, axis=2), 1, rtol=1e-14)
    rows = x[1:].reshape(-1, x.shape[2])
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_shared_tokens_are_units_common_to_all_sequences(make_setting: MakeSetting) -> None:
    x = sequences.inputs(make_setting(later_tokens="shared"), generator())
    np.testing.assert_allclose(np.linalg.norm(x, axis=2), 1, rtol=1e-14)
    for i in range(3):
        np.testing.assert_array_equal(x[1:, i], x[1:, 0])
    assert len(np.unique(x[1:, 0], axis=0)) == 3
    assert sequences.closest_pair(x) == pytest.approx(0.5, rel=1e-12)


def test_zero_tokens_are_zero_after_the_first(make_setting: MakeSetting) -> None:
    x = sequences.inputs(make_setting(later_tokens="zero"), generator())
    assert not x[1:].any()
    np.testing.assert_allclose(np.linalg.norm(x[0], axis=1), 1, rtol=1e-14)


@pytest.mark.parametrize("later_tokens", ["fresh", "shared", "zero"])
@pytest.mark.parametrize("copies", [2, 3, 5])
def test_copies_are_identical_over_the_whole_length_and_the_others_are_not(
    make_setting: MakeSetting, later_tokens: str, copies: int
) -> None:
    x = sequences.inputs(make_setting(n_sequences=5, copies=copies, later_tokens=later_tokens), generator())
    for i in range(1, 5):
        assert np.array_equal(x[:, i], x[:, 0]) == (i < copies)
    assert sequences.closest_pair(x) == 0
    if copies < 5:
        assert sequences.closest_pair(x[:, copies - 1 :]) >= 0.5 * (1 - 1e-12)


# --- labels -----------------------------------------------------------------------------------------------------------


def labels_of(setting: ProblemSetting, *, seed: int = 1, inputs_seed: int = 0) -> tuple[Array, Array]:
    x = sequences.inputs(setting, generator(inputs_seed))
    return x, sequences.labels(setting, x, generator(seed))


def test_random_labels_have_variance_one_over_d_and_do_not_see_the_inputs(make_setting: MakeSetting) -> None:
    setting = make_setting(horizon=20, n_sequences=50, input_dim=64, output_dim=4, separation=0.1)
    _, y = labels_of(setting)
    assert y.shape == (20, 50, 4)
    # 4000 entries: the sample variance of a Gaussian has a relative standard error of sqrt(2/4000)
    assert np.var(y) * 4 == pytest.approx(1, abs=6 * math.sqrt(2 / 4000))
    assert abs(np.mean(y)) < 6 * 0.5 / math.sqrt(4000)
    np.testing.assert_array_equal(y, labels_of(setting, inputs_seed=9)[1])


def test_sign_labels_are_plus_and_minus_one_in_equal_shares(make_setting: MakeSetting) -> None:
    setting = make_setting(horizon=20, n_sequences=50, input_dim=64, labels="signs", separation=0.1)
    _, y = labels_of(setting)
    assert set(np.unique(y)) == {-1.0, 1.0}
    assert abs(np.mean(y)) < 6 / math.sqrt(y.size)
    np.testing.assert_array_equal(y, labels_of(setting, inputs_seed=9)[1])


def test_teacher_labels_are_a_causal_function_of_the_inputs_of_unit_mean_square(make_setting: MakeSetting) -> None:
    setting = make_setting(labels="teacher")
    x, y = labels_of(setting)
    assert np.mean(np.sum(y**2, axis=2)) == pytest.approx(1, rel=1e-13)
    changed = x.copy()
    changed[2, 0] *= -1
    other = sequences.labels(setting, changed, generator(1))
    same = np.linalg.norm(other[:2], axis=2) / np.linalg.norm(y[:2], axis=2)
    np.testing.assert_allclose(same, same[0, 0], rtol=1e-12)  # the common scale alone has moved
    assert not np.allclose(other[2, 0] / same[0, 0], y[2, 0])
    assert not np.allclose(labels_of(setting, seed=2)[1], y)


def test_teacher_gives_copies_one_label(make_setting: MakeSetting) -> None:
    _, y = labels_of(make_setting(labels="teacher", copies=2))
    np.testing.assert_array_equal(y[:, 0], y[:, 1])


@pytest.mark.parametrize("kind", ["random", "signs"])
def test_copies_clash_with_labels_of_their_own(make_setting: MakeSetting, kind: str) -> None:
    _, y = labels_of(make_setting(labels=kind, copies=2, horizon=30))
    assert not np.array_equal(y[1:, 0], y[1:, 1])


@pytest.mark.parametrize("kind", ["random", "signs", "teacher"])
@pytest.mark.parametrize("copies", [2, 3])
def test_opposite_labels_alternate_among_the_copies_alone(make_setting: MakeSetting, kind: str, copies: int) -> None:
    opposite = make_setting(labels=kind, copies=copies, copy_labels="opposite", n_sequences=4)
    _, y = labels_of(opposite)
    for i in range(copies):
        np.testing.assert_array_equal(y[:, i], y[:, 0] * (-1) ** i)
    _, free = labels_of(make_setting(labels=kind, copies=copies, n_sequences=4))
    np.testing.assert_array_equal(y[:, copies:], free[:, copies:])


# --- preconditions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("later_tokens", ["fresh", "shared", "zero"])
@pytest.mark.parametrize("separation", [1.0, 0.5, 1e-3])
@pytest.mark.parametrize("seed", range(5))
def test_drawn_inputs_break_nothing(
    make_setting: MakeSetting, dtype: str, later_tokens: str, separation: float, seed: int
) -> None:
    setting = make_setting(later_tokens=later_tokens, separation=separation, dtype=dtype)
    x = sequences.inputs(setting, generator(seed)).astype(dtype)
    assert broken_of_all(setting, x) == ()


@pytest.mark.parametrize("seed", range(5))
def test_a_separation_of_1e_8_is_held_in_float64_and_not_taken_for_granted_in_float32(
    make_setting: MakeSetting, seed: int
) -> None:
    setting = make_setting(separation=1e-8)
    x = sequences.inputs(setting, generator(seed))
    assert broken_of_all(setting, x) == ()
    rounded = x.astype(np.float32)  # the pair falls together, or the least distance of float32 apart
    together = sequences.closest_pair(rounded) < 0.99e-8
    assert broken_of_all(setting, rounded) == (("separation",) if together else ())


def test_first_tokens_that_float32_cannot_tell_apart_break_the_separation(make_setting: MakeSetting) -> None:
    setting = make_setting(separation=1e-8)
    x = sequences.inputs(setting, generator()).astype(np.float32)
    x[0, 1] = x[0, 0]
    assert broken_of_all(setting, x) == ("separation",)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("place", "value", "broken"),
    [
        ((0, 0), np.array([1.0, 0, 0, 0, 0, 0]), "unit-first-token"),  # a unit, but without its 1/sqrt(2)
        ((0, 0), np.array([0.5, 0, 0, 0, 0, 1 / math.sqrt(2)]), "unit-first-token"),
        ((2, 1), np.array([1.001, 0, 0, 0, 0, 0]), "token-norms"),
    ],
)
def test_each_broken_token_is_named(
    make_setting: MakeSetting, dtype: str, place: tuple[int, int], value: Array, broken: str
) -> None:
    setting = make_setting(separation=0.1)
    x = sequences.inputs(setting, generator()).astype(dtype)
    x[place] = value
    assert broken_of_all(setting, x) == (broken,)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tokens_closer_than_declared_break_the_separation(make_setting: MakeSetting, dtype: str) -> None:
    x = sequences.inputs(make_setting(separation=0.5), generator()).astype(dtype)
    assert broken_of_all(make_setting(separation=0.51), x) == ("separation",)


def test_copies_break_the_separation(make_setting: MakeSetting) -> None:
    setting = make_setting(copies=2)
    assert broken_of_all(setting, sequences.inputs(setting, generator())) == ("separation",)


def test_one_sequence_is_separated_from_every_other(make_setting: MakeSetting) -> None:
    setting = make_setting(n_sequences=1, separation=1.0)
    x = sequences.inputs(setting, generator())
    assert sequences.closest_pair(x) == math.inf
    assert broken_of_all(setting, x) == ()


@pytest.mark.parametrize(("width", "broken"), [(12, ("gram-schmidt",)), (13, ())])
def test_gram_schmidt_needs_a_width_above_all_states(
    make_setting: MakeSetting, width: int, broken: tuple[str, ...]
) -> None:
    setting = make_setting(width=width)  # n L = 12
    assert broken_of_all(setting, sequences.inputs(setting, generator())) == broken


def test_only_what_is_asked_for_is_looked_at(make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = make_setting(width=12, copies=2)
    x = sequences.inputs(setting, generator())
    assert broken_of_all(setting, x) == ("separation", "gram-schmidt")
    monkeypatch.setattr(sequences, "closest_two", None)  # no pair can be looked at any more
    assert sequences.broken_preconditions(setting, x, ("gram-schmidt", "token-norms", "step-size")) == ("gram-schmidt",)
    assert sequences.broken_preconditions(setting, x, ()) == ()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("held", [1, 3 * 40 * 7, 17 * 40 * 7, 2**20])
def test_pairs_in_parts_are_all_pairs_to_the_last_bit(monkeypatch: pytest.MonkeyPatch, dtype: str, held: int) -> None:
    """The first of equal pairs, as copies are in the second draw."""
    monkeypatch.setattr(sequences, "DIFFERENCES_HELD", held)
    for seed in range(4):
        x = generator(seed).standard_normal((2, 40, 7)).astype(dtype)
        if seed == 1:
            x[0, 31] = x[0, 39] = x[0, 8]
        distances = np.linalg.norm(x[0][:, None] - x[0][None], axis=2)
        np.fill_diagonal(distances, np.inf)
        i, j = divmod(int(np.argmin(distances)), 40)
        assert sequences.closest_two(x) == (i, j, float(distances.min()))
        assert sequences.closest_pair(x) == float(distances.min())


def test_many_pairs_are_held_a_few_at_a_time() -> None:
    x = generator().standard_normal((1, 1500, 16))
    tracemalloc.start()
    sequences.closest_pair(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 8 * sequences.DIFFERENCES_HELD < 8 * 1500**2 * 16
