"""Definition 2.3: variances, what the draw depends on, and what it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.kernels.activations import ACTIVATIONS
from rnnconv_cli.kernels.arrays import LINE_BYTES, Array
from rnnconv_cli.problem import elman
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import ProblemSetting

MakeSetting = Callable[..., ProblemSetting]
MemoryGrowth = Callable[[str, str], int]


def assert_variance(entries: Array, variance: float) -> None:
    """Compare with eight standard errors of the sample mean and variance of Gaussian entries."""
    assert abs(float(np.mean(entries))) < 8 * math.sqrt(variance / entries.size)
    assert float(np.var(entries)) / variance == pytest.approx(1, abs=8 * math.sqrt(2 / entries.size))


@pytest.mark.parametrize("weight_variance", [1.0, 2.0, 4.0])
@pytest.mark.parametrize(("output_variance", "output_scale"), [("1/d", 1 / 3), ("1/m", 1 / 200)])
def test_variances_are_those_of_definition_2_3(
    make_setting: MakeSetting, weight_variance: float, output_variance: str, output_scale: float
) -> None:
    setting = make_setting(
        width=200,
        input_dim=40,
        output_dim=3,
        weight_variance=weight_variance,
        output_variance=output_variance,
        layers="independent",
    )
    network = elman.draw(setting, 0, 0)
    for matrix in network.W:
        assert_variance(matrix, weight_variance / 200)
    assert_variance(network.A, weight_variance / 200)
    assert_variance(network.B, output_scale)


@pytest.mark.parametrize(("layers", "n_matrices"), [("shared", 1), ("independent", 4)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_shapes_and_precision(make_setting: MakeSetting, layers: str, n_matrices: int, dtype: str) -> None:
    instance = elman.draw(make_setting(layers=layers, dtype=dtype), 0, 0)
    shapes = {"W": (n_matrices, 24, 24), "A": (24, 6), "B": (2, 24), "x": (4, 3, 6), "labels": (4, 3, 2)}
    for name, shape in shapes.items():
        array = getattr(instance, name)
        assert array.shape == shape
        assert array.dtype == np.dtype(dtype)
        assert array.flags.c_contiguous
    assert instance.W.ctypes.data % LINE_BYTES == 0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_is_a_code(make_setting: MakeSetting, activation: str) -> None:
    assert elman.draw(make_setting(activation=activation), 0, 0).activation == ACTIVATIONS[activation]


def test_independent_layers_differ_from_one_another_and_share_the_rest_with_a_recurrent_network(
    make_setting: MakeSetting,
) -> None:
    shared = elman.draw(make_setting(), 0, 0)
    independent = elman.draw(make_setting(layers="independent"), 0, 0)
    np.testing.assert_array_equal(independent.W[0], shared.W[0])
    for name in ("A", "B", "x", "labels"):
        np.testing.assert_array_equal(getattr(independent, name), getattr(shared, name))
    flat = independent.W.reshape(4, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(4)).max() < 6 / math.sqrt(flat.shape[1])


@pytest.mark.parametrize("labels", ["random", "signs", "teacher"])
@pytest.mark.parametrize("later_tokens", ["fresh", "shared", "zero"])
def test_one_replicate_has_the_same_data_at_every_width(
    make_setting: MakeSetting, labels: str, later_tokens: str
) -> None:
    setting = make_setting(labels=labels, later_tokens=later_tokens)
    narrow, wide = (elman.draw(replace(setting, width=width), 3, 5) for width in (16, 64))
    np.testing.assert_array_equal(narrow.x, wide.x)
    np.testing.assert_array_equal(narrow.labels, wide.labels)
    # from one stream the first draws would be equal but for their scale, which is twice as large in narrow.A
    assert not np.isclose(narrow.A.ravel(), 2 * wide.A.ravel()[: narrow.A.size], rtol=1e-9).any()


def test_a_draw_depends_on_nothing_that_was_drawn_before(make_setting: MakeSetting) -> None:
    setting = make_setting()
    alone = elman.draw(setting, 0, 1)
    for width in (8, 16):
        elman.draw(replace(setting, width=width), 0, 1)
    again = elman.draw(setting, 0, 1)
    for name in ("W", "A", "B", "x", "labels"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(again, name))


@pytest.mark.parametrize("other", [(1, 0), (0, 1)], ids=["seed", "replicate"])
def test_seeds_and_replicates_differ_in_everything(make_setting: MakeSetting, other: tuple[int, int]) -> None:
    setting = make_setting()
    one, two = elman.draw(setting, 0, 0), elman.draw(setting, *other)
    for name in ("W", "A", "B", "labels"):
        assert not np.isin(getattr(one, name), getattr(two, name)).any()
    assert not np.isin(one.x[1:], two.x[1:]).any()


def test_variance_and_precision_change_no_other_draw(make_setting: MakeSetting) -> None:
    base = elman.draw(make_setting(), 0, 0)
    doubled = elman.draw(make_setting(weight_variance=8.0), 0, 0)
    np.testing.assert_allclose(doubled.W, 2 * base.W, rtol=1e-15)
    np.testing.assert_allclose(doubled.A, 2 * base.A, rtol=1e-15)
    np.testing.assert_array_equal(doubled.B, base.B)
    single = elman.draw(make_setting(dtype="float32"), 0, 0)
    for name in ("W", "A", "B", "x", "labels"):
        np.testing.assert_array_equal(getattr(single, name), getattr(base, name).astype(np.float32))


def test_a_stream_of_an_instance_is_keyed_by_its_seed_replicate_and_width(make_setting: MakeSetting) -> None:
    setting = make_setting()
    keys = [
        (setting, 0, 0, Stream.BATCHES, ()),
        (setting, 1, 0, Stream.BATCHES, ()),
        (setting, 0, 1, Stream.BATCHES, ()),
        (replace(setting, width=25), 0, 0, Stream.BATCHES, ()),
        (setting, 0, 0, Stream.PERTURBATION, ()),
        (setting, 0, 0, Stream.BATCHES, (0,)),
        (setting, 0, 0, Stream.BATCHES, (1,)),
    ]
    draws = {
        elman.draw(problem, seed, replicate).stream(purpose, *coordinates).integers(2**62)
        for problem, seed, replicate, purpose, coordinates in keys
    }
    assert len(draws) == len(keys)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_drawing_takes_hardly_more_than_the_weights(
    make_setting: MakeSetting, memory_growth: MemoryGrowth, dtype: str
) -> None:
    setting = make_setting(width=4096, dtype=dtype)
    imports = "from rnnconv_cli.problem import elman\nfrom rnnconv_cli.records import ProblemSetting"
    taken = memory_growth(imports, f"elman.draw({setting!r}, 0, 0)")
    weights = 4096**2 * np.dtype(dtype).itemsize
    assert weights <= taken <= 1.5 * weights
