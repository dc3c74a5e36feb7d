"""Imports of libraries that import more than is used here."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Let imports of `modules` fail within the block, unless they are imported already."""
    hidden: dict[str, Any] = {module: None for module in modules if module not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for module in hidden:
            del sys.modules[module]
