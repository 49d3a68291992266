"""`daisychain account …`: what must work before anybody can sign in, or when nobody can."""

from __future__ import annotations

import click

from commands.console import answers, emit, runs, say, show_line, show_table
from daisychain.installation import Installation
from daisychain.system_user import acting_user


@click.group()
def account() -> None:
    """Manage who may sign in to the desk; colleagues are invited there."""


@account.command("first-admin")
@click.argument("email")
@runs("account first-admin priya@your-charity.org")
def first_admin(installation: Installation, email: str) -> None:
    """Print a link that makes an account for the first admin; it works once, for 30 minutes."""
    show_first_admin_link(installation, email)


def show_first_admin_link(installation: Installation, email: str) -> None:
    """Make the first admin's link, and print it; raises InputError for a bad address, StateError if there is one."""
    from accounts.audit import record_command
    from accounts.invitations import first_admin_link
    from lists.addresses import require_address

    address = require_address(email).key
    with installation.database.engine.begin() as connection:
        token = first_admin_link(connection, address, acting_user())
        record_command(connection, acting_user(), "account first-admin", address)
    say("Open this link in a browser within 30 minutes. It works once; `daisychain serve` must be running.")
    show_line(f"{installation.settings.pages_url}/desk/welcome/{token}")


@account.command("list")
@answers("account list")
def list_(installation: Installation, format_: str) -> None:
    """List the people who have an account."""
    from accounts.staff import list_colleagues

    with installation.database.engine.connect() as connection:
        found = list_colleagues(connection)
    rows = [(one.name, one.email, one.role, "yes" if one.has_factor else "no", one.seen_at) for one in found]
    emit(found, format_, lambda: show_table(("name", "address", "role", "second factor", "last seen"), rows))


@account.command("new-password")
@click.argument("email")
@runs("account new-password priya@your-charity.org")
def new_password(installation: Installation, email: str) -> None:
    """Print a link that lets a person choose a new password; it works once, for an hour."""
    from accounts.audit import record_command
    from accounts.invitations import reset_link
    from accounts.staff import colleague_of

    with installation.database.engine.begin() as connection:
        address = colleague_of(connection, email).email
        made = reset_link(connection, address, acting_user())
        assert made is not None
        record_command(connection, acting_user(), "account new-password", address)
    say("Open this link in a browser within an hour. It works once, and leaves the second factor as it is.")
    show_line(f"{installation.settings.pages_url}/desk/welcome/{made[1]}")


@account.command("reset-factor")
@click.argument("email")
@runs("account reset-factor priya@your-charity.org")
def reset_factor(installation: Installation, email: str) -> None:
    """Forget a person's lost second factor; they set up another one at the next sign-in."""
    from accounts.audit import record_command
    from accounts.staff import colleague_of
    from accounts.staff import reset_factor as reset

    with installation.database.engine.begin() as connection:
        colleague = colleague_of(connection, email)
        reset(connection, colleague.id)
        record_command(connection, acting_user(), "account reset-factor", colleague.email)
    say(f"Done: {email} signs in with the password, and then sets up another second factor.")
