"""Who is timed: our kernels, their peers as a competent user writes them, and the machine's limits.

Each module makes a `Work` of a case in `build(case, instances)`. It is imported in its own process only, so that its
library starts with that process's cores, and one that is not installed is missing and nothing worse.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from importlib.util import find_spec

from rnnconv_cli.bench.cases import FORWARD, GRADIENT, PRODUCT, REPLICATES, STEP, Case
from rnnconv_cli.bench.contestants.work import Build


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to carry out tasks: its module beside this file, the tasks it knows, the library it needs."""

    module: str
    tasks: tuple[str, ...]
    about: str
    library: str | None = None
    most_operations: float = math.inf  # of a call; what it would take beyond is spent on the others

    def takes(self, case: Case) -> bool:
        """Whether it is asked in a case."""
        return case.task in self.tasks and case.flops <= self.most_operations

    @property
    def is_installed(self) -> bool:
        """Whether its library can be found; a folder of that name is none."""
        return self.library is None or is_installed(self.library)

    def load(self) -> Build:
        """Import the module, and the library with it."""
        build: Build = importlib.import_module(f"{__name__}.{self.module}").build
        return build


def is_installed(library: str) -> bool:
    """Whether a library can be imported; a folder without code, which has no origin, is none."""
    found = find_spec(library)
    return found is not None and found.origin is not None


SINGLE = (STEP, GRADIENT, FORWARD)
CONTESTANTS: dict[str, Contestant] = {
    "rnnconv": Contestant("compiled_kernels", (*SINGLE, PRODUCT, REPLICATES), "our compiled kernels"),
    "reference": Contestant("reference_kernels", SINGLE, "our NumPy reference", most_operations=1e9),
    "numpy": Contestant("plain_numpy", (*SINGLE, PRODUCT), "NumPy and SciPy's BLAS, buffers made once"),
    "torch-rnn": Contestant("torch_rnn", SINGLE, "torch.nn.RNN, autograd", "torch"),
    "torch-loop": Contestant("torch_loop", (*SINGLE, REPLICATES), "PyTorch, a loop, autograd", "torch"),
    "torch-manual": Contestant(
        "torch_manual", (STEP, GRADIENT, PRODUCT, REPLICATES), "PyTorch, backward by hand", "torch"
    ),
    "jax": Contestant("jax_scan", (*SINGLE, PRODUCT, REPLICATES), "JAX, jit and scan; replicates by vmap", "jax"),
    "jax-manual": Contestant(
        "jax_manual", (STEP, GRADIENT, REPLICATES), "JAX, backward by hand in two scans; replicates by vmap", "jax"
    ),
    "jax-threads": Contestant("jax_threads", (REPLICATES,), "JAX, jitted runs on a thread for each core", "jax"),
    "numba": Contestant("naive_numba", (REPLICATES,), "numba and np.dot, a thread for each core"),
}
MACHINE: dict[str, Contestant] = {
    "peak": Contestant("machine_peak", (), "a large square product by BLAS"),
    "bandwidth": Contestant("machine_bandwidth", (), "reading a matrix of the size of W"),
}
