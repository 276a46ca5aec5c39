"""Types of the part of numba.extending that rnnconv uses."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])

def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]: ...
def overload(function: Callable[..., Any], *, jit_options: Mapping[str, Any]) -> Callable[[_Function], _Function]: ...
def register_jitable(**jit_options: object) -> Callable[[_Function], _Function]: ...
