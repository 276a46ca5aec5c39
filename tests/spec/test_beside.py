from __future__ import annotations

import pytest

from rnnconv_cli.records import TANGENT
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.beside import QUANTITIES, STABLE, tangent_exhibits
from rnnconv_cli.spec.claim import Check, InverseLambdaMax
from rnnconv_cli.spec.loader import load


def _check(claim: str, name: str) -> Check:
    return next(each.check for each in load(catalogue.find(claim)).checks if each.check.id == name)


def test_every_descent_check_of_the_catalogue_has_them_and_no_other() -> None:
    for path in catalogue.shipped():
        for loaded in load(path).checks:
            found = {exhibit.id for exhibit, _ in loaded.exhibits if exhibit.id.startswith(TANGENT)}
            check = loaded.check
            runs = check.training is not None and check.quantity != "predicted-steps"
            descends = runs and check.prediction.kind != "frontier"
            assert found == (set(QUANTITIES) if descends else set()), check.id


def test_they_are_read_at_the_last_point_on_few_draws() -> None:
    check = _check("linear-convergence", "time-in-width")
    for _, arm in tangent_exhibits(check):
        assert (arm.sweep.parameter, arm.sweep.quick.grid, arm.sweep.quick.replicates) == ("width", (724,), 2)
        assert arm.sweep.full.grid == check.sweep.full.grid[-1:]


def test_a_run_read_at_many_places_is_read_once() -> None:
    for _, arm in tangent_exhibits(_check("linear-convergence", "loss-decays-geometrically")):
        assert (arm.sweep.parameter, arm.sweep.quick.grid) == (None, ())


def test_the_largest_stable_step_has_a_run_of_its_own() -> None:
    check = _check("linear-convergence", "sgd-decays-geometrically")
    arms = {exhibit.id: arm for exhibit, arm in tangent_exhibits(check)}
    stable = arms[STABLE]
    assert stable.training is not None
    assert check.training is not None
    assert stable.training.learning_rate == InverseLambdaMax(over_lambda_max=2.0)
    assert (stable.training.method, stable.training.max_steps) == ("gd", 30)
    assert "step-size" not in stable.preconditions  # it is about the largest step
    other = arms[f"{TANGENT}rate"].training
    assert other is not None
    assert (other.method, other.learning_rate) == (check.training.method, check.training.learning_rate)


@pytest.mark.parametrize("name", [f"{TANGENT}rate", STABLE])
def test_an_exhibit_of_that_name_in_the_file_stays_the_file_s(name: str) -> None:
    check = _check("linear-convergence", "stable-step-in-width")
    own = check.beside[0].model_copy(update={"id": name})
    found = {exhibit.id for exhibit, _ in tangent_exhibits(check.model_copy(update={"beside": (own,)}))}
    assert found == set(QUANTITIES) - {name}
