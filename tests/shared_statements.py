"""What SQLAlchemy makes of the statements, kept for all engines of a run: each command and each test has its own.

To compile the statements again for each of them took a fifth to a third of the time of a test of a command.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Engine

_KEPT: list[Engine] = []


def create_engine(*arguments: Any, **options: Any) -> Engine:
    """Make an engine that compiles only what no earlier one did."""
    engine = sqlalchemy.create_engine(*arguments, query_cache_size=5_000, **options)
    # A compiled statement is one dialect's, and a dialect knows its server once it has been connected.
    if _KEPT and _KEPT[0].dialect.server_version_info:
        engine.dialect = engine.pool._dialect = _KEPT[0].dialect
        engine._compiled_cache = _KEPT[0]._compiled_cache
    else:
        _KEPT[:] = [engine]
    return engine
