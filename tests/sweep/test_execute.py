from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import select
import signal
import warnings
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.errors import ResourceError
from rnnconv_cli.kernels.backend import BACKENDS, warm_up
from rnnconv_cli.kernels.threads import threads_in_use
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.records import (
    PerturbationSetting,
    ProbeSetting,
    ProblemSetting,
    Reading,
    Status,
    TrainingSetting,
    Trial,
)
from rnnconv_cli.sweep import engines, worker
from rnnconv_cli.sweep import execute as executor
from rnnconv_cli.sweep.engines import Engine, Processes, Room, Submit
from rnnconv_cli.sweep.execute import Readings, execute
from rnnconv_cli.sweep.plan import predicted_bytes
from rnnconv_cli.sweep.progress import Forecast
from rnnconv_cli.sweep.serial import Conditions
from rnnconv_cli.sweep.spawning import THREAD_VARIABLES
from rnnconv_cli.sweep.trial import Group, Results, label, run_group
from rnnconv_cli.sweep.worker import Done, Task, in_this_process, program

if TYPE_CHECKING:
    from tests.conftest import Recorder

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRAINING = TrainingSetting("gd", 2, 1.0, "inverse-lambda-max", 200, 1e-3, "loss")
PROBE: dict[str, Any] = {
    "sparsity": 4.0, "rows": 8.0, "threshold": 0.5, "margin": 0.5, "kick": 0.1, "deviation": 0.2, "search": "random",
}  # fmt: skip
EVERY = ("unit-first-token", "token-norms", "separation", "gram-schmidt")
ENDLESS = replace(TRAINING, max_steps=2_000_000, accuracy=1e-300)  # far longer than any test waits


def trial(quantity: str, problem: ProblemSetting = PROBLEM, *, replicate: int = 0, **changes: Any) -> Trial:
    """A trial of this quantity with the sections and decades that it reads."""
    measurement = MEASUREMENTS[quantity]
    first = measurement.first_decade
    if quantity.startswith("batch-gradient"):  # which is about batches of two
        problem = replace(problem, n_sequences=3)
    adversary = "kinks" if "kinks" in measurement.adversaries else measurement.adversaries[0]
    sections: dict[str, Any] = {
        "training": TRAINING if measurement.reads_training else None,
        "perturbation": PerturbationSetting(0.5, adversary, "displaced") if measurement.reads_perturbation else None,
        "probe": ProbeSetting(**{name: PROBE[name] for name in measurement.reads_probe})
        if measurement.reads_probe
        else None,
        "read_at": (first + 1, first + 2, first + 3) if measurement.read_along else (),
        "preconditions": (),
    }
    return Trial(quantity=quantity, problem=problem, replicate=replicate, seed=7, **{**sections, **changes})


def processes(jobs: int) -> Engine:
    return Processes(jobs, program("compiled"))


def measured(*trials: Trial, jobs: int = 1, progress: Recorder) -> Readings:
    return execute(trials, backend="compiled", engine=processes(jobs), progress=progress)


