"""The plugin inside sessions of pytest: nothing changes for whoever does not ask; verdicts are those of verify."""

from __future__ import annotations

import fcntl
import inspect
import json
import os
import select
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli import pipeline, pytest_plugin
from rnnconv_cli.cli.options import STORE_FILE
from rnnconv_cli.cli.verify import verify
from rnnconv_cli.errors import SelfCheckError
from rnnconv_cli.kernels import backend
from rnnconv_cli.records import CheckResult, Finding, Report, Status, Verdict
from rnnconv_cli.report import junit
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import load
from rnnconv_cli.sweep import worker
from rnnconv_cli.sweep.calibrate import calibrate
from rnnconv_cli.sweep.progress import Silent
from rnnconv_cli.sweep.store import Store
from rnnconv_cli.sweep.trial import Group, Results, without_value

pytest_plugins = ("pytester",)

HEAVY = {"click", "llvmlite", "numba", "numpy", "pydantic", "rich", "scipy", "yaml"}
HANG = 120.0  # seconds; only a hang takes as long
SOURCE = {"statement": "(0.0)"}
ABOUT = {"schema": 1, "id": "made-up", "title": "Made up", "source": SOURCE, "statement": "A statement."}
HOLDS: Mapping[str, Any] = {
    "id": "holds",
    "statement": "A statement.",
    "source": SOURCE,
    "quantity": "hidden-norm-upper",
    "problem": {"width": 16, "horizon": 3, "n_sequences": 1},
    "sweep": {"quick": {"replicates": 60}, "full": {"replicates": 70}},
    "prediction": {"kind": "event", "bound": 4.0, "probability": 0.8, "reason": "made up"},
    "control": {"description": "variance 64/m", "change": {"problem": {"weight_variance": 64.0}}},
}
WIDER = {"description": "twice as wide", "change": {"problem": {"width": 32}}, "expected": "within"}
SURPRISES = {**HOLDS, "id": "surprises", "expected": "outside", "control": WIDER}
OPEN = {
    **HOLDS,
    "id": "undecided",
    "control": {"description": "nearly the same", "change": {"problem": {"weight_variance": 1.9}}},
}
ENDLESS: Mapping[str, Any] = {  # hours of work in trials of minutes
    **HOLDS,
    "quantity": "movement",
    "problem": {"width": 512, "horizon": 6, "n_sequences": 2},
    "training": {"learning_rate": 1e-9, "max_steps": 1_000_000, "accuracy": 1e-12},
}
PLAIN_TESTS = """
import sys

def test_passes():
    assert True

def test_sees_what_was_imported():
    assert "rnnconv_cli.pytest_plugin" in sys.modules
    assert {*sys.modules} & {*%r} == set()
"""

Session = Callable[..., pytest.RunResult]


