"""`daisychain partner …`: the member organisations, their details, and their private links."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.console import LazyGroup, answers, emit, runs, say, sheet_options, show_line, show_table
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from partners.organisation_list import OrganisationEntry
    from partners.profiles import PartnerProfile

ELSEWHERE = {
    "hand-out": (
        "commands.partners.hand_outs:hand_out",
        "Send organisations a message about a toolkit, with their private link.",
    ),
    "resubscribe": (
        "commands.partners.hand_outs:resubscribe",
        "Mail a contact again who unsubscribed, by their own wish.",
    ),
    "changes": ("commands.partners.hand_outs:changes", "List organisations that hold outdated packs, and tell them."),
}
_FIELDS = {
    "tool": "The tools that it sends with, such as mailchimp,outlook.",
    "languages": "The languages that it wants emails in, such as en,cy.",
    "region": "Its region, as you name yours.",
    "website": "Its own site.",
    "reply": "The address to which its readers may write.",
    "address": "Its postal address; parts with ' / ' between.",
    "charity-number": "Its charity number.",
    "intro": "A paragraph of its own, after the greeting.",
    "colour": "The colour of its links and buttons, such as #7a1f5c.",
}


def _details(command: Any) -> Any:
    for name, help_ in reversed(_FIELDS.items()):
        command = click.option(f"--{name}", help=help_)(command)
    contact = click.option("--contact", "contacts", multiple=True, metavar="ADDRESS", help="Add a contact.")
    return contact(command)


@click.group(cls=LazyGroup, lazy=ELSEWHERE)
def partner() -> None:
    """Add, find, import and export member organisations, and show their private links."""


@partner.command("list")
@click.option("--words", default="", help="Only organisations with this in their name, code or contacts.")
@click.option("--tool", default="", help="Only organisations that send with this tool.")
@click.option("--language", default="", help="Only organisations that want this language, as a code.")
@click.option("--region", default="", help="Only organisations in this region.")
@click.option("--has", default="", metavar="NEWSLETTER", help="Only organisations that have a pack of this newsletter.")
@click.option("--has-not", default="", metavar="NEWSLETTER", help="Only organisations that have none of it.")
@click.option("--stale", is_flag=True, help="Only organisations with packs that are not current and have no newer one.")
@answers("partner list --tool mailchimp --has-not may")
def list_(installation: Installation, /, format_: str, **filters: Any) -> None:
    """List the organisations, by name."""
    from newsletters.toolkits.toolkit import current_day
    from partners.organisation_list import OrganisationFilter, find_organisations

    with installation.database.engine.connect() as connection:
        found = find_organisations(connection, current_day(), OrganisationFilter(**filters))
    if not found and format_ == "table":
        say("There are no such organisations.")
        return
    rows = [
        (
            each.organisation.name, each.organisation.code, each.profile.values["tool"], each.profile.values["region"],
            ", ".join(f"{count} {state}" for state, count in each.made.states.items()),
        )
        for each in found
    ]  # fmt: skip
    emit(
        [_answer(each) for each in found], format_,
        lambda: show_table(("name", "code", "tool", "region", "packs"), rows),
    )  # fmt: skip


@partner.command()
@click.argument("name")
@answers('partner show "Bees of Bath"', "partner show bees-of-bath")
def show(installation: Installation, name: str, format_: str) -> None:
    """Show the organisation NAME (or its code): details, contacts, packs, what it did last."""
    from newsletters.toolkits.toolkit import current_day
    from partners.organisation_list import entry_of
    from partners.partner_events import latest_events
    from partners.profiles import require_profile

    with installation.database.engine.connect() as connection:
        profile = require_profile(connection, name)
        entry = entry_of(connection, current_day(), profile)
        events = latest_events(connection, profile.organisation.id, 10)
    answer = _answer(entry) | {
        "packs": [vars(each) for each in entry.made.packs],
        "events": [{"at": each.at, "kind": each.kind, "newsletter": each.newsletter} for each in events],
    }
    emit(answer, format_, lambda: _show(answer))


@partner.command()
@click.argument("name")
@click.option("--code", default="", help="Its code, in its links for life; made from the name otherwise.")
@_details
@runs('partner add "Bees of Bath" --tool mailchimp --contact maya@bees.example')
def add(installation: Installation, /, name: str, code: str, contacts: tuple[str, ...], **details: str | None) -> None:
    """Add the organisation NAME."""
    from partners.contacts import add_contact
    from partners.profiles import add_organisation

    values = {"name": name} | {field: text for field, text in details.items() if text is not None}
    with installation.database.engine.begin() as connection:
        profile = add_organisation(connection, values, acting_user(), code=code)
        for address in contacts:
            add_contact(connection, profile.organisation.id, address)
    show_line(f"{profile.organisation.name} is added. Its code is {profile.organisation.code}.")


@partner.command()
@click.argument("name")
@click.option("--name", "new_name", help="Its new name; it keeps its code and its packs.")
@click.option("--remove-contact", multiple=True, metavar="ADDRESS", help="Remove a contact.")
@_details
@runs('partner edit bees-of-bath --name "Bees of Somerset" --region "South West"')
def edit(
    installation: Installation, /, name: str, new_name: str | None, contacts: tuple[str, ...],
    remove_contact: tuple[str, ...], **details: str | None,
) -> None:  # fmt: skip
    """Change details of the organisation NAME (or its code); an empty value removes one."""
    from partners.contacts import add_contact, remove_address
    from partners.profiles import require_profile, save_profile

    values = {field: text for field, text in {"name": new_name, **details}.items() if text is not None}
    with installation.database.engine.begin() as connection:
        before = require_profile(connection, name)
        id_ = before.organisation.id
        saved = save_profile(connection, id_, values, acting_user())
        for address in contacts:
            add_contact(connection, id_, address)
        for address in remove_contact:
            remove_address(connection, id_, address)
    changed = saved != before or contacts or remove_contact
    show_line(f"{saved.organisation.name} is {'saved' if changed else 'as it was'}.")


@partner.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="Say what a column of another name holds.")
@click.option("--dry-run", is_flag=True, help="Try it and report what it would do.")
@sheet_options
@answers("partner import members.csv --dry-run", 'partner import members.xlsx --map "Member name=name"')
def import_(
    installation: Installation, file: Path, maps: tuple[str, ...], dry_run: bool, encoding: str | None,
    sheet: str | None, format_: str,
) -> None:  # fmt: skip
    """Import the organisations in FILE, a CSV or workbook with a row for each."""
    from partners.partner_import import import_file

    chosen = {column.strip(): field.strip() for column, _, field in (each.partition("=") for each in maps)}
    with installation.database.engine.begin() as connection:
        found = import_file(
            connection, file, acting_user(), encoding=encoding, sheet=sheet, chosen=chosen, dry_run=dry_run
        )  # fmt: skip
    answer = found.as_dict()
    numbers = [(name, answer[name]) for name in ("read", "added", "updated", "unchanged", "refused")]
    emit(answer, format_, lambda: show_table(("", "organisations"), numbers))
    if format_ == "table":
        for note in found.notes:
            say(note)
        if found.note_columns:
            say(f"Kept as notes: {', '.join(found.note_columns)}.")
        for line, name, why in found.refused:
            say(f"{file}:{line}: {name or 'no name'}: {why}")
    if dry_run:
        say("Nothing was kept: this was a dry run.")


@partner.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file; the logos are put beside it.")
@runs("partner export --out partners.csv")
def export(installation: Installation, out: Path | None) -> None:
    """Write all organisations as a CSV that `partner import` reads; to stdout without --out, and without logos."""
    from daisychain.atomic_files import replacing
    from newsletters.toolkits.toolkit import current_day
    from partners.organisation_list import find_organisations
    from partners.partner_export import export_csv, write_logos

    with installation.database.engine.connect() as connection:
        found = find_organisations(connection, current_day())
        if out is None:
            click.echo(export_csv(found), nl=False)
            return
        if not out.parent.is_dir():
            raise InputError(f"There is no folder {str(out.parent)!r}.", file=out)
        text = export_csv(found, write_logos(connection, found, out.parent))
    with replacing(out, encoding="utf-8-sig") as file:  # Excel takes a CSV without the mark for Windows' own encoding
        file.write(text)
    say(f"{len(found):,} organisations in {out}")


@partner.command()
@click.argument("name")
@click.option("--new", is_flag=True, help="Replace the link: the old one opens nothing from now on.")
@runs("partner link bees-of-bath", "partner link bees-of-bath --new")
def link(installation: Installation, name: str, new: bool) -> None:
    """Show the private link of the organisation NAME (or its code); anybody who has it can open its page."""
    from partners.profiles import replace_link, require_profile

    with installation.database.engine.begin() as connection:
        profile = require_profile(connection, name)
        if new:
            profile = replace_link(connection, profile.organisation.id)
    click.echo(profile.private_url(installation.settings))


def _answer(entry: OrganisationEntry) -> dict[str, Any]:
    profile: PartnerProfile = entry.profile
    contacts = [
        {"name": each.name, "email": each.email, "receives": each.receives, "suggested": each.suggested}
        for each in entry.contacts
    ]
    return {
        "code": profile.organisation.code, **profile.values, "notes": dict(profile.notes), "contacts": contacts,
        "packs": entry.made.states, "stale": entry.stale.state if entry.stale else None,
    }  # fmt: skip


def _show(answer: dict[str, Any]) -> None:
    facts = {name: value for name, value in answer.items() if isinstance(value, str) and value and name != "name"}
    show_table(("", answer["name"]), [*facts.items(), *answer["notes"].items()])
    contacts = [
        (each["name"], each["email"], "to be accepted" if each["suggested"] else "" if each["receives"] else "no mail")
        for each in answer["contacts"]
    ]
    for title, rows in (
        (("contact", "address", ""), contacts),
        (("pack", "tool", "is"), [(each["title"], each["dialect"], each["state"]) for each in answer["packs"]]),
        (("when", "what", "of"), [(each["at"], each["kind"], each["newsletter"]) for each in answer["events"]]),
    ):
        if rows:
            show_table(title, rows)