def reading(one: Trial, progress: Recorder) -> Reading:
    """The only reading of a trial."""
    (found,) = measured(one, progress=progress)[one]
    return found


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use worker processes however little there is to do, with the kernels in the cache they read."""
    monkeypatch.setattr(executor, "WORTH_A_POOL_SECONDS", 0.0)
    warm_up(BACKENDS["compiled"], "float64")


# --- the same bits ----------------------------------------------------------------------------------------------------


def mixed_trials() -> tuple[Trial, ...]:
    """Every quantity, on networks of several sizes and kinds."""
    problems = (PROBLEM, replace(PROBLEM, width=96, dtype="float32"), replace(PROBLEM, layers="independent", horizon=3))
    every = [
        trial(quantity, replace(problem, copies=2), replicate=replicate)
        for quantity in MEASUREMENTS
        for problem in problems
        for replicate in range(2)
    ]
    batches = replace(TRAINING, method="sgd", batch_size=1, learning_rate=0.3)
    return (*every, trial("movement", training=batches), trial("steps-to-decades", training=batches))


@pytest.mark.usefixtures("pooled")
def test_the_same_bits_for_any_number_of_workers_and_any_order(recorder: Recorder) -> None:
    trials = mixed_trials()
    one = measured(*trials, jobs=1, progress=recorder)
    two = measured(*reversed(trials), jobs=2, progress=recorder)
    assert set(one) == set(trials)
    assert one == two
    assert {each.status for readings in one.values() for each in readings} >= {Status.OK, Status.NOT_REACHED}


def test_a_trial_does_not_depend_on_what_is_measured_beside_it(recorder: Recorder) -> None:
    trials = mixed_trials()[::7]
    together = measured(*trials, progress=recorder)
    assert all(measured(each, progress=recorder)[each] == together[each] for each in trials)


def test_progress_counts_the_predicted_seconds(recorder: Recorder) -> None:
    trials = [trial(name, replicate=k) for name in ("hidden-norm-max", "product-norm") for k in range(3)]
    measured(*trials, progress=recorder)
    ((name, total),) = recorder.phases
    assert name == "measuring"
    assert sum(seconds for _, seconds in recorder.advanced) == pytest.approx(total)
    assert len(recorder.advanced) == 3  # one for each instance
    assert label(trials[0]) == "hidden-norm-max m=32 L=4 n=2 draw 0"
    assert label(trials[0]) in {text for text, _ in recorder.advanced}


def test_the_longest_work_comes_first(recorder: Recorder) -> None:
    measured(*(trial("product-norm", replace(PROBLEM, width=width)) for width in (16, 64, 32)), progress=recorder)
    assert [seconds for _, seconds in recorder.advanced] == sorted(
        (seconds for _, seconds in recorder.advanced), reverse=True
    )


def test_urgent_work_comes_before_the_longest(recorder: Recorder) -> None:
    trials = [trial("product-norm", replace(PROBLEM, width=width)) for width in (16, 64, 32)]
    execute(trials, backend="compiled", engine=processes(1), progress=recorder, urgent={trials[0]})
    assert [text.split()[1] for text, _ in recorder.advanced] == ["m=16", "m=64", "m=32"]


@pytest.mark.parametrize("pool_from", [0.0, executor.WORTH_A_POOL_SECONDS])
def test_what_a_finished_trial_asks_for_is_done_next(
    pool_from: float, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "WORTH_A_POOL_SECONDS", pool_from)
    waiting = [trial("product-norm", replace(PROBLEM, width=width)) for width in (48, 24)]
    further = {waiting[0]: trial("product-norm", replace(PROBLEM, width=16), replicate=1)}
    further[further[waiting[0]]] = trial("product-norm", replace(PROBLEM, width=16), replicate=2)

    def more(ended: Collection[Trial], readings: executor.Readings) -> list[Trial]:
        assert set(ended) <= set(readings)
        return [further[each] for each in ended if each in further]

    found = execute(waiting, backend="compiled", engine=processes(1 + (pool_from == 0.0)), progress=recorder, more=more)
    assert set(found) == {*waiting, *further.values()}
    if pool_from:
        assert [text.split()[-1] for text, _ in recorder.advanced] == ["0", "1", "2", "0"]
    assert len(recorder.phases) == 1
    total = (recorder.phases[0][1] or 0.0) + sum(recorder.expected)
    assert sum(seconds for _, seconds in recorder.advanced) == pytest.approx(total)


class Remembering:
    """A keeper that has what it is given, and notes how many trials were kept when."""

    def __init__(self, known: Readings) -> None:
        self.known, self.kept = dict(known), list[Readings]()

    def find(self, trials: Collection[Trial]) -> Readings:
        return {trial: self.known[trial] for trial in trials if trial in self.known}

    def keep(self, measured: Readings, conditions: Conditions | None) -> None:
        assert conditions is None
        self.kept.append(measured)
        self.known.update(measured)


@pytest.mark.parametrize("pool_from", [0.0, executor.WORTH_A_POOL_SECONDS])
def test_what_is_known_is_not_measured_and_what_is_measured_is_kept_at_once(
    pool_from: float, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "WORTH_A_POOL_SECONDS", pool_from)
    trials = [trial("product-norm", replace(PROBLEM, width=16), replicate=k) for k in range(6)]
    made_up = (Reading(-1.0),)
    keeper = Remembering({trials[1]: made_up, trials[4]: made_up})
    asked: list[Trial] = []

    def more(ended: Collection[Trial], readings: Readings) -> list[Trial]:
        assert set(ended) <= set(readings)
        assert set(readings) <= set(keeper.known)  # nothing is known that would be lost now
        asked.extend(ended)
        return [trials[4], trials[5]] if trials[1] in ended else []

    found = execute(
        trials[:4],
        backend="compiled",
        engine=processes(1 + (pool_from == 0.0)),
        progress=recorder,
        more=more,
        keeper=keeper,
    )
    assert set(found) == set(trials)
    assert sorted(asked, key=trials.index) == trials
    assert (found[trials[1]], found[trials[4]]) == (made_up, made_up)
    assert [len(each) for each in keeper.kept] == [1, 1, 1, 1]
    assert sum(seconds for _, seconds in recorder.advanced) == pytest.approx(recorder.phases[0][1])


def test_what_a_known_trial_asks_for_may_be_known_too(recorder: Recorder) -> None:
    trials = [trial("product-norm", replace(PROBLEM, width=16), replicate=k) for k in range(50)]
    keeper = Remembering(dict.fromkeys(trials, (Reading(-1.0),)))
    following = dict(itertools.pairwise(trials))

    def more(ended: Collection[Trial], readings: Readings) -> list[Trial]:
        return [following[each] for each in ended if each in following]

    found = execute(trials[:1], backend="compiled", engine=processes(1), progress=recorder, more=more, keeper=keeper)
    assert (set(found), recorder.advanced) == (set(trials), [])


@pytest.mark.parametrize(
    ("room", "groups", "threads"),
    [(1.0, 3, 4), (2.5, 3, 2), (100.0, 3, 1), (100.0, 1, 4), (100.0, 9, 1)],
    ids=["one fits", "two fit", "three groups", "one group", "nine groups"],
)
def test_cores_without_a_trial_of_their_own_help_with_another(
    room: float, groups: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [trial("hidden-norm-max", replace(PROBLEM, width=512), replicate=k) for k in range(groups)]
    needed = room * predicted_bytes(trials[0])
    queue = executor._Queue(Room(needed, needed))
    queue.add(trials)
    assert queue.threads(queue.next(4), 0, 4) == threads


def many(count: int, *problems: ProblemSetting) -> list[Trial]:
    """Trials of about a millisecond, each of an instance of its own."""
    return [trial("hidden-norm-max", each, replicate=k) for k in range(count) for each in problems or (PROBLEM,)]


def test_short_groups_share_a_task_while_plenty_waits() -> None:
    """Not those that are left when every worker has little to do."""
    trials, workers = many(3000), 2
    queue, tasks, waiting = executor._Queue(Room(math.inf, math.inf)), list[executor.Waiting](), list[float]()
    left = queue.add(trials)
    while queue:
        waiting.append(left)
        tasks.append(queue.next(workers))
        left -= tasks[-1].seconds
    assert sorted((each for task in tasks for each in task.trials), key=trials.index) == trials
    assert sum(task.seconds for task in tasks) == pytest.approx(queue.seconds)
    plenty = workers * executor.LEAD_SECONDS
    assert {len(task.trials) for task, left in zip(tasks, waiting, strict=True) if left < plenty} == {1}
    shared = [task for task, left in zip(tasks, waiting, strict=True) if left > 1.1 * plenty]
    assert len(shared) > 50
    assert all(executor.TOGETHER_SECONDS / 2 < task.seconds <= executor.TOGETHER_SECONDS for task in shared)
    assert all(1 < len(task.trials) <= executor.MOST_TOGETHER for task in shared)


def test_a_group_that_needs_more_memory_does_not_join() -> None:
    small, larger = many(2), trial("hidden-norm-max", replace(PROBLEM, width=40))
    queue = executor._Queue(Room(math.inf, math.inf))
    queue.add(many(3000))
    queue.add([*small, larger], urgent=set(small))
    queue._waiting[:3] = sorted(queue._waiting[:3], key=lambda each: each.bytes)
    first, second = queue.next(1), queue.next(1)
    assert first.trials == tuple(small)
    assert second.trials[0] == larger
    assert (first.bytes, second.bytes) == (predicted_bytes(small[0]), predicted_bytes(larger))


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_shares_a_task_has_the_same_bits_and_is_kept_together(jobs: int, recorder: Recorder) -> None:
    trials = many(2500, PROBLEM, replace(PROBLEM, width=31, dtype="float32"))
    keeper, some = Remembering({}), trials[::500]
    engine = processes(jobs)
    found = execute(trials, backend="compiled", engine=engine, progress=recorder, keeper=keeper)
    assert list(found) == [each for kept in keeper.kept for each in kept]
    assert set(found) == set(trials)
    assert len(trials) / executor.MOST_TOGETHER < len(keeper.kept) < len(trials) / 2
    assert all(measured(each, progress=recorder)[each] == found[each] for each in some)


def test_a_process_alone_uses_every_core_until_its_run_ends(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def in_use(group: Group, backend: str) -> Results:
        seen.append(threads_in_use())
        return run_group(group, backend)

    monkeypatch.setattr(worker, "run_group", in_use)
    measured(*(trial("hidden-norm-max", replicate=k) for k in range(2)), jobs=2, progress=recorder)
    assert (seen, threads_in_use()) == ([2, 2], 1)


def test_what_is_asked_for_later_must_fit_too(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    first, later = (trial("hidden-norm-max", replace(PROBLEM, width=width)) for width in (32, 4096))
    monkeypatch.setattr(engines, "usable_memory", lambda: predicted_bytes(later) - 1)
    with pytest.raises(ResourceError, match="m=4096"):
        execute(
            [first], backend="compiled", engine=processes(1), progress=recorder, more=lambda ended, readings: [later]
        )


# --- trials without a value -------------------------------------------------------------------------------------------


def test_a_broken_precondition_is_out_of_regime(recorder: Recorder) -> None:
    clash = replace(PROBLEM, copies=2, n_sequences=16, horizon=4)
    found = reading(trial("hidden-norm-max", clash, preconditions=EVERY), recorder)
    assert (found.value, found.status) == (None, Status.OUT_OF_REGIME)
    assert found.detail == "breaks separation, gram-schmidt"
    kept = reading(trial("hidden-norm-max", clash, preconditions=EVERY[:2]), recorder)
    assert (kept.status, kept.detail) == (Status.OK, "")


@pytest.mark.parametrize(
    ("learning_rate", "unit", "status"),
    [
        (1.9, "inverse-lambda-max", Status.NOT_REACHED),
        (2.0, "inverse-lambda-max", Status.OUT_OF_REGIME),
        (1e-6, "absolute", Status.NOT_REACHED),
        (10.0, "absolute", Status.OUT_OF_REGIME),
    ],
)
def test_a_step_beyond_the_quadratic_is_out_of_regime_where_that_is_asked(
    learning_rate: float, unit: str, status: Status, recorder: Recorder
) -> None:
    training = replace(TRAINING, learning_rate=learning_rate, learning_rate_unit=unit, max_steps=3, accuracy=1e-9)
    asked = reading(trial("movement", training=training, preconditions=("step-size",)), recorder)
    assert asked.status is status
    assert asked.detail == ("breaks step-size: eta lambda_max >= 2" if status is Status.OUT_OF_REGIME else "")
    assert reading(trial("movement", training=training), recorder).status is not Status.OUT_OF_REGIME
    assert reading(trial("hidden-norm-max", preconditions=("step-size",)), recorder).status is Status.OK


@pytest.mark.parametrize("quantity", ["steps-to-decades", "steps-beyond-fourth-decade"])
def test_a_trial_without_a_value_has_the_points_of_one_with_values(quantity: str, recorder: Recorder) -> None:
    good = trial(quantity)
    broken = trial(quantity, replace(PROBLEM, copies=2), preconditions=EVERY)
    found = measured(good, broken, progress=recorder)
    assert [each.point for each in found[good]] == [1.0, 2.0, 3.0]
    assert [each.point for each in found[broken]] == [1.0, 2.0, 3.0]
    assert {each.status for each in found[broken]} == {Status.OUT_OF_REGIME}


def test_a_bracket_that_does_not_hold_is_a_failure(recorder: Recorder) -> None:
    too_large = replace(TRAINING, learning_rate=1e9, learning_rate_unit="absolute", max_steps=5)
    found = reading(trial("largest-stable-step", training=too_large), recorder)
    assert (found.value, found.status) == (None, Status.FAILED)
    assert found.detail == "largest stable step: not between 1/16 and 256 times 1e+09"


def test_first_tokens_that_cannot_be_placed_are_a_failure_of_every_trial(recorder: Recorder) -> None:
    crowded = replace(PROBLEM, n_sequences=20, input_dim=3, separation=0.9)
    trials = [trial(name, crowded) for name in ("hidden-norm-max", "movement")]
    for (found,) in measured(*trials, progress=recorder).values():
        assert (found.value, found.status) == (None, Status.FAILED)
        assert found.detail.startswith("first tokens: 20 points at distances >= 0.9 were not found")


def test_a_dead_network_has_no_step_size(recorder: Recorder) -> None:
    """Width 1 and zero tokens: half of all draws give h = 0 from the first layer on, and a tangent Gram matrix of 0."""
    dead = replace(PROBLEM, width=1, later_tokens="zero")
    trials = [trial(quantity, dead, replicate=k) for quantity in MEASUREMENTS for k in range(3)]
    found = [each for readings in measured(*trials, progress=recorder).values() for each in readings]
    assert all(each.value is None or math.isfinite(each.value) for each in found)
    details = {each.detail for each in found if each.status is Status.FAILED}
    assert "step size: lambda_max of the tangent Gram matrix is zero: no output depends on W" in details
    assert details.isdisjoint({"", "float division by zero"})


# --- a blow-up is data ------------------------------------------------------------------------------------------------

ABSOLUTE = replace(TRAINING, learning_rate=0.01, learning_rate_unit="absolute", max_steps=20)
EXPLODING = {
    "three hundred layers": replace(PROBLEM, weight_variance=1e6, horizon=300, copies=2),
    "float32": replace(PROBLEM, weight_variance=1e30, horizon=8, copies=2, dtype="float32"),
    "independent layers": replace(PROBLEM, weight_variance=1e60, horizon=12, copies=2, layers="independent"),
}


OF_THE_WEIGHTS_ALONE = {  # no state is looked at, so that none can overflow
    "fixed-vector-layer", "top-vector-layer", "fresh-direction-over-bound", "weight-norm",
    "square-norm-deviation", "chi-square-exponent", "large-entry-mass", "relu-norm-deviation", "relu-norm-tail",
    "masked-entries-law", "masked-entries-law-of-chosen-shift", "masked-norm-law", "masked-norm-law-of-chosen-shift",
    "percentile-excess", "percentile-lower-excess-over-means", "percentile-upper-excess-over-means",
    "percentile-upper-excess", "good-share", "split-rest", "share-above",
}  # fmt: skip


@pytest.mark.parametrize("quantity", sorted(OF_THE_WEIGHTS_ALONE))
@pytest.mark.parametrize("world", EXPLODING)
def test_a_number_of_the_weights_alone_is_finite_or_has_a_status(world: str, quantity: str, recorder: Recorder) -> None:
    (found,) = measured(one := trial(quantity, EXPLODING[world]), progress=recorder)[one]
    assert found.status is Status.OK if found.value is not None else found.status in (Status.DIVERGED, Status.FAILED)
    assert found.value is None or math.isfinite(found.value)


@pytest.mark.parametrize("quantity", sorted(MEASUREMENTS.keys() - OF_THE_WEIGHTS_ALONE))
@pytest.mark.parametrize("world", EXPLODING)
def test_an_overflow_is_a_divergence(world: str, quantity: str, recorder: Recorder) -> None:
    one = trial(quantity, EXPLODING[world])
    one = replace(one, training=ABSOLUTE) if one.training else one
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        readings = measured(one, progress=recorder)[one]
    assert {(each.value, each.status) for each in readings} == {(None, Status.DIVERGED)}
    assert all(math.isfinite(value) for each in readings for _, value in each.curve)


@pytest.mark.parametrize("quantity", [name for name, each in MEASUREMENTS.items() if each.reads_training])
def test_an_overflow_before_the_step_size_is_known_is_a_divergence(quantity: str, recorder: Recorder) -> None:
    one = trial(quantity, EXPLODING["float32"])
    readings = measured(one, progress=recorder)[one]
    assert {(each.value, each.status) for each in readings} == {(None, Status.DIVERGED)}


@pytest.mark.parametrize("adversary", ["gaussian", "gradient", "kinks", "weighted-kinks", "linearised-ascent"])
def test_a_perturbation_beyond_all_numbers_is_no_crash(adversary: str, recorder: Recorder) -> None:
    huge = PerturbationSetting(1e200, adversary, "initial")
    able = [name for name, each in MEASUREMENTS.items() if each.reads_perturbation and adversary in each.adversaries]
    trials = [trial(name, perturbation=huge) for name in able]
    for readings in measured(*trials, progress=recorder).values():
        assert all(each.value is None or math.isfinite(each.value) for each in readings)


def test_descent_of_a_dead_network_stands_still(recorder: Recorder) -> None:
    """No step moves W where no output depends on it: it has not reached its accuracy, and nothing has failed."""
    dead = replace(PROBLEM, width=1, later_tokens="zero")
    ratio, steps, movement = (trial(name, dead) for name in ("final-loss-ratio", "steps-to-accuracy", "movement"))
    found = measured(ratio, steps, movement, progress=recorder)
    assert [(each.value, each.status) for each in found[ratio]] == [(1.0, Status.OK)]
    for one in (steps, movement):
        assert [(each.value, each.status) for each in found[one]] == [(None, Status.NOT_REACHED)]


def test_a_step_that_is_too_large_is_a_divergence(recorder: Recorder) -> None:
    too_large = replace(TRAINING, learning_rate=1e4)
    found = reading(trial("final-loss-ratio", training=too_large), recorder)
    assert (found.value, found.status) == (None, Status.DIVERGED)
    assert found.curve[0] == (0, 1.0)


# --- memory -----------------------------------------------------------------------------------------------------------


def test_a_network_that_does_not_fit_is_refused_before_anything_is_drawn(
    monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    monkeypatch.setattr(engines, "usable_memory", lambda: 2**32)
    monkeypatch.setattr(worker, "run_group", _never)
    small, huge = trial("hidden-norm-max"), trial("hidden-norm-max", replace(PROBLEM, width=10**6))
    with pytest.raises(ResourceError) as caught:
        measured(small, huge, progress=recorder)
    assert caught.value.needed_bytes == predicted_bytes(huge) > 6 * 8 * 10**12
    need = f"found a need of {predicted_bytes(huge) / 2**30:.2f} GiB, wanted at most 4.00 GiB"
    assert str(caught.value).startswith(f"hidden-norm-max m=1000000 L=4 n=2 draw 0: {need}")
    assert recorder.phases == []


def test_a_tangent_gram_matrix_that_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    monkeypatch.setattr(engines, "usable_memory", lambda: 2**37)
    with pytest.raises(ResourceError, match="movement m=32 L=3 n=50000"):
        measured(trial("movement", replace(PROBLEM, horizon=3, n_sequences=50_000)), progress=recorder)


class Noting(Processes):
    """An engine that carries a task out when the driver waits for one, and notes the groups that it has at a time."""

    def __init__(self, jobs: int, room: float) -> None:
        super().__init__(jobs, program("compiled"))
        self.bytes, self.had = room, list[tuple[str, ...]]()
        self.begun: dict[Future[Done], Task] = {}

    def room(self) -> Room:
        return Room(self.bytes, self.bytes)

    @contextmanager
    def pool(self, workers: int) -> Iterator[Submit]:
        def submit(task: Task) -> Future[Done]:
            self.begun[future := Future[Done]()] = task
            self.had.append(tuple(label(each.trials[0]) for each in self.begun.values()))
            return future

        yield submit

    def end_one(self) -> None:
        future = next(iter(self.begun))
        future.set_result(in_this_process(self.begun.pop(future)))


@pytest.fixture
def noting(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, float], Noting]:
    """Make an engine that notes what it has, and let the driver's waiting be what ends its tasks."""

    def make(jobs: int, room: float) -> Noting:
        engine = Noting(jobs, room)

        class Ended(SimpleQueue[Any]):
            def get(self, block: bool = True, timeout: float | None = None) -> Any:
                engine.end_one()
                return super().get(block, timeout)

        monkeypatch.setattr(executor, "SimpleQueue", Ended)
        monkeypatch.setattr(executor, "WORTH_A_POOL_SECONDS", 0.0)
        return engine

    return make


