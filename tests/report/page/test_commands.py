"""Commands that can be typed as they stand: the check again, and single trials of it."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from rnnconv_cli.cli.verify import verify
from rnnconv_cli.records import CheckResult, Environment, Place, Report, Status
from rnnconv_cli.report.page.commands import MOST_FAILED, commands


@pytest.fixture
def check(report: Report) -> CheckResult:
    return report.claims[0].checks[0]


def _again(check: CheckResult, report: Report, ran: str | None = None, claim: str = "perturbation-bound") -> list[str]:
    facts = () if ran is None else (("command", ran),)
    first, *_ = commands(claim, check, replace(report, environment=Environment(facts)), "r.json")
    assert first.label == "the whole check"
    return shlex.split(first.line)


def test_a_check_is_measured_again_by_its_ids_profile_and_seed(report: Report, check: CheckResult) -> None:
    assert _again(check, report) == [
        *("rnnconv", "verify", "perturbation-bound", "--check", "exponent-of-something"),
        *("--profile", "quick", "--seed", "7"),
    ]


def test_what_the_run_laid_over_its_checks_is_asked_for_again(report: Report, check: CheckResult) -> None:
    ran = "rnnconv verify --all --set problem.horizon=6 --jobs 2 --replicates=9 --output x.json --backend reference"
    assert _again(check, report, ran)[-5:] == [
        "--set", "problem.horizon=6", "--replicates=9", "--backend", "reference",
    ]  # fmt: skip


def test_a_claim_that_was_given_as_a_file_is_named_by_its_file(report: Report, check: CheckResult) -> None:
    mine = replace(report, places=(Place("perturbation-bound", "", "elsewhere/bound.yaml", 3),))
    assert _again(check, mine, "rnnconv verify 'my claims/bound.yaml' other.yaml")[2] == "my claims/bound.yaml"
    assert _again(check, mine, "rnnconv verify --all")[2] == "perturbation-bound"
    assert _again(check, replace(report, places=()), "rnnconv verify a/my-own.yaml", "my-own")[2] == "a/my-own.yaml"


@pytest.mark.parametrize("ran", ["", "rnnconv verify 'open", "--set"])
def test_a_command_that_is_none_adds_nothing_but_what_it_has(report: Report, check: CheckResult, ran: str) -> None:
    assert _again(check, report, ran)[:9] == _again(check, report)


def test_names_of_strangers_stay_one_word(report: Report, check: CheckResult) -> None:
    words = _again(replace(check, id="a; rm -rf $HOME"), report, claim="$(date)")
    assert words[2] == "$(date)"
    assert words[4] == "a; rm -rf $HOME"


def test_no_file_is_taken_for_an_option(report: Report, check: CheckResult) -> None:
    """Of a stranger's result, whose command and places say what he likes; and where a file is called so."""
    named = replace(report, places=(Place("perturbation-bound", "", "f.yaml", 3),))
    words = _again(check, named, "rnnconv verify --executor=mod:g/f.yaml")
    assert words[2] == "./--executor=mod:g/f.yaml"
    for result, shown in (("--help", "./--help"), ("-x.json", "./-x.json"), ("a/-x.json", "a/-x.json")):
        replays = commands("c", check, report, result)[1:]
        assert replays != ()
        assert {shlex.split(each.line)[2] for each in replays} == {shown}


@pytest.mark.parametrize("ran", ["--set --all", "--check --set --executor=mod:f", "--replicates --dry-run"])
def test_what_is_taken_over_is_the_value_of_its_option(report: Report, check: CheckResult, ran: str) -> None:
    """Whatever follows an option in a stranger's command, the command that is shown sets nothing else by it."""
    words = _again(check, report, f"rnnconv verify {ran}")
    found = verify.make_context("verify", words[2:], resilient_parsing=True).params
    assert (found["everything"], found["executor"], found["dry_run"]) == (False, "process", False)
    assert found["names"] == ("perturbation-bound",)


def test_one_trial_of_each_arm_and_the_first_failed_ones_are_replayed(report: Report, check: CheckResult) -> None:
    failed = tuple(
        replace(each, status=Status.FAILED, value=None, key=f"{place:012x}")
        for place, each in enumerate(each for each in check.observations if each.arm == "main")
    )
    some = (*failed, *check.observations[1:])
    _, *found = commands("c", replace(check, observations=some), report, "my result.json")
    assert [each.label for each in found] == [
        "one trial of the claim",
        "one trial of the control",
        *["a trial that failed"] * MOST_FAILED,
    ]
    assert found[2].line == "rnnconv replay 'my result.json' --trial 000000000000"
    main = next(each for each in some if each.arm == "main" and each.status is Status.OK)
    assert found[0].line.endswith(f" --trial {main.key}")


def test_nothing_measured_has_nothing_to_replay(report: Report, check: CheckResult) -> None:
    assert len(commands("c", replace(check, observations=()), report, "r.json")) == 1
