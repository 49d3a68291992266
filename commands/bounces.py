"""`daisychain bounces`: what came back by mail."""

from __future__ import annotations

import click

from commands.console import emit, format_option, pass_installation, show_table
from daisychain.installation import Installation


@click.command()
@format_option
@pass_installation
def bounces(installation: Installation, format_: str) -> None:
    """Read the mailbox for bounces (IMAP_URL) now; workers do so every five minutes.

    Mails are marked as seen, and flagged if they are no bounce of our mail; none is deleted.
    """
    from sender.events.bounce_mailbox import read_mailbox

    counts = read_mailbox(installation.database)
    names = {
        "hard": "bounced for good",
        "soft": "bounced for now",
        "deferred": "delayed",
        "delivered": "delivered",
        "complained": "complained",
        "other": "something else",
        "new": "not known before",
    }
    answer = {name: counts[name] for name in names}
    emit(answer, format_, lambda: show_table(("", "mails"), ((words, counts[name]) for name, words in names.items())))
