"""The numbers of a result kept, compared and rewritten: what is shown, what is written, and the exit status."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.cli.main import main

CLAIM = {
    "schema": 1,
    "id": "made-up",
    "title": "Made up",
    "source": {"statement": "(0.0)"},
    "statement": "A statement.",
    "checks": [
        {
            "id": "norm",
            "statement": "A statement.",
            "source": {"statement": "(0.0)"},
            "quantity": "hidden-norm-upper",
            "problem": {"horizon": 3, "n_sequences": 1},
            "sweep": {
                "parameter": "width",
                "quick": {"grid": [8, 16, 32, 64, 128], "replicates": 8},
                "full": {"grid": [8, 16, 32, 64, 128], "replicates": 8},
            },
            "prediction": {"kind": "exponent", "exponent": 0.0, "tolerance": 0.2, "reason": "made up"},
            "control": {"description": "variance 8/m", "change": {"problem": {"weight_variance": 8.0}}},
        },
        {
            "id": "norm-event",
            "statement": "A statement.",
            "source": {"statement": "(0.0)"},
            "quantity": "hidden-norm-upper",
            "problem": {"width": 16, "horizon": 3, "n_sequences": 1},
            "sweep": {"quick": {"replicates": 42}, "full": {"replicates": 42}},
            "prediction": {"kind": "event", "bound": 9.0, "probability": 0.9, "reason": "made up"},
            "control": {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}},
        },
    ],
}
Carry = Callable[..., Any]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """Results of two seeds, as they were written."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "claim.yaml").write_text(json.dumps(CLAIM))
    found = {}
    for seed in (0, 1):
        file = folder / f"{seed}.json"
        words = ("verify", str(folder / "claim.yaml"), "--jobs", "1", "--no-store", "--quiet", "--seed", str(seed))
        assert main((*words, "--output", str(file))) in (0, 3)
        found[seed] = json.loads(file.read_text())
    return found


@pytest.fixture
def stored(results: dict[int, dict[str, Any]], tmp_path: Path) -> Callable[..., str]:
    """A result written to a file, after an edit of its first check."""

    def write(seed: int, *, edit: Callable[[dict[str, Any]], None] = lambda check: None, name: str = "r.json") -> str:
        result = copy.deepcopy(results[seed])
        edit(result["claims"][0]["checks"][0])
        (tmp_path / name).write_text(json.dumps(result))
        return str(tmp_path / name)

    return write


@pytest.fixture
def kept(run: Carry, stored: Carry, tmp_path: Path) -> str:
    """A baseline of seed 0."""
    path = str(tmp_path / "b.json")
    assert run("baseline", "write", path, stored(0)).status == 0
    return path


def moved(by: float) -> Callable[[dict[str, Any]], None]:
    """An edit that moves the exponent of a check, with its interval."""

    def edit(check: dict[str, Any]) -> None:
        for name in ("value", "low", "high"):
            check["estimate"][name] += by

    return edit


def refuted(check: dict[str, Any]) -> None:
    check["verdict"] = "outside"


def test_a_result_is_written_and_the_same_result_is_the_same(run: Carry, stored: Carry, tmp_path: Path) -> None:
    path = tmp_path / "new" / "b.json"
    done = run("baseline", "write", str(path), stored(0))
    assert (done.status, done.out) == (0, f"wrote {path}: 4 numbers of 2 checks\n")
    document = json.loads(path.read_text())
    assert (document["profile"], document["seed"], document["backend"]) == ("quick", 0, "compiled")
    assert {"sources.kernels", "numpy", "cpu", "sources_sha256"} <= document["conditions"].keys()
    again = run("baseline", "compare", str(path), stored(0))
    assert again.status == 0
    assert "4 numbers of the same trials, with the same backend, sources, versions" in " ".join(again.out.split())
    assert "4 numbers: 0 changed, 4 the same; exit status 0" in again.out


def test_nothing_is_overwritten(run: Carry, stored: Carry, kept: str) -> None:
    before = Path(kept).read_bytes()
    done = run("baseline", "write", kept, stored(1))
    assert done.status == 2
    assert f"found '{kept}', which exists, wanted a new file; nothing was overwritten; `rnnconv base" in done.err
    assert Path(kept).read_bytes() == before


def test_one_bit_of_the_same_seed_is_a_change(run: Carry, stored: Carry, kept: str) -> None:
    done = run("baseline", "compare", kept, stored(0, edit=moved(1e-12)))
    assert done.status == 3
    assert "made-up/norm: exponent" in done.out
    assert "1 changed, 3 the same; exit status 3" in done.out


