"""`daisychain newsletter test` and `daisychain newsletter test-set …`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from commands.campaigns.campaign_tables import say_outbox
from commands.campaigns.send import UNFINISHED_BUSINESS
from commands.console import answers, emit, runs, say, say_unknown, sheet_options, show_table
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user


@click.command("test")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", default="", help="Addresses, separated by commas.")
@click.option("--to-set", "sets", multiple=True, help="The addresses of this test set. Repeatable.")
@click.option("--provider", help="sendgrid, smtp or outbox; default: DAISYCHAIN_PROVIDER.")
@click.option("--list", "list_name", help="Use the sender of this list and, without --member, a sample person.")
@click.option("--member", help="Merge as for this member of the list.")
@click.option("--language", "only", multiple=True, help="Only this language; default: a mail in each. Repeatable.")
@click.option("--override", multiple=True, metavar="CODE=REASON", help="Accept this error of the checks.")
@answers(
    "newsletter test may.md --to you@your-charity.org --list supporters",
    "newsletter test may.md --to-set staff --language cy",
)
def send_test(
    installation: Installation, file: Path, to: str, sets: tuple[str, ...], provider: str | None, list_name: str | None,
    member: str | None, only: tuple[str, ...], override: tuple[str, ...], format_: str,
) -> None:  # fmt: skip
    """Send FILE to your own addresses the usual way: marked [TEST], with links that change nothing, never counted."""
    from sender.campaigns import test_inboxes, test_sends
    from sender.campaigns.overrides import read_overrides
    from sender.upkeep.foreground import work_until_over

    with installation.database.engine.connect() as connection:
        addresses = test_inboxes.gathered(connection, sets, to)
    provider = provider or installation.settings.provider
    started = test_sends.start_test(
        installation.database, file, addresses,
        provider=provider, list_name=list_name, member=member, only=only,
        overrides=read_overrides(override, acting_user()),
    )  # fmt: skip
    say_unknown(started.unknown)
    work_until_over(installation.database, started.id)
    with installation.database.engine.connect() as connection:
        mails = test_sends.mails_of_test(connection, started.id)
    columns = ("address", "language", "state", "reason")
    rows = ([mail.address, mail.language, mail.state, mail.reason] for mail in mails)
    emit({"id": started.id, "mails": mails}, format_, lambda: show_table(columns, rows))
    say_outbox(installation, provider, started.id)
    sys.exit(0 if all(mail.state == "accepted" for mail in mails) else UNFINISHED_BUSINESS)


@click.group("test-set")
def test_set() -> None:
    """Test sets: named groups of inboxes for test sends, your own or a testing service's."""


@test_set.command("list")
@answers("newsletter test-set list")
def list_(installation: Installation, format_: str) -> None:
    """List the test sets, and the addresses in each."""
    from sender.campaigns import test_inboxes

    with installation.database.engine.connect() as connection:
        sets = test_inboxes.all_sets(connection)
    rows = ((name, "\n".join(addresses)) for name, addresses in sets.items())
    emit(sets, format_, lambda: show_table(("set", "addresses"), rows))


@test_set.command()
@click.argument("name")
@click.argument("addresses", nargs=-1)
@click.option("--file", type=click.Path(path_type=Path), help="Also the addresses in this CSV or workbook.")
@sheet_options
@runs("newsletter test-set add staff you@your-charity.org colleague@gmail.com")
def add(
    installation: Installation, name: str, addresses: tuple[str, ...], file: Path | None, encoding: str | None,
    sheet: str | None,
) -> None:  # fmt: skip
    """Add ADDRESSES to the test set NAME, which is created if it does not exist."""
    from sender.campaigns import test_inboxes

    if file:
        addresses += test_inboxes.read_inboxes(file, encoding, sheet)
    if not addresses:
        raise InputError("Give the addresses, or --file FILE.")
    with installation.database.engine.begin() as connection:
        added = test_inboxes.add(connection, name, addresses)
        total = test_inboxes.count(connection, name.strip())
    say(f"{added:,} added; {name.strip()} has {total:,} now. Mail it: newsletter test FILE --to-set {name.strip()}")


@test_set.command()
@click.argument("name")
@click.argument("addresses", nargs=-1)
@runs("newsletter test-set remove staff colleague@gmail.com")
def remove(installation: Installation, name: str, addresses: tuple[str, ...]) -> None:
    """Remove ADDRESSES from the test set NAME; without addresses, the whole set."""
    from sender.campaigns import test_inboxes

    with installation.database.engine.begin() as connection:
        removed = test_inboxes.remove(connection, name, addresses)
    say(f"{removed:,} removed.")
