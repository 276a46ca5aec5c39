from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli import pipeline
from rnnconv_cli.cli import output
from rnnconv_cli.errors import OutputError
from rnnconv_cli.judge.judge import level
from rnnconv_cli.measure.cost import TYPICAL
from rnnconv_cli.records import Environment
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import load

CLAIM = "perturbation-bound"
SOURCE = {"statement": "(0.0)"}
CROWDED = {
    "schema": 1,
    "id": "crowded",
    "title": "Made up",
    "source": SOURCE,
    "statement": "A statement.",
    "checks": [
        {
            "id": "norm",
            "statement": "A statement.",
            "source": SOURCE,
            "quantity": "hidden-norm-upper",
            "problem": {"width": 64, "horizon": 3, "n_sequences": 12, "input_dim": 3, "separation": 0.3},
            "sweep": {"quick": {"replicates": 60}, "full": {"replicates": 60}},
            "prediction": {"kind": "event", "bound": 9.0, "probability": 0.9, "reason": "made up"},
            "control": {"description": "fewer", "change": {"problem": {"n_sequences": 2, "weight_variance": 90.0}}},
        },
    ],
}


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnconv_cli.sweep.machine.usable_cores", lambda: 2)


def test_every_option_reaches_the_pipeline(run: Callable[..., Any], fake: Any) -> None:
    words = (
        "verify", CLAIM, "--check", "flipped-mass", "--profile", "full", "--set", "problem.input_dim=8",
        "--replicates", "99", "--seed", "5", "--jobs", "3", "--backend", "reference", "--strict",
        "--store", "kept/here.sqlite", "--fresh", "--budget", "10m", "--executor", "thread", "--fail-fast",
    )  # fmt: skip
    assert run(*words).status == 0
    (options,) = fake.options
    assert options == pipeline.Options(
        "full", 5, 3, "reference", ("flipped-mass",), strict=True, command=("rnnconv", *words),
        store=Path("kept/here.sqlite"), fresh=True, budget=600.0, executor="thread", fail_fast=True, speeds=TYPICAL,
    )  # fmt: skip
    (claim,) = fake.claims
    (check,) = (check.check for check in claim.checks if check.check.id == "flipped-mass")
    assert (check.problem.input_dim, check.sweep.quick.replicates) == (8, 99)


