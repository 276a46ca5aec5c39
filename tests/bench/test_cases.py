from __future__ import annotations

import pytest

from rnnconv_cli.bench.cases import FORWARD, GRADIENT, LANCZOS_STEPS, PRODUCT, REPLICATES, STEP, Case, grid

MANY = {"replicates": 4, "steps": 7}


def _case(task: str, **more: int) -> Case:
    return Case(task, 8, 3, 5, 1, "float32", **more)


@pytest.mark.parametrize(
    ("task", "products"),
    [(STEP, 4 + 3 + 4), (GRADIENT, 4 + 3 + 4), (FORWARD, 4)],  # forward, backward, gradient
)
def test_operations_of_three_sequences_by_hand(task: str, products: int) -> None:
    assert _case(task).flops == products * (2 * 8 * 8) * 3


def test_a_product_applies_every_layer_and_its_adjoint_to_one_vector() -> None:
    assert _case(PRODUCT).flops == LANCZOS_STEPS * 2 * 5 * (2 * 8 * 8)


@pytest.mark.parametrize(
    ("task", "passes"),
    [(STEP, 4 + 3 + 2), (GRADIENT, 4 + 3 + 1), (FORWARD, 4), (PRODUCT, LANCZOS_STEPS * 2 * 5)],  # an update is two
)
def test_bytes_of_weights_by_hand(task: str, passes: int) -> None:
    assert _case(task).bytes == passes * 8 * 8 * 4


def test_replicates_and_steps_multiply() -> None:
    assert _case(REPLICATES, **MANY).flops == 28 * _case(STEP).flops
    assert _case(REPLICATES, **MANY).bytes == 28 * _case(STEP).bytes


@pytest.mark.parametrize("name", ["default", "full"])
@pytest.mark.parametrize("cores", [1, 2, 8])
def test_grids_hold_every_case_once_on_the_cores_that_there_are(name: str, cores: int) -> None:
    cases = grid(name, cores)
    assert len(cases) == len(set(cases))
    assert {case.cores for case in cases} == set(range(1, min(2, cores) + 1))


def test_the_full_grid_is_the_whole_one() -> None:
    steps = [case for case in grid("full", 2) if case.task == STEP]
    assert len(steps) == 7 * 3 * 2 * 2 * 2  # m, n, L, cores, dtypes
    assert {case.width for case in steps} == {64, 128, 256, 512, 1024, 2048, 4096}
    assert {case.task for case in grid("full", 2)} == {STEP, GRADIENT, FORWARD, PRODUCT, REPLICATES}


def test_the_full_grid_begins_with_the_largest_sizes() -> None:
    steps = [case.flops / (3 * case.horizon - 4) * case.horizon for case in grid("full", 2) if case.task == STEP]
    assert steps == sorted(steps, reverse=True)


def test_the_default_grid_is_a_small_one_with_every_task() -> None:
    assert {case.task for case in grid("default", 2)} == {case.task for case in grid("full", 2)}
    assert len(grid("default", 2)) < len(grid("full", 2)) / 10


def test_a_label_says_everything() -> None:
    assert _case(STEP).label == "step: m 8, n 3, L 5, float32, 1 core"
    assert _case(REPLICATES, **MANY).label == "replicates: 4 x 7 steps of m 8, n 3, L 5, float32, 1 core"
