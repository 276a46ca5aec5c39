"""Our NumPy reference. Its `product_norm` is a dense decomposition and no match for a few Lanczos steps: left out."""

from __future__ import annotations

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants.kernel_calls import BUILDERS
from rnnconv_cli.bench.contestants.work import Work
from rnnconv_cli.kernels import reference
from rnnconv_cli.problem.elman import Instance


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The case by the reference kernels."""
    return BUILDERS[case.task](reference, case, instances[0])
