from __future__ import annotations

from pathlib import Path

import pytest

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.floor import PEAK_SIZE, USUAL_CACHE, limits, second_level_cache

CASE = Case("forward", 100, 3, 5, 1, "float64")  # 240 000 operations, 320 000 bytes of W, which has 80 000


def test_a_small_matrix_is_bound_by_arithmetic() -> None:
    found = limits(CASE, 2 * PEAK_SIZE**3 / 1e9, 80_000 / 1e6, cache_bytes=80_000)
    assert found.peak == pytest.approx(1e9)
    assert found.bandwidth == pytest.approx(1e6)
    assert found.floor == pytest.approx(240_000 / 1e9)


@pytest.mark.parametrize(("bandwidth", "floor"), [(1e6, 0.32), (1e12, 240_000 / 1e9)])
def test_a_large_matrix_by_the_slower_of_both(bandwidth: float, floor: float) -> None:
    found = limits(CASE, 2 * PEAK_SIZE**3 / 1e9, 80_000 / bandwidth, cache_bytes=79_999)
    assert found.floor == pytest.approx(floor)


@pytest.mark.parametrize(
    ("text", "size"), [("512K\n", 2**19), ("2M", 2**21), ("65536", 65536), ("", USUAL_CACHE), ("much", USUAL_CACHE)]
)
def test_the_cache_is_read_as_the_system_writes_it(tmp_path: Path, text: str, size: int) -> None:
    (tmp_path / "size").write_text(text)
    assert second_level_cache(tmp_path / "size") == size


def test_an_unknown_cache_has_the_usual_size(tmp_path: Path) -> None:
    assert second_level_cache(tmp_path / "none") == USUAL_CACHE
