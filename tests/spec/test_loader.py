"""A claim file becomes a claim and its arms, or every violation at once; nothing that it holds can do anything else."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnconv_cli.errors import SpecError, UnknownName, UsageError
from rnnconv_cli.spec.catalogue import shipped
from rnnconv_cli.spec.claim import Arm, Law
from rnnconv_cli.spec.loader import NO_OVERRIDES, LoadedClaim, Overrides, load, load_all, loads

BASE = Path(__file__).with_name("claim.yaml")


@pytest.fixture(scope="module")
def loaded() -> LoadedClaim:
    """Return the valid claim, loaded."""
    return load(BASE)


def test_a_claim_and_its_arms(loaded: LoadedClaim) -> None:
    assert loaded.claim.id == "recurrent-net-stays-tame"
    assert [loaded_check.check.prediction.kind for loaded_check in loaded.checks] == [
        *("event", "exponent", "decay", "growth", "identity", "attainment", "frontier")
    ]
    flips, decay = loaded.checks[1], loaded.checks[2]
    assert flips.check.problem.separation == 1e-3
    assert flips.control.perturbation is not None
    assert flips.control.perturbation.tau0 == Law(coefficient=1.0, parameter="width", power=0.5)
    assert flips.control.perturbation.adversaries == ("gaussian", "kink-targeted")
    exhibit, arm = decay.exhibits[0]
    assert exhibit.id == "tail-rate"
    assert (arm.quantity, arm.sweep.parameter, arm.sweep.quick.grid) == ("tail-rate-over-predicted", None, ())
    assert (arm.sweep.quick.replicates, arm.sweep.full.replicates) == (2, 16)
    assert type(decay.control) is Arm


def test_the_origin_is_the_path(loaded: LoadedClaim) -> None:
    assert loaded.origin == str(BASE)
    assert loaded.document.mark.where == str(BASE)


def test_a_loaded_claim_travels(loaded: LoadedClaim) -> None:
    assert pickle.loads(pickle.dumps(loaded)) == loaded


def test_the_digest_is_of_the_values(base: str, loaded: LoadedClaim) -> None:
    def digest(old: str, new: str) -> str:
        assert old in base
        return loads(base.replace(old, new, 1), "elsewhere.yaml").digest

    assert len(loaded.digest) == 64
    assert digest("n_sequences: 4}", "n_sequences: 4}  # a comment") == loaded.digest
    assert digest("{width: 256, horizon: 16,", "{horizon: 16, width: 256,") == loaded.digest
    assert digest("{width: 256, horizon: 16,", "{horizon: 16, width: 257,") != loaded.digest
    assert loads(base, "a", Overrides(replicates=60)).digest != loaded.digest


# --- violations -------------------------------------------------------------------------------------------------------


def test_all_violations_at_once_in_the_order_of_the_file(broken: Any) -> None:
    message = broken(
        ("title: One check of each kind", "title: 010"),
        ("width: 256", "widht: 256"),
        ("tau0: 4.0", "tau0: -1"),
        ("change: {problem: {output_variance: 1/m}}", "change: {problem: {output_varianc: 1/m}}"),
        ("notes: A base for mutations.", "nots: x"),
    )
    assert [line.split(": ")[1] for line in message.splitlines()] == [
        "title",
        "checks.0.problem.widht",
        "checks.1.perturbation.tau0",
        "checks.5.control.change.problem.output_varianc",
        "nots",
    ]


def test_a_change_is_refused_where_it_stands(broken: Any) -> None:
    message = broken(("change: {quantity: first-order-error-without-second-pattern}", "change: {problem: {width: 0}}"))
    assert message.startswith("claim.yaml:98:33: checks.4.control.change.problem.width: found 0, wanted a whole number")


def test_a_change_that_breaks_an_inherited_section_is_refused_at_the_change(broken: Any) -> None:
    message = broken(("change: {problem: {output_variance: 1/m}}", "change: {sweep: {parameter: horizon}}"))
    assert message.splitlines() == [
        "claim.yaml:114:7: checks.5.control.change.problem.width: found nothing, wanted the key width, or width as "
        "sweep.parameter or in sweep.path",
        "claim.yaml:114:7: checks.5.control.change.problem.horizon: found horizon given by problem.horizon and "
        "sweep.parameter, wanted horizon given once (write `horizon: null` in problem)",
    ]


def test_a_later_layer_can_point_into_the_file(loaded: LoadedClaim) -> None:
    violation = loaded.violation(("checks", 1, "perturbation", "adversaries", 1), '"kink"', "an adversary", "did you")
    assert str(violation) == (
        f'{BASE}:30:31: checks.1.perturbation.adversaries.1: found "kink", wanted an adversary (did you)'
    )
    inherited = loaded.violation(("checks", 1, "control", "change", "quantity"), "x", "y")
    assert (inherited.line, inherited.column) == (42, 7)
    assert inherited.path == "checks.1.control.change.quantity"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[1, 2]",
            "a.yaml:1:1: (document): found a list of 2, wanted a mapping {schema, id, title, source, statement, c",
        ),
        ("a claim", 'a.yaml:1:1: (document): found "a claim", wanted a mapping'),
        ("null", "a.yaml:1:1: (document): found nothing (null), wanted a mapping"),
        ("checks: 3", "a.yaml:1:9: checks: found 3, wanted a list of 1 to 200 entries"),
        ("checks: [1]", "a.yaml:1:10: checks.0: found 1, wanted a mapping {quantity, problem, sweep, prediction, id"),
    ],
)
def test_documents_that_are_no_claim(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        loads(text, "a.yaml")
    assert message in str(caught.value)


def test_a_hopeless_document_is_refused_with_a_bounded_message(base: str) -> None:
    for text in ("checks: [" + "{}, " * 20_000 + "]", "\n".join(f"k{i}: 1" for i in range(20_000))):
        with pytest.raises(SpecError) as caught:
            loads(text, "a.yaml")
        assert 0 < len(caught.value.violations) < 5_000


# --- overrides --------------------------------------------------------------------------------------------------------


def test_replicates_reach_the_controls_that_set_none(base: str) -> None:
    loaded = loads(base, "claim.yaml", Overrides(replicates=70))
    first, second = loaded.checks[:2]
    assert (first.check.sweep.quick.replicates, first.check.sweep.full.replicates) == (70, 70)
    assert (first.control.sweep.quick.replicates, first.control.sweep.full.replicates) == (20, 70)
    assert (second.control.sweep.quick.replicates, second.control.sweep.full.replicates) == (70, 70)


def test_settings_reach_every_check(base: str) -> None:
    settings = (("problem.input_dim", "8"), ("sweep.quick.replicates", "1e2"), ("sweep.quick.replicates", "99"))
    loaded = loads(base, "claim.yaml", Overrides(settings))
    assert {check.check.problem.input_dim for check in loaded.checks} == {8}
    assert {check.check.sweep.quick.replicates for check in loaded.checks} == {99}
    assert loaded.checks[1].control.problem.input_dim == 8


@pytest.mark.parametrize(
    ("check", "overrides"),
    [
        ("pattern-flips-in-width", Overrides(replicates=30)),
        ("hidden-norm-upper", Overrides((("problem.width", "512"),))),
        ("hidden-norm-upper", Overrides((("problem.width", "512"), ("problem.horizon", "8")), replicates=70)),
    ],
)
def test_overrides_reach_the_named_checks_alone(
    refuse: Any, base: str, loaded: LoadedClaim, check: str, overrides: Overrides
) -> None:
    named = loads(base, "claim.yaml", replace(overrides, checks=(check,)))
    assert [new.check.id for new, old in zip(named.checks, loaded.checks, strict=True) if new != old] == [check]
    assert named.digest != loaded.digest
    assert "checks." in refuse(base, overrides)


def test_replicates_reach_the_control_of_a_named_check(base: str) -> None:
    second = loads(base, "claim.yaml", Overrides(replicates=30, checks=("pattern-flips-in-width",))).checks[1]
    assert (second.check.sweep.quick.replicates, second.control.sweep.full.replicates) == (30, 30)


def test_a_named_check_answers_for_all_checks_of_its_claim(refuse: Any, base: str) -> None:
    message = refuse(base, Overrides(replicates=3, checks=("hidden-norm-upper",)))
    assert "--replicates: checks.0.sweep.quick.replicates: found 3, wanted at least 54" in message
    assert {line.split(": ")[1].split(".")[1] for line in message.splitlines()} == {"0"}


def test_a_check_may_be_in_any_of_the_files(base: str, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(base.replace("id: width-needed", "id: width-wanted"), encoding="utf-8")
    overrides = Overrides(replicates=150, checks=("width-wanted",))
    first, second = load_all((BASE, other), overrides)
    assert [claim.checks[-1].check.sweep.quick.replicates for claim in (first, second)] == [40, 150]
    assert first == load(BASE)
    with pytest.raises(UnknownName) as caught:
        load_all((BASE, other), Overrides((("problem.widht", "3"),), checks=("width-wanted", "width-neded")))
    assert caught.value.suggestions == ("width-needed", "width-wanted")
    assert len(caught.value.known) == 8


@pytest.mark.parametrize("text", ["checks: 3", "checks: [{}]", "checks: [{id: 010}]", "checks: [{id: a, id: a}]"])
def test_a_file_without_readable_ids_is_refused_for_that(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError):
        load_all((path,), Overrides(checks=("b",)))


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("problem.widht", "3", "--set problem.widht: checks.0.problem.widht: found the unknown key"),
        ("problem.widht", "3", "(did you mean width?)"),
        (
            "sweep.quick.replicates",
            "no",
            '--set sweep.quick.replicates: checks.0.sweep.quick.replicates: found "no"',
        ),
        ("sweep.quick.replicates", "[1", "--set sweep.quick.replicates:1:3: found"),
        ("sweep.quick.replicates", "010", "--set sweep.quick.replicates: found 010, wanted a number"),
        (
            "sweep.quick.replicates",
            "2",
            "--set sweep.quick.replicates: checks.0.sweep.quick.replicates: found 2, wan",
        ),
        ("problem", "{width: 0}", "--set problem:1:9: checks.0.problem.width: found 0, wanted a whole number"),
        ("problem.input_dim", "", "--set problem.input_dim: found nothing after =, wanted a value"),
        ("", "3", '--set : found the key "", wanted a dotted path inside a check'),
        ("prediction.kind", "evnt", "--set prediction.kind: checks.0.prediction.kind: found the unknown kind"),
    ],
)
def test_a_bad_setting_is_refused_on_the_command_line(
    refuse: Any, base: str, key: str, text: str, message: str
) -> None:
    assert message in refuse(base, Overrides(((key, text),)))


def test_too_few_replicates_are_refused_on_the_command_line(refuse: Any, base: str) -> None:
    message = refuse(base, Overrides(replicates=3))
    assert "--replicates: checks.0.sweep.quick.replicates: found 3, wanted at least 54" in message
    assert "--replicates: checks.0.sweep.quick.replicates: found 0, wanted" in refuse(base, Overrides(replicates=0))


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_the_catalogue_loads(path: Path) -> None:
    assert load(path).claim.id == path.stem


def test_the_name_of_a_file_is_free(base: str, tmp_path: Path) -> None:
    copy = tmp_path / "some-other-id.yaml"
    copy.write_text(base, encoding="utf-8")
    assert load(copy).claim.id == "recurrent-net-stays-tame"


def test_a_byte_order_mark_is_no_text(base: str, tmp_path: Path) -> None:
    copy = tmp_path / "a.yaml"
    copy.write_bytes(b"\xef\xbb\xbf" + base.encode())
    assert load(copy).claim.title == "One check of each kind"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\nb: \xff\n", "a.yaml:2:4: (document): found the byte 0xff, which is not UTF-8, wanted text in UTF-8"),
        ("schema: 1\n".encode("utf-16"), "a.yaml:1:1: (document): found the byte 0xff, which is not UTF-8"),
        (b"a: \x00\n", "a.yaml:1:4: (document): found the control character"),
        (b"\xef\xbb\xbf" + b" " * 2**20, "a.yaml:1:1: (document): found a document of more than 1 MiB"),
        (b"", "a.yaml:1:1: (document): found an empty document, wanted a claim"),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(data)
    with pytest.raises(SpecError) as caught:
        load(file)
    assert message in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found no file .*missing\.yaml', wanted a claim file; `rnnconv list` names"):
        load(tmp_path / "missing.yaml")
    with pytest.raises(UsageError, match=r"found the folder .*, wanted a claim file; name a file in it"):
        load(tmp_path)
    with pytest.raises(
        UsageError, match=r"found .*, which cannot be read \(not a path\), wanted a readable claim file"
    ):
        load(Path("a\0b.yaml"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_forbidden_file(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.touch(mode=0o000)
    with pytest.raises(UsageError, match=r"which cannot be read \(Permission denied\)"):
        load(file)


# --- strangers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:pathlib.Path.touch [{file}]",
        "!!python/name:os.system ''",
        "!!python/module:antigravity ''",
        "!include {file}",
        "!!binary aGVsbG8=",
    ],
)
def test_a_claim_file_runs_nothing_and_reads_nothing(tmp_path: Path, base: str, refuse: Any, value: str) -> None:
    file = tmp_path / "touched"
    message = refuse(base.replace("A base for mutations.", value.replace("{file}", str(file))))
    assert "notes: found the tag" in message
    assert not file.exists()


def test_spec_needs_no_arrays() -> None:
    code = (
        "import json, sys, rnnconv_cli.spec.loader, rnnconv_cli.spec.schema, rnnconv_cli.spec.template; "
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "numba", "click", "rich"} & set(json.loads(done.stdout))


def only_spec_errors(text: str, overrides: Overrides = NO_OVERRIDES) -> None:
    """Load a text; any other exception than SpecError is a crash. Its message must be printable ASCII."""
    message = "valid"
    try:
        loads(text, "fuzz.yaml", overrides)
    except SpecError as error:
        message = str(error).replace("\n", "")
    assert message
    assert message.isascii()
    assert message.isprintable()


FUZZ = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
YAML_LETTERS = st.text(alphabet="{}[]:,-?&*!|>'\"%@`#~ \n\tabe0123.+_<=\x00\u2028ε", max_size=80)
HOSTILE = st.sampled_from(
    [
        *("null", "true", "[]", "{}", "-1", "0", "1e308", "1e-308", "999999999999999999", "''", "*a", "&a b", "!!x y"),
        *("exponent", "{kind: event}", "[[[]]]", "{coefficient: 1e300, parameter: width, power: 300}", "1:30", "| x"),
        *("{over_lambda_max: 0}", "[1, 2, 2]", "[1e300]", "width", '"\\ud800"', "? x", "- x", "<<", "{<<: {a: b}}"),
    ]
)


@FUZZ
@given(st.one_of(st.text(max_size=200), YAML_LETTERS))
def test_arbitrary_text_only_raises_spec_errors(text: str) -> None:
    only_spec_errors(text)


@FUZZ
@given(st.data())
def test_mutated_claims_only_raise_spec_errors(data: st.DataObject) -> None:
    text = BASE.read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + data.draw(st.one_of(YAML_LETTERS, HOSTILE)) + text[end:]
    only_spec_errors(text)


@FUZZ
@given(st.data())
def test_claims_with_a_hostile_value_only_raise_spec_errors(data: st.DataObject) -> None:
    lines = BASE.read_text(encoding="utf-8").splitlines()
    places = [
        (i, part) for i, line in enumerate(lines) for part in line.replace(",", ":").split(":")[1:] if part.strip()
    ]
    for _ in range(data.draw(st.integers(1, 3))):
        i, part = data.draw(st.sampled_from(places))
        lines[i] = lines[i].replace(part.strip("{}[] "), data.draw(HOSTILE), 1)
    only_spec_errors("\n".join(lines))


@FUZZ
@given(st.text(alphabet="abprolems.widthunc_[]{}:1 ", max_size=30), st.one_of(YAML_LETTERS, HOSTILE))
def test_overrides_only_raise_spec_errors(key: str, text: str) -> None:
    only_spec_errors(BASE.read_text(encoding="utf-8"), Overrides(((key, text),)))
