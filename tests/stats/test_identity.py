from __future__ import annotations

from rnnconv_cli.records import IdentityError
from rnnconv_cli.stats.identity import identity


def test_the_largest_error_counts() -> None:
    assert identity([0.1, 3.0, 0.2], 8.0) == IdentityError(value=3.0, allowed=8.0, trials=3)
