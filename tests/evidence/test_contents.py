"""What a bundle holds, and which claim files are those that were run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.evidence.contents import contents_of, found_claims
from rnnconv_cli.records import Report
from rnnconv_cli.report.reading.stored_report import read_report
from rnnconv_cli.spec.loader import Overrides
from tests.evidence.conftest import CLAIM


@pytest.fixture
def report(measured: Path) -> Report:
    return read_report((measured / "result.json").read_text(), "result.json")


def test_a_bundle_holds_all_that_a_result_rests_on(measured: Path, report: Report) -> None:
    text, claim = (measured / "result.json").read_text(), (measured / "made-up.yaml").read_bytes()
    found = contents_of(text, report, {"made-up": claim}, Overrides())
    assert list(found) == ["README.txt", "environment.json", "report.txt", "claims/made-up.yaml", "result.json"]
    assert found["result.json"].decode() == text
    assert found["claims/made-up.yaml"] == claim
    facts = json.loads(found["environment.json"])
    assert facts["tool"] == {"name": "rnnconv", "version": report.tool_version}
    assert facts["environment"] == dict(report.environment.facts)
    assert "made-up" in found["report.txt"].decode()
    assert "rnnconv check-bundle BUNDLE.zip --rerun 3" in found["README.txt"].decode()


def test_the_file_is_found_by_its_digest_among_files_and_folders(measured: Path, report: Report) -> None:
    claim = measured / "made-up.yaml"
    for given in ([claim], [measured], [measured, claim]):
        assert found_claims(report, given, Overrides()) == {"made-up": claim.read_bytes()}


def test_comments_make_no_other_claim(measured: Path, report: Report, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# as it was run\n" + (measured / "made-up.yaml").read_text())
    assert found_claims(report, [tmp_path], Overrides())["made-up"].startswith(b"# as it was run\n")


def test_a_file_that_was_changed_since_is_refused(report: Report, tmp_path: Path) -> None:
    changed = {**CLAIM, "title": "Another"}
    path = tmp_path / "a.yaml"
    path.write_text(json.dumps(changed))
    with pytest.raises(UsageError) as caught:
        found_claims(report, [path], Overrides())
    said = str(caught.value)
    assert said.startswith(f"found no file of the claim 'made-up' with the digest {report.claims[0].digest[:12]} (")
    assert f"{path} has " in said
    assert "changed since, or run with other options" in said
    assert said.endswith("wanted the file as it was run; name it by --claims")


def test_a_claim_that_is_nowhere_is_named(report: Report) -> None:
    with pytest.raises(UsageError, match=r"found no file of the claim 'made-up' with the digest \w+, wanted the file"):
        found_claims(report, [], Overrides())


def test_other_overrides_are_another_claim(measured: Path, report: Report) -> None:
    with pytest.raises(UsageError, match="run with other options"):
        found_claims(report, [measured], Overrides(replicates=70))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "id: [", "is not valid"),
        ("a.txt", "x", "no claim file in the folder"),
    ],
)
def test_what_is_no_claim_file_is_said(report: Report, tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=said):
        found_claims(report, [tmp_path], Overrides())


def test_a_file_that_cannot_be_read_is_named(report: Report, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml', which cannot be read \(No such file or directory\)"):
        found_claims(report, [tmp_path / "none.yaml"], Overrides())


def test_a_strangers_version_acts_on_no_terminal(result: dict[str, Any]) -> None:
    result["tool"]["version"] = "1\x1b[2J"
    text = json.dumps(result)
    found = contents_of(text, read_report(text, "r.json"), {}, Overrides())
    assert b"\x1b" not in found["README.txt"] + found["environment.json"]
