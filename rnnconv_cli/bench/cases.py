"""What is timed: one task at one size, on so many cores; its arithmetic, and the grids of cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

STEP, GRADIENT, FORWARD, PRODUCT, REPLICATES = "step", "gradient", "forward", "product", "replicates"
TASKS = {
    STEP: "one step of gradient descent on W",
    GRADIENT: "loss and gradient",
    FORWARD: "forward pass",
    PRODUCT: "spectral norm of D_L W ... D_1 W, a fixed number of Lanczos steps",
    REPLICATES: "descent runs of independent networks, side by side",
}
GRIDS = {"default": 5.0, "full": 90.0}  # the minutes that a run may take
LANCZOS_STEPS = 4  # of `product`: each costs the same, and float32 does not run into its round-off first
ITEMSIZES = {"float32": 4, "float64": 8}

WIDTHS = (64, 128, 256, 512, 1024, 2048, 4096)
N_SEQUENCES = (1, 10, 50)
HORIZONS = (10, 50)
DTYPES = ("float32", "float64")
MOST_CORES = 2


@dataclass(frozen=True, slots=True)
class Case:
    """One task at one size. A call of it takes `steps` steps (or other pieces of work) on each of `replicates`."""

    task: str
    width: int  # m
    n_sequences: int  # n; `product` looks at the first sequence only
    horizon: int  # L, at least 2
    cores: int
    dtype: str  # float32 | float64
    replicates: int = 1
    steps: int = 1

    @property
    def weight_bytes(self) -> int:
        """Bytes of one W."""
        return self.width**2 * ITEMSIZES[self.dtype]

    @property
    def flops(self) -> int:
        """Floating-point operations of a call: 2 m^2 for each vector that meets W or the gradient.

        W h_0 = 0 needs none, and no signal is wanted below l = 2: forward L - 1 products, backward L - 2, gradient
        L - 1. What is not proportional to m^2 is not counted.
        """
        length = self.horizon
        vectors = {
            FORWARD: (length - 1) * self.n_sequences,
            PRODUCT: 2 * LANCZOS_STEPS * length,
        }.get(self.task, (3 * length - 4) * self.n_sequences)
        return 2 * self.width**2 * vectors * self._repeated

    @property
    def bytes(self) -> int:
        """Bytes of W read or written in a call that meets all sequences at once; the gradient counts as a W."""
        length = self.horizon
        passes = {
            FORWARD: length - 1,
            PRODUCT: 2 * LANCZOS_STEPS * length,
            GRADIENT: 2 * length - 2,
        }.get(self.task, 2 * length - 1)
        return passes * self.weight_bytes * self._repeated

    @property
    def label(self) -> str:
        """The case in words."""
        cores = f"{self.cores} core{'s' if self.cores > 1 else ''}"
        many = f"{self.replicates} x {self.steps} steps of " if self.replicates > 1 else ""
        size = f"m {self.width}, n {self.n_sequences}, L {self.horizon}"
        return f"{self.task}: {many}{size}, {self.dtype}, {cores}"

    @property
    def _repeated(self) -> int:
        return self.replicates * self.steps


def grid(name: str, most_cores: int) -> tuple[Case, ...]:
    """The cases of a grid, default or full, on at most so many cores.

    The full grid's largest instances come first: what they take is known before the small ones share the rest. Cases
    of one instance stand beside each other.
    """
    made = _full(most_cores) if name == "full" else _default(most_cores)
    return tuple(dict.fromkeys(made))


def _full(most_cores: int) -> Iterator[Case]:
    yield from _replicates(most_cores, DTYPES)
    for width, n_sequences, horizon in sorted(product(WIDTHS, N_SEQUENCES, HORIZONS), key=_cost, reverse=True):
        tasks = (STEP, GRADIENT, FORWARD, PRODUCT) if n_sequences == 1 else (STEP, GRADIENT, FORWARD)
        yield from _instance(tasks, width, n_sequences, horizon, most_cores)


def _cost(size: tuple[int, int, int]) -> int:
    """What a step of a size (m, n, L) costs, up to a factor."""
    width, n_sequences, horizon = size
    return width**2 * n_sequences * horizon


def _default(most_cores: int) -> Iterator[Case]:
    """The step in float32 over m at n = L = 10, over n and L at one m, and twice in float64; every other task once."""
    single, double = DTYPES[:1], DTYPES[1:]
    yield from _replicates(most_cores, single)
    for width in (4096, 1024, 256, 64):
        yield from _instance((STEP,), width, 10, 10, most_cores, single)
    for width in (1024, 256):
        yield from _instance((STEP,), width, 10, 10, most_cores, double)
    for n_sequences, horizon in ((10, 50), (50, 10), (1, 10)):
        yield from _instance((STEP,), 512, n_sequences, horizon, most_cores, single)
    yield from _instance((GRADIENT, FORWARD), 512, 10, 10, most_cores, single)
    yield from _instance((PRODUCT,), 512, 1, 10, most_cores, single)


def _instance(
    tasks: Sequence[str],
    width: int,
    n_sequences: int,
    horizon: int,
    most_cores: int,
    dtypes: Sequence[str] = DTYPES,
) -> Iterator[Case]:
    for dtype in dtypes:
        for task in tasks:
            for cores in range(1, min(MOST_CORES, most_cores) + 1):
                yield Case(task, width, n_sequences, horizon, cores, dtype)


def _replicates(most_cores: int, dtypes: Sequence[str]) -> Iterator[Case]:
    if most_cores >= MOST_CORES:
        for dtype in dtypes:
            yield Case(REPLICATES, 128, 10, 10, MOST_CORES, dtype, replicates=64, steps=200)
