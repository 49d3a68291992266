"""`daisychain campaign …`."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from commands.campaign_tables import show_status
from commands.console import LazyGroup, emit, format_option, pass_installation, say, show_table
from daisychain.errors import InputError
from daisychain.installation import Installation

ELSEWHERE = {
    "send": ("commands.send:send", "Send a draft, or go on with what was paused or cut off."),
    "status": ("commands.ledger:status", "A campaign's state and its ledger, which balances."),
    "ledger": ("commands.ledger:ledger", "The people of a campaign, by state."),
    "who": ("commands.ledger:who", "One person's whole story in a campaign."),
    "pause": ("commands.steering:pause", "Stop a campaign; it can go on later."),
    "resume": ("commands.steering:resume", "Let a paused campaign go on."),
    "cancel": ("commands.steering:cancel", "Stop a campaign for good."),
    "retry": ("commands.steering:retry", "Let the failed people wait again."),
    "correct": ("commands.steering:correct", "Put a correction above a mail that was sent."),
    "warm-up": ("commands.steering:warm_up", "Warm a new sending domain up."),
}


TO_WHOM = "Give --list NAME, or --from-campaign ID with --where accepted, failed or no-click."


@click.group(cls=LazyGroup, lazy=ELSEWHERE)
def campaign() -> None:
    """Send a newsletter to a list, and know what became of it."""


@campaign.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--list", "list_name", help="The list to send to.")
@click.option("--from-campaign", type=int, help="Send to people of this earlier campaign only; its list is the list.")
@click.option("--where", "whom", help="Whom of them: accepted, failed or no-click.")
@click.option("--provider", help="sendgrid, smtp or outbox; default: DAISYCHAIN_PROVIDER.")
@click.option("--name", default="", help="What to call it; default: the newsletter's title.")
@click.option("--override", multiple=True, metavar="CODE=REASON", help="Let this error of the checks stand.")
@click.option("--by", "who", default=getpass.getuser, help="Who overrides; default: you.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="json",
    show_default=True,
    help="JSON for scripts, which need its id, or a table for people.",
)
@pass_installation
def create(
    installation: Installation,
    file: Path,
    list_name: str | None,
    from_campaign: int | None,
    whom: str | None,
    provider: str | None,
    name: str,
    override: tuple[str, ...],
    who: str,
    format_: str,
) -> None:
    """Compile and check FILE for a list and keep it as a draft; nothing is sent.

    With --from-campaign it is for those people of an earlier campaign who may be mailed: a correction, a reminder.
    """
    from sender.campaigns import drafts, status
    from sender.campaigns.overrides import read_overrides

    if (from_campaign is None) == (list_name is None) or (from_campaign is None) != (whom is None):
        raise InputError("A campaign is for a list, or for people of a campaign.", hint=TO_WHOM)
    with installation.database.engine.begin() as connection:
        created = drafts.create(
            connection, installation.settings, file,
            list_name=list_name, provider=provider or installation.settings.provider, name=name,
            follows=(from_campaign, whom) if from_campaign is not None and whom is not None else None,
            overrides=read_overrides(override, who),
        )  # fmt: skip
        answer = status.status(connection, created.id)
    for finding in created.findings:
        severity = "overridden" if finding.severity == "error" else finding.severity
        say(f"{severity}: {finding.code}: {finding.place}: {finding.message} {finding.mend}")
    say(f"Campaign {created.id} is a draft. Send it with: daisychain campaign send {created.id}")
    emit(answer, format_, lambda: show_status(answer))


@campaign.command("list")
@format_option
@pass_installation
def list_(installation: Installation, format_: str) -> None:
    """All campaigns, newest first."""
    from sender.campaigns import status

    with installation.database.engine.connect() as connection:
        rows = status.list_campaigns(connection)
    columns = ("id", "name", "state", "list", "provider", "intended", "created_at", "finished_at")
    emit(rows, format_, lambda: show_table(columns, ([row[name] for name in columns] for row in rows)))


@campaign.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--send-again", "decision", flag_value="send-again", help="They wait again; some may get it twice.")
@click.option("--count-as-accepted", "decision", flag_value="count-as-accepted", help="They got it; nothing is sent.")
@click.option("--because", default="", help="Why; kept with each attempt.")
@format_option
@pass_installation
def resolve(installation: Installation, id_: int, decision: str | None, because: str, format_: str) -> None:
    """Settle the people of whom nobody knows whether the provider took their mail.

    Looks into the provider's log first, and shows what speaks for and against; without a decision it ends there.
    """
    from sender.campaigns import status
    from sender.campaigns.evidence import evidence, in_words
    from sender.campaigns.resolve import resolve as settle
    from sender.events.provider_log import look_up

    with installation.database.engine.connect() as connection:
        status.find_campaign(connection, id_)
    if found_in_log := look_up(installation.database, id_):
        say(f"The provider's log settles {found_in_log:,} people.")
    with installation.database.engine.connect() as connection:
        found = evidence(connection, installation.settings, id_)
    for line in in_words(found):
        say(line)
    if not decision or (found_in_log and not found["people"]):
        emit(found, format_, lambda: None)
        return
    with installation.database.engine.begin() as connection:
        people = settle(connection, id_, decision, who=getpass.getuser(), because=because)  # type: ignore[arg-type]
        answer = status.status(connection, id_)
    say(f"{people:,} people settled." + (f" Now: daisychain campaign send {id_}" if decision == "send-again" else ""))
    emit(answer, format_, lambda: show_status(answer))