@pytest.mark.parametrize(("room", "at_a_time"), [(0.9, None), (1.0, 1), (2.5, 2), (100, 5)])
def test_no_more_side_by_side_than_memory_has_room_for(
    room: float, at_a_time: int | None, noting: Callable[[int, float], Noting], recorder: Recorder
) -> None:
    trials = [trial("hidden-norm-max", replace(PROBLEM, width=512), replicate=k) for k in range(5)]
    engine = noting(4, room * predicted_bytes(trials[0]))
    if at_a_time is None:
        with pytest.raises(ResourceError):
            execute(trials, backend="compiled", engine=engine, progress=recorder)
    else:
        found = execute(trials, backend="compiled", engine=engine, progress=recorder)
        assert (set(found), max(map(len, engine.had), default=1)) == (set(trials), at_a_time)


def test_a_large_trial_is_alone_and_small_ones_are_not(
    noting: Callable[[int, float], Noting], recorder: Recorder
) -> None:
    large = trial("hidden-norm-max", replace(PROBLEM, width=2048))
    small = [trial("hidden-norm-max", replicate=k) for k in range(3)]
    engine = noting(2, 1.1 * predicted_bytes(large))
    execute([*small, large], backend="compiled", engine=engine, progress=recorder)
    assert engine.had[0] == (label(large),)
    assert all(label(large) not in each for each in engine.had[1:])
    assert max(map(len, engine.had)) > 1


