"""`daisychain campaign unschedule`, `rename` and `delete`: what can be done before anybody is mailed."""

from __future__ import annotations

import shlex

import click

from commands.campaigns.send import confirm
from commands.campaigns.steering import ID, show_answer
from commands.console import answers, emit, say
from daisychain.installation import Installation
from daisychain.system_user import acting_user


@click.command()
@ID
@answers("campaign unschedule 3")
def unschedule(installation: Installation, id_: int, format_: str) -> None:
    """Make a scheduled campaign a draft again, which keeps its canary, pace and hours."""
    from sender.campaigns import unsent

    with installation.database.engine.begin() as connection:
        unsent.unschedule(connection, id_, who=acting_user())
    say(f"It is a draft again. Next: daisychain campaign send {id_}")
    show_answer(installation, id_, format_)


@click.command()
@ID
@click.argument("name")
@answers('campaign rename 3 "May bulletin, second try"')
def rename(installation: Installation, id_: int, name: str, format_: str) -> None:
    """Rename a campaign that has not been sent; no other campaign may have NAME."""
    from sender.campaigns import unsent

    with installation.database.engine.begin() as connection:
        unsent.rename(connection, id_, name)
    show_answer(installation, id_, format_)


@click.command()
@ID
@click.option("--yes", is_flag=True, help="Delete without asking.")
@answers("campaign delete 3")
def delete(installation: Installation, id_: int, yes: bool, format_: str) -> None:
    """Delete a draft, which can't be undone; its number is not used again."""
    from sender.campaigns import unsent
    from sender.campaigns.campaign_record import find_campaign

    with installation.database.engine.connect() as connection:
        found = find_campaign(connection, id_)
        kept = unsent.is_in_its_file(connection, found)
    unsent.require_draft(found)
    say(f"Draft {id_} {found.name!r}, to {found.list_name}, made from {found.document}")
    if not kept:
        say(f"That text is gone or has changed. To keep the draft's text: daisychain newsletter new NAME --from {id_}")
    if not yes:
        confirm("Delete this draft? It can't be undone.")
    with installation.database.engine.begin() as connection:
        unsent.delete_draft(connection, id_)
    again = shlex.join(["daisychain", "campaign", "create", found.document, "--list", found.list_name or ""])
    answer = {"id": id_, "name": found.name, "deleted": True}
    emit(answer, format_, f"Draft {id_} is deleted. To make it again: {again}")
