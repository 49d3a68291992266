"""Chance in tests: a few seeds for every run, and many for `make soak`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def seeds(every_run: Iterable[int], soak: Iterable[int]) -> list[Any]:
    """Return the parameters of a test: the first ones run always, the others only with `make soak`."""
    return [*every_run, *(pytest.param(seed, marks=pytest.mark.slow) for seed in soak)]
