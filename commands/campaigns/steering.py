"""`daisychain campaign pause`, `resume`, `cancel`, `retry`, `correct`, `warm-up`, and `daisychain confirm-here`."""

from __future__ import annotations

import click

from commands.campaigns.campaign_tables import emit_status
from commands.campaigns.send import confirm
from commands.console import answers, emit, runs, say, show_table
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

ID = click.argument("id_", metavar="ID", type=int)
BECAUSE = click.option("--because", default="", help="Why; kept with your name.")


def show_answer(installation: Installation, id_: int, format_: str) -> None:
    """Show a campaign's status, which is the answer of the commands that change it."""
    from sender.campaigns.status import campaign_status

    with installation.database.engine.connect() as connection:
        found = campaign_status(connection, id_)
    emit_status(found, format_)


@click.command()
@ID
@BECAUSE
@answers('campaign pause 3 --because "A wrong date"')
def pause(installation: Installation, id_: int, because: str, format_: str) -> None:
    """Pause a campaign, wherever it is being sent; requests in flight are finished."""
    from sender.campaigns import steering

    with installation.database.engine.begin() as connection:
        steering.pause(connection, id_, who=acting_user(), because=because)
    say(f"Paused: nobody else is mailed. Continue with: daisychain campaign resume {id_}")
    show_answer(installation, id_, format_)


@click.command()
@ID
@BECAUSE
@answers('campaign resume 3 --because "The date is right after all"')
def resume(installation: Installation, id_: int, because: str, format_: str) -> None:
    """Resume a paused campaign in `daisychain serve` or `worker`; `campaign send` does it in the foreground."""
    from sender.campaigns import steering
    from sender.delivery import confirmed_places

    confirmed_places.require_here(installation.database)
    with installation.database.engine.begin() as connection:
        steering.resume(connection, installation.settings, id_, who=acting_user(), because=because)
    say(f"Resumed: `daisychain serve` or `worker` continues it; to do it here: daisychain campaign send {id_}")
    show_answer(installation, id_, format_)


@click.command()
@ID
@BECAUSE
@click.option("--yes", is_flag=True, help="Cancel without asking.")
@answers('campaign cancel 3 --because "The wrong list"')
def cancel(installation: Installation, id_: int, because: str, yes: bool, format_: str) -> None:
    """Cancel a campaign: people who wait are excluded as cancelled, requests in flight are finished.

    A cancelled campaign can't be resumed.
    """
    from sender.campaigns import steering
    from sender.campaigns.campaign_record import find_campaign

    with installation.database.engine.connect() as connection:
        found = find_campaign(connection, id_)
        people = steering.count_not_mailed(connection, found)
    whom = "people who are waiting" if found.frozen_at else "people on the list"
    if not yes:
        confirm(f"Cancel campaign {id_}? It can't be resumed. {people:,} {whom} will not be mailed.")
    with installation.database.engine.begin() as connection:
        people = steering.cancel(connection, id_, who=acting_user(), because=because)
    say(f"Cancelled. {people:,} {whom} will not be mailed.")
    show_answer(installation, id_, format_)


@click.command()
@ID
@click.option("--because", required=True, help="Why it may work now; kept with your name.")
@answers('campaign retry 3 --because "Their server is back"')
def retry(installation: Installation, id_: int, because: str, format_: str) -> None:
    """Retry the failed people of a campaign."""
    from sender.campaigns import steering

    with installation.database.engine.begin() as connection:
        people = steering.retry(connection, id_, who=acting_user(), because=because)
    say(f"{people:,} failed people are waiting again. Next: daisychain campaign send {id_}")
    show_answer(installation, id_, format_)


@click.command()
@ID
@click.argument("text")
@runs('campaign correct 3 "It is Saturday 9 May, not Friday."')
def correct(installation: Installation, id_: int, text: str) -> None:
    """Show TEXT above a campaign's mail when it is viewed in a browser; an empty TEXT removes it."""
    from sender.campaigns import follow_ups

    with installation.database.engine.begin() as connection:
        follow_ups.correct(connection, id_, text)
    say("The correction is shown above the mail now." if text.strip() else "The correction was removed.")


@click.command("warm-up")
@click.argument("domain", required=False)
@click.option("--stop", is_flag=True, help="Stop the warm-up, so that there are no daily limits.")
@answers("campaign warm-up news.your-charity.org", "campaign warm-up")
def warm_up(installation: Installation, domain: str | None, stop: bool, format_: str) -> None:
    """Warm up DOMAIN, a new one in your From address, from today; without DOMAIN, list the warm-ups."""
    from daisychain.database import database_now
    from sender.campaigns import warm_up as plan

    with installation.database.engine.begin() as connection:
        if domain and stop:
            if not plan.stop(connection, domain):
                raise InputError(f"{domain} is not being warmed up.")
        elif domain:
            plan.start(connection, domain, who=acting_user())
        rows = plan.list_warm_ups(connection, database_now(connection))
    columns = ("domain", "started_at", "started_by", "ceiling", "last_day")
    emit(rows, format_, lambda: show_table(columns, (list(vars(row).values()) for row in rows)))


@click.command("confirm-here")
@click.option("--yes", is_flag=True, help="Confirm without asking.")
@click.option("--new-key", is_flag=True, help="Send with the secret key set here from now on; old links stop working.")
@runs("confirm-here")
def confirm_here(installation: Installation, yes: bool, new_key: bool) -> None:
    """Allow a database that was restored, moved or went back in time to send from here; its campaigns are paused."""
    from sender.delivery import confirmed_places, readiness

    if new_key:
        if not yes:
            confirm("Links in all mail that was sent stop working, unsubscribe links too. Send with another key?")
        with installation.database.engine.begin() as connection:
            readiness.keep_key(connection, installation.settings, new=True)
        say("Mail is sent with the secret key set here from now on.")
        return
    with installation.database.engine.begin() as connection:
        place = confirmed_places.here(connection, installation.settings)
        reason = confirmed_places.why_not(connection, installation.settings)
    if not reason:
        say(f"Confirmed already: {place.description}.")
        return
    say(reason)
    if not yes:
        confirm(f"May mail leave from {place.description}, and is no other copy of this database at work?")
    with installation.database.engine.begin() as connection:
        paused = confirmed_places.confirm(connection, installation.settings, who=acting_user())
    say(f"Confirmed: {place.description}.")
    for campaign_id in paused:
        say(f"Campaign {campaign_id} is paused: people who wait in it may have been mailed after the backup.")
