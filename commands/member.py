"""`daisychain member …`: one person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commands.console import LazyGroup, answers, emit, say, show_line, show_table, show_text
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

list_option = click.option("--list", "list_name", required=True, metavar="NAME", help="The list.")


HISTORY = {"history": ("commands.consent:history", "Show what one person agreed to, when, and in which words.")}


@click.group(cls=LazyGroup, lazy=HISTORY)
def member() -> None:
    """Add, show and correct one person, subscribe them again, and what they may ask: export, restrict, erase."""


@member.command()
@click.argument("email")
@list_option
@click.option("--first-name", default="", help="The first name.")
@click.option("--last-name", default="", help="The last name.")
@click.option("--language", default="", help="The language, as a code or a word: cy, Welsh.")
@click.option("--basis", default="unknown", show_default=True, help="The lawful basis, as for `list import`.")
@click.option("--source", default="", help="The record of that basis: which form, which wording, when.")
@click.option("--collected-by", default="", metavar="NAME", help="The organisation that collected this contact.")
@answers('member add ann@example.org --list supporters --basis consent --source "paper form, 3 May"')
def add(
    installation: Installation, /, email: str, list_name: str, basis: str, source: str, collected_by: str,
    language: str, format_: str, **names: str,
) -> None:  # fmt: skip
    """Add the person with the address EMAIL to a list."""
    from lists.cells import language_code
    from lists.lists import find_list
    from lists.members import add_member

    if (code := language_code(language)) is None:
        raise InputError(f"There is no language {language!r}.", hint="Write a code or an English name: cy, Welsh.")
    with installation.database.engine.begin() as connection:
        list_id = find_list(connection, list_name)["id"]
        given: dict[str, Any] = {"basis": basis, "source": source, "collected_by": collected_by.strip(), **names}
        new = add_member(connection, list_id, email, by=acting_user(), language=code, **given)
    answer = {"list": list_name, "email": email, "new": new}
    emit(answer, format_, f"{email} {'is now' if new else 'was already'} on {list_name}.")


@member.command()
@click.argument("email")
@answers("member show ann@example.org")
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
@answers('member resubscribe ann@example.org --list supporters --because "asked by phone" --evidence "note of 3 May"')
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
    emit(answer, format_, f"{email} is subscribed to {list_name} again.")


@member.command("set")
@click.argument("email")
@click.option("--email", "new_email", metavar="ADDRESS", help="Another address of the same person.")
@click.option("--first-name", help="The first name; an empty one is deleted.")
@click.option("--last-name", help="The last name.")
@click.option("--language", help="The language, as a code or a word: cy, Welsh.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="Any other field. Repeat it for several.")
@click.option("--because", required=True, metavar="WHY", help="The reason: what the person asked for, and when.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@answers('member set ann@example.org --last-name Jones --field town=Leeds --because "asked by phone, 3 May"')
def set_(
    installation: Installation, /, email: str, new_email: str | None, fields: tuple[str, ...], because: str,
    dry_run: bool, format_: str, **named: str | None,
) -> None:  # fmt: skip
    """Correct what is recorded of the person with the address EMAIL; what it was is kept.

    Another address takes along what the person said no to, and the old one is never mailed again.
    """
    from lists.privacy.corrections import correct_member

    values = {name: value for name, value in {"email": new_email, **named}.items() if value is not None}
    for each in fields:
        name, mark, value = each.partition("=")
        if not mark:
            raise InputError(f"--field {each!r} can't be read.", hint="Write NAME=VALUE, such as town=Leeds.")
        values[name.strip()] = value
    with installation.database.engine.begin() as connection:
        changes = correct_member(connection, email, values, because=because, by=acting_user(), dry_run=dry_run)
    rows = [[name, before, after] for name, (before, after) in changes.items()]
    answer = {"email": email, "dry_run": dry_run, "changes": {name: [*pair] for name, pair in changes.items()}}
    emit(answer, format_, lambda: show_table(["field", "before", "after"], rows))
    say("Nothing changed." if dry_run or not changes else "Corrected.")


@member.command()
@click.argument("email")
@click.option("--lift", is_flag=True, help="Use their data again.")
@click.option("--because", required=True, metavar="WHY", help="The reason: what the person asked for, and when.")
@answers(
    'member restrict ann@example.org --because "disputes the consent, letter of 3 May"',
    'member restrict ann@example.org --lift --because "settled, 10 May"',
)
def restrict(installation: Installation, email: str, lift: bool, because: str, format_: str) -> None:
    """Keep the data of the person with the address EMAIL, and use it for nothing: no mail, no profile."""
    from lists.privacy.corrections import restrict_member

    with installation.database.engine.begin() as connection:
        restrict_member(connection, email, not lift, because=because, by=acting_user())
    said = f"{email} is {'not restricted any more' if lift else 'restricted: kept, and not used'}."
    emit({"email": email, "restricted": not lift}, format_, said)


@member.command()
@click.argument("email")
@click.option("--output", type=click.Path(path_type=Path), metavar="BASE", help="Write BASE.json and BASE.html.")
@answers("member export ann@example.org --output request-12", "member export ann@example.org --format json")
def export(installation: Installation, email: str, output: Path | None, format_: str) -> None:
    """Export everything that is held of the person with the address EMAIL: JSON, and a page to read.

    The files are for their owner only, and none is ever overwritten.
    """
    from daisychain.operations.person_export import person_export, write_export

    if output is None and format_ != "json":
        raise click.UsageError("Where should it go? --output BASE writes BASE.json and BASE.html.")
    with installation.database.engine.connect() as connection:
        found = person_export(connection, email)
    if output is None:
        click.echo(found.as_json())
        return
    files = write_export(found, output)
    emit({"files": files}, format_, f"Written: {' and '.join(map(str, files))}.")
    say("They hold everything about one person: hand them over by a safe way, then delete them.")


@member.command()
@click.argument("email")
@click.option("--because", required=True, metavar="WHY", help="The reason: what the person asked for, and when.")
@click.option("--dry-run", is_flag=True, help="Only show what would go, what stays, and why.")
@click.option("--yes", is_flag=True, help="Don't ask for the address again.")
@answers('member erase ann@example.org --because "asked by email, 3 May" --dry-run')
def erase(installation: Installation, email: str, because: str, dry_run: bool, yes: bool, format_: str) -> None:
    """Forget the person with the address EMAIL permanently, in lists, campaigns, events and files.

    Reports keep their sums. A keyed hash of the address stays, so that no import or restored backup brings it back.
    """
    from daisychain.operations.erasure import erase_person, plan_erasure

    database = installation.database
    with database.engine.connect() as connection:
        plan = plan_erasure(connection, installation.settings, email)
    if dry_run or not yes:
        emit(plan, format_, lambda: _show_plan(plan))
    if dry_run:
        return
    if not yes and click.prompt("This can't be undone. Type the address again", err=True).strip() != email.strip():
        raise InputError("That is another address. Nothing was erased.")
    plan = erase_person(database.engine, installation.settings, email, by=acting_user(), because=because)
    if yes:
        emit(plan, format_, lambda: _show_plan(plan))
    say("Erased.")


def _show_plan(plan: Any) -> None:
    show_table(["goes", "rows"], list(plan.goes.items()))
    show_line("What stays, and why:")
    for line in plan.stays:
        show_text(line, indent="- ", hanging="  ")


def _show(answer: dict[str, Any]) -> None:
    facts = {name: answer[name] for name in ("first_name", "last_name", "language")} | answer["fields"]
    show_table(["", answer["email"]], [(name.replace("_", "-"), value) for name, value in facts.items() if value])
    for title, key in (("list", "lists"), ("suppressed", "suppressed"), ("history", "history")):
        for row in answer[key]:
            named = {name: value for name, value in row.items() if value not in ("", None) and name != "before"}
            show_table([title, ""], list(named.items()))
