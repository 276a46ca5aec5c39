"""How fast this machine is, found in less than a second: the speeds that predicted times are made of."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.measure.cost import TYPICAL, Speeds
from rnnconv_cli.problem import elman
from rnnconv_cli.records import ProblemSetting
from rnnconv_cli.sweep.machine import copy_bandwidth, fastest, gemm_peak

SMALLEST = ProblemSetting(
    width=16,
    horizon=2,
    n_sequences=1,
    input_dim=8,
    output_dim=1,
    separation=0.5,
    later_tokens="fresh",
    labels="random",
    copies=1,
    copy_labels="independent",
    weight_variance=2.0,
    output_variance="1/d",
    activation="relu",
    layers="shared",
    dtype="float64",
)
SECONDS_OF_SMALLEST = 0.1e-3  # drawing that network at typical speeds; a trial is as much slower as this is
ENTRIES_COPIED = 2**22  # 32 MiB, beyond most caches
ENTRIES_DRAWN = 2**16


def calibrate(seconds: float = 0.2) -> Speeds:
    """Return the speeds of one core, taken in about so many seconds: arithmetic, memory, draws, the rest of a trial.

    Each is the fastest of several tries, so that what else runs for a moment counts little.
    """
    share = seconds / 4
    rng = np.random.default_rng(0)
    drawn = fastest(lambda: rng.standard_normal(ENTRIES_DRAWN), share)
    smallest = fastest(lambda: elman.draw(SMALLEST, 0, 0), share)
    return Speeds(
        product_entry=2e-9 / gemm_peak(share),
        weight=8e-9 / copy_bandwidth(share, ENTRIES_COPIED),
        draw=drawn / ENTRIES_DRAWN,
        trial=TYPICAL.trial * smallest / SECONDS_OF_SMALLEST,
    )
