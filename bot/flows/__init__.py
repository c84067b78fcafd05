"""Long operations, each a story told once."""

from __future__ import annotations

import importlib
import pkgutil


def load_all() -> None:
    """Import every module of this folder, so that the engine knows each flow by its name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
