"""Largest rounding error of an exact formula."""

from __future__ import annotations

from collections.abc import Sequence

from rnnconv_cli.records import IdentityError


def identity(errors: Sequence[float], allowed: float) -> IdentityError:
    """The largest error over the trials; errors and `allowed` in units of epsilon times the problem size [1].

    An extreme, not a mean: one counterexample breaks an identity, and no interval is needed.
    """
    return IdentityError(max(errors), allowed, len(errors))
