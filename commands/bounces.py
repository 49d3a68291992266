"""`daisychain bounces`: read the mailbox for bounces."""

from __future__ import annotations

import click

from commands.console import answers, emit, show_table
from daisychain.installation import Installation


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
        "hard": "bounced (hard)",
        "soft": "bounced (soft)",
        "deferred": "delayed",
        "delivered": "delivered",
        "complained": "complained",
        "unsubscribed": "unsubscribed",
        "other": "something else",
        "unreadable": "can't be read",
        "new": "new to us",
    }
    answer = {name: counts[name] for name in names}
    with installation.database.engine.connect() as connection:
        answer["flagged"] = count_flagged(connection).get(MAIL, 0)
    names["flagged"] = "flagged, to look at"
    emit(answer, format_, lambda: show_table(("", "mails"), ((words, answer[name]) for name, words in names.items())))