def test_under_other_conditions_round_off_is_none(run: Carry, stored: Carry, kept: str, tmp_path: Path) -> None:
    document = json.loads(Path(kept).read_text())
    document["conditions"]["cpu"] = "elsewhere"
    Path(kept).write_text(json.dumps(document))
    close = run("baseline", "compare", kept, stored(0, edit=moved(1e-12)))
    far = run("baseline", "compare", kept, stored(0, edit=moved(1e-5)))
    assert (close.status, far.status) == (0, 3)
    assert "under other conditions (cpu elsewhere → " in " ".join(close.out.split())


def test_sources_that_nobody_has_recorded_may_be_others(
    run: Carry, results: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    result = copy.deepcopy(results[0])
    result["environment"] = {name: x for name, x in result["environment"].items() if not name.startswith("sources")}
    (tmp_path / "r.json").write_text(json.dumps(result))
    words = (str(tmp_path / "b.json"), str(tmp_path / "r.json"))
    assert run("baseline", "write", *words).status == 0
    done = run("baseline", "compare", *words)
    assert "under other conditions (sources not recorded)" in " ".join(done.out.split())


def test_another_seed_is_tested(run: Carry, stored: Carry, kept: str) -> None:
    done = run("baseline", "compare", kept, stored(1))
    assert done.status == 0
    assert "4 numbers of other trials (another seed, grid or number of draws)" in " ".join(done.out.split())
    far = run("baseline", "compare", kept, stored(1, edit=moved(5.0)))
    assert far.status == 3
    assert "half-widths; p = " in " ".join(far.out.split())


def test_a_verdict_that_turned(run: Carry, stored: Carry, kept: str) -> None:
    document = json.loads(Path(kept).read_text())
    document["checks"]["made-up/norm"]["verdict"] = "within"
    Path(kept).write_text(json.dumps(document))
    done = run("baseline", "compare", kept, stored(0, edit=refuted))
    assert done.status == 3
    assert ": the opposite" in done.out
    assert "0 changed, 4 the same; 1 verdict moved" in done.out


def test_what_is_missing_matters_where_it_is_asked_for(run: Carry, stored: Carry, kept: str) -> None:
    def renamed(check: dict[str, Any]) -> None:
        check["id"] = "another"

    path = stored(0, edit=renamed)
    assert run("baseline", "compare", kept, path).status == 0
    strict = run("baseline", "compare", kept, path, "--strict")
    assert strict.status == 4
    assert "made-up/norm\n          not in the result\nmade-up/another\n          not in the baseline" in strict.out


def test_several_baselines_are_searched_for_drifts(run: Carry, stored: Carry, kept: str, tmp_path: Path) -> None:
    other = str(tmp_path / "c.json")
    assert run("baseline", "write", other, stored(1)).status == 0
    done = run("baseline", "compare", other, kept, stored(0))
    assert done.status == 0
    assert "2 baselines, oldest first, and the result" in done.out
    many = run("baseline", "compare", *[kept] * 51, stored(0))
    assert many.status == 2
    assert "found 51 baselines, wanted at most 50" in many.err


def test_a_baseline_is_rewritten_with_a_reason(run: Carry, stored: Carry, kept: str) -> None:
    document = json.loads(Path(kept).read_text())
    document["noise"], document["checks"]["made-up/norm"]["threshold"] = 1e-9, 0.5
    Path(kept).write_text(json.dumps(document))
    digest = hashlib.sha256(Path(kept).read_bytes()).hexdigest()
    done = run("baseline", "update", kept, stored(0, edit=moved(0.1)), "--reason", "sums in another order")
    assert done.status == 0
    assert "made-up/norm: exponent" in done.out
    assert done.out.endswith(f"rewrote {kept}: 4 numbers of 2 checks\n")
    after = json.loads(Path(kept).read_text())
    assert [(each["reason"], each["digest"]) for each in after["history"]] == [("sums in another order", digest)]
    assert (after["noise"], after["checks"]["made-up/norm"]["threshold"]) == (1e-9, 0.5)
    assert run("baseline", "compare", kept, stored(0, edit=moved(0.1))).status == 0


def subset(path: str, document: dict[str, Any]) -> str:
    """A result of the first check alone."""
    found = copy.deepcopy(document)
    del found["claims"][0]["checks"][1]
    Path(path).write_text(json.dumps(found))
    return path


def test_checks_that_a_result_lacks_stay_as_they_are(
    run: Carry, results: dict[int, dict[str, Any]], kept: str, tmp_path: Path
) -> None:
    before = json.loads(Path(kept).read_text())
    before["checks"]["made-up/norm-event"]["noise"] = 0.25
    Path(kept).write_text(json.dumps(before))
    path = subset(str(tmp_path / "s.json"), results[0])
    done = run("baseline", "update", kept, path, "--reason", "one check again")
    assert done.status == 0
    assert "kept as they were: made-up/norm-event\n" in done.out
    assert done.out.endswith(f"rewrote {kept}: 4 numbers of 2 checks\n")
    after = json.loads(Path(kept).read_text())
    assert after["checks"] == before["checks"]
    assert after["conditions"] == before["conditions"]


def test_numbers_of_two_processors_are_not_kept_together(
    run: Carry, results: dict[int, dict[str, Any]], kept: str, tmp_path: Path
) -> None:
    """Which of them must be the same to the last bit, nobody could say."""
    before = json.loads(Path(kept).read_text())
    before["conditions"]["cpu"] = "elsewhere"
    Path(kept).write_text(json.dumps(before))
    done = run("baseline", "update", kept, subset(str(tmp_path / "s.json"), results[0]), "--reason", "x")
    assert done.status == 2
    assert "found a result under other conditions (cpu) without made-up/norm-event, wanted all checks of" in done.err
    assert json.loads(Path(kept).read_text()) == before


def test_a_check_that_is_named_by_a_stranger_acts_on_no_terminal(
    run: Carry, results: dict[int, dict[str, Any]], kept: str, tmp_path: Path
) -> None:
    text = Path(kept).read_text().replace("made-up/norm-event", "evil\\u001b[2J/check")
    Path(kept).write_text(text)
    done = run("baseline", "update", kept, subset(str(tmp_path / "s.json"), results[0]), "--reason", "x")
    assert "kept as they were: evil\\x1b[2J/check\n" in done.out
    assert "\x1b" not in done.out + done.err


def test_checks_of_two_seeds_are_not_kept_together(
    run: Carry, results: dict[int, dict[str, Any]], kept: str, tmp_path: Path
) -> None:
    before = Path(kept).read_bytes()
    done = run("baseline", "update", kept, subset(str(tmp_path / "s.json"), results[1]), "--reason", "x")
    assert done.status == 2
    assert "found a result at seed 1 of the quick profile without made-up/norm-event, wanted all checks of" in done.err
    assert Path(kept).read_bytes() == before


def test_a_gate_that_compares_nothing_is_not_green(run: Carry, stored: Carry, kept: str) -> None:
    document = json.loads(Path(kept).read_text())
    document["checks"] = {f"another/{place}": check for place, check in enumerate(document["checks"].values())}
    Path(kept).write_text(json.dumps(document))
    done = run("baseline", "compare", kept, stored(0))
    assert done.status == 4
    assert "nothing was compared" in done.out


@pytest.mark.parametrize("reason", [(), ("--reason", " ")])
def test_without_a_reason_nothing_is_rewritten(run: Carry, stored: Carry, kept: str, reason: tuple[str, ...]) -> None:
    before = Path(kept).read_bytes()
    done = run("baseline", "update", kept, stored(1), *reason)
    assert (done.status, done.out) == (2, "")
    assert "found no reason, wanted one in --reason; nothing was rewritten" in done.err
    assert Path(kept).read_bytes() == before


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "status"), [("a faster kernel\n", 0), ("\n", 2), ("", 2)])
def test_a_reason_is_asked_for_on_a_terminal(
    run: Carry, stored: Carry, kept: str, monkeypatch: pytest.MonkeyPatch, typed: str, status: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    done = run("baseline", "update", kept, stored(0))
    assert done.status == status
    assert "Why may these numbers change?" in done.err
    history = json.loads(Path(kept).read_text())["history"]
    assert [each["reason"] for each in history] == (["a faster kernel"] if status == 0 else [])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file or directory), wanted a baseline; write one by `rnnconv baseline write"),
        ("{", "found no strict JSON in"),
        ('{"schema": "rnnconv-result/1"}', "found a result (rnnconv-result/1) in "),
        (" " * (2**24 + 1), "found more than 16,777,216 bytes in"),
    ],
)
def test_what_is_no_baseline_is_refused(
    run: Carry, stored: Carry, tmp_path: Path, content: str | None, says: str
) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content)
    done = run("baseline", "compare", str(path), stored(0))
    assert done.status == 2
    assert says in done.err


def test_a_baseline_is_no_result(run: Carry, kept: str) -> None:
    done = run("baseline", "compare", kept, kept)
    assert done.status == 2
    found = f"rnnconv: found a baseline (rnnconv-baseline/1) in {kept}, wanted a result (rnnconv-result/1); "
    assert done.err.startswith(found)


def test_a_file_that_cannot_be_written_is_said(run: Carry, stored: Carry, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("baseline", "write", str(tmp_path / "file" / "b.json"), stored(0))
    assert done.status == 5
    assert "could not be written (" in done.err
    assert "; try another file" in done.err
