"""A problem setting that a test changes where it needs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rnnconv_cli.records import ProblemSetting


@pytest.fixture(scope="session")
def make_setting() -> Callable[..., ProblemSetting]:
    def make(**changes: Any) -> ProblemSetting:
        values = {
            "width": 24,
            "horizon": 4,
            "n_sequences": 3,
            "input_dim": 6,
            "output_dim": 2,
            "separation": 0.5,
            "later_tokens": "fresh",
            "labels": "random",
            "copies": 1,
            "copy_labels": "independent",
            "weight_variance": 2.0,
            "output_variance": "1/d",
            "activation": "relu",
            "layers": "shared",
            "dtype": "float64",
        }
        return ProblemSetting(**{**values, **changes})

    return make
