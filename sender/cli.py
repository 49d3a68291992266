"""`daisychain campaign …` and `daisychain newsletter test`."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

import click

from daisychain.console import Desk, emit, format_option, pass_desk, progress, say, show_table
from daisychain.errors import StateError

# What `campaign send` ends with, so that a script knows without reading: 0 is all accepted or excluded.
UNFINISHED_BUSINESS, PAUSED = 3, 4


@click.group()
def campaign() -> None:
    """Send a newsletter to a list, and know what became of it."""


@campaign.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--list", "list_name", required=True, help="The list to send to.")
@click.option("--provider", help="sendgrid, smtp or outbox; default: DAISYCHAIN_PROVIDER.")
@click.option("--name", default="", help="What to call it; default: the newsletter's title.")
@pass_desk
def create(desk: Desk, file: Path, list_name: str, provider: str | None, name: str) -> None:
    """Compile and check FILE for a list and keep it as a draft; nothing is sent."""
    from sender import campaigns, drafts

    with desk.database.engine.begin() as connection:
        created = drafts.create(
            connection, desk.settings, file,
            list_name=list_name, provider=provider or desk.settings.provider, name=name,
        )  # fmt: skip
        answer = campaigns.status(connection, created.id)
    for finding in created.findings:
        say(f"{finding.severity}: {finding.place}: {finding.message} {finding.mend}")
    say(f"Campaign {created.id} is a draft. Send it with: daisychain campaign send {created.id}")
    emit(answer, "json", lambda: None)


@campaign.command("list")
@format_option
@pass_desk
def list_(desk: Desk, format_: str) -> None:
    """All campaigns, newest first."""
    from sender import campaigns

    with desk.database.engine.connect() as connection:
        rows = campaigns.list_campaigns(connection)
    columns = ("id", "name", "state", "list", "provider", "intended", "created_at", "finished_at")
    emit(rows, format_, lambda: show_table(columns, ([row[name] for name in columns] for row in rows)))


@campaign.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--yes", is_flag=True, help="Send without asking.")
@click.option("--detach", is_flag=True, help="Leave the delivery to `daisychain serve` or `daisychain worker`.")
@click.option("--as-created", is_flag=True, help="Send the draft as it was made, though its document changed since.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Batches at once.")
@format_option
@pass_desk
def send(desk: Desk, id_: int, yes: bool, detach: bool, as_created: bool, concurrency: int, format_: str) -> None:
    """Send a draft, or go on with a campaign that was paused or cut off.

    Ends with 0 where everybody was accepted or excluded, 3 where people failed or are uncertain, 4 where it paused.
    """
    from sender import campaigns, drafts, sending
    from sender.providers import open_provider

    with desk.database.engine.connect() as connection:
        found = campaigns.find_campaign(connection, id_)
        if found["state"] != "finished":
            provider = open_provider(found["provider"], desk.settings)
            provider.check(found["from_address"], drafts.links_of(connection, found))
            if found["state"] == "draft":
                provider.reach()
        if found["state"] == "draft":
            if not as_created:
                drafts.refuse_changed(connection, found)
            summary = drafts.summarise(connection, desk.settings, found)
            show_summary(summary)
    if found["state"] in {"draft", "paused"} and not yes:
        confirm(f"Send it to {summary.people:,} people now?" if found["state"] == "draft" else "Go on with it now?")
    sending.start(desk.database, id_)
    if not detach:
        with progress() as bar:
            sending.work_until_over(desk.database, id_, concurrency=concurrency, watch=_watch(bar))
    with desk.database.engine.connect() as connection:
        answer = campaigns.status(connection, id_)
    emit(answer, format_, lambda: show_status(answer))
    sys.exit(exit_code(answer))


def confirm(question: str) -> None:
    """Ask the person at the terminal; raises StateError where there is none, click.Abort where they say no."""
    if not sys.stdin.isatty():
        raise StateError("Nothing was sent: there is no terminal to ask at.", hint="Add --yes to send without asking.")
    click.confirm(question, abort=True, err=True)


def exit_code(answer: dict[str, Any]) -> int:
    """The exit code of `campaign send` for a status."""
    if answer["state"] == "paused":
        return PAUSED
    ledger = answer["ledger"]
    return UNFINISHED_BUSINESS if ledger["failed"] or ledger["uncertain"] else 0


def _watch(bar: Any) -> Any:
    task = bar.add_task("Sending", total=None)

    def watch(ledger: Any) -> None:
        total = ledger.intended - ledger.excluded
        bar.update(task, total=total, completed=total - ledger.waiting)

    return watch


@campaign.command()
@click.argument("id_", metavar="ID", type=int)
@format_option
@pass_desk
def status(desk: Desk, id_: int, format_: str) -> None:
    """A campaign's state and its ledger, which balances."""
    from sender import campaigns

    with desk.database.engine.connect() as connection:
        answer = campaigns.status(connection, id_)
    emit(answer, format_, lambda: show_status(answer))


