"""`daisychain member …`: one person."""

from __future__ import annotations

from typing import Any

import click

from commands.console import emit, examples, format_option, pass_installation, show_line, show_table
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

list_option = click.option("--list", "list_name", required=True, metavar="NAME", help="The list.")


@click.group()
def member() -> None:
    """Add and show one person, and subscribe somebody again who asked for it."""


@member.command()
@click.argument("email")
@list_option
@click.option("--first-name", default="", help="The first name.")
@click.option("--last-name", default="", help="The last name.")
@click.option("--language", default="", help="The language, as a code or a word: cy, Welsh.")
@click.option("--basis", default="unknown", show_default=True, help="The lawful basis, as for `list import`.")
@click.option("--source", default="", help="The record of that basis: which form, which wording, when.")
@format_option
@pass_installation
@examples('member add ann@example.org --list supporters --basis consent --source "paper form, 3 May"')
def add(
    installation: Installation, /, email: str, list_name: str, basis: str, source: str, language: str,
    format_: str, **names: str,
) -> None:  # fmt: skip
    """Add the person with the address EMAIL to a list."""
    from lists.cells import language_code
    from lists.lists import find_list
    from lists.members import add_member

    if (code := language_code(language)) is None:
        raise InputError(f"There is no language {language!r}.", hint="Write a code or an English name: cy, Welsh.")
    with installation.database.engine.begin() as connection:
        list_id = find_list(connection, list_name)["id"]
        given: dict[str, Any] = {"basis": basis, "source": source, "by": acting_user(), "language": code, **names}
        new = add_member(connection, list_id, email, **given)
    answer = {"list": list_name, "email": email, "new": new}
    emit(answer, format_, lambda: show_line(f"{email} {'is now' if new else 'was already'} on {list_name}."))


@member.command()
@click.argument("email")
@format_option
@pass_installation
@examples("member show ann@example.org")
def show(installation: Installation, email: str, format_: str) -> None:
    """Show what is known of the person with the address EMAIL: fields, lists, consent, suppression, history."""
    from lists.members import describe_person

    with installation.database.engine.connect() as connection:
        answer = describe_person(connection, email)
    emit(answer, format_, lambda: _show(answer))


@member.command()
@click.argument("email")
@list_option
@click.option("--because", required=True, metavar="WHY", help="The reason: what the person asked for, and when.")
@click.option("--evidence", required=True, metavar="WHERE", help="The record of that wish, kept as their consent.")
@format_option
@pass_installation
@examples('member resubscribe ann@example.org --list supporters --because "asked by phone" --evidence "note of 3 May"')
def resubscribe(
    installation: Installation, email: str, list_name: str, because: str, evidence: str, format_: str
) -> None:
    """Subscribe the person with the address EMAIL again, by their own wish; the change is kept as history."""
    from lists.lists import find_list
    from lists.resubscribe import resubscribe as subscribe_again

    with installation.database.engine.begin() as connection:
        list_id = find_list(connection, list_name)["id"]
        subscribe_again(connection, list_id, email, because=because, evidence=evidence, by=acting_user())
    answer = {"list": list_name, "email": email, "subscribed": True}
    emit(answer, format_, lambda: show_line(f"{email} is subscribed to {list_name} again."))


def _show(answer: dict[str, Any]) -> None:
    facts = {name: answer[name] for name in ("first_name", "last_name", "language")} | answer["fields"]
    show_table(["", answer["email"]], [(name.replace("_", "-"), value) for name, value in facts.items() if value])
    for title, key in (("list", "lists"), ("suppressed", "suppressed"), ("history", "history")):
        for row in answer[key]:
            named = {name: value for name, value in row.items() if value not in ("", None) and name != "before"}
            show_table([title, ""], list(named.items()))
