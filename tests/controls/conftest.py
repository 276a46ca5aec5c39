"""Worlds in which the truth is known: what a run would observe of a power, a rate, an event, a decay, a frontier."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnconv_cli.records import Observation
from rnnconv_cli.spec.claim import Arm

if TYPE_CHECKING:
    from tests.conftest import Synthetic

Array = NDArray[np.float64]
World = Callable[[np.random.Generator, float], list[Observation]]

WIDTHS: Array = np.exp2(np.arange(7.0, 12.0))
HORIZONS: Array = np.array([4.0, 8.0, 16.0, 24.0, 32.0])
DECADES: Array = np.arange(1.0, 11.0)
FRONTIER_POINTS: Array = np.array([2.0, 4.0, 8.0, 16.0, 32.0])
FRONTIER_WIDTHS = tuple(2**k for k in range(4, 11))
DRAWS = {"exponent": 8, "growth": 8, "event": 57, "decay": 8, "frontier": 40}


@dataclass(frozen=True, slots=True)
class Bound:
    """A claim at the sizes that a claim file plans with: its arm, the border of what it allows, and a world."""

    arm: Arm
    border: float
    true: float  # a truth well inside what is allowed
    false: float  # a truth well beyond
    world: World


def _curves(rng: np.random.Generator, points: Array, shape: Array, tilt: float) -> list[list[float]]:
    """Curves with this log shape; slopes on log p differ between draws by `tilt`, values by 5%."""
    draws = DRAWS["exponent"]
    tilts = tilt * rng.standard_normal((draws, 1)) * np.log(points)
    logs: Array = shape + tilts + rng.standard_normal((draws, 1)) + 0.05 * rng.standard_normal((draws, len(points)))
    return [row.tolist() for row in np.exp(logs)]


@pytest.fixture
def bounds(synthetic: Synthetic) -> Mapping[str, Bound]:
    """One claim of each kind that has a border."""

    def power(rng: np.random.Generator, exponent: float) -> list[Observation]:
        return synthetic.observations(WIDTHS.tolist(), _curves(rng, WIDTHS, exponent * np.log(WIDTHS), 0.03))

    def rate(rng: np.random.Generator, rate: float) -> list[Observation]:
        shape = 0.5 * np.log(HORIZONS) + rate * HORIZONS
        return synthetic.observations(HORIZONS.tolist(), _curves(rng, HORIZONS, shape, 0.2))

    def event(rng: np.random.Generator, probability: float) -> list[Observation]:
        return synthetic.observations([1.0], (2.0 * (rng.random((DRAWS["event"], 1)) > probability)).tolist())

    def decay(rng: np.random.Generator, trend: float) -> list[Observation]:
        draws = DRAWS["decay"]
        trends = trend + 0.02 * rng.standard_normal((draws, 1))
        speed = math.log(60) + 0.5 * rng.standard_normal((draws, 1))
        steps = np.exp(speed + trends * (DECADES - 8.5) + 0.05 * rng.standard_normal((draws, len(DECADES))))
        return synthetic.observations(DECADES.tolist(), np.ceil(np.cumsum(steps, axis=1)).tolist())

    def frontier(rng: np.random.Generator, exponent: float) -> list[Observation]:
        middle = math.log(90) + rng.uniform(-0.2, 0.2) * math.log(2)
        centre = middle + exponent * (np.log(FRONTIER_POINTS) - np.mean(np.log(FRONTIER_POINTS)))
        found = []
        for width in FRONTIER_WIDTHS:
            share = 1 / (1 + np.exp(-(math.log(width) - centre) / 0.4))
            broken = rng.random((DRAWS["frontier"], len(FRONTIER_POINTS))) > share
            found += synthetic.observations(FRONTIER_POINTS.tolist(), (2.0 * broken).tolist(), width=width)
        return found

    arm = synthetic.arm
    return {
        "exponent": Bound(arm(kind="exponent", exponent=-0.5, tolerance=0.1), -0.4, -0.5, -0.2, power),
        "attainment": Bound(arm(kind="attainment", exponent=0.667, tolerance=0.1), 0.767, 0.667, 0.9, power),
        "growth": Bound(arm("horizon", kind="growth", rate=0.1), 0.1, 0.0, 0.2, rate),
        "event": Bound(arm(None, kind="event", bound=1.0, probability=0.9), 0.9, 1.0, 0.5, event),
        "decay": Bound(arm("decades", kind="decay", tolerance=0.1), 0.1, 0.0, math.log(10) / 4, decay),
        "frontier": Bound(
            arm("horizon", kind="frontier", bound=1.0, probability=0.5, exponent=0.5, tolerance=0.2),
            0.7, 0.3, 1.1, frontier,
        ),
    }  # fmt: skip
