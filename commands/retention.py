"""`daisychain retention …`: delete what was kept for long enough."""

from __future__ import annotations

import click

from commands.console import answers, emit, progress, say, show_table
from daisychain.installation import Installation


@click.group()
def retention() -> None:
    """Delete or empty what was kept for long enough."""


@retention.command("apply")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@answers("retention apply --dry-run", "retention apply")
def apply_(installation: Installation, dry_run: bool, format_: str) -> None:
    """Delete or empty what is older than DAISYCHAIN_RETENTION says; workers do the same once a day."""
    from sender.upkeep.retention import apply_retention

    with progress() as bar:
        task = bar.add_task("Looking", total=None)
        watch = lambda kind, done: bar.update(task, advance=done, description=kind)  # noqa: E731
        counts = apply_retention(installation.database, write=not dry_run, watch=watch)
    rows = list(counts.items())
    emit({"dry_run": dry_run, "counts": counts}, format_, lambda: show_table(["what", "rows"], rows))
    say("Nothing was changed." if dry_run else "Reports keep their sums.")
