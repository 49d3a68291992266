"""The line in the audit log for an export of people: who asked for it at the command line, and why."""

from __future__ import annotations

import click

from daisychain.installation import Installation
from daisychain.system_user import acting_user

why_export = click.option("--because", default="", metavar="WHY", help="The reason; the audit log keeps it.")


def record_export(installation: Installation, action: str, because: str, **details: str) -> None:
    """Write down an export before anything is printed."""
    from accounts.audit import record_command

    command, _, object_ = action.rpartition(" ")
    with installation.database.engine.begin() as connection:
        why = because or "no reason given"
        record_command(connection, acting_user(), command, object_, because=why, **details)
