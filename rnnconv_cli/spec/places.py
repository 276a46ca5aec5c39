"""Where claim files declare their claims and checks, for messages that lead there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from rnnconv_cli.records import Place
from rnnconv_cli.spec.loader import LoadedClaim


def places(claims: Sequence[LoadedClaim], checks: Sequence[str] = ()) -> tuple[Place, ...]:
    """The place of each claim and of each of its checks; of the selected ones, where some are."""
    return tuple(place for claim in claims for place in _places(claim, checks))


def _places(claim: LoadedClaim, checks: Sequence[str]) -> Iterator[Place]:
    ids = [each.check.id for each in claim.checks]
    selected = [(index, name) for index, name in enumerate(ids) if not checks or name in checks]
    path = _as_opened(claim.origin)
    if selected:
        yield Place(claim.claim.id, "", path, claim.line(("id",)))
    for index, name in selected:
        yield Place(claim.claim.id, name, path, claim.line(("checks", index, "id")))


def _as_opened(origin: str) -> str:
    """A file below the working directory from there, any other in full; what is no file stays as it is called."""
    try:
        path, here = os.path.abspath(origin), os.getcwd()
    except (OSError, ValueError):  # no working directory any more
        return origin
    if not os.path.isfile(path):
        return origin
    inside = os.path.relpath(path, here)
    return path if inside.startswith(os.pardir + os.sep) else inside