def _never(*arguments: object) -> None:
    raise AssertionError(f"called with {arguments}")


# --- workers ----------------------------------------------------------------------------------------------------------


def queue_of(*trials: Trial) -> executor._Queue:
    """Trials that wait for one worker, in this order."""
    queue = executor._Queue(Room(math.inf, math.inf))
    for each in reversed(trials):
        queue.add([each])
    return queue


class Poison(str):
    """A name that ends the process that unpickles it, as long as there are doses."""

    __slots__ = ("doses",)
    doses: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return _take, (str(self), self.doses)


def _take(name: str, doses: Path) -> str:
    for dose in doses.iterdir():
        dose.unlink()
        os._exit(3)
    return name


@pytest.mark.usefixtures("pooled")
@pytest.mark.parametrize("n_doses", [1, 2])
def test_a_worker_that_dies_is_replaced_and_its_trials_have_a_second_chance(
    n_doses: int, recorder: Recorder, tmp_path: Path
) -> None:
    name = Poison("separation")
    name.doses = tmp_path
    poisoned, beside, after = (
        trial("steps-beyond-fourth-decade", replicate=k, preconditions=(each,))
        for k, each in ((0, name), (0, "separation"), (1, "separation"))
    )
    trials = [trial("hidden-norm-max", replicate=k) for k in range(4)]
    healthy = [*trials, beside, after]
    alone = measured(*healthy, progress=recorder)
    for dose in range(n_doses):
        (tmp_path / str(dose)).touch()
    queue = queue_of(*trials)
    queue.add([after])
    queue.add([poisoned])
    found: dict[Trial, tuple[Reading, ...]] = {}
    while queue:
        for each, done in executor._by_workers(queue, "compiled", processes(1)):
            found.update(zip(each.trials, done.results, strict=True))
    detail = "killed its worker process again, with nothing beside it"
    lost = tuple(Reading(None, Status.FAILED, point, detail=detail) for point in (1.0, 2.0, 3.0))
    assert {each: found[each] for each in (*trials, after)} == {each: alone[each] for each in (*trials, after)}
    assert found[poisoned] == (alone[beside] if n_doses == 1 else lost)
    assert_gone([])


