from __future__ import annotations

import pytest

from rnnconv_cli.sweep.progress import duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, "0 s"),
        (119.0, "119 s"),
        (119.7, "2 min"),
        (125.0, "2 min 05 s"),
        (600.0, "10 min"),
        (7199.0, "119 min 59 s"),
        (7200.0, "2 h"),
        (12_300.0, "3 h 25 min"),
    ],
)
def test_durations_are_for_people(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
