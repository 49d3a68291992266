"""`daisychain complaint …`: complaints about data protection."""

from __future__ import annotations

import click

from commands.console import answers, emit, runs, say, show_line, show_table
from daisychain.installation import Installation
from daisychain.system_user import acting_user


@click.group()
def complaint() -> None:
    """Log complaints about data protection, acknowledge them within 30 days, and close them."""


@complaint.command()
@click.argument("about")
@click.option("--contact", default="", help="The address or telephone number to answer to.")
@runs('complaint add "got a mail after unsubscribing" --contact ann@example.org')
def add(installation: Installation, about: str, contact: str) -> None:
    """Write down a complaint, in a few words."""
    from lists.privacy.complaints import ACKNOWLEDGED_WITHIN, add_complaint

    with installation.database.engine.begin() as connection:
        number = add_complaint(connection, about, contact=contact, by=acting_user())
    show_line(f"Complaint {number}: acknowledge it within {ACKNOWLEDGED_WITHIN.days} days.")
    say(f"When you have answered: daisychain complaint acknowledge {number}")


@complaint.command("list")
@answers("complaint list")
def list_(installation: Installation, format_: str) -> None:
    """List the complaints, and until when each must be acknowledged."""
    from lists.privacy.complaints import list_complaints

    with installation.database.engine.connect() as connection:
        found = list_complaints(connection)
    columns = ["number", "state", "received", "acknowledge by", "contact", "about", "outcome"]
    rows = [[each.id, each.state, each.received_at, each.due_at, each.contact, each.about, each.outcome]
            for each in found]  # fmt: skip
    emit(found, format_, lambda: show_table(columns, rows))


@complaint.command()
@click.argument("number", type=int)
@runs("complaint acknowledge 3")
def acknowledge(installation: Installation, number: int) -> None:
    """Write down that complaint NUMBER was acknowledged to the person."""
    from lists.privacy.complaints import acknowledge_complaint

    with installation.database.engine.begin() as connection:
        acknowledge_complaint(connection, number, by=acting_user())
    show_line(f"Complaint {number} is acknowledged.")


@complaint.command()
@click.argument("number", type=int)
@click.option("--outcome", required=True, metavar="WHAT", help="The result, in a few words.")
@runs('complaint close 3 --outcome "apologised; the address is suppressed"')
def close(installation: Installation, number: int, outcome: str) -> None:
    """Close complaint NUMBER."""
    from lists.privacy.complaints import close_complaint

    with installation.database.engine.begin() as connection:
        close_complaint(connection, number, outcome=outcome, by=acting_user())
    show_line(f"Complaint {number} is closed.")
