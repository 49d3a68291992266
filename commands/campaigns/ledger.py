"""`daisychain campaign status`, `ledger` and `who`: the sums, the people by state, and one person's timeline."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, get_args

import click

from commands.campaigns import as_json
from commands.campaigns.campaign_tables import emit_status, show_timeline, watch_ledger
from commands.console import answers, csv_format_option, emit, progress, runs, say, show_table
from commands.export_log import record_export, why_export
from daisychain.installation import Installation
from sender.tables import State

if TYPE_CHECKING:
    from sender.campaigns.people_by_state import PersonRow
    from sender.campaigns.status import CampaignStatus

# A terminal is no place for more; the files have them all.
ROWS_SHOWN = 1_000
GLANCE = 1.0


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--watch", is_flag=True, help="Show a live bar until it is finished, paused or cancelled.")
@answers("campaign status 3", "campaign status 3 --watch")
def status(installation: Installation, id_: int, watch: bool, format_: str) -> None:
    """Show a campaign's state and its ledger, whose parts add up to the people frozen."""
    from sender.campaigns.status import campaign_status
    from sender.delivery import confirmed_places

    with installation.database.engine.connect() as connection:
        found = campaign_status(connection, id_)
        reason = confirmed_places.why_not(connection, installation.settings)
    if reason:
        say(f"{reason} {confirmed_places.HINT}")
    if watch and found.campaign.state in ("sending", "scheduled"):
        found = watched(installation, id_)
    emit_status(found, format_, may_send_from_here=not reason)


def watched(installation: Installation, campaign_id: int) -> CampaignStatus:
    """Show the ledger as it changes until nothing is under way; returns the status then."""
    from sender.campaigns.status import campaign_status

    with progress() as bar:
        watch = watch_ledger(bar)
        while True:
            asked = time.monotonic()
            with installation.database.engine.connect() as connection:
                found = campaign_status(connection, campaign_id)
            watch(found.ledger, found.wait)
            if found.campaign.state not in ("sending", "scheduled") and not found.ledger.in_flight:
                return found
            # Counting a million takes a moment: spend at most a fifth of the time on it.
            time.sleep(max(GLANCE, 4 * (time.monotonic() - asked)))


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--state", type=click.Choice(get_args(State)), help="Only people in this state.")
@click.option("--exact", is_flag=True, help="CSV without the mark that keeps spreadsheets from running cells.")
@csv_format_option
@why_export
@runs("campaign ledger 3 --state failed", "campaign ledger 3 --format csv --because 'audit of May' > ledger.csv")
def ledger(
    installation: Installation, id_: int, state: str | None, exact: bool, format_: str, because: str
) -> None:  # fmt: skip
    """List the people of a campaign: address, state, reason, and the result of the last attempt."""
    from sender.campaigns import people_by_state

    if format_ != "table":
        record_export(installation, f"campaign ledger {id_}", because, people=state or "all")
    with installation.database.engine.connect() as connection:
        rows = people_by_state.people(connection, id_, state)
        if format_ == "csv":
            people_by_state.write_csv(rows, sys.stdout, exact=exact)
        elif format_ == "json":
            as_json.write_people(rows, sys.stdout)
        else:
            _show(rows)


def _show(rows: Iterator[PersonRow]) -> None:
    columns = ("address", "state", "reason", "batch", "tried_at", "outcome")
    show_table(columns, (row[: len(columns)] for row in islice(rows, ROWS_SHOWN)))
    if next(rows, None) is not None:
        say(f"These are the first {ROWS_SHOWN:,}. All of them: --format csv")


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.argument("email")
@answers("campaign who 3 ann@your-charity.org", "campaign who 3 ann@your-charity.org --format json")
def who(installation: Installation, id_: int, email: str, format_: str) -> None:
    """Show what happened to one person's mail: frozen, attempts, the provider's answers, decisions, events."""
    from sender.campaigns.timeline import read_timeline

    with installation.database.engine.connect() as connection:
        found = read_timeline(connection, id_, email)
    emit(as_json.timeline(found), format_, lambda: show_timeline(found))
