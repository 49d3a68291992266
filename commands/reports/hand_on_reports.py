"""`daisychain report note` and `report schedule`: notes on a report, and reports by mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from commands.console import runs, show_table
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from datetime import datetime


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.argument("content", metavar="[TEXT]", default="")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The day, such as 2026-11-30.")
@click.option("--remove", type=int, metavar="NUMBER", help="Remove the note of this number.")
@runs('report note 3 "Story on the local news" --on 2026-11-30', "report note 3", "report note 3 --remove 1")
def note(installation: Installation, id_: int, content: str, day: datetime | None, remove: int | None) -> None:
    """Add a note to the report of campaign ID, remove one, or list them."""
    from accounts.audit import record_command
    from reports.staff_notes import add_note, read_notes, remove_note

    with installation.database.engine.begin() as connection:
        if remove is not None:
            remove_note(connection, id_, remove)
            record_command(connection, acting_user(), "report note --remove", str(id_))
        elif content:
            add_note(connection, id_, content, acting_user(), day.date() if day else None)
            record_command(connection, acting_user(), "report note", str(id_))
        notes = read_notes(connection, id_)
    rows = [(each.number, each.when, each.content, each.written_by) for each in notes]
    show_table(["number", "day", "note", "by"], rows, title=f"Notes on campaign {id_}")


@click.command()
@click.argument("id_", metavar="ID", type=int)
@click.option("--to", "addresses", multiple=True, metavar="ADDRESS", help="An address to mail it to; may be repeated.")
@click.option(
    "--after", default="48h", show_default=True, metavar="TIME", help="How long after the last mail left: 72h, 3d."
)
@click.option("--cancel", type=int, metavar="NUMBER", help="Do not mail the report of this number.")
@runs("report schedule 3 --to trustees@charity.org.uk", "report schedule 3", "report schedule 3 --cancel 1")
def schedule(installation: Installation, id_: int, addresses: tuple[str, ...], after: str, cancel: int | None) -> None:
    """Mail the report of campaign ID some time after it was sent, with its figures and charts; or list or cancel that.

    The figures are in the mail itself, those about fewer than five people hidden. Without --to, what is
    scheduled is listed.
    """
    from accounts.audit import record_command
    from reports.compare import read_age
    from reports.handed_on.report_mails import cancel_report, reports_by_mail, schedule_report

    with installation.database.engine.begin() as connection:
        if cancel is not None and not cancel_report(connection, id_, cancel):
            raise InputError(f"Campaign {id_} has no report {cancel} that is still to be mailed.")
        if addresses:
            hours = int(read_age(after).total_seconds() // 3600)
            schedule_report(connection, installation.settings, id_, addresses, acting_user(), hours)
        if addresses or cancel is not None:
            what = "report schedule" if addresses else "report schedule --cancel"
            record_command(connection, acting_user(), what, str(id_))
        rows = [
            (each.number, ", ".join(each.addresses), each.when, each.asked_by)
            for each in reports_by_mail(connection, id_)
        ]
    show_table(["number", "to", "mailed", "asked by"], rows, title=f"Reports by mail of campaign {id_}")
