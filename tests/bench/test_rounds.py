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
        self.released = list[str]()

    def release(self, contestant: str, case: Case) -> None:
        """Keep who was released."""
        self.released.append(contestant)

    def of(self, contestant: str, cores: int) -> Worker:
        """The scripted worker."""
        if contestant not in self.made:
            accuracy, seconds = self.scripts.get(contestant, (RIGHT, [1.0] * 100))
            self.made[contestant] = Scripted(contestant, self.log, accuracy, seconds)
        return self.made[contestant]


def _measured(cast: Cast, folder: Path, *, rounds: int = 4, allowance: float = 60.0) -> CaseResult:
    made = Rounds(cast, References(folder, 0), rounds, 0)
    return made.measure(CASE, ("rnnconv", "numpy"), allowance)


def test_everybody_is_asked_in_turn(tmp_path: Path) -> None:
    cast = Cast(rnnconv=(RIGHT, [0.1, 0.2, 0.3, 0.4]))
    result = _measured(cast, tmp_path)
    assert cast.log == ["peak", "bandwidth", "rnnconv", "numpy"] * 4
    assert [(entry.contestant, entry.seconds) for entry in result.entries] == [
        ("rnnconv", (0.1, 0.2, 0.3, 0.4)),
        ("numpy", (1.0,) * 4),
    ]
    assert [entry.contestant for entry in result.machine] == ["peak", "bandwidth"]
    assert result.limits is not None
    assert cast.released == ["peak", "bandwidth", "rnnconv", "numpy"]


def test_long_calls_get_the_fewest_rounds_and_the_first_call_is_none_of_them(tmp_path: Path) -> None:
    first = Accuracy(0.0, 0.0, seconds=50.0)
    cast = Cast(rnnconv=(first, [4.0] * 9), numpy=(first, [2.0] * 9))
    ours, numpy = _measured(cast, tmp_path, rounds=5).entries
    assert (ours.seconds, numpy.seconds) == ((4.0,) * 3, (2.0,) * 5)
    assert ours.first_seconds == 50.0


def test_a_peer_that_is_far_behind_in_a_long_call_is_timed_once(tmp_path: Path) -> None:
    times = {"rnnconv": 0.1, "numpy": 0.8, "numba": 1.3, "jax": 1.1}
    cast = Cast(**{name: (RIGHT, [seconds] * 9) for name, seconds in times.items()})
    made = Rounds(cast, References(tmp_path, 0), 4, 0)
    found = made.measure(CASE, ("rnnconv", "numpy", "numba", "jax"), 60.0)
    assert [len(entry.seconds) for entry in found.entries] == [4, 4, 1, 4]


def test_the_fastest_peer_is_never_far_behind(tmp_path: Path) -> None:
    cast = Cast(rnnconv=(RIGHT, [0.1] * 9), numpy=(RIGHT, [2.0] * 9))
    assert [len(entry.seconds) for entry in _measured(cast, tmp_path).entries] == [4, 4]
    slow = Cast(rnnconv=(RIGHT, [9.0] * 9), numpy=(RIGHT, [2.0] * 9))
    assert [len(entry.seconds) for entry in _measured(slow, tmp_path).entries] == [3, 4]


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


def test_who_has_hung_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cast, "hung", frozenset({"bandwidth", "numpy"}))
    result = _measured(cast := Cast(), tmp_path)
    assert cast.log == ["peak", "rnnconv"] * 4
    assert ([entry.contestant for entry in result.entries], result.limits) == (["rnnconv"], None)


def test_an_interrupt_releases_the_case(tmp_path: Path) -> None:
    class Interrupting(Cast):
        def of(self, contestant: str, cores: int) -> Worker:
            if self.log:
                raise KeyboardInterrupt
            return super().of(contestant, cores)

    cast = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        _measured(cast, tmp_path)
    assert cast.released == ["peak", "bandwidth", "rnnconv", "numpy"]


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
        (Accuracy(0.0, 0.0, 1e-7), "loss after steps"),
        (Accuracy(0.0, 0.0, float("nan")), "loss after steps"),
    ],
)
def test_errors_beyond_the_tolerance_are_named(accuracy: Accuracy, word: str) -> None:
    found = wrong(accuracy, 1e-8)
    assert bool(found) == bool(word)
    assert word in found


@pytest.fixture
def no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "draw", lambda case, seed: ())
    monkeypatch.setattr(data, "expected", lambda case, instances: Outcome(np.ones(1)))


@pytest.mark.usefixtures("no_reference")
def test_an_exponent_takes_each_point_in_turn(tmp_path: Path) -> None:
    seconds = [float(m) ** 2 for m in (512, 724, 1024, 1448, 2048, 2896, 4096)] * 3
    cast = Cast(rnnconv=(RIGHT, seconds))
    found = Rounds(cast, References(tmp_path, 0), 3, 0).exponent("width", 60.0)
    assert found.found.value == pytest.approx(2.0)
    assert len(found.times) == len(found.floors) == 3
    assert cast.log == ["peak", "bandwidth", "rnnconv"] * 7 * 3
    assert abs(found.floor.value) < 1e-12  # 19 readings of a second each, at any width
    assert cast.released == ["peak"] * 7 + ["bandwidth"] * 7 + ["rnnconv"] * 7


@pytest.mark.usefixtures("no_reference")
def test_an_exponent_has_the_rounds_that_fit(tmp_path: Path) -> None:
    found = Rounds(Cast(), References(tmp_path, 0), 50, 0).exponent("horizon", 0.0)
    assert len(found.times) == FEWEST_ROUNDS


@pytest.mark.usefixtures("no_reference")
@pytest.mark.parametrize("accuracy", [Accuracy(1e-3, 0.0), Accuracy(0.0, 1e-3), Accuracy(0.0, 0.0, 1e-3)])
def test_no_exponent_is_fitted_to_what_is_wrong(tmp_path: Path, accuracy: Accuracy) -> None:
    cast = Cast(rnnconv=(accuracy, [1.0] * 100))
    with pytest.raises(MeasurementError, match=r"rnnconv, step: m 512.*wrong: "):
        Rounds(cast, References(tmp_path, 0), 3, 0).exponent("width", 60.0)
    assert cast.log == []
    assert len(cast.released) == 3 * 7


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
