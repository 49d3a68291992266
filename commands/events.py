"""`daisychain events replay`: work events out again from stored webhook bodies."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from commands.console import emit, examples, format_option, pass_installation, say, show_table
from daisychain.clock import shown
from daisychain.installation import Installation


@click.group()
def events() -> None:
    """Replay the events of readers and providers."""


@events.command("replay")
@click.option(
    "--from", "since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only bodies received since then (UTC); default: all that are stored.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Write the changes; without it, only show them.")
@format_option
@pass_installation
@examples("events replay", "events replay --from 2026-05-01 --yes")
def replay_(installation: Installation, since: datetime | None, yes: bool, format_: str) -> None:
    """Work events out again from the stored webhook bodies, and roll-ups from all events.

    New hits and events wait until it is done. Suppressions and memberships do not change, except for
    bodies that were never processed before.
    """
    from daisychain.secret import installation_secret
    from sender.events.replay import replay
    from sender.links.keys import Keys

    begin = since.replace(tzinfo=UTC) if since else datetime.fromtimestamp(0, UTC)
    keys = Keys(installation_secret(installation.settings))
    with installation.database.engine.connect() as connection, connection.begin() as transaction:
        found = replay(connection, keys, begin)
        if not yes:
            transaction.rollback()
    if found.kept_since is None:
        say("No webhook bodies are stored, so no events can be worked out again.")
    else:
        say(f"Bodies are stored since {shown(found.kept_since)}; earlier events do not change.")
    answer = {**vars(found), "written": yes}
    rows = [
        ("bodies processed for the first time", found.taken_in),
        ("bodies that can't be read", found.not_readable),
        ("bodies read", found.bodies),
        ("events before", found.events_before),
        ("events after", found.events_after),
        ("events that changed", found.events_changed),
        ("uncertain people settled", found.settled),
        *((f"rows of {table} that changed", count) for table, count in found.rollups_changed.items()),
    ]
    emit(answer, format_, lambda: show_table(("", "count"), rows))
    if not yes:
        say("Nothing was written. Add --yes to write it.")
