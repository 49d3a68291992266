"""`daisychain campaign pause`, `resume`, `cancel`, `retry`, `correct`, `warm-up`, and `daisychain confirm-here`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

import click

from commands.campaign_tables import show_status
from commands.console import emit, format_option, pass_installation, say, show_table
from commands.send import confirm
from daisychain.errors import InputError
from daisychain.installation import Installation

ID = click.argument("id_", metavar="ID", type=int)
BECAUSE = click.option("--because", default="", help="Why; kept with who decided.")


def _answer(installation: Installation, id_: int, format_: str) -> None:
    from sender.campaigns import status

    with installation.database.engine.connect() as connection:
        answer = status.status(connection, id_)
    emit(answer, format_, lambda: show_status(answer))


@click.command()
@ID
@BECAUSE
@format_option
@pass_installation
def pause(installation: Installation, id_: int, because: str, format_: str) -> None:
    """Stop a campaign wherever it is being sent; what is in flight comes to its end."""
    from sender.campaigns import steering

    with installation.database.engine.begin() as connection:
        steering.pause(connection, id_, who=getpass.getuser(), because=because)
    say(f"Paused: no further batch goes out. Go on with: daisychain campaign resume {id_}")
    _answer(installation, id_, format_)


@click.command()
@ID
@BECAUSE
@format_option
@pass_installation
def resume(installation: Installation, id_: int, because: str, format_: str) -> None:
    """Let a paused campaign go on, by whatever serves or works; `campaign send` does it in the foreground."""
    from sender.campaigns import steering

    with installation.database.engine.begin() as connection:
        steering.resume(connection, installation.settings, id_, who=getpass.getuser(), because=because)
    say(f"It goes on where `daisychain serve` or `worker` runs, or here with: daisychain campaign send {id_}")
    _answer(installation, id_, format_)


@click.command()
@ID
@BECAUSE
@click.option("--yes", is_flag=True, help="Cancel without asking.")
@format_option
@pass_installation
def cancel(installation: Installation, id_: int, because: str, yes: bool, format_: str) -> None:
    """Stop a campaign for good: who waits is excluded as cancelled, what is in flight comes to its end."""
    from sender.campaigns import status, steering

    with installation.database.engine.connect() as connection:
        waiting = status.status(connection, id_)["ledger"]["waiting"]
    if not yes:
        confirm(f"Cancel campaign {id_} for good? {waiting:,} people wait.")
    with installation.database.engine.begin() as connection:
        people = steering.cancel(connection, id_, who=getpass.getuser(), because=because)
    say(f"Cancelled: {people:,} people will not be mailed.")
    _answer(installation, id_, format_)


@click.command()
@ID
@click.option("--because", required=True, help="Why it may work now; kept with who decided.")
@format_option
@pass_installation
def retry(installation: Installation, id_: int, because: str, format_: str) -> None:
    """Let the failed people of a campaign, and nobody else, wait again."""
    from sender.campaigns import steering

    with installation.database.engine.begin() as connection:
        people = steering.retry(connection, id_, who=getpass.getuser(), because=because)
    say(f"{people:,} people wait again. Now: daisychain campaign send {id_}")
    _answer(installation, id_, format_)


@click.command()
@ID
@click.argument("text")
@pass_installation
def correct(installation: Installation, id_: int, text: str) -> None:
    """Show TEXT above a campaign's mail wherever it is viewed in a browser; an empty TEXT takes it away."""
    from sender.campaigns import follow_ups

    with installation.database.engine.begin() as connection:
        follow_ups.correct(connection, id_, text)
    say("It stands above the mail in the browser now." if text.strip() else "There is no correction any more.")


@click.command("warm-up")
@click.argument("domain", required=False)
@click.option("--stop", is_flag=True, help="End the warm-up: there are no daily ceilings any more.")
@format_option
@pass_installation
def warm_up(installation: Installation, domain: str | None, stop: bool, format_: str) -> None:
    """Warm DOMAIN up, a new one in your From address, from today on; without it, show what warms up."""
    from sender.campaigns import warm_up as plan

    with installation.database.engine.begin() as connection:
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
@pass_installation
def confirm_here(installation: Installation, yes: bool) -> None:
    """Let a database that was restored or moved send from here; what was under way is paused."""
    from sender.delivery import confirmed_places

    with installation.database.engine.begin() as connection:
        place = confirmed_places.here(connection, installation.settings)
        if confirmed_places.is_confirmed(connection, installation.settings):
            say(f"Confirmed already: {place.words}.")
            return
        if not yes:
            confirm(f"May mail leave from {place.words}, and is no other copy of this database at work?")
        paused = confirmed_places.confirm(connection, installation.settings, who=getpass.getuser())
    say(f"Confirmed: {place.words}.")
    for campaign_id in paused:
        say(f"Campaign {campaign_id} is paused: people who wait in it may have been mailed after the backup.")
