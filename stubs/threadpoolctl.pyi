"""Types of the part of threadpoolctl that rnnconv uses; the package ships none."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

def threadpool_info() -> list[dict[str, Any]]: ...
def threadpool_limits(
    limits: int | Mapping[str, int] | None = None, user_api: str | None = None
) -> AbstractContextManager[object]: ...