def test_trials_are_kept_below_the_working_folder_unless_told(
    run: Callable[..., Any], fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RNNCONV_STORE")
    run("verify", CLAIM)
    monkeypatch.setenv("RNNCONV_STORE", "elsewhere.sqlite")
    run("verify", CLAIM)
    run("verify", CLAIM, "--no-store")
    kept = [options.store for options in fake.options]
    assert kept == [Path(".rnnconv/observations.sqlite"), Path("elsewhere.sqlite"), None]


def test_a_dry_run_says_what_would_be_measured_and_why(
    run: Callable[..., Any], fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("verify", CLAIM, "--check", "first-order-identity", "--dry-run")
    monkeypatch.setenv("RNNCONV_STORE", str(tmp_path / "none" / "kept.sqlite"))
    done = run(*words)
    assert (done.status, fake.options) == (0, [])
    assert done.out.splitlines()[:3] == [
        "perturbation-bound/first-order-identity",
        "  measure   128 of 128 trials, about 1 s on 2 cores",
        "  because   no store (128 trials)",
    ]
    assert not (tmp_path / "none").exists()


def test_a_dry_run_after_a_run_finds_nothing_to_do_and_names_what_is_new(run: Callable[..., Any]) -> None:
    words = ("verify", CLAIM, "--check", "first-order-identity", "--jobs", "1", "--replicates", "4")
    assert run(*words).status in {0, 3}
    assert "  measure   nothing: all 32 trials are kept" in run(*words, "--dry-run").out
    assert "  because   replicates 4 → 6 (16 trials)" in run(*words, "--replicates", "6", "--dry-run").out
    assert "  because   new seed 1 (32 trials)" in run(*words, "--seed", "1", "--dry-run").out
    assert (
        "  because   backend compiled → reference (32 trials)" in run(*words, "--backend", "reference", "--dry-run").out
    )
    assert "  because   a fresh run (32 trials)" in run(*words, "--fresh", "--dry-run").out


def test_a_dry_run_within_a_budget_says_what_is_left_out(run: Callable[..., Any]) -> None:
    words = ("verify", "perturbation-bound", "--check", "pattern-flips-in-width", "--dry-run", "--jobs", "1")
    whole, less = run(*words).out, run(*words, "--budget", "20s").out
    assert "left out" not in whole
    assert "  left out  width " in less
    assert "plan      a budget of 20 s on 1 core: half-widths at most " in less
    assert run(*words, "--budget", "20s").out == less
    refused = run(*words, "--budget", "5s")
    assert (refused.status, refused.out) == (2, "")
    assert "found a budget of 5 s, wanted at least" in refused.err
    assert ": 5 s to start and to judge, and " in refused.err


@pytest.mark.parametrize(
    ("executor", "status", "said"),
    [
        ("nope", 2, "rnnconv: found executor 'nope', wanted one of process, thread, dask; name process, "),
        ("os:nope", 2, "rnnconv: found executor 'os:nope', which cannot be imported (AttributeError: "),
        ("dask:nope", 2, "rnnconv: found the Dask address 'nope', wanted HOST:PORT, tcp://HOST:PORT or tls://"),
        ("os:getcwd", 2, "rnnconv: found executor 'os:getcwd', which cannot be called with max_workers ("),
        ("builtins:dict", 2, "rnnconv: found executor 'builtins:dict', which gives dict, wanted a factory of a "),
    ],
)
def test_what_is_no_executor_is_one_message(
    run: Callable[..., Any], tmp_path: Path, executor: str, status: int, said: str
) -> None:
    words = ("verify", CLAIM, "--check", "first-order-identity", "--executor", executor, "--quiet")
    (tmp_path / "kept.sqlite").touch()  # as after another run, of which this one says nothing
    done = run(*words, "--store", str(tmp_path / "kept.sqlite"))
    assert (done.status, done.out) == (status, "")
    assert done.err.startswith(said)


def test_a_failed_trial_ends_the_run_where_that_is_asked_and_the_rest_is_kept(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    """First tokens so far apart that some draws of them cannot be placed."""
    claim = tmp_path / "crowded.yaml"
    claim.write_text(json.dumps(CROWDED), encoding="utf-8")
    words = ("verify", str(claim), "--jobs", "1", "--quiet")
    done = run(*words, "--fail-fast")
    assert (done.status, done.out) == (5, "")
    assert done.err.startswith("rnnconv: finished trials are kept in ")
    assert "hidden-norm-upper m=64 L=3 n=12 draw " in done.err
    assert done.err.endswith("; the run ended here, as --fail-fast asks\n")
    assert "failed" in run(*words).out


def test_jobs_are_the_usable_cores_unless_told(run: Callable[..., Any], fake: Any) -> None:
    run("verify", CLAIM)
    assert fake.options[0].jobs == 2


def test_all_means_every_shipped_claim(run: Callable[..., Any], fake: Any) -> None:
    run("verify", "--all")
    assert [claim.claim.id for claim in fake.claims] == [path.stem for path in catalogue.shipped()]


def test_a_claim_named_twice_is_measured_once(run: Callable[..., Any], fake: Any) -> None:
    path = str(catalogue.find(CLAIM))
    run("verify", CLAIM, "linear-convergence", path)
    assert [claim.claim.id for claim in fake.claims] == [CLAIM, "linear-convergence"]


def test_neither_claim_nor_all_lists_the_claims(run: Callable[..., Any], fake: Any) -> None:
    done = run("verify")
    assert done.status == 2
    assert all(path.stem in done.err for path in catalogue.shipped())
    assert fake.options == []


def test_claims_and_all_contradict_each_other(run: Callable[..., Any], fake: Any) -> None:
    assert run("verify", CLAIM, "--all").status == 2
    assert fake.options == []


def test_an_unknown_claim_gets_a_suggestion(run: Callable[..., Any], fake: Any) -> None:
    done = run("verify", "perturbation-bond")
    assert done.status == 2
    assert f"did you mean {CLAIM}" in done.err


def test_an_unknown_check_gets_a_suggestion(run: Callable[..., Any]) -> None:
    done = run("verify", CLAIM, "--check", "first-order-identiy")
    assert done.status == 2
    assert "did you mean first-order-identity?" in done.err


@pytest.mark.parametrize(
    "overrides",
    [("--replicates", "3"), ("--set", "problem.horizn=6"), ("--set", "problem.horizon=[1"), ("--set", "quantity=norm")],
)
def test_an_unknown_check_is_named_before_a_bad_override(run: Callable[..., Any], overrides: tuple[str, str]) -> None:
    checks = ("--check", "first-order-identity", "--check", "first-order-identiy")
    done = run("verify", CLAIM, *checks, *overrides)
    assert done.status == 2
    named = "rnnconv: found check 'first-order-identiy' (did you mean first-order-identity?), wanted one of "
    assert done.err.startswith(named)
    assert done.err.endswith(" more: `rnnconv show CLAIM` lists them\n")


@pytest.mark.parametrize(
    ("check", "option", "value", "refused"),
    [
        ("hidden-norm-growth", "--replicates", "80", "--replicates: checks.0."),
        ("hidden-norm-upper", "--set", "problem.width=20000", "--set problem.width: checks.4."),
    ],
)
def test_overrides_are_laid_over_the_selected_checks_alone(
    run: Callable[..., Any], fake: Any, check: str, option: str, value: str, refused: str
) -> None:
    words = ("verify", "no-explosion-or-vanishing", option, value)
    everywhere = run(*words)
    assert (everywhere.status, fake.claims) == (2, [])
    assert refused in everywhere.err
    assert run(*words, "--check", check).status == 0
    (claim,), (options,) = fake.claims, fake.options
    plain = load(catalogue.find(claim.claim.id))
    changed = [new.check.id for new, old in zip(claim.checks, plain.checks, strict=True) if new != old]
    assert changed == [check]
    assert level(claim.claim) == level(plain.claim)
    assert [cost.check for cost in pipeline.preview([claim], options).checks] == [check]


def test_a_setting_that_breaks_the_rules_is_located(run: Callable[..., Any], fake: Any) -> None:
    done = run("verify", CLAIM, "--set", "problem.horizn=6")
    assert done.status == 2
    assert done.err.startswith("--set problem.horizn: ")
    assert fake.options == []


@pytest.mark.parametrize("status", [0, 3, 4, 5])
def test_the_reports_status_is_the_exit_status(run: Callable[..., Any], fake: Any, status: int) -> None:
    fake.report = replace(fake.report, exit_status=status)
    assert run("verify", CLAIM).status == status


def test_json_goes_to_stdout_alone(run: Callable[..., Any], fake: Any) -> None:
    done = run("verify", CLAIM, "--format", "json")
    assert json.loads(done.out)["schema"] == "rnnconv-result/1"
    assert done.err == ""


@pytest.mark.parametrize("form", ["json", "table"])
def test_a_store_that_cannot_be_used_is_said_on_stderr_and_costs_no_result(
    run: Callable[..., Any], tmp_path: Path, form: str
) -> None:
    store = tmp_path / "r.json"
    store.write_text("{}")
    words = ("verify", CLAIM, "--check", "first-order-identity", "--jobs", "1", "--replicates", "4", "--quiet")
    done = run(*words, "--store", str(store), "--format", form)
    said = f"the store {store} is no store of rnnconv"
    assert done.err == f"rnnconv: {said}: nothing is kept from here on; name another --store\n"
    assert done.status == 5
    if form == "json":
        assert json.loads(done.out)["exit_reasons"] == [f"{said}; name another --store"]
    else:
        shown = " ".join(done.out.split())
        assert "exit status 5: all was measured, but something could not be kept or written" in shown


@pytest.mark.parametrize("form", ["json", "table"])
def test_trials_that_changed_their_bits_are_said_once(run: Callable[..., Any], fake: Any, form: str) -> None:
    facts = (("trials_changed", 2), ("first_changed", "0123456789ab"))
    fake.report = replace(fake.report, environment=Environment(facts))
    done = run("verify", CLAIM, "--fresh", "--format", form)
    said = {"json": done.err, "table": done.out}[form]
    assert done.status == 0
    assert "2 trials that were measured again under the same conditions gave other bits" in " ".join(said.split())
    assert "measured again" not in {"json": done.out, "table": done.err}[form]


def test_results_go_to_files_and_to_stdout(run: Callable[..., Any], fake: Any, tmp_path: Path) -> None:
    results, table = tmp_path / "new/r.json", tmp_path / "r.txt"
    done = run("verify", CLAIM, "--output", str(results), "--output", f"table={table}")
    assert done.status == 0
    assert "exit status 0" in done.out
    assert json.loads(results.read_text())["exit_status"] == 0
    assert table.read_text() == done.out


@pytest.mark.parametrize("name", ["out.josn", "out.yaml"])
def test_nothing_is_run_where_a_suffix_says_no_format(
    run: Callable[..., Any], fake: Any, tmp_path: Path, name: str
) -> None:
    done = run("verify", CLAIM, "--output", str(tmp_path / name))
    assert (done.status, fake.options, list(tmp_path.iterdir())) == (2, [], [])
    assert "found the suffix" in done.err


def test_nothing_is_run_where_results_would_replace_the_store(
    run: Callable[..., Any], fake: Any, tmp_path: Path
) -> None:
    store = str(tmp_path / "kept.sqlite")
    done = run("verify", CLAIM, "--store", store, "--output", f"json={store}")
    assert (done.status, fake.options) == (2, [])
    assert store in done.err


def test_a_claim_file_is_not_replaced_by_its_result(run: Callable[..., Any], fake: Any, tmp_path: Path) -> None:
    claim = tmp_path / "mine.yaml"
    claim.write_bytes(catalogue.find(CLAIM).read_bytes())
    done = run("verify", str(claim), "--output", f"json={claim}")
    assert (done.status, fake.options) == (2, [])
    assert "which is read" in done.err
    assert claim.read_bytes() == catalogue.find(CLAIM).read_bytes()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--store", "a.sqlite", "--no-store"), "found --store and --no-store"),
        (("--dry-run", "--output", "a.json"), "found --dry-run with --output or --format"),
        (("--dry-run", "--format", "json"), "found --dry-run with --output or --format"),
    ],
)
def test_options_without_effect_are_refused(
    run: Callable[..., Any], fake: Any, words: tuple[str, ...], found: str
) -> None:
    done = run("verify", CLAIM, *words)
    assert (done.status, fake.options) == (2, [])
    assert found in done.err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--backend", "gpu", "found backend 'gpu', wanted one of compiled, reference"),
        ("--executor", "nope", "found executor 'nope', wanted one of "),
        ("--store", "", "found '', wanted a file name"),
    ],
)
@pytest.mark.parametrize("dry", [("--dry-run",), ()], ids=["dry", "run"])
def test_a_dry_run_refuses_the_values_that_a_run_refuses(
    run: Callable[..., Any], dry: tuple[str, ...], option: str, value: str, said: str
) -> None:
    done = run("verify", CLAIM, "--check", "first-order-identity", "--quiet", option, value, *dry)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("factory", ["concurrent.futures:ThreadPoolExecutor", "builtins:dict"])
