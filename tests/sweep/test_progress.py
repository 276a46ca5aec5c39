from __future__ import annotations

import pytest

from rnnconv_cli.sweep.progress import duration, seconds_in


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


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("10m", 600.0), (" 1H30m ", 5400.0), ("0.5m", 30.0), ("1h2m3s", 3723.0)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "10", "m", "-5m", "1m1h", "ten minutes"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert seconds_in(text) is None
