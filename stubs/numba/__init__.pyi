from collections.abc import Callable
from typing import Any, TypeVar

from . import types as types

_Function = TypeVar("_Function", bound=Callable[..., Any])

__version__: str

def njit(
    *, nogil: bool, cache: bool = ..., error_model: str = ..., no_cfunc_wrapper: bool = ..., inline: str = ...
) -> Callable[[_Function], _Function]: ...
