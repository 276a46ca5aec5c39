"""How fast the machine multiplies: a large square product by the BLAS that NumPy brings."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants.work import Work, repeated
from rnnconv_cli.bench.data import nothing_after
from rnnconv_cli.bench.floor import PEAK_SIZE
from rnnconv_cli.problem.elman import Instance


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """A call is one product of PEAK_SIZE x PEAK_SIZE matrices in the case's dtype."""
    left, right = np.full((2, PEAK_SIZE, PEAK_SIZE), 0.5, dtype=case.dtype)
    out = np.empty_like(left)
    run = repeated(lambda: np.dot(left, right, out=out))
    return Work(run, lambda: nothing_after(run))