def _thread_variables(task: Task) -> Done:
    """What a worker sees of the variables that set numbers of threads; stands for `in_a_worker`."""
    seen = (os.environ.get(name, "") for name in THREAD_VARIABLES)
    return Done((tuple(Reading(None, detail=value) for value in seen),))


def test_workers_have_one_thread_each_whatever_the_user_has_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    before = dict(os.environ)
    monkeypatch.setattr(engines, "in_a_worker", _thread_variables)
    for _, done in executor._by_workers(queue_of(trial("hidden-norm-max")), "compiled", processes(1)):
        assert [each.detail for each in done.results[0]] == ["1"] * len(THREAD_VARIABLES)
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_variables_are_restored_where_the_workers_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = dict(os.environ)
    monkeypatch.setattr(ProcessPoolExecutor, "submit", _never)
    with pytest.raises(AssertionError, match="called with"):
        next(executor._by_workers(queue_of(trial("hidden-norm-max")), "compiled", processes(1)))
    assert dict(os.environ) == before


class Stopping:
    """A progress display that keeps the workers' process ids and stops the run."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error, self.workers = error, list[int]()

    def planned(self, forecast: Forecast) -> None:
        """Let it be."""

    def warn(self, text: str) -> None:
        """Let it be."""

    def phase(self, name: str, total: float | None) -> None:
        """Begin."""

    def expect(self, seconds: float) -> None:
        """Go on."""

    def advance(self, label: str, seconds: float) -> None:
        """Stop at the first finished piece of work."""
        self.workers = [child.pid or 0 for child in multiprocessing.active_children()]
        raise self.error

    def close(self) -> None:
        """End."""


def endless_trials() -> list[Trial]:
    """One short trial and two that would run for hours."""
    long = [trial("movement", replace(PROBLEM, width=256), replicate=k, training=ENDLESS) for k in range(2)]
    return [*long, *(trial("hidden-norm-max", replicate=k) for k in range(2))]


def assert_gone(workers: list[int]) -> None:
    """Neither these processes nor any other worker of ours runs on."""
    ours = [child.pid or 0 for child in multiprocessing.active_children()]
    assert [worker for worker in {*workers, *ours} if not _ends(worker)] == []


def _ends(process: int) -> bool:
    """Whether a process ends within a time that only a hang would exceed."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10.0)[0])
    finally:
        os.close(handle)


