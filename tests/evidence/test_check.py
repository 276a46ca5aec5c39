"""What a bundle says is planned again and judged again: whatever has been made up is found, and named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.evidence import contents
from rnnconv_cli.evidence.check import Checked, check
from rnnconv_cli.evidence.contents import Asked
from rnnconv_cli.report import FORMATS
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import NO_OVERRIDES, Overrides, load_bytes
from rnnconv_cli.sweep.budget import plan_within
from tests.evidence.conftest import CLAIM, COMMON

Rebundled = Callable[..., Path]
Document = dict[str, Any]
DECAY, NORM, WIDTH, GROWING = range(4)


class Silent:
    """Progress that nobody sees."""

    def planned(self, forecast: object) -> None:
        """Hear nothing."""

    def warn(self, text: str) -> None:
        """Hear no warning."""

    def phase(self, name: str, total: float | None) -> None:
        """Begin nothing."""

    def expect(self, seconds: float) -> None:
        """Expect nothing."""

    def advance(self, label: str, seconds: float) -> None:
        """Count nothing."""

    def close(self) -> None:
        """End nothing."""


@pytest.fixture
def found(rebundled: Rebundled) -> Callable[..., list[str]]:
    """What is said of a result that was put into a bundle, in order."""

    def carry_out(result: Document | str, **given: Any) -> list[str]:
        return said(looked_at(rebundled(result, **given), given.get("overrides", NO_OVERRIDES)))

    return carry_out


def looked_at(path: Path, overrides: Overrides = NO_OVERRIDES, budget: float | None = None) -> Checked:
    """A bundle whose command has laid these over its claims, within a budget, checked."""
    return check(path, Silent(), lambda command: Asked(overrides, budget))


def said(checked: Checked) -> list[str]:
    return [f"{each.place} {each.what}" for each in checked.differences]


def part(result: Document, number: int) -> Document:
    chosen: Document = result["claims"][0]["checks"][number]
    return chosen


def test_a_bundle_as_it_was_written_has_nothing_wrong(rebundled: Rebundled, measured: Path) -> None:
    """A decay with its exhibits, an event, a search in rounds and an exponent, with their controls."""
    checked = looked_at(rebundled((measured / "result.json").read_text()))
    assert said(checked) == []
    assert [step.name for step in checked.steps] == [
        "archive",
        "result",
        "overrides",
        "claims",
        "checks",
        "trials",
        "verdicts",
        "outcome",
    ]
    assert checked.steps[0].passed == "every byte is accounted for, in 6 members"
    assert checked.steps[3].passed == "1 claim file with the digest that the result names"
    assert "judged again" in checked.steps[6].passed
    assert checked.written_by == ""


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("verdict",), "outside", "verdict: stored 'outside', judged 'within'"),
        (("because",), "it is so", "because: stored 'it is so', judged '"),
        (("as_expected",), False, "as_expected: stored False, judged True"),
        (("main", "verdict"), "outside", "main.verdict: stored 'outside', judged 'within'"),
        (("statement",), "Another.", "statement: stored 'Another.', judged 'A statement.'"),
        (("estimate", "value"), 0.5, "estimate.value: stored 0.5, judged "),
        (("estimate", "points"), [1.0], "estimate.points: stored [1.0], judged ["),
        (("slack",), None, "slack: stored None, judged "),
        (("local_exponents", 0), 9.0, "local_exponents[0]: stored 9.0, judged "),
        (("predicted", "tolerance"), 0.2, "predicted.tolerance: stored 0.2, judged 0.1"),
        (("control", "verdict"), "within", "control.verdict: stored 'within', judged "),
        (("worst_adversary",), "kinks", "worst_adversary: stored 'kinks', judged None"),
        (("settle",), "more draws", "settle: stored 'more draws', judged ''"),
    ],
)
def test_what_does_not_follow_from_the_observations_is_named(
    found: Callable[..., list[str]], result: Document, path: tuple[str | int, ...], value: object, what: str
) -> None:
    target: Any = part(result, GROWING)
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    differences = found(result)
    assert [each for each in differences if each.startswith(f"made-up/growing-norm {what}")] == differences


def test_a_last_bit_counts_under_the_same_conditions_alone(found: Callable[..., list[str]], result: Document) -> None:
    estimate = part(result, GROWING)["estimate"]
    estimate["value"] *= 1 + 1e-15
    assert len(found(result)) == 1
    result["environment"]["cpu"] = "abacus"
    assert found(result) == []
    estimate["value"] *= 1 + 1e-6
    assert len(found(result)) == 1


def test_a_claim_is_judged_as_a_whole(found: Callable[..., list[str]], result: Document) -> None:
    claim = result["claims"][0]
    assert claim["verdict"] == "outside"  # as its decay is
    claim["verdict"], claim["as_expected"] = "within", True
    assert found(result) == [
        "made-up verdict: stored 'within', judged 'outside'",
        "made-up as_expected: stored True, judged False",
    ]


def test_an_exit_status_follows_from_the_verdicts(found: Callable[..., list[str]], result: Document) -> None:
    assert result["exit_status"] == 3
    result["exit_status"], reasons = 0, result["exit_reasons"]
    assert found(result) == [f"result.json has exit status 0, judged 3: {reasons[0]}"]
    result["exit_reasons"] = []
    assert found(result) == [f"result.json has exit status 0, judged 3: {reasons[0]}"]
    result["exit_status"], result["exit_reasons"] = 5, ["the store s.sqlite cannot be written; try another", *reasons]
    assert found(result) == []


def test_an_altered_observation_changes_what_is_judged(found: Callable[..., list[str]], result: Document) -> None:
    rows = part(result, GROWING)["observations"]
    for row in rows[1:]:
        if row["trial"] == rows[0]["trial"]:  # of the control, which has the same networks
            row["value"] *= 1.5
    rows[0]["value"] *= 1.5
    differences = found(result)
    assert any("estimate.value: stored" in each for each in differences)
    assert all(each.startswith("made-up/growing-norm ") for each in differences)


def test_an_observation_that_was_left_out_is_missed(found: Callable[..., list[str]], result: Document) -> None:
    """Also where whoever left it out has judged the rest: verdicts are not reached."""
    row = part(result, GROWING)["observations"].pop(3)
    (difference,) = found(result)
    assert difference == (
        f"made-up/growing-norm lacks draw {row['replicate']} of main at 8 (trial {row['trial']}) "
        "of 96 that its claim file asks for"
    )


def test_draws_that_were_left_out_everywhere_are_missed(found: Callable[..., list[str]], result: Document) -> None:
    check = part(result, GROWING)
    check["observations"] = [row for row in check["observations"] if row["replicate"] != 7]
    (difference,) = found(result)
    assert "and 11 more observations of 96 that its claim file asks for" in difference


def test_the_rounds_of_a_search_are_followed(found: Callable[..., list[str]], result: Document) -> None:
    """What a search draws depends on its answers: another answer would have led to other draws."""
    check = part(result, WIDTH)
    rows = check["observations"]
    last = rows.pop()
    assert "made-up/width lacks draw" in found(result)[0]
    rows.append(last)
    first = [row for row in rows if row["arm"] == "main" and row["point"] == 2.0]
    for row in first:
        row["value"] = 0.0 if row["value"] and row["value"] > 1 else 9.0
    assert any("asks for" in each or "ask for" in each for each in found(result))


def test_an_observation_that_was_added_is_found(found: Callable[..., list[str]], result: Document) -> None:
    rows = part(result, NORM)["observations"]
    rows.append(rows[-1])
    (difference,) = found(result)
    assert difference.startswith("made-up/norm has draw 59 of control at 1 (trial ")
    assert difference.endswith("of 121 that its claim file does not ask for")


def test_an_observation_in_another_place_is_found(found: Callable[..., list[str]], result: Document) -> None:
    row = part(result, NORM)["observations"][0]
    row["point"] = 2.0
    key = row["trial"]
    assert found(result) == [
        f"made-up/norm lacks draw 0 of main at 1 (trial {key}) of 120 that its claim file asks for",
        f"made-up/norm has draw 0 of main at 2 (trial {key}) of 120 that its claim file does not ask for",
    ]


def test_the_order_of_observations_means_nothing(found: Callable[..., list[str]], result: Document) -> None:
    rows = part(result, NORM)["observations"]
    rows[0], rows[1] = rows[1], rows[0]
    assert found(result) == []


def test_a_key_is_that_of_its_trial(found: Callable[..., list[str]], result: Document) -> None:
    row = part(result, NORM)["observations"][5]
    was, row["trial"] = row["trial"], "0" * 12
    assert found(result) == [f"made-up/norm has the key 000000000000 for a trial whose numbers give {was}"]


def test_another_trial_under_a_fitting_key_is_found(found: Callable[..., list[str]], result: Document) -> None:
    """Another network than the claim asks for: each trial could be measured, and no claim file says so."""
    check = part(result, NORM)
    check["arms"]["control"]["problem"]["weight_variance"] = 5.0
    differences = found(result)
    assert len(differences) == 3
    assert "lacks draw 0 of control at 1" in differences[0]
    assert "has draw 0 of control at 1" in differences[1]
    assert "has the key" in differences[2]


def test_a_trial_has_the_same_readings_everywhere(found: Callable[..., list[str]], result: Document) -> None:
    """A run measures it once, however many checks ask for it."""
    row = part(result, NORM)["observations"][3]
    row["value"] *= 1.001
    assert found(result) == [
        f"made-up/growing-norm has other readings of the trial {row['trial']} than the result has elsewhere"
    ]


def test_a_value_that_is_ok_is_there(found: Callable[..., list[str]], result: Document) -> None:
    row = part(result, NORM)["observations"][5]
    row["value"] = None
    first, *_ = found(result)
    assert first == f"made-up/norm has an observation that is ok and has no value (trial {row['trial']})"


@pytest.mark.parametrize("value", [1e300, -1e300, 0.0, 5e-324])
def test_numbers_that_no_run_gives_break_nothing(
    found: Callable[..., list[str]], result: Document, value: float
) -> None:
    for number in range(4):
        for row in part(result, number)["observations"][::2]:
            row["value"], row["status"] = value, "ok"
    found(result)
    del result["claims"][0]["checks"][WIDTH]  # of which other numbers ask for other draws, and are not judged
    assert found(result, claim=without_a_search(result)) != []


def without_a_search(result: Document) -> bytes:
    """The claim file without the check that searches; the result names its digest."""
    claim = copy.deepcopy(CLAIM)
    del claim["checks"][WIDTH]
    data = json.dumps(claim).encode()
    result["claims"][0]["digest"] = load_bytes(data, "made-up.yaml").digest
    return data


def test_a_check_that_was_left_out_is_missed(found: Callable[..., list[str]], result: Document) -> None:
    del result["claims"][0]["checks"][NORM]
    assert found(result) == ["made-up/norm is not in the result, and the command has chosen it"]


def test_a_check_that_was_not_chosen_is_found(found: Callable[..., list[str]], result: Document) -> None:
    assert found(result, overrides=Overrides(checks=("norm",))) == [
        "made-up/decay is in the result, and the command has not chosen it",
        "made-up/width is in the result, and the command has not chosen it",
        "made-up/growing-norm is in the result, and the command has not chosen it",
    ]
    assert found(result, overrides=Overrides(checks=("abacus",))) == [
        "MANIFEST.json names the check 'abacus', which the result has not"
    ]


def test_checks_in_another_order_are_found(found: Callable[..., list[str]], result: Document) -> None:
    result["claims"][0]["checks"].reverse()
    assert found(result) == ["result.json has its checks in another order than the claim files"]


def test_a_claim_file_that_was_not_run_is_found(
    found: Callable[..., list[str]], result: Document, measured: Path
) -> None:
    claim = json.loads((measured / "made-up.yaml").read_text())
    claim["checks"][GROWING]["prediction"]["tolerance"] = 0.2
    data = json.dumps(claim).encode()
    (difference,) = found(result, claim=data)
    assert difference.startswith("claims/made-up.yaml has the digest ")
    result["claims"][0]["digest"] = difference.split()[4].rstrip(",")
    differences = found(result, claim=data)
    assert "made-up/growing-norm predicted.tolerance: stored 0.1, judged 0.2" in differences


def test_a_claim_file_that_is_not_valid_is_named(found: Callable[..., list[str]], result: Document) -> None:
    (difference,) = found(result, claim=b"id: [\x1b")
    assert difference.startswith("claims/made-up.yaml is no claim file for this rnnconv: ")
    (difference,) = found(result, overrides=Overrides((("problem.abacus", "1"),)))
    assert "is no claim file for this rnnconv: " in difference
    assert "abacus" in difference


def test_claim_files_and_claims_are_as_many(found: Callable[..., list[str]], result: Document) -> None:
    assert found(result, others={"claims/other.yaml": b"id: other\n"}) == [
        "claims/other.yaml is no claim of the result"
    ]
    assert found(result, others={"claims/made-up.yaml": None}) == [
        "claims/made-up.yaml is not in the bundle, and the result names its claim"
    ]
    result["claims"].append(copy.deepcopy(result["claims"][0]))
    assert "result.json has two claims of one id" in found(result)


@pytest.mark.parametrize("name", ["README.txt", "environment.json", "report.txt"])
def test_what_is_made_of_the_result_is_made_again(found: Callable[..., list[str]], result: Document, name: str) -> None:
    assert found(result, others={name: b"all is well"}) == [f"{name} is not what this rnnconv makes of the result"]


def test_a_part_that_nobody_reads_is_found(found: Callable[..., list[str]], result: Document) -> None:
    text = json.dumps(result)
    part(result, NORM)["reviewed"] = "by experts"
    assert found(result) == ["result.json has parts that rnnconv does not write"]
    twice = text.replace('"verdict": "within"', '"verdict": "outside", "verdict": "within"', 1)
    with pytest.raises(UsageError, match="a key stands twice in one mapping"):
        found(twice)


def test_settings_that_no_run_has_are_named(found: Callable[..., list[str]], result: Document) -> None:
    result |= {"profile": "huge", "backend": "abacus", "seed": -1}
    assert found(result)[:3] == [
        "result.json has the profile 'huge', wanted one of quick, full",
        "result.json has the backend 'abacus', wanted one of compiled, reference",
        f"result.json has the seed -1, wanted one from 0 to {2**63 - 1}",
    ]


def test_another_seed_asks_for_other_trials(found: Callable[..., list[str]], result: Document) -> None:
    result["seed"] = 1
    assert all("has the key" in each for each in found(result))


def plan_of() -> Document:
    """A plan that leaves nothing out."""
    claim = load_bytes(json.dumps(CLAIM).encode(), "made-up.yaml")
    return asdict(plan_within([claim], seconds=60.0, jobs=1, profile="quick", seed=0, price=lambda trial: 0.0))


def test_a_plan_is_one_that_its_budget_could_choose(rebundled: Rebundled, result: Document) -> None:
    result["plan"] = plan_of()
    assert said(looked_at(rebundled(result), budget=60.0)) == []
    assert said(looked_at(rebundled(result), budget=61.0)) == [
        "the plan is for a budget of 60 s, and the command of the result has a budget of 61 s"
    ]
    arm = next(each for each in result["plan"]["arms"] if (each["check"], each["arm"]) == ("norm", "main"))
    arm.update(replicates=1, replicates_left_out=59)
    assert said(looked_at(rebundled(result), budget=60.0)) == [
        "the plan for made-up/norm, main takes 1 draw, wanted 49 to 60"
    ]


TINY = {
    **COMMON,
    "id": "growing-norm",
    "quantity": "pattern-flips",
    "problem": {"width": 16, "horizon": 3, "n_sequences": 1},
    "perturbation": {"adversaries": ["gaussian"]},
    "sweep": {
        "parameter": "tau0",
        "quick": {"grid": [1e-200, 2e-200, 3e-200, 4e-200, 5e-200, 6e-200], "replicates": 8},
        "full": {"grid": [1e-200, 2e-200, 3e-200, 4e-200, 5e-200, 6e-200], "replicates": 8},
    },
    "prediction": {"kind": "growth", "rate": 1.0, "reason": "made up"},
}


@pytest.mark.parametrize(
    ("number", "check", "said"),
    [
        (NORM, {**CLAIM["checks"][NORM], "quantity": "abacus"}, "quantity 'abacus'"),
        (GROWING, TINY, "division by zero"),  # of what such a grid tells, which is nothing
    ],
)
def test_a_claim_that_no_run_could_plan_is_named(
    found: Callable[..., list[str]], result: Document, number: int, check: Document, said: str
) -> None:
    """Only planning knows what there is to measure, and how much a grid tells."""
    claim = copy.deepcopy(CLAIM)
    claim["checks"][number] = check
    data = json.dumps(claim).encode()
    result["claims"][0]["digest"] = load_bytes(data, "made-up.yaml").digest
    result["plan"] = plan_of()
    (said_of_it,) = (each for each in found(result, claim=data) if each.startswith("the plan cannot be made again"))
    assert said in said_of_it


def test_a_quantity_that_there_is_not_is_named_without_a_plan_as_well(
    found: Callable[..., list[str]], result: Document
) -> None:
    claim = copy.deepcopy(CLAIM)
    claim["checks"][NORM]["quantity"] = "abacus"
    data = json.dumps(claim).encode()
    result["claims"][0]["digest"] = load_bytes(data, "made-up.yaml").digest
    (difference,) = found(result, claim=data)
    assert difference.startswith("the plan cannot be made again by this rnnconv: ")
    assert "quantity 'abacus'" in difference


def test_what_is_no_result_is_refused(found: Callable[..., list[str]], rebundled: Rebundled, result: Document) -> None:
    for text, what in (
        (b"{", "no strict JSON in"),
        (b"\xff", "which is not UTF-8"),
        (b'{"schema": 1}', "a document of the schema 1 in"),
    ):
        with pytest.raises(UsageError, match=what):
            found(result, others={"result.json": text})


def test_a_page_is_made_again_where_it_is_drawn_alike(
    rebundled: Rebundled, result: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page stands for its libraries' versions: under others it is not compared, and that is said."""
    monkeypatch.setattr(contents, "DRAWS_PAGES", ("jinja2",))
    monkeypatch.setitem(FORMATS, "html", lambda report, style=None: f"<p>{report.seed}</p>")
    path = rebundled(result, others={"report.html": b"<p>0</p>"}, drawn_with=contents.drawn_with())
    assert said(looked_at(path)) == []
    path = rebundled(result, others={"report.html": b"<p>1</p>"}, drawn_with=contents.drawn_with())
    assert said(looked_at(path)) == ["report.html is not what this rnnconv makes of the result"]
    path = rebundled(result, others={"report.html": b"<p>1</p>"}, drawn_with=(("jinja2", "0.1"),))
    checked = looked_at(path)
    assert said(checked) == []
    assert (
        "report.html was not compared, as it was drawn with jinja2 0.1, and here is jinja2 3" in checked.steps[1].note
    )
    assert checked.unconfirmed == ("report.html was not compared",)


