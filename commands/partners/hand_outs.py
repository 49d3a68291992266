"""`daisychain partner hand-out` and `daisychain partner changes`."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import click

from commands.campaigns import as_json
from commands.campaigns.campaign_tables import watch_ledger
from commands.campaigns.send import confirm, end_with, warnings_said
from commands.console import answers, emit, progress, runs, say, show_table
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.processes import StopFlag, set_by_signals
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from partners.changes import OrganisationChanges
    from partners.hand_out import KeptHandOut
    from partners.hand_out_message import Message
    from partners.hand_out_people import HandOutPeople, OrganisationChoice

EVERYBODY = "all"
_CHOICES = ("tool", "language", "region", "name")
_OPTIONS = (
    click.option("--yes", is_flag=True, help="Send without asking."),
    click.option("--dry-run", is_flag=True, help="Show who would get it, and three of the mails; change nothing."),
    click.option("--in", "in_", default="en", show_default=True, metavar="CODE", help="The language of the message."),
    click.option("--from", "sender", default="", metavar="SENDER", help='"Name <address>"; default: system mail\'s.'),
)  # fmt: skip


def _sending(command: Any) -> Any:
    return reduce(lambda made, option: option(made), _OPTIONS, command)


@click.command("hand-out")
@click.argument("toolkit")
@click.option("--email", "newsletter", default="", metavar="NAME", help="The ready-made email that it is about.")
@click.option("--to", "to", multiple=True, metavar="WHICH",
              help="all, or tool=…, language=…, region=… or name=… of organisations. Repeatable.")  # fmt: skip
@click.option("--language", default="", metavar="CODE", help="Only organisations that use this language.")
@click.option("--region", default="", help="Only organisations in this region.")
@click.option("--not-taken", is_flag=True, help="Only organisations without that email, or else the newest one.")
@click.option(
    "--message", type=click.File(encoding="utf-8"), required=True, metavar="FILE", help="Markdown; - is stdin."
)
@click.option("--subject", required=True, help="The subject.")
@click.option("--repeat", is_flag=True, help="Send it though some got the same within a day.")
@_sending
@answers(
    'partner hand-out community-makes-us --email may --to all --message note.md --subject "May is ready" --dry-run',
    'partner hand-out community-makes-us --to tool=mailchimp --language cy --not-taken --message note.md --subject "…"',
)
def hand_out(
    installation: Installation, /, toolkit: str, newsletter: str, to: tuple[str, ...], language: str, region: str,
    not_taken: bool, message: Any, subject: str, repeat: bool, format_: str, **sending: Any,
) -> None:  # fmt: skip
    """Send organisations a message about TOOLKIT, each with the link of its private page.

    The message begins with a greeting of its own, and may use {{ member.organisation }} and {{ member.contact }}; its
    line [button] says where the button to the page is. Exits as `campaign send` does.
    """
    from partners.hand_out_message import Message

    text = message.read()
    with installation.database.engine.connect() as connection:
        choice = _choice(connection, to, language=language, region=region, not_taken=not_taken)
        sender = _sender(connection, installation, sending["sender"])
    written = Message(toolkit, subject, text, sender, newsletter, sending["in_"])
    _send(installation, written, choice, dry_run=sending["dry_run"], yes=sending["yes"], repeat=repeat, format_=format_)


@click.command()
@click.option("--toolkit", default="", metavar="NAME", help="Only packs of this toolkit; needed with --tell.")
@click.option("--tell", is_flag=True, help="Mail each organisation what changed, and its link; each change once.")
@click.option("--message", type=click.File(encoding="utf-8"), metavar="FILE", help="In place of the usual words.")
@click.option("--subject", default="", help="In place of the usual one.")
@_sending
@answers("partner changes", "partner changes --toolkit community-makes-us --tell --dry-run")
def changes(
    installation: Installation, /, toolkit: str, tell: bool, message: Any, subject: str, format_: str, **sending: Any
) -> None:
    """List organisations that hold outdated packs, once each, with their contact, what changed, and since when."""
    from newsletters.toolkits.toolkit import current_day
    from partners.changes import find_changes
    from partners.hand_out_message import changes_message

    if tell and not toolkit:
        raise InputError("Say which toolkit it is about.", hint="Add --toolkit NAME.")
    with installation.database.engine.connect() as connection:
        found = find_changes(connection, current_day(), toolkit)
        sender = _sender(connection, installation, sending["sender"]) if tell else ""
    if not tell:
        emit([_changes_json(each) for each in found], format_, lambda: _show_changes(found))
        return
    from partners.hand_out_people import OrganisationChoice

    written = changes_message(toolkit, sender, sending["in_"], subject=subject, text=message.read() if message else "")
    _send(installation, written, OrganisationChoice(), dry_run=sending["dry_run"], yes=sending["yes"], format_=format_)


@click.command()
@click.argument("address")
@click.option("--because", required=True, help="Why, such as: asked by phone, 3 May.")
@click.option("--evidence", required=True, help="Where their wish is kept, such as: her email of 3 May.")
@runs('partner resubscribe ann@bees.org --because "asked by phone, 3 May" --evidence "note in the shared mailbox"')
def resubscribe(installation: Installation, address: str, because: str, evidence: str) -> None:
    """Send mail to organisations to ADDRESS again, which had unsubscribed from it; only by its own wish."""
    from lists.restorations import require_given
    from sender.delivery.contact_refusals import resubscribe_contact

    because = require_given(because, "--because", "asked by phone, 3 May")
    evidence = require_given(evidence, "--evidence", "her email of 3 May")
    with installation.database.engine.begin() as connection:
        if not resubscribe_contact(connection, address, how="by staff", because=because, evidence=evidence):
            raise InputError(f"{address} has not unsubscribed from mail to organisations.")
    say(f"{address} gets mail to organisations again.")


def _choice(connection: Connection, to: tuple[str, ...], **narrowed: Any) -> OrganisationChoice:
    """Return the choice of `--to` and the other options; raises InputError if nothing is chosen."""
    from newsletters.toolkits.toolkit import current_day
    from partners.hand_out_people import OrganisationChoice, codes_of

    names, values = [], dict(narrowed)
    for part in to:
        key, _, value = part.partition("=")
        if part == EVERYBODY:
            continue
        if key not in _CHOICES or not value:
            raise InputError(f"--to {part!r} is none of {EVERYBODY}, {'=…, '.join(_CHOICES)}=….")
        if key == "name":
            names.append(value)
        else:
            values[key] = value
    choice = OrganisationChoice(**values, named=codes_of(connection, current_day(), tuple(names)))
    if not choice and EVERYBODY not in to:
        raise InputError("Say which organisations.", hint="--to all, --to tool=mailchimp, --not-taken …")
    return choice


def _sender(connection: Connection, installation: Installation, given: str) -> str:
    from sender.system_mail.mail_queue import system_sender

    if given:
        return given
    name, address = system_sender(connection, installation.settings)
    return f"{name} <{address}>"


def _send(
    installation: Installation, written: Message, choice: OrganisationChoice, *, dry_run: bool, yes: bool,
    repeat: bool = False, format_: str,
) -> None:  # fmt: skip
    """Show who gets it, ask, send it, and work until it is sent."""
    from newsletters.toolkits.toolkit import current_day
    from partners.hand_out import hand_out_people, keep_hand_out, send_hand_out
    from partners.hand_out_links import hand_out_links
    from sender.alerts import notify
    from sender.delivery import confirmed_places
    from sender.upkeep import foreground

    today, who = current_day(), acting_user()
    with installation.database.engine.connect() as connection:  # nothing of this is kept
        kept = keep_hand_out(connection, written, choice, who=who)
        people = hand_out_people(connection, today, kept)
        shown = _shown(connection, installation, kept, people)
    if dry_run:
        emit(shown, format_, lambda: _show(shown))
        return
    _show(shown, say)
    if not yes:
        confirm(f"Send it to {people.organisations:,} organisations now?")
    confirmed_places.require_here(installation.database)
    with installation.database.engine.begin() as connection:
        kept = keep_hand_out(connection, written, choice, who=who)
        campaign_id = send_hand_out(
            connection, installation.settings, kept.id, today, who=who, organisations=people.organisations,
            repeat=repeat,
        ).campaign.id  # fmt: skip
    stop = StopFlag()
    signals = set_by_signals(stop, second_breaks_off=True)
    with progress() as bar, notify.alerting(installation.database), signals, warnings_said():
        foreground.work_until_over(
            installation.database, campaign_id, watch=watch_ledger(bar), stop=stop, late_values=hand_out_links
        )
    end_with(installation, campaign_id, format_, stop)


def _shown(
    connection: Connection, installation: Installation, kept: KeptHandOut, people: HandOutPeople
) -> dict[str, Any]:
    """Return who gets a hand-out, and three of the mails, less the private link."""
    from partners.hand_out import example

    mails = [(each, example(connection, installation.settings, kept, each)) for each in people.examples]
    return {
        "toolkit": kept.toolkit, "choice": kept.choice.text, "organisations": people.organisations,
        "contacts": len(people.mailable), "excluded": people.excluded, "from": kept.sender,
        "without_contact": [each.name for each in people.without_contact],
        "examples": [{"organisation": each.organisation.name, "subject": mail.subject, "text": mail.text}
                     for each, mail in mails],
    }  # fmt: skip


def _show(shown: dict[str, Any], write: Any = click.echo) -> None:
    for mail in shown["examples"]:
        write(f"--- to {mail['organisation']}: {mail['subject']}\n\n{mail['text']}")
    write(f"From {shown['from']} to {shown['organisations']:,} organisations ({shown['contacts']:,} contacts)")
    for reason, contacts in shown["excluded"].items():
        write(f"Excluded: {contacts:,} {reason}")
    if shown["without_contact"]:
        write(f"Nobody gets mail at: {', '.join(shown['without_contact'])}")


def _changes_json(found: OrganisationChanges) -> as_json.Object:
    return {
        "organisation": found.organisation.name, "code": found.organisation.code,
        "contacts": [{"name": each.name, "email": each.email} for each in found.contacts], "since": found.since,
        "changes": [
            {"email": each.pack.newsletter, "title": each.pack.title, "tool": each.pack.dialect,
             "state": each.pack.state, "why": list(each.pack.why), "since": each.since, "told_at": each.told_at}
            for each in found.changes
        ],
    }  # fmt: skip


def _show_changes(found: list[OrganisationChanges]) -> None:
    rows = [
        (each.organisation.name, "\n".join(contact.email for contact in each.contacts) or "nobody gets mail",
         "\n".join(f"{one.pack.title or one.pack.newsletter}, {one.tool}: {one.text}" for one in each.changes),
         each.since or "not known", "" if each.untold else "yes")
        for each in found
    ]  # fmt: skip
    show_table(("organisation", "contact", "what changed", "since", "mailed"), rows)
