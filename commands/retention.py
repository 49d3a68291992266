"""`daisychain retention …`: delete what was kept for long enough."""

from __future__ import annotations

import click


@click.group()
def retention() -> None:
    """Delete or empty what was kept for long enough."""
