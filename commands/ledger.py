"""`daisychain campaign status`, `ledger` and `who`: how it stands, who is where, and one person's story."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, get_args

import click

from commands.campaign_tables import show_status, show_story, watch_ledger
from commands.console import emit, format_option, pass_installation, progress, say, show_table
from daisychain.installation import Installation
from sender.tables import State

# A terminal is no place for more; the files have them all.
ROWS_SHOWN = 1_000
GLANCE = 1.0


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--watch", is_flag=True, help="Show a live bar until it is finished, paused or cancelled.")
@format_option
@pass_installation
def status(installation: Installation, id_: int, watch: bool, format_: str) -> None:
    """A campaign's state and its ledger, which balances."""
    from sender.campaigns import status as campaigns
    from sender.delivery import confirmed_places

    with installation.database.engine.connect() as connection:
        answer = campaigns.status(connection, id_)
        may_send = confirmed_places.is_confirmed(connection, installation.settings)
    if not may_send:
        say(f"{confirmed_places.UNCONFIRMED} {confirmed_places.HINT}")
    if watch and answer["state"] in ("sending", "scheduled"):
        answer = watched(installation, id_)
    emit({**answer, "may_send_from_here": may_send}, format_, lambda: show_status(answer))


def watched(installation: Installation, campaign_id: int) -> dict[str, Any]:
    """Show the ledger move until nothing is under way any more; returns the status then."""
    from sender.campaigns import status as campaigns
    from sender.campaigns.waiting_reason import upcoming
    from sender.delivery.ledger import read_ledger

    with progress() as bar:
        watch = watch_ledger(bar)
        while True:
            asked = time.monotonic()
            with installation.database.engine.connect() as connection:
                watch(read_ledger(connection, campaign_id), upcoming(connection, campaign_id))
                answer = campaigns.status(connection, campaign_id)
            if answer["state"] not in ("sending", "scheduled") and not answer["ledger"]["in_flight"]:
                return answer
            # Counting a million takes a moment: no more than a fifth of the time goes into it.
            time.sleep(max(GLANCE, 4 * (time.monotonic() - asked)))


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--state", type=click.Choice(get_args(State)), help="Only people in this state.")
@click.option("--exact", is_flag=True, help="CSV without the mark that keeps spreadsheets from running cells.")
@click.option(
    "--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True,
    help="A table for people, JSON for scripts, CSV for spreadsheets.",
)  # fmt: skip
@pass_installation
def ledger(installation: Installation, id_: int, state: str | None, exact: bool, format_: str) -> None:
    """The people of a campaign: address, state, reason, and what came of the last attempt."""
    from sender.campaigns import people_by_state

    with installation.database.engine.connect() as connection:
        rows = people_by_state.people(connection, id_, state)
        if format_ == "csv":
            people_by_state.write_csv(rows, sys.stdout, exact=exact)
        elif format_ == "json":
            people_by_state.write_json(rows, sys.stdout)
        else:
            _show(rows)


def _show(rows: Iterator[dict[str, Any]]) -> None:
    shown = ("address", "state", "reason", "batch", "tried_at", "outcome")
    show_table(shown, ([row[name] for name in shown] for row in islice(rows, ROWS_SHOWN)))
    if next(rows, None) is not None:
        say(f"These are the first {ROWS_SHOWN:,}. All of them: --format csv")


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.argument("email")
@format_option
@pass_installation
def who(installation: Installation, id_: int, email: str, format_: str) -> None:
    """One person's whole story in a campaign: frozen, attempts, the provider's words, decisions, events."""
    from sender.campaigns.timeline import story

    with installation.database.engine.connect() as connection:
        answer = story(connection, id_, email)
    emit(answer, format_, lambda: show_story(answer))
