from collections.abc import Callable
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])

__version__: str

def njit(*, cache: bool, nogil: bool, error_model: str) -> Callable[[_Function], _Function]: ...
