"""`daisychain events` and `bounces`: classify opens and clicks, replay webhook bodies, read the mailbox for bounces."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from commands.console import answers, emit, say, show_table
from daisychain.clock import shown
from daisychain.installation import Installation


@click.group()
def events() -> None:
    """Classify and replay the events of readers and providers."""


@events.command("classify")
@click.argument("id_", metavar="[ID]", type=int, required=False)
@answers("events classify", "events classify 3")
def classify_(installation: Installation, id_: int | None, format_: str) -> None:
    """Classify the opens and clicks of campaign ID now, or of all campaigns with new ones.

    Workers do it every minute. Scanners are found by comparing the hits of a campaign with each other.
    """
    from sender.campaigns.campaign_record import find_campaign
    from sender.events.classify import classify_campaign, classify_due
    from sender.events.reader_rules import RULE_SET

    if id_ is None:
        summary = classify_due(installation.database, rest=0)
    else:
        with installation.database.engine.connect() as connection:
            find_campaign(connection, id_)
        summary = f"{classify_campaign(installation.database, id_)} hits of campaign {id_} decided otherwise"
    answer = {"rule_set": RULE_SET, "result": summary or "no new hits"}
    emit(answer, format_, lambda: say(f"Rule set {RULE_SET}: {answer['result']}."))


@events.command("replay")
@click.option(
    "--from", "since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only bodies received since then (UTC); default: all that are stored.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Write the changes; without it, only show them.")
@answers("events replay", "events replay --from 2026-05-01 --yes")
def replay_(installation: Installation, since: datetime | None, yes: bool, format_: str) -> None:
    """Work events out again from the stored webhook bodies, and roll-ups from all events.

    Readers and new events do not wait for it. Suppressions and memberships do not change, except for
    bodies that were never processed before.
    """
    from daisychain.secret import installation_secret
    from sender.events.replay import replay
    from sender.links.keys import Keys

    begin = since.replace(tzinfo=UTC) if since else datetime.fromtimestamp(0, UTC)
    keys = Keys(installation_secret(installation.settings))
    found = replay(installation.database, keys, begin, write=yes)
    if found.kept_since is None:
        say("No webhook bodies are stored, so no events can be worked out again.")
    else:
        say(f"Bodies are stored since {shown(found.kept_since)}; earlier events do not change.")
    answer = {**vars(found), "written": yes}
    rows = [
        ("bodies processed for the first time", found.taken_in),
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


@click.command()
@answers("bounces")
def bounces(installation: Installation, format_: str) -> None:
    """Read the mailbox for bounces (IMAP_URL) now; workers do so every five minutes.

    Mails are marked as seen, and flagged if they are not a bounce of our mail; none is deleted.
    """
    from sender.events.bounce_mailbox import read_mailbox
    from sender.events.flagged import MAIL, count_flagged

    counts = read_mailbox(installation.database)
    names = {
        "hard": "bounced (hard)", "soft": "bounced (soft)", "deferred": "delayed", "delivered": "delivered",
        "complained": "complained", "unsubscribed": "unsubscribed", "other": "something else",
        "unreadable": "can't be read", "new": "new to us",
    }  # fmt: skip
    answer = {name: counts[name] for name in names}
    with installation.database.engine.connect() as connection:
        answer["flagged"] = count_flagged(connection).get(MAIL, 0)
    names["flagged"] = "flagged, to look at"
    emit(answer, format_, lambda: show_table(("", "mails"), ((words, answer[name]) for name, words in names.items())))
