"""Bundles: of made-up members, and of small results that were measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.cli.main import main
from rnnconv_cli.evidence import contents
from rnnconv_cli.evidence.archive import archive_of
from rnnconv_cli.evidence.contents import contents_of
from rnnconv_cli.evidence.manifest import ENVIRONMENT, README, RESULT, TABLE
from rnnconv_cli.report.reading.stored_report import read_report
from rnnconv_cli.spec.loader import Overrides

VARIANCE = {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}}
APART = {"id": "apart", "description": "a W for each layer", "change": {"problem": {"layers": "independent"}}}
COMMON = {"statement": "A statement.", "source": {"statement": "(0.0)"}, "control": VARIANCE}
CLAIM: dict[str, Any] = {
    "schema": 1,
    "id": "made-up",
    "title": "Made up",
    "source": {"statement": "(0.0)"},
    "statement": "A statement.",
    "checks": [
        {
            **COMMON,
            "id": "decay",
            "quantity": "steps-to-decades",
            "problem": {"width": 32, "horizon": 3, "n_sequences": 2},
            "training": {"learning_rate": {"over_lambda_max": 1.0}, "max_steps": 60},
            "sweep": {
                "parameter": "decades",
                "quick": {"grid": [1, 2, 3, 4, 5], "replicates": 5},
                "full": {"grid": [1, 2, 3, 4, 5], "replicates": 5},
            },
            "prediction": {"kind": "decay", "tail": 3, "tolerance": 0.5, "reason": "made up"},
        },
        {
            **COMMON,
            "id": "norm",
            "quantity": "hidden-norm-upper",
            "problem": {"width": 16, "horizon": 3, "n_sequences": 1},
            "sweep": {"quick": {"replicates": 60}, "full": {"replicates": 60}},
            "prediction": {"kind": "event", "bound": 9.0, "probability": 0.9, "reason": "made up"},
        },
        {
            **COMMON,
            "id": "width",
            "quantity": "hidden-norm-off-band",
            "problem": {"n_sequences": 1, "later_tokens": "zero"},
            "sweep": {
                "parameter": "horizon",
                "quick": {"grid": [2, 3], "replicates": 120, "search": {"least": 8, "most": 256, "precision": 0.3}},
                "full": {"grid": [2, 3], "replicates": 120, "search": {"least": 8, "most": 256, "precision": 0.3}},
            },
            "prediction": {"kind": "frontier", "bound": 1.0, "probability": 0.75, "reason": "made up"},
            "beside": [
                {"id": "apart", "description": "a W for each layer", "change": {"problem": {"layers": "independent"}}}
            ],
        },
        {
            **COMMON,
            "id": "growing-norm",
            "quantity": "hidden-norm-upper",
            "problem": {"horizon": 3, "n_sequences": 1},
            "sweep": {
                "parameter": "width",
                "quick": {"grid": [8, 16, 32, 64, 128, 256], "replicates": 8},
                "full": {"grid": [8, 16, 32, 64, 128, 256], "replicates": 8},
            },
            "prediction": {"kind": "exponent", "side": "upper", "exponent": 0.5, "tolerance": 0.1, "reason": "made up"},
            "control": {"description": "a bound that falls", "change": {"prediction": {"exponent": -1.0}}},
        },
    ],
}
Rebundled = Callable[..., Path]


@pytest.fixture(autouse=True)
def _without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages take long to draw: the tests that are about them ask for them."""
    monkeypatch.setattr(contents, "DRAWS_PAGES", ("a-library-that-nobody-has",))


@pytest.fixture
def members() -> dict[str, bytes]:
    """Members of a bundle as an archive sees them: bytes under their names."""
    claim = b"id: made-up\n" * 30
    result = json.dumps({"rows": [{"value": 0.1 * k} for k in range(60)]}).encode()
    return {README: b"Read me.\n", ENVIRONMENT: b"{}\n", TABLE: b"", "claims/made-up.yaml": claim, RESULT: result}


@pytest.fixture
def archive(members: Mapping[str, bytes]) -> bytes:
    return archive_of(members, "0.1.0", (), Overrides())


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a claim file, and its result as it was written."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "made-up.yaml").write_text(json.dumps(CLAIM))
    words = ("verify", str(folder / "made-up.yaml"), "--jobs", "1", "--no-store", "--quiet")
    assert main((*words, "--output", str(folder / "result.json"))) in (0, 3)
    return folder


@pytest.fixture
def result(measured: Path) -> dict[str, Any]:
    """The document of the result, to be changed."""
    document: dict[str, Any] = json.loads((measured / "result.json").read_text())
    return document


@pytest.fixture
def rebundled(measured: Path, tmp_path: Path) -> Rebundled:
    """Bundle a result as whoever forges it would: with all that is made of it made again, and all digests fitting."""

    def carry_out(
        result: dict[str, Any] | str,
        *,
        claim: bytes | None = None,
        others: Mapping[str, bytes | None] | None = None,
        overrides: Overrides | None = None,
        drawn_with: tuple[tuple[str, str], ...] = (),
    ) -> Path:
        text = result if isinstance(result, str) else json.dumps(result)
        overrides = overrides or Overrides()
        claims = {"made-up": claim or (measured / "made-up.yaml").read_bytes()}
        found = {**contents_of(text, read_report(text, "r.json"), claims, overrides), **(others or {})}
        path = tmp_path / "bundle.zip"
        kept = {name: data for name, data in found.items() if data is not None}
        path.write_bytes(archive_of(kept, "0.1.0", drawn_with, overrides))
        return path

    return carry_out
