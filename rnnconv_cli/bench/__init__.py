"""CASES → TIMES: the kernels against their peers and the machine's limits, each asked in turn in its own process."""