def write(folder: Path, *checks: Mapping[str, Any], name: str = "made-up.claim.yaml", **about: Any) -> Path:
    """A claim file, a key on each line."""
    path = folder / name
    path.write_text(json.dumps({**ABOUT, **about, "checks": checks}, indent=1), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a session imports is forgotten after it, and NumPy cannot be imported twice: so it is imported before."""
    calibrate()
    report = verified(write(tmp_path_factory.mktemp("first"), HOLDS))
    assert junit.render(report)


@pytest.fixture
def session(pytester: pytest.Pytester) -> Session:
    """Run pytest in this process, where every warning is an error."""

    def run(*options: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-W", "error", "--rnnconv-jobs", "1", "-p", "no:cacheprovider", *options)

    return run


def run_apart(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a process of its own."""
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10 * HANG, check=False)


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a session has shown, but for its time and the names of plugins."""
    return [line.split(" in ")[0] for line in done.stdout.splitlines() if not line.startswith("plugins: ")]


def verified(path: Path, *checks: str, profile: str = "quick", seed: int = 0) -> Report:
    options = pipeline.Options(profile, seed, 1, "compiled", checks, False, ())
    return pipeline.verify([load(path)], options, Silent())


# --- whoever does not ask ---------------------------------------------------------------------------------------------


def test_an_ordinary_session_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PLAIN_TESTS % sorted(HEAVY))
    done = run_apart(pytester.path, "-p", "no:hypothesispytest", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout


def test_an_ordinary_session_is_the_same_without_the_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_passes(): pass\n\ndef test_fails(): assert 1 == 2\n")
    pytester.maketxtfile(notes="a file", claim="no claim")
    (pytester.path / "claim.yaml").write_text("schema: 1\n", encoding="utf-8")
    for options in (["--collect-only", "-q"], ["-v", "-rA"]):
        with_it, without = (run_apart(pytester.path, *options, *more) for more in ([], ["-p", "no:rnnconv"]))
        assert with_it.returncode == without.returncode
        assert said(with_it) == said(without)


def test_without_the_plugin_a_claim_file_is_a_file(pytester: pytest.Pytester) -> None:
    write(pytester.path, HOLDS)
    assert run_apart(pytester.path, "-p", "no:rnnconv").returncode == pytest.ExitCode.NO_TESTS_COLLECTED


# --- what is collected ------------------------------------------------------------------------------------------------


def test_checks_of_a_claim_file_are_items(pytester: pytest.Pytester, session: Session) -> None:
    pytester.makepyfile("def test_passes(): pass\n")
    (pytester.path / "below").mkdir()
    write(pytester.path / "below", HOLDS, OPEN)
    result = session("--collect-only", "-q")
    assert result.outlines[:3] == [
        "below/made-up.claim.yaml::made-up::holds",
        "below/made-up.claim.yaml::made-up::undecided",
        f"{Path(inspect.stack()[0].function).name}.py::test_passes",
    ]


def test_one_check_is_chosen_by_its_name(pytester: pytest.Pytester, session: Session) -> None:
    write(pytester.path, HOLDS, SURPRISES)
    for chosen in (
        ["made-up.claim.yaml::made-up::holds"],
        ["made-up.claim.yaml", "-k", "holds"],
        ["--deselect", "made-up.claim.yaml::made-up::surprises"],
        ["-k", "made-up and not surprises"],
    ):
        result = session("--collect-only", "-q", *chosen)
        assert [line for line in result.outlines if "::" in line] == ["made-up.claim.yaml::made-up::holds"]


def test_a_claim_of_the_catalogue_needs_no_file(session: Session) -> None:
    names = [check.check.id for check in load(catalogue.find("gaussian-tools")).checks]
    result = session("--collect-only", "-q", "--rnnconv", "gaussian-tools")
    assert [line for line in result.outlines if "::" in line] == [f"gaussian-tools::{name}" for name in names]


def test_every_claim_of_the_catalogue_can_be_asked_for(session: Session) -> None:
    expected = [f"{path.stem}::{check.check.id}" for path in catalogue.shipped() for check in load(path).checks]
    result = session("--collect-only", "-q", "--rnnconv", "all", "--rnnconv", "gaussian-tools")
    assert sorted(line for line in result.outlines if "::" in line) == sorted(expected)


def test_a_file_that_is_asked_for_may_have_any_name(pytester: pytest.Pytester, session: Session) -> None:
    write(pytester.path, HOLDS, name="any.yaml")
    result = session("--collect-only", "-q", "--rnnconv", "any.yaml")
    assert [line for line in result.outlines if "::" in line] == ["any.yaml::made-up::holds"]


def test_a_claim_that_is_met_twice_is_collected_once(pytester: pytest.Pytester, session: Session) -> None:
    path = write(pytester.path, HOLDS)
    asked = ["--rnnconv", path.name, "--rnnconv", str(path)]
    result = session("--collect-only", "-q", *asked)
    assert [line for line in result.outlines if "::" in line] == ["made-up.claim.yaml::made-up::holds"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rnnconv", "gausian-tools"], "found claim 'gausian-tools' (did you mean gaussian-tools?), wanted one of *"),
        (["--rnnconv-profile", "huge"], "*--rnnconv-profile: invalid choice: 'huge'*"),
        (["--rnnconv-seed", "-1"], "*--rnnconv-seed: found '-1', wanted a whole number from 0 to 9223372036854775807"),
        (["--rnnconv-jobs", "0"], "*--rnnconv-jobs: found '0', wanted a whole number from 1 to 1024"),
        (["--rnnconv-jobs", "²"], "*--rnnconv-jobs: found '²', wanted a whole number from 1 to 1024"),
        (["--rnnconv-budget", "ten"], "*--rnnconv-budget: found 'ten', wanted a duration such as 90s, 10m or 1h30m"),
    ],
)
def test_what_no_option_can_mean_is_refused(options: list[str], message: str, session: Session) -> None:
    result = session(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}"])


def test_a_broken_claim_file_is_a_collection_error(pytester: pytest.Pytester, session: Session) -> None:
    unknown = write(pytester.path, {**HOLDS, "quantity": "hidden-nrm"}, name="unknown.claim.yaml")
    (pytester.path / "broken.claim.yaml").write_text("schema: 1\nid: Broken\nchecks: []\n", encoding="utf-8")
    (pytester.path / "bytes.claim.yaml").write_bytes(b"\xff")
    result = session("--rnnconv", "nowhere.yaml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=4)
    line = next(n for n, text in enumerate(unknown.read_text("utf-8").splitlines(), 1) if "hidden-nrm" in text)
    result.stdout.fnmatch_lines_random(
        [
            f"unknown.claim.yaml:{line}:*: checks.0.quantity: found quantity 'hidden-nrm' (did you mean *?), wanted *",
            "broken.claim.yaml:1:1: title: found nothing, wanted *",
            'broken.claim.yaml:2:5: id: found "Broken", wanted *',
            "broken.claim.yaml:3:9: checks: found an empty list, wanted *",
            "bytes.claim.yaml:1:1: *not UTF-8*",
            "found no file 'nowhere.yaml', wanted a claim file; `rnnconv list` names the claims",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


# --- what is measured -------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, pipeline.Options]]:
    """The runs of a session, as they were asked for."""
    runs: list[tuple[str, pipeline.Options]] = []

    def recorded(claims: Sequence[Any], options: pipeline.Options, progress: Any) -> Report:
        runs.extend((claim.claim.id, options) for claim in claims)
        return measure(claims, options, progress)

    measure = pipeline.verify
    monkeypatch.setattr(pipeline, "verify", recorded)
    return runs


def test_a_claim_is_measured_in_one_run_and_only_what_is_selected(
    pytester: pytest.Pytester, session: Session, asked: list[tuple[str, pipeline.Options]]
) -> None:
    write(pytester.path, HOLDS, {**HOLDS, "id": "holds-too"}, OPEN)
    write(pytester.path, HOLDS, name="other.claim.yaml", id="other")
    session("-k", "holds").assert_outcomes(passed=3, deselected=1)
    assert [(claim, options.checks) for claim, options in asked] == [
        ("made-up", ("holds", "holds-too")),
        ("other", ("holds",)),
    ]


def test_nothing_is_measured_that_no_item_asks_for(
    pytester: pytest.Pytester, session: Session, asked: list[tuple[str, pipeline.Options]]
) -> None:
    write(pytester.path, SURPRISES, name="a.claim.yaml")
    write(pytester.path, HOLDS, name="b.claim.yaml", id="other")
    session("--collect-only")
    assert asked == []
    session("-x").assert_outcomes(failed=1)
    assert [claim for claim, _ in asked] == ["made-up"]


def test_options_are_those_of_a_run(
    pytester: pytest.Pytester, session: Session, asked: list[tuple[str, pipeline.Options]]
) -> None:
    write(pytester.path, HOLDS)
    session("--rnnconv-profile", "full", "--rnnconv-seed", "7", "--rnnconv-store", "kept.sqlite", "--rnnconv-strict")
    session("--rnnconv-budget", "1h30m")
    first, second = (options for _, options in asked)
    assert (first.profile, first.seed, first.jobs, first.strict, first.backend) == ("full", 7, 1, True, "compiled")
    assert (first.store, first.budget, first.speeds, first.fresh) == (Path("kept.sqlite"), None, None, False)
    assert (pytester.path / "kept.sqlite").is_file()
    assert second.store == Path(os.environ["RNNCONV_STORE"])
    assert second.budget == 5400.0
    assert second.speeds is not None


def test_defaults_are_those_of_verify() -> None:
    parameters = {each.name: each for each in verify.params}
    assert parameters["store"].default == pytest_plugin.STORE
    assert parameters["store"].envvar == pytest_plugin.STORE_VARIABLE
    assert (parameters["profile"].default, parameters["seed"].default) == ("quick", 0)
    assert parameters["backend"].default == pytest_plugin.BACKEND
    assert callable(STORE_FILE)


# --- what comes of it -------------------------------------------------------------------------------------------------


def cases(path: Path) -> dict[str, tuple[dict[str, str], list[str]]]:
    """Of a JUnit file: for each test case its properties, and what it has besides."""
    found = {}
    for case in ET.parse(path).iter("testcase"):
        values = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
        found[case.attrib["name"]] = (values, [each.tag for each in case if each.tag != "properties"])
    return found


@pytest.mark.parametrize("selected", [[], ["-k", "holds"]], ids=["all", "one"])
@pytest.mark.parametrize(("profile", "seed"), [("quick", 0), ("full", 5)])
def test_verdicts_and_intervals_are_those_of_verify(
    profile: str, seed: int, selected: list[str], pytester: pytest.Pytester, session: Session
) -> None:
    path = write(pytester.path, HOLDS, SURPRISES, OPEN)
    (claim,) = verified(path, profile=profile, seed=seed).claims
    session("--rnnconv-profile", profile, "--rnnconv-seed", str(seed), "--junitxml", "report.xml", *selected)
    found = cases(pytester.path / "report.xml")
    expected = {check.id: check for check in claim.checks if not selected or check.id == "holds"}
    assert found.keys() == expected.keys()
    for name, check in expected.items():
        estimate = check.finding.estimate
        assert estimate is not None
        values, _ = found[name]
        numbers = {key: float(values[key]) for key in ("probability", "low", "high", "level", "predicted", "slack")}
        assert numbers == {
            "probability": estimate.value,
            "low": getattr(estimate, "low", None),
            "high": getattr(estimate, "high", None),
            "level": 1 - 0.05 / 3,
            "predicted": 0.8,
            "slack": check.finding.slack,
        }
        words = {key: values[key] for key in ("verdict", "expected", "quantity", "control", "profile", "seed")}
        assert words == {
            "verdict": check.verdict,
            "expected": check.expected,
            "quantity": "hidden-norm-upper",
            "control": check.control.finding.verdict,
            "profile": profile,
            "seed": str(seed),
        }


def test_outcomes_are_those_of_the_verdicts(pytester: pytest.Pytester, session: Session) -> None:
    path = write(pytester.path, HOLDS, SURPRISES, OPEN)
    places = {
        name: next(n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if f'"{name}"' in line) - 1
        for name in ("surprises", "undecided")
    }
    result = session("-rs", "--junitxml", "report.xml")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            f"made-up.claim.yaml:{places['surprises']}: within, expected outside",
            "    because 60 of 60 draws are <= 4*",
            "    predicted P ≥ 0.8, measured 1.000 *",
            "    control within, expected within: twice as wide",
            "    source arXiv:1810.12065v4, (0.0) (theorem): A statement.",
            f"SKIPPED * made-up.claim.yaml:{places['undecided']}: inconclusive: no power: *; to settle it: *",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
    tags = {name: rest for name, (_, rest) in cases(pytester.path / "report.xml").items()}
    assert tags == {"holds": [], "surprises": ["failure"], "undecided": ["skipped"]}


def test_strict_lets_an_inconclusive_check_fail(pytester: pytest.Pytester, session: Session) -> None:
    write(pytester.path, HOLDS, OPEN)
    result = session("--rnnconv-strict")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["made-up.claim.yaml:*: inconclusive, and --rnnconv-strict was given", "*no power*"])


def test_what_passes_shows_its_figures_on_request(pytester: pytest.Pytester, session: Session) -> None:
    write(pytester.path, HOLDS)
    session("-rP").stdout.fnmatch_lines(["made-up.claim.yaml:*: within", "    because 60 of 60 draws *"])


def doctored(change: Callable[[CheckResult], CheckResult]) -> Callable[..., Report]:
    measure = pipeline.verify

    def verify(*arguments: Any) -> Report:
        report = measure(*arguments)
        claims = tuple(replace(claim, checks=tuple(map(change, claim.checks))) for claim in report.claims)
        return replace(report, claims=claims)

    return verify


def test_a_measurement_without_a_verdict_passes(
    pytester: pytest.Pytester, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(pytester.path, HOLDS)
    found = doctored(lambda check: replace(check, verdict=Verdict.MEASURED, as_expected=None))
    monkeypatch.setattr(pipeline, "verify", found)
    session("--junitxml", "report.xml").assert_outcomes(passed=1)
    assert cases(pytester.path / "report.xml")["holds"][0]["verdict"] == "measured"


def test_nothing_in_a_failure_acts_on_the_terminal(
    pytester: pytest.Pytester, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(pytester.path, SURPRISES, OPEN)

    def hostile(check: CheckResult) -> CheckResult:
        finding = Finding(check.verdict, "\x1b[2J", check.finding.estimate, None, "\x1b]0;title\x07")
        return replace(check, because="so\x1b[31mred\nline", statement="\u202ereversed", finding=finding)

    monkeypatch.setattr(pipeline, "verify", doctored(hostile))
    result = session("-rs")
    text = result.stdout.str()
    assert [char for char in ("\x1b", "\x07", "\u202e") if char in text] == []
    assert r"so\x1b[31mred line" in text
    assert r"\u202ereversed" in text


def test_what_cannot_be_measured_is_an_error(
    pytester: pytest.Pytester, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(group: Group, backend_name: str) -> Results:
        return tuple(without_value(trial, Status.FAILED, "no such luck") for trial in group)

    write(pytester.path, HOLDS, SURPRISES)
    monkeypatch.setattr(worker, "run_group", fail)
    result = session("--junitxml", "report.xml")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["made-up.claim.yaml:*: could not be measured", "    because could not measure 120 of 120 *: no such luck"]
    )
    assert [rest for _, rest in cases(pytester.path / "report.xml").values()] == [["error"], ["error"]]


def test_a_run_that_cannot_be_is_an_error_of_each_check_and_tried_once(
    pytester: pytest.Pytester, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def refused(*arguments: Any) -> None:
        tried.append(arguments)
        raise SelfCheckError("compiled", "the reference gradient", 1.0, 1e-9)

    write(pytester.path, HOLDS, SURPRISES)
    monkeypatch.setattr(pipeline, "self_check", refused)
    result = session()
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["made-up.claim.yaml:*: self-check of backend 'compiled' *nothing was measured*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert len(tried) == 1


def test_a_store_that_cannot_be_used_is_an_error_beside_the_verdicts(
    pytester: pytest.Pytester, session: Session
) -> None:
    write(pytester.path, HOLDS, {**HOLDS, "id": "holds-too"})
    (pytester.path / "kept.sqlite").write_text("no database at all, but long enough to look like one" * 9, "utf-8")
    result = session("--rnnconv-store", "kept.sqlite")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of made-up::holds*", "the store kept.sqlite *"])


def test_a_second_session_finds_what_the_first_has_measured(
    pytester: pytest.Pytester, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(pytester.path, HOLDS)
    session().assert_outcomes(passed=1)
    monkeypatch.setattr(worker, "run_group", None)
    session().assert_outcomes(passed=1)


# --- several processes, and signals -----------------------------------------------------------------------------------


def test_kernels_are_compiled_by_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []

    def compiling(kernels: object, dtype: str) -> None:
        with next(folder.iterdir()).open("a") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held.append(dtype)

    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr("rnnconv_cli.kernels.CACHE_FOLDER", folder)
    monkeypatch.setattr(backend, "warm_up", compiling)
    single = {**HOLDS, "id": "single", "problem": {**HOLDS["problem"], "dtype": "float32"}}
    pytest_plugin.compile_once(load(write(tmp_path, HOLDS, single)))
    assert held == ["float32", "float64"]
    with next(folder.iterdir()).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_budget_is_refused_where_checks_of_a_claim_are_apart(pytester: pytest.Pytester) -> None:
    done = run_apart(pytester.path, "-n", "2", "--rnnconv", "gaussian-tools", "--rnnconv-budget", "10m")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "found --rnnconv-budget with the checks of a claim on several workers" in done.stderr
    assert "try --dist loadgroup" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("distribution", ["load", "loadgroup"])
def test_workers_share_the_items_and_the_store(distribution: str, pytester: pytest.Pytester) -> None:
    path = write(pytester.path, HOLDS, SURPRISES, OPEN)
    (claim,) = verified(path).claims
    spread = ["-n", "2", "--dist", distribution, "--rnnconv-store", "kept.sqlite", "--junitxml", "report.xml"]
    done = run_apart(pytester.path, *spread)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    found = {name.split("@")[0]: values for name, (values, _) in cases(pytester.path / "report.xml").items()}
    for check in claim.checks:
        values = found[check.id]
        low, high = (getattr(check.finding.estimate, name) for name in ("low", "high"))
        assert (values["verdict"], float(values["low"]), float(values["high"])) == (check.verdict, low, high)
    with closing(Store(pytester.path / "kept.sqlite")) as store:
        assert sum(shelf.trials for shelf in store.shelves()) == 240  # main and three controls, each trial once


@pytest.fixture
def endless(pytester: pytest.Pytester) -> Iterator[subprocess.Popen[str]]:
    """A session that measures, in a process group of its own, and has workers."""
    write(pytester.path, ENDLESS)
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "--rnnconv-jobs", "2"]
    process = subprocess.Popen(
        command, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=HANG)


def _children(parent: int) -> list[int]:
    try:
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _workers(process: subprocess.Popen[str]) -> list[int]:
    """Wait until the session has both its workers."""
    for _ in range(int(HANG / 0.05)):
        found = [worker for server in _children(process.pid) for worker in _children(server)]
        if len(found) == 2:
            return found
        try:
            process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"no workers; exit status {process.returncode}")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_ctrl_c_ends_the_session_and_its_workers(endless: subprocess.Popen[str]) -> None:
    handles = [os.pidfd_open(each) for each in _workers(endless)]
    os.killpg(endless.pid, signal.SIGINT)
    out, _ = endless.communicate(timeout=HANG)
    assert endless.returncode == pytest.ExitCode.INTERRUPTED, out
    assert "KeyboardInterrupt" in out
    assert "INTERNALERROR" not in out
    for handle in handles:
        assert select.select([handle], [], [], HANG)[0]
        os.close(handle)