@pytest.mark.usefixtures("pooled")
@pytest.mark.parametrize("error", [KeyboardInterrupt, BrokenPipeError])
def test_an_error_in_the_middle_ends_the_workers(error: type[BaseException]) -> None:
    stopping = Stopping(error)
    with pytest.raises(error):
        execute(endless_trials(), backend="compiled", engine=processes(3), progress=stopping)
    assert len(stopping.workers) == 3
    assert_gone(stopping.workers)


@contextmanager
def interrupt_after(seconds: float) -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread after so many seconds, and again should a callback swallow it."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("pooled")
@pytest.mark.parametrize("seconds", [0.05, 1.0])
def test_an_interrupt_while_waiting_ends_the_workers(seconds: float, recorder: Recorder) -> None:
    """While they start, and once they work."""
    long = [each for each in endless_trials() if each.training]
    with interrupt_after(seconds), pytest.raises(KeyboardInterrupt):
        measured(*long, jobs=2, progress=recorder)
    assert_gone([])


def test_a_signal_waits_until_the_workers_have_started() -> None:
    before = [signal.getsignal(number) for number in engines.ENDING_SIGNALS]
    steps = []

    def start() -> None:
        with engines._signals_kept():
            signal.raise_signal(signal.SIGINT)
            steps.append(True)
        steps.append(False)

    with pytest.raises(KeyboardInterrupt):
        start()
    assert steps == [True]
    assert [signal.getsignal(number) for number in engines.ENDING_SIGNALS] == before


def test_an_interrupt_is_served_within_a_descent_run(recorder: Recorder) -> None:
    with interrupt_after(0.3), pytest.raises(KeyboardInterrupt):
        measured(trial("movement", replace(PROBLEM, width=256), training=ENDLESS), progress=recorder)
