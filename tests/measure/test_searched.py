"""The search beside the constructed perturbations: ratios of what other measurements give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance

DrawInstance = Callable[..., Instance]
ValueOf = Callable[..., float]

CONSTRUCTED = ("gradient", "kinks", "weighted-kinks", "single-row", "linearised-ascent")
RATIOS = {"hidden-change-over-constructed": "hidden-change", "flips-over-constructed": "pattern-flips"}


@pytest.mark.parametrize("around", ["initial", "displaced"])
@pytest.mark.parametrize("adversary", ["gaussian", "ascent-hidden-from-random", "ascent-flips-from-random"])
@pytest.mark.parametrize("ratio", RATIOS)
def test_ratio_is_that_of_the_two_measurements(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, ratio: str, adversary: str, around: str
) -> None:
    instance = draw_instance(width=64)

    def under(name: str, quantity: str) -> float:
        return value_of(quantity, instance, backend, perturbation={"adversary": name, "size": 0.4, "around": around})

    best = max(under(name, RATIOS[ratio]) for name in CONSTRUCTED)
    assert under(adversary, ratio) == pytest.approx(under(adversary, RATIOS[ratio]) / best, rel=1e-12)


@pytest.mark.parametrize(
    ("ratio", "best"), [("hidden-change-over-constructed", "linearised-ascent"), ("flips-over-constructed", "kinks")]
)
def test_the_best_constructed_one_has_the_ratio_one(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, ratio: str, best: str
) -> None:
    section = {"adversary": best, "size": 0.1}
    assert value_of(ratio, draw_instance(width=64), backend, perturbation=section) == 1


def test_the_unit_of_the_inputs_does_not_matter(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, section = draw_instance(), {"adversary": "gaussian", "size": 0.4}
    larger = replace(instance, x=4 * instance.x, labels=4 * instance.labels)
    for ratio in RATIOS:
        one, other = (value_of(ratio, each, backend, perturbation=section) for each in (instance, larger))
        assert one == pytest.approx(other, rel=1e-9)


def test_nothing_to_compare_with_is_refused(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    section = {"adversary": "gaussian", "size": 1e-9}
    with pytest.raises(MeasurementError, match="no constructed perturbation of this size changes anything"):
        value_of("flips-over-constructed", draw_instance(), backend, perturbation=section)
