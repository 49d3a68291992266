"""`daisychain events …`: what readers and providers did, worked out again."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from commands.console import emit, format_option, pass_installation, say, show_table
from daisychain.clock import told
from daisychain.installation import Installation


@click.group()
def events() -> None:
    """Read the events of readers and providers again."""


@events.command("replay")
@click.option(
    "--from", "since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only what came in since then (UTC); default: all that is kept.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Write it; without it, only show what would change.")
@format_option
@pass_installation
def replay_(installation: Installation, since: datetime | None, yes: bool, format_: str) -> None:
    """Work events out again from the webhook bodies that are kept, and roll-ups from all events.

    Meanwhile new hits and events have to wait. Suppressions and memberships stay as they are, save
    for bodies that had not been taken in before.
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
        say("No webhook body is kept, so no event can be worked out again.")
    else:
        say(f"Bodies are kept since {told(found.kept_since)}; events from before stand as they are.")
    answer = {**vars(found), "written": yes}
    rows = [
        ("bodies taken in for the first time", found.taken_in),
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