def test_another_version_is_named(rebundled: Rebundled, result: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    result["environment"] |= {"sources_sha256": "0" * 24, "commit": "abc"}
    assert looked_at(rebundled(result)).written_by == "rnnconv 0.1.0 of the commit abc"


def test_overrides_are_those_of_the_command_and_always_shown(rebundled: Rebundled, result: Document) -> None:
    """A claim file would be judged as another one, and nothing of it would stand in the command."""
    laid = Overrides((("prediction.tolerance", "0.9"),), 7, ("norm",))
    words = "--set prediction.tolerance=0.9 --replicates 7 --check norm"
    path = rebundled(result, overrides=laid)
    assert said(looked_at(path))[0] == (
        f"MANIFEST.json names the overrides {words}, and the command of the result has none"
    )
    (step,) = (step for step in looked_at(path, laid).steps if step.name == "overrides")
    assert (step.passed, step.differences) == (words, ())
    path = rebundled(result)
    assert said(looked_at(path, laid)) == [
        f"MANIFEST.json names the overrides none, and the command of the result has {words}"
    ]
    assert looked_at(path).steps[2].passed == "none"


def test_the_command_that_is_read_is_the_one_of_the_result(rebundled: Rebundled, result: Document) -> None:
    heard: list[object] = []

    def asked_of(command: object) -> None:
        heard.append(command)

    result["environment"]["command"] = "rnnconv verify made-up"
    assert said(check(rebundled(result), Silent(), asked_of)) == []
    assert heard == ["rnnconv verify made-up"]


def test_what_was_chosen_and_what_came_out_is_counted(rebundled: Rebundled, result: Document) -> None:
    steps = {step.name: step.passed for step in looked_at(rebundled(result)).steps}
    verdicts = [part(result, number)["verdict"] for number in range(4)]
    assert steps["checks"] == "4, all that the command has chosen: 4 of 4 of made-up"
    assert sum(int(each.split()[0]) for each in steps["outcome"].partition(";")[0].split(", ")) == 4
    assert all(f"{verdicts.count(each)} {each}" in steps["outcome"] for each in verdicts)
    assert steps["outcome"].endswith(f"exit status {result['exit_status']}")


def test_failed_observations_are_counted(rebundled: Rebundled, result: Document) -> None:
    part(result, NORM)["observations"][0].update(value=None, status="failed", detail="MemoryError")
    checked = looked_at(rebundled(result))
    (step,) = (step for step in checked.steps if step.name == "trials")
    assert step.note == "1 of them failed when the result was written"
    assert checked.unconfirmed == ("1 observation failed",)


def test_a_run_has_one_loss_curve_everywhere(found: Callable[..., list[str]], result: Document) -> None:
    """A claim with a check twice, whose trials are the same; more checks are another level, and so another search."""
    again = {**CLAIM["checks"][DECAY], "id": "again"}
    claim = json.dumps({**CLAIM, "checks": [*CLAIM["checks"], again]}).encode()
    copied = {**copy.deepcopy(part(result, DECAY)), "id": "again"}
    result["claims"][0]["checks"].append(copied)
    result["claims"][0]["digest"] = load_bytes(claim, "made-up.yaml").digest
    said_of_it = [each for each in found(result, claim=claim) if each.startswith("made-up/again")]
    assert said_of_it == []
    curve = copied["curves"][0]
    curve["values"][1] *= 0.5
    said_of_it = [each for each in found(result, claim=claim) if each.startswith("made-up/again")]
    assert said_of_it == [
        f"made-up/again has other readings of the trial {curve['trial']} than the result has elsewhere"
    ]


def test_a_claim_that_is_another_than_the_catalogues_is_named(
    rebundled: Rebundled, result: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = tmp_path / "made-up.yaml"
    monkeypatch.setattr(catalogue, "shipped", lambda: (shipped,))
    shipped.write_text(json.dumps(CLAIM))
    assert looked_at(rebundled(result)).unconfirmed == ()
    for text in (json.dumps({**CLAIM, "title": "Another"}), "no claim"):
        shipped.write_text(text)
        checked = looked_at(rebundled(result))
        assert said(checked) == []
        assert checked.unconfirmed == ("claims/made-up.yaml is not the one of this rnnconv's catalogue",)
        assert checked.steps[3].note == checked.unconfirmed[0]
