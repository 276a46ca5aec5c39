"""Where compiled kernels are kept: a private folder named after everything that their machine code depends on.

numba's own cache looks at one source file only: a kernel that calls a helper in another file keeps the old helper after
an edit, with a cache hit. A folder per state of all sources, versions and processor cannot go stale in that way.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from llvmlite import binding

VARIABLE = "NUMBA_CACHE_DIR"
PREFIX = "rnnconv-kernels-"
PACKAGES = ("numba", "llvmlite", "numpy", "scipy")


def machine_facts() -> tuple[str, ...]:
    """Return what the machine code depends on besides the sources: Python, package versions, processor and features."""
    packages = tuple(f"{name} {version(name)}" for name in PACKAGES)
    processor = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    return (platform.python_implementation(), platform.python_version(), *packages, *processor)


def fingerprint(sources: Iterable[Path], facts: Iterable[str]) -> str:
    """Return a hash of the facts and of every source file's name and content, whatever order the sources come in."""
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(fact.encode() + b"\0")
    for source in sorted(sources):
        digest.update(source.name.encode() + b"\0" + hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:24]


def is_usable(folder: Path) -> bool:
    """Return whether the folder exists or can be made, is ours alone to write in, and takes a file.

    Machine code is loaded from it, so a folder that somebody else may write in is refused.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return False
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def candidates(environment: Mapping[str, str], name: str) -> tuple[Path, ...]:
    """Return the folders to try, best first: below NUMBA_CACHE_DIR, XDG_CACHE_HOME, HOME/.cache.

    A NUMBA_CACHE_DIR that already ends in `name` was chosen by a parent process and is taken as it is. Relative paths
    are ignored, as the XDG Base Directory Specification demands.
    """
    asked, cache_home, home = (Path(environment.get(key, "")) for key in (VARIABLE, "XDG_CACHE_HOME", "HOME"))
    found = []
    if asked.is_absolute():
        found.append(asked if asked.name == name else asked / name)
    if cache_home.is_absolute():
        found.append(cache_home / "rnnconv" / name)
    if home.is_absolute():
        found.append(home / ".cache" / "rnnconv" / name)
    return tuple(found)


def choose_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder for this state of the kernels; a fresh one, gone at exit, where no candidate is usable."""
    name = PREFIX + fingerprint(Path(__file__).parent.glob("*.py"), machine_facts())
    for folder in candidates(environment, name):
        if is_usable(folder):
            return folder
    return temporary_folder(name)


def temporary_folder(name: str) -> Path:
    """Return a private folder that is removed when the process that made it exits."""
    root, maker = Path(tempfile.mkdtemp(prefix="rnnconv-")), os.getpid()

    def remove() -> None:
        if os.getpid() == maker:
            shutil.rmtree(root, ignore_errors=True)

    atexit.register(remove)
    folder = root / name
    folder.mkdir(mode=0o700)
    return folder
