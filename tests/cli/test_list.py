from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnnconv_cli.spec import catalogue, loader


def test_every_claim_is_listed_with_its_checks_status_title_and_source(run: Callable[..., Any]) -> None:
    done = run("list")
    assert (done.status, done.err) == (0, "")
    shown = " ".join(done.out.split())
    for path in catalogue.shipped():
        claim = loader.load(path).claim
        assert f"{claim.id} {len(claim.checks)} {claim.status} " in shown
    assert max(map(len, done.out.splitlines())) <= 100
