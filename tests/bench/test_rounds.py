"""Rounds with workers that answer as a test tells them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.data import Outcome
from rnnconv_cli.bench.messages import Accuracy, Timing
from rnnconv_cli.bench.results import CaseResult
from rnnconv_cli.bench.rounds import FEWEST_ROUNDS, References, Rounds, wrong
from rnnconv_cli.bench.worker import Worker
from rnnconv_cli.bench.workers import Workers
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.problem.elman import Instance

CASE = Case("step", 8, 2, 3, 1, "float64")
RIGHT = Accuracy(1e-15, 1e-15)


class Scripted(Worker):
    """Answers with an accuracy and the given times, then dies."""

    def __init__(self, name: str, log: list[str], accuracy: Accuracy, seconds: Sequence[float]) -> None:
        self.name, self.log, self.accuracy, self.left = name, log, accuracy, list(seconds)

    def prepare(self, case: Case, seed: int, expected: Path | None) -> Accuracy:
        """Answer as told."""
        return self.accuracy

    def measure(self, case: Case, seconds: float) -> Timing:
        """Answer as told."""
        self.log.append(self.name)
        if not self.left:
            raise MeasurementError(self.name, "its process died")
        return Timing(self.left.pop(0), 1.0)


class Cast(Workers):
    """Scripted workers by name; whoever is not named is right and takes a second."""

    def __init__(self, **scripts: tuple[Accuracy, Sequence[float]]) -> None:
        super().__init__()
        self.log: list[str] = []
        self.scripts, self.made = scripts, dict[str, Scripted]()

    def of(self, contestant: str, cores: int) -> Worker:
        """The scripted worker."""
        if contestant not in self.made:
            accuracy, seconds = self.scripts.get(contestant, (RIGHT, [1.0] * 100))
            self.made[contestant] = Scripted(contestant, self.log, accuracy, seconds)
        return self.made[contestant]


def _measured(cast: Cast, folder: Path, *, rounds: int = 4, allowance: float = 60.0) -> CaseResult:
    made = Rounds(cast, References(folder, 0), rounds, 0)
    return made.measure(CASE, ("rnnconv", "numpy", "numba"), allowance)


def test_everybody_who_knows_the_task_is_asked_in_turn(tmp_path: Path) -> None:
    cast = Cast(rnnconv=(RIGHT, [1.0, 2.0, 3.0, 4.0]))
    result = _measured(cast, tmp_path)
    assert cast.log == ["peak", "bandwidth", "rnnconv", "numpy"] * 4
    assert [(entry.contestant, entry.seconds) for entry in result.entries] == [
        ("rnnconv", (1.0, 2.0, 3.0, 4.0)),
        ("numpy", (1.0,) * 4),
    ]
    assert result.limits is not None


def test_a_long_call_is_its_own_warm_up(tmp_path: Path) -> None:
    cast = Cast(rnnconv=(Accuracy(0.0, 0.0, 5.0), [4.0] * 9), numpy=(Accuracy(0.0, 0.0, 5.0), [2.0] * 9))
    ours, numpy = _measured(cast, tmp_path, rounds=3).entries
    assert (ours.seconds, numpy.seconds) == ((5.0, 4.0, 4.0), (2.0, 2.0, 2.0))
    assert cast.log.count("rnnconv") == 2


def test_a_wrong_contestant_is_reported_and_not_timed(tmp_path: Path) -> None:
    cast = Cast(numpy=(Accuracy(1e-15, 0.5), [1.0] * 4))
    wrong_one = _measured(cast, tmp_path).entries[1]
    assert "wrong: gradient is off by 5.0e-01" in wrong_one.problem
    assert wrong_one.seconds == ()
    assert "numpy" not in cast.log


def test_one_that_dies_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    result = _measured(Cast(numpy=(RIGHT, [1.0, 1.0])), tmp_path)
    assert (result.entries[1].seconds, result.entries[1].problem) == ((), "its process died")
    assert len(result.entries[0].seconds) == 4


def test_without_the_machine_there_is_no_floor(tmp_path: Path) -> None:
    assert _measured(Cast(peak=(RIGHT, [])), tmp_path).limits is None


def test_a_case_without_time_gets_the_fewest_rounds(tmp_path: Path) -> None:
    result = _measured(Cast(), tmp_path, rounds=50, allowance=0.0)
    assert len(result.entries[0].seconds) == FEWEST_ROUNDS


@pytest.mark.parametrize(
    ("accuracy", "word"),
    [
        (Accuracy(None, None), ""),
        (Accuracy(1e-9, 1e-9), ""),
        (Accuracy(float("nan"), 0.0), "loss"),
        (Accuracy(0.0, float("nan")), "gradient"),
        (Accuracy(1e-7, None), "loss"),
    ],
)
def test_errors_beyond_the_tolerance_are_named(accuracy: Accuracy, word: str) -> None:
    found = wrong(accuracy, 1e-8)
    assert bool(found) == bool(word)
    assert word in found


def test_an_exponent_takes_each_point_in_turn(tmp_path: Path) -> None:
    seconds = [float(m) ** 2 for m in (512, 724, 1024, 1448, 2048, 2896, 4096)] * 3
    cast = Cast(rnnconv=(RIGHT, seconds))
    found = Rounds(cast, References(tmp_path, 0), 3, 0).exponent("width")
    assert found.found.value == pytest.approx(2.0)
    assert len(found.times) == len(found.floors) == 3
    assert cast.log == ["peak", "bandwidth", "rnnconv"] * 7 * 3
    assert abs(found.floor.value) < 1e-12  # 19 readings of a second each, at any width


def test_a_reference_is_computed_once_for_cases_that_share_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[Case] = []

    def expected(case: Case, instances: tuple[Instance, ...]) -> Outcome:
        computed.append(case)
        return Outcome(np.ones(1))

    monkeypatch.setattr(data, "expected", expected)
    references = References(tmp_path, 0)
    for task in ("step", "gradient", "forward", "product"):
        references.of(Case(task, 8, 2, 3, 1, "float64"))
    assert [case.task for case in computed] == ["step", "product"]
