"""A process whose clock is wrong: call `run_ahead` before anything of the product is imported."""

from __future__ import annotations

import datetime
import time
from typing import Any


def run_ahead(seconds: float) -> None:
    """Let Python's clock be `seconds` ahead of this machine's, or behind; the database's is not touched."""
    real, real_time, shift = datetime.datetime, time.time, datetime.timedelta(seconds=seconds)

    class Anything(type(real)):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    class Wrong(real, metaclass=Anything):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.now(tz) + shift

    datetime.datetime = Wrong  # type: ignore[misc]
    time.time = lambda: real_time() + seconds
