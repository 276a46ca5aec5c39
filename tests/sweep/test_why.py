"""What a dry run says of trials that would be measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rnnconv_cli.records import ProblemSetting, Reading, Status, TrainingSetting, Trial
from rnnconv_cli.sweep.serial import Conditions
from rnnconv_cli.sweep.store import Store
from rnnconv_cli.sweep.why import reasons

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRAINING = TrainingSetting("gd", 2, 1.0, "absolute", 10, 1e-3, "loss")
TRIAL = Trial("movement", PROBLEM, TRAINING, None, None, (), ("separation", "gram-schmidt"), 0, 0)
HERE = Conditions((("backend", "compiled"), ("sources.kernels", "abc"), ("numpy", "2.4.6"), ("cpu_features", "+avx")))
VALUE = (Reading(1.0),)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "kept.sqlite")
    opened.keep(HERE, {replace(TRIAL, replicate=k): VALUE for k in range(10)})
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (replace(TRIAL, problem=replace(PROBLEM, width=2048)), "new width 2048"),
        (replace(TRIAL, problem=replace(PROBLEM, width=64, horizon=8)), "new width 64, new horizon 8"),
        (replace(TRIAL, training=replace(TRAINING, learning_rate=0.25)), "new learning_rate 0.25"),
        (replace(TRIAL, seed=1), "new seed 1"),
        (replace(TRIAL, quantity="flips"), "never measured"),
        (replace(TRIAL, training=None), "never measured"),
    ],
)
def test_what_is_new_is_named(wanted: Trial, reason: str, store: Store) -> None:
    assert reasons([wanted], store, HERE) == {wanted: reason}


def test_more_replicates(store: Store) -> None:
    more = [replace(TRIAL, replicate=k) for k in range(10, 20)]
    assert reasons(more, store, HERE) == dict.fromkeys(more, "replicates 10 → 20")
    turned = replace(more[0], preconditions=TRIAL.preconditions[::-1])
    assert reasons([turned], store, HERE) == {turned: "replicates 10 → 11"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sources.kernels": "abd"}, "source of kernels changed"),
        ({"numpy": "2.5.0", "backend": "reference"}, "backend compiled → reference, numpy 2.4.6 → 2.5.0"),
        ({"cpu_features": "+avx,+avx2"}, "processor features changed"),
        ({"scipy": "1.17"}, "scipy none → 1.17"),
    ],
)
def test_other_conditions_are_named(change: dict[str, str], reason: str, store: Store) -> None:
    now = Conditions(tuple((dict(HERE.facts) | change).items()))
    assert reasons([TRIAL], store, now) == {TRIAL: reason}


def test_what_has_failed_is_tried_again(store: Store) -> None:
    failed = replace(TRIAL, replicate=77)
    store.keep(HERE, {failed: (Reading(None, Status.FAILED),)})
    assert reasons([failed], store, HERE) == {failed: "failed before"}


def test_the_last_conditions_count(store: Store) -> None:
    later = Conditions((*HERE.facts, ("scipy", "1.16")))
    store.keep(later, {TRIAL: VALUE})
    now = Conditions((*HERE.facts, ("scipy", "1.17")))
    assert reasons([TRIAL], store, now) == {TRIAL: "scipy 1.16 → 1.17"}
