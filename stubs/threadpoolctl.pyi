"""Types of the part of threadpoolctl that rnnconv uses; the package ships none."""

from collections.abc import Mapping
from typing import Any

def threadpool_info() -> list[dict[str, Any]]: ...

class Limits:
    def __init__(self, limits: int | Mapping[str, int] | None = None, user_api: str | None = None) -> None: ...
    def restore_original_limits(self) -> None: ...

threadpool_limits = Limits