@campaign.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--send-again", "decision", flag_value="send-again", help="They wait again; some may get it twice.")
@click.option("--count-as-accepted", "decision", flag_value="count-as-accepted", help="They got it; nothing is sent.")
@click.option("--because", required=True, help="Why; kept with each attempt.")
@format_option
@pass_desk
def resolve(desk: Desk, id_: int, decision: str | None, because: str, format_: str) -> None:
    """Settle the people of whom nobody knows whether the provider took their mail."""
    from sender import campaigns
    from sender.resolve import resolve as settle

    if decision not in ("send-again", "count-as-accepted"):
        raise click.UsageError("Say what to do: --send-again or --count-as-accepted.")
    with desk.database.engine.begin() as connection:
        campaigns.find_campaign(connection, id_)
        people = settle(connection, id_, decision, who=getpass.getuser(), because=because)  # type: ignore[arg-type]
        answer = campaigns.status(connection, id_)
    say(f"{people:,} people settled." + (f" Now: daisychain campaign send {id_}" if decision == "send-again" else ""))
    emit(answer, format_, lambda: show_status(answer))


@click.command("test")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", required=True, help="Addresses, separated by commas.")
@click.option("--provider", help="sendgrid, smtp or outbox; default: DAISYCHAIN_PROVIDER.")
@click.option("--list", "list_name", help="Take the sender and, without --member, a sample person from this list.")
@click.option("--member", help="Merge as for this member of the list.")
@format_option
@pass_desk
def send_test(
    desk: Desk, file: Path, to: str, provider: str | None, list_name: str | None, member: str | None, format_: str
) -> None:
    """Mail FILE to your own addresses by the real path: marked [TEST], its links inert, never counted."""
    from sender import trials

    answer = trials.send_test(
        desk.database, file, to.split(","),
        provider=provider or desk.settings.provider, list_name=list_name, member=member,
    )  # fmt: skip
    emit(
        answer,
        format_,
        lambda: show_table(("address", "state", "reason"), (list(row.values()) for row in answer["mails"])),
    )
    sys.exit(0 if all(row["state"] == "accepted" for row in answer["mails"]) else UNFINISHED_BUSINESS)


def show_summary(summary: Any) -> None:
    """What is about to happen, to the person at the terminal (stderr)."""
    row = summary.campaign
    tracking = ", ".join(f"{name} {row[name]}" for name in ("opens", "clicks"))
    decided = (
        f" (decided by {row['tracking_decided_by']}: {row['tracking_because']})" if row["tracking_decided_by"] else ""
    )
    for name, value in {
        "Campaign": f"{row['id']} {row['name']}",
        "From": f"{row['from_name']} <{row['from_address']}>",
        "Reply-To": row["reply_to"] or "the same",
        "Subject": summary.subject,
        "List": f"{row['list']}: {summary.people:,} people, {summary.excluded:,} excluded",
        "Provider": row["provider"],
        "Tracking": tracking + decided,
        "Links to": row["public_url"],
        "For instance": summary.sample or "nobody",
    }.items():
        say(f"  {name:<13}{value}")


def show_status(answer: dict[str, Any]) -> None:
    """The ledger as people read it: the parts, the sum, and what to do next."""
    ledger = answer["ledger"]
    state = answer["state"] + (f" ({answer['pause_reason']})" if answer["pause_reason"] else "")
    click.echo(f"Campaign {answer['id']} {answer['name']}: {state}")
    rows: list[tuple[str, int, str]] = []
    for name in ("waiting", "excluded", "accepted", "failed", "uncertain"):
        reasons = answer.get(name) or {}
        note = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
        if name == "waiting" and ledger["in_flight"]:
            note = f"{ledger['in_flight']:,} in flight"
        rows.append((name, ledger[name], note))
    total = sum(row[1] for row in rows)
    show_table(
        ("", "people", ""), [*rows, ("= intended", total, "balances" if answer["balances"] else "DOES NOT BALANCE")]
    )
    if ledger["uncertain"]:
        click.echo(
            f"{ledger['uncertain']:,} people may or may not have got it. When you know, or have waited for events:\n"
            f"daisychain campaign resolve {answer['id']} --send-again|--count-as-accepted --because WHY"
        )
    if answer["state"] == "paused":
        click.echo(f"When the reason is mended: daisychain campaign send {answer['id']}")
