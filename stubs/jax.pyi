"""Types of JAX as far as a bench needs them: it is optional, and nothing that is checked depends on it."""

from typing import Any, TypeAlias

Array: TypeAlias = Any

def __getattr__(name: str) -> Any: ...
