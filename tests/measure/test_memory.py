"""What is held at a time: as much as fits, in the segments that take least."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rnnconv_cli.measure import memory
from rnnconv_cli.problem.elman import Instance

DrawInstance = Callable[..., Instance]


def test_every_layer_of_its_own_has_weights_of_its_own(draw_instance: DrawInstance) -> None:
    shared = replace(draw_instance().setting, width=4096, horizon=8)
    independent, single = replace(shared, layers="independent"), replace(shared, dtype="float32")
    assert memory.weight_bytes(shared) == 4096**2 * 8
    assert memory.weight_bytes(independent) == 8 * memory.weight_bytes(shared) == 16 * memory.weight_bytes(single)


def test_states_of_a_gibibyte_are_held_and_more_are_not(draw_instance: DrawInstance) -> None:
    long = replace(draw_instance().setting, width=1024, n_sequences=16, horizon=2048, dtype="float64")
    assert memory.COPIES_OF_RUN_STATES * long.horizon * memory.layer_bytes(long) == memory.LARGEST_RUN_BYTES
    assert memory.layers_held(long) == 0
    assert memory.layers_held(replace(long, horizon=2049)) == round((2049 / 2) ** 0.5) == 32
    assert memory.layers_held(replace(long, horizon=4000, dtype="float32")) == 0


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_states_that_take_no_more_than_another_copy_of_the_weights_are_held(
    draw_instance: DrawInstance, layers: str
) -> None:
    wide = replace(draw_instance().setting, width=2**15, n_sequences=32, horizon=256, layers=layers)
    assert memory.COPIES_OF_RUN_STATES * wide.horizon * memory.layer_bytes(wide) == 2**30 * 8
    assert memory.weight_bytes(wide) >= 2**30 * 8
    assert memory.layers_held(wide) == 0
    assert memory.layers_held(replace(wide, n_sequences=33)) == (0 if layers == "independent" else 11)


@pytest.mark.parametrize("horizon", [5, 32, 400, 1001, 4000])
def test_the_segments_are_the_ones_that_take_least(
    draw_instance: DrawInstance, monkeypatch: pytest.MonkeyPatch, horizon: int
) -> None:
    monkeypatch.setattr(memory, "LARGEST_RUN_BYTES", 0)
    setting = replace(draw_instance().setting, width=8, n_sequences=100, horizon=horizon)

    def layers(held: int) -> float:
        return horizon / held + 2 * held

    assert layers(memory.layers_held(setting)) <= 1.01 * min(map(layers, range(1, horizon + 1)))
