"""`daisychain campaign pause`, `resume`, `cancel`, `retry`, `correct`, `warm-up`, and `daisychain confirm-here`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

import click

from daisychain.console import Desk, emit, format_option, pass_desk, say, show_table
from daisychain.errors import InputError
from sender.send_cli import confirm
from sender.shown import show_status

ID = click.argument("id_", metavar="ID", type=int)
BECAUSE = click.option("--because", default="", help="Why; kept with who decided.")


def _answer(desk: Desk, id_: int, format_: str) -> None:
    from sender import campaigns

    with desk.database.engine.connect() as connection:
        answer = campaigns.status(connection, id_)
    emit(answer, format_, lambda: show_status(answer))


@click.command()
@ID
@BECAUSE
@format_option
@pass_desk
def pause(desk: Desk, id_: int, because: str, format_: str) -> None:
    """Stop a campaign wherever it is being sent; what is in flight comes to its end."""
    from sender import steering

    with desk.database.engine.begin() as connection:
        steering.pause(connection, id_, who=getpass.getuser(), because=because)
    say(f"Paused: no further batch goes out. Go on with: daisychain campaign resume {id_}")
    _answer(desk, id_, format_)


@click.command()
@ID
@BECAUSE
@format_option
@pass_desk
def resume(desk: Desk, id_: int, because: str, format_: str) -> None:
    """Let a paused campaign go on, by whatever serves or works; `campaign send` does it in the foreground."""
    from sender import steering

    with desk.database.engine.begin() as connection:
        steering.resume(connection, desk.settings, id_, who=getpass.getuser(), because=because)
    say(f"It goes on where `daisychain serve` or `worker` runs, or here with: daisychain campaign send {id_}")
    _answer(desk, id_, format_)


@click.command()
@ID
@BECAUSE
@click.option("--yes", is_flag=True, help="Cancel without asking.")
@format_option
@pass_desk
def cancel(desk: Desk, id_: int, because: str, yes: bool, format_: str) -> None:
    """Stop a campaign for good: who waits is excluded as cancelled, what is in flight comes to its end."""
    from sender import campaigns, steering

    with desk.database.engine.connect() as connection:
        waiting = campaigns.status(connection, id_)["ledger"]["waiting"]
    if not yes:
        confirm(f"Cancel campaign {id_} for good? {waiting:,} people wait.")
    with desk.database.engine.begin() as connection:
        people = steering.cancel(connection, id_, who=getpass.getuser(), because=because)
    say(f"Cancelled: {people:,} people will not be mailed.")
    _answer(desk, id_, format_)


@click.command()
@ID
@click.option("--because", required=True, help="Why it may work now; kept with who decided.")
@format_option
@pass_desk
def retry(desk: Desk, id_: int, because: str, format_: str) -> None:
    """Let the failed people of a campaign, and nobody else, wait again."""
    from sender import steering

    with desk.database.engine.begin() as connection:
        people = steering.retry(connection, id_, who=getpass.getuser(), because=because)
    say(f"{people:,} people wait again. Now: daisychain campaign send {id_}")
    _answer(desk, id_, format_)


@click.command()
@ID
@click.argument("text")
@pass_desk
def correct(desk: Desk, id_: int, text: str) -> None:
    """Show TEXT above a campaign's mail wherever it is viewed in a browser; an empty TEXT takes it away."""
    from sender import follow_ups

    with desk.database.engine.begin() as connection:
        follow_ups.correct(connection, id_, text)
    say("It stands above the mail in the browser now." if text.strip() else "There is no correction any more.")


@click.command("warm-up")
@click.argument("domain", required=False)
@click.option("--stop", is_flag=True, help="End the warm-up: there are no daily ceilings any more.")
@format_option
@pass_desk
def warm_up(desk: Desk, domain: str | None, stop: bool, format_: str) -> None:
    """Warm DOMAIN up, a new one in your From address, from today on; without it, show what warms up."""
    from sender import warm_up as plan

    with desk.database.engine.begin() as connection:
        if domain and stop:
            if not plan.stop(connection, domain):
                raise InputError(f"{domain} is not being warmed up.")
        elif domain:
            plan.start(connection, domain, who=getpass.getuser())
        rows = plan.overview(connection, datetime.now(UTC))
    columns = ("domain", "started_at", "started_by", "ceiling", "last_day")
    emit(rows, format_, lambda: show_table(columns, ([row[name] for name in columns] for row in rows)))


@click.command("confirm-here")
@click.option("--yes", is_flag=True, help="Confirm without asking.")
@pass_desk
def confirm_here(desk: Desk, yes: bool) -> None:
    """Let a database that was restored or moved send from here; what was under way is paused."""
    from sender import places

    with desk.database.engine.begin() as connection:
        place = places.here(connection, desk.settings)
        if places.is_confirmed(connection, desk.settings):
            say(f"Confirmed already: {place.words}.")
            return
        if not yes:
            confirm(f"May mail leave from {place.words}, and is no other copy of this database at work?")
        paused = places.confirm(connection, desk.settings, who=getpass.getuser())
    say(f"Confirmed: {place.words}.")
    for campaign_id in paused:
        say(f"Campaign {campaign_id} is paused: people who wait in it may have been mailed after the backup.")