def test_a_dry_run_starts_no_executor(run: Callable[..., Any], factory: str) -> None:
    done = run("verify", CLAIM, "--check", "first-order-identity", "--dry-run", "--executor", factory)
    assert (done.status, done.err) == (0, "")


def test_claims_without_a_check_that_is_named_are_said(run: Callable[..., Any], fake: Any) -> None:
    others = ("linear-convergence", "training-time")
    done = run("verify", CLAIM, *others, "--check", "first-order-identity")
    said = "rnnconv: --check names no check of linear-convergence, training-time, of which nothing is measured\n"
    assert (done.status, done.err) == (0, said)
    assert run("verify", CLAIM, *others).err == ""
    assert run("verify", "--all", "--check", "first-order-identity").err == ""


def test_nothing_is_run_where_a_file_cannot_be_written(run: Callable[..., Any], fake: Any, tmp_path: Path) -> None:
    done = run("verify", CLAIM, "--output", str(tmp_path))
    assert (done.status, fake.options) == (2, [])
    assert "nothing was run" in done.err


def test_results_are_shown_where_writing_them_fails(
    run: Callable[..., Any], fake: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(output, "write", lambda report, outputs: (OutputError("r.json", "No space left on device"),))
    done = run("verify", CLAIM, "--format", "json", "--output", str(tmp_path / "r.json"))
    assert done.status == 5
    message = "r.json: could not be written (No space left on device); try another --output"
    assert done.err == f"rnnconv: {message}\n"
    shown = json.loads(done.out)
    assert (shown["exit_status"], shown["exit_reasons"]) == (5, [message])
