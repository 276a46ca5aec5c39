"""The time below which a case cannot come on this machine, from what the machine did in the same rounds."""

from __future__ import annotations

from pathlib import Path

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.results import Limits

PEAK_SIZE = 1024  # of the square matrices whose product stands for the peak
SECOND_LEVEL = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
USUAL_CACHE = 2**20  # bytes of a second-level cache where the system does not say


def limits(case: Case, product_seconds: float, read_seconds: float, cache_bytes: int) -> Limits:
    """The case's limits, from the times of a PEAK_SIZE product and of reading one W: a bound takes the shortest seen.

    The floor is the larger of its operations at the peak and, where W does not fit in a core's second-level cache, of
    its bytes at that bandwidth.
    """
    peak = 2 * PEAK_SIZE**3 / product_seconds
    bandwidth = case.weight_bytes / read_seconds
    reading = case.bytes / bandwidth if case.weight_bytes > cache_bytes else 0.0
    return Limits(peak, bandwidth, max(case.flops / peak, reading))


def second_level_cache(path: Path = SECOND_LEVEL) -> int:
    """Bytes of a core's second-level cache."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return USUAL_CACHE
    number, unit = text.rstrip("KM"), text[-1:]
    return int(number) * {"K": 2**10, "M": 2**20}.get(unit, 1) if number.isdigit() else USUAL_CACHE
