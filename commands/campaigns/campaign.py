"""`daisychain campaign …`: create, list, resolve; the other commands of the group are in modules of their own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.campaigns import as_json
from commands.campaigns.campaign_tables import emit_status, show_campaigns
from commands.console import LazyGroup, answers, emit, say
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from sender.campaigns.drafts import Created
    from sender.campaigns.resolve import Decision

ELSEWHERE = {
    "send": ("commands.campaigns.send:send", "Send a draft, or continue one that was paused or interrupted."),
    "status": ("commands.campaigns.ledger:status", "Show a campaign's state and its ledger."),
    "ledger": ("commands.campaigns.ledger:ledger", "List the people of a campaign with their state."),
    "who": ("commands.campaigns.ledger:who", "Show what happened to one person's mail."),
    "pause": ("commands.campaigns.steering:pause", "Pause a campaign."),
    "resume": ("commands.campaigns.steering:resume", "Resume a paused campaign."),
    "cancel": ("commands.campaigns.steering:cancel", "Cancel a campaign; it can't be resumed."),
    "unschedule": ("commands.campaigns.unsent:unschedule", "Make a scheduled campaign a draft again."),
    "rename": ("commands.campaigns.unsent:rename", "Rename a campaign that has not been sent."),
    "delete": ("commands.campaigns.unsent:delete", "Delete a draft."),
    "retry": ("commands.campaigns.steering:retry", "Retry failed people."),
    "archive": ("commands.campaigns.archive:of_campaign", "Show a campaign in its list's archive, or leave it out."),
    "correct": ("commands.campaigns.steering:correct", "Show a correction above a mail that was sent."),
    "warm-up": ("commands.campaigns.steering:warm_up", "Warm up a new sending domain."),
}


@click.group(cls=LazyGroup, lazy=ELSEWHERE)
def campaign() -> None:
    """Send a newsletter to a list, and follow what happens to it."""


@campaign.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--list", "list_name", help="The list to send to.")
@click.option("--from-campaign", type=int, help="Send only to people of this earlier campaign, on the same list.")
@click.option("--where", "whom", help="Which of them: accepted, failed or no-click.")
@click.option(
    "--segment", default="", metavar="QUESTION",
    help='Only people who fulfil this: a question such as \'region is "Wales"\', or the name of a segment.',
)  # fmt: skip
@click.option("--provider", help="sendgrid, smtp or outbox; default: DAISYCHAIN_PROVIDER.")
@click.option("--name", default="", help="The campaign's name; default: the newsletter's title.")
@click.option("--not-in-archive", is_flag=True, help="Leave it out of the list's public archive.")
@click.option("--override", multiple=True, metavar="CODE=REASON", help="Accept this error of the checks.")
@click.option("--by", "who", default=acting_user, help="Who accepts it; default: you. Your own name is recorded too.")
@answers(
    'campaign create may.md --list supporters --name "May bulletin"',
    "campaign create may --list supporters",
    "campaign create sorry.md --from-campaign 3 --where accepted",
    "campaign create may.md --list supporters --segment 'region is \"Wales\"'",
)
def create(
    installation: Installation, file: Path, list_name: str | None, from_campaign: int | None, whom: str | None,
    segment: str, provider: str | None, name: str, not_in_archive: bool, override: tuple[str, ...], who: str,
    format_: str,
) -> None:  # fmt: skip
    """Compile and check FILE, or a stored newsletter, for a list, and store it as a draft; nothing is sent.

    With --from-campaign it is for people of an earlier campaign who may be mailed: a correction, a reminder.
    """
    from sender.campaigns import drafts
    from sender.campaigns.overrides import read_overrides
    from sender.campaigns.status import campaign_status
    from sender.reader_pages.past_bulletins import leave_out

    if (from_campaign is None) == (list_name is None) or (from_campaign is None) != (whom is None):
        raise InputError(
            "A campaign is for a list, or for people of a campaign.",
            hint="Give --list NAME, or --from-campaign ID with --where accepted, failed or no-click.",
        )
    with installation.database.engine.begin() as connection:
        created = drafts.create(
            connection, installation.settings, file,
            list_name=list_name, provider=provider or installation.settings.provider, name=name,
            follows=(from_campaign, whom) if from_campaign is not None and whom is not None else None,
            segment=segment,
            overrides=read_overrides(override, who if who == acting_user() else f"{who} ({acting_user()})"),
        )  # fmt: skip
        leave_out(connection, created.id, left_out=not_in_archive)
        found = campaign_status(connection, created.id)
    check = shlex.join(["daisychain", "newsletter", "check", str(file), "--list", found.campaign.list_name or ""])
    emit(as_json.status(found), format_, _created_line(created, check))


def _created_line(created: Created, check: str) -> str:
    counts = {"warning": created.count("warning"), "overridden error": created.count("error")}
    texts = [f"{count:,} {what}{'' if count == 1 else 's'}" for what, count in counts.items() if count]
    checks = f"{', '.join(texts)}: {check}" if texts else "no warnings"
    return f"Campaign {created.id} created as a draft ({checks}). Next: daisychain campaign send {created.id}"


@campaign.command("list")
@answers("campaign list", "campaign list --format json")
def list_(installation: Installation, format_: str) -> None:
    """List all campaigns, newest first, with their progress and planned times."""
    from sender.campaigns.campaign_record import list_campaigns

    with installation.database.engine.connect() as connection:
        rows = list_campaigns(connection)
    emit(as_json.campaigns(rows), format_, lambda: show_campaigns(rows))


@campaign.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--send-again", "decision", flag_value="send-again", help="Mail them again; some may get it twice.")
@click.option("--count-as-accepted", "decision", flag_value="count-as-accepted", help="They got it; send nothing.")
@click.option("--because", default="", help="Why; kept with each attempt.")
@answers(
    "campaign resolve 3", 'campaign resolve 3 --count-as-accepted --because "SendGrid\'s activity feed shows them"'
)
def resolve(installation: Installation, id_: int, decision: Decision | None, because: str, format_: str) -> None:
    """Decide what happened to people whose delivery is uncertain.

    First looks into the provider's log and shows the evidence. Without a decision it changes nothing else.
    """
    from sender.campaigns.campaign_record import find_campaign
    from sender.campaigns.evidence import read_evidence
    from sender.campaigns.resolve import resolve as decide
    from sender.campaigns.status import campaign_status
    from sender.events.provider_log import look_up

    with installation.database.engine.connect() as connection:
        find_campaign(connection, id_)
    if found_in_log := look_up(installation.database, id_):
        say(f"The provider's log shows that {found_in_log:,} people were accepted.")
    with installation.database.engine.connect() as connection:
        evidence = read_evidence(connection, installation.settings, id_)
    for line in evidence.lines():
        say(line)
    if not decision or (found_in_log and not evidence.people):
        emit(evidence, format_, lambda: None)
        return
    with installation.database.engine.begin() as connection:
        people = decide(connection, id_, decision, who=acting_user(), because=because)
        found = campaign_status(connection, id_)
    say(f"{people:,} people decided." + (f" Next: daisychain campaign send {id_}" if decision == "send-again" else ""))
    emit_status(found, format_)
