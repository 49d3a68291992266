"""`daisychain list …`: lists and their people."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.console import LazyGroup, answers, emit, progress, runs, say, sheet_options, show_table
from commands.export_log import record_export, why_export
from daisychain.errors import InputError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from lists.imports import ImportSummary

ELSEWHERE = {
    "archive": ("commands.campaigns.archive:of_list", "Show past bulletins to everybody, or stop that."),
    "audit": ("commands.consent:audit", "Count people by basis, and find bases that can't hold."),
    "sign-up": ("commands.sign_up:sign_up", "Show, open and close the form by which people sign up."),
}
on_off = click.Choice(["off", "on"])
TRACKING: dict[str, Any] = {
    "metavar": "off|counted|per-person",
    "help": "How reading is recorded: not, as totals without persons, or per person if they agreed.",
}
a_file = click.Path(path_type=Path)


@click.group("list", cls=LazyGroup, lazy=ELSEWHERE)
def lists() -> None:
    """Create and import lists, export them, unsubscribe and suppress people."""


@lists.command()
@click.argument("name")
@click.option("--from", "sender", required=True, metavar='"NAME <ADDRESS>"', help="The sender that readers see.")
@click.option("--title", default="", metavar="TITLE", help="The list's name for readers.")
@click.option("--reply-to", default="", metavar="ADDRESS", help="The address for replies, if not the sender's.")
@click.option("--tracking", default="counted", show_default=True, **TRACKING)
@click.option("--opens", type=on_off, default="on", show_default=True, help="Count opens with a pixel.")
@click.option("--clicks", type=on_off, default="on", show_default=True, help="Count clicks on links.")
@click.option("--decided-by", default="", metavar="WHO", help="Who made the decision about tracking.")
@click.option("--because", default="", metavar="WHY", help="The reason for that decision.")
@click.option(
    "--dimension", "dimensions", multiple=True, metavar="FIELD",
    help="A field to count people by in reports, such as region; each campaign keeps its values.",
)  # fmt: skip
@answers('list create supporters --from "Connection Coalition <hello@coalition.org>"')
def create(installation: Installation, /, name: str, format_: str, **choices: Any) -> None:
    """Create the list NAME."""
    from lists.lists import create_list
    from lists.overview import overview

    with installation.database.engine.begin() as connection:
        create_list(connection, name, **choices)
        answer = overview(connection, name)
    emit(answer, format_, f"List {name} from {answer['from']}, {_tracking(answer)}.")


@lists.command()
@click.argument("name")
@click.option("--title", metavar="TITLE", help="The list's name for readers.")
@click.option("--rename", metavar="NAME", help="The new name of the list in commands.")
@click.option("--from", "sender", metavar='"NAME <ADDRESS>"', help="The sender that readers see from now on.")
@click.option("--same-organisation", is_flag=True, help="The new sender is who collected the contacts, renamed.")
@click.option("--tracking", **TRACKING)
@click.option("--opens", type=on_off, default="on", help="With --tracking: count opens with a pixel.")
@click.option("--clicks", type=on_off, default="on", help="With --tracking: count clicks on links.")
@click.option("--decided-by", default="", metavar="WHO", help="Who made the decision about tracking.")
@click.option("--because", default="", metavar="WHY", help="The reason for that decision.")
@click.option("--also-named", multiple=True, metavar="NAME", help="Another name of the organisation that sends it.")
@click.option(
    "--dimension", "dimensions", multiple=True, metavar="FIELD",
    help='A field to count people by in reports; these replace all that there were, and "" leaves none.',
)  # fmt: skip
@answers('list edit supporters --title "Friends of the Daisy Trust"', "list edit supporters --dimension region")
def edit(
    installation: Installation, /, name: str, format_: str, tracking: str | None, opens: str, clicks: str,
    decided_by: str, because: str, **changes: Any,
) -> None:  # fmt: skip
    """Change the list NAME; campaigns that exist keep their sender and their dimensions."""
    from lists.lists import decide_tracking, edit_list
    from lists.overview import overview

    if not any(change not in (None, (), False) for change in (tracking, *changes.values())):
        raise InputError(
            "Nothing to change.", hint="Give --title, --rename, --from, --also-named, --dimension or --tracking."
        )
    with installation.database.engine.begin() as connection:
        if tracking is not None:
            decide_tracking(
                connection, name, tracking, opens=opens, clicks=clicks, decided_by=decided_by, because=because
            )
        answer = overview(connection, edit_list(connection, name, **changes))
    emit(answer, format_, _in_one_line(answer))
    for field in answer["dimensions"] if changes["dimensions"] else ():
        if not answer["fields"].get(field):
            say(f"Nobody on {answer['name']} who may be mailed has a value for {field} yet.")


def _in_one_line(answer: dict[str, Any]) -> str:
    titled = f" “{answer['title']}”" if answer["title"] else ""
    counted = f", counted by {', '.join(answer['dimensions'])}" if answer["dimensions"] else ""
    return f"List {answer['name']}{titled} from {answer['from']}, {_tracking(answer)}{counted}."


def _tracking(answer: dict[str, Any]) -> str:
    return f"tracking {answer['tracking']} (opens {answer['opens']}, clicks {answer['clicks']})"


@lists.command("list")
@answers("list list")
def list_(installation: Installation, format_: str) -> None:
    """Show all lists."""
    from lists.overview import overview_of_all

    with installation.database.engine.connect() as connection:
        rows = overview_of_all(connection)
    columns = ["name", "from", "mailable", "unsubscribed", "paused", "suppressed", "tracking", "opens", "clicks"]
    emit(rows, format_, lambda: show_table(columns, [[row[column] for column in columns] for row in rows]))


@lists.command()
@click.argument("name")
@answers("list show supporters")
def show(installation: Installation, name: str, format_: str) -> None:
    """Show the list NAME: sender, tracking, people, consent, how full its fields are, and why people left."""
    from lists.lists import find_list
    from lists.overview import overview
    from lists.preferences.leaving_reasons import reasons_for_leaving

    with installation.database.engine.connect() as connection:
        reasons = reasons_for_leaving(connection, find_list(connection, name)["id"])
        answer = {**overview(connection, name), "reasons": reasons}
    emit(answer, format_, lambda: _show(answer))


@lists.command()
@click.argument("name")
@click.option(
    "--exact", is_flag=True, help="Leave cells as they are, even if a spreadsheet would run them as formulas."
)
@click.option(
    "--format", "format_", type=click.Choice(["csv", "json"]), default="csv", show_default=True,
    help="CSV for spreadsheets, or JSON for scripts.",
)  # fmt: skip
@why_export
@runs("list export supporters > supporters.csv", "list export supporters --because 'move to a CRM' > all.csv")
def export(installation: Installation, name: str, exact: bool, format_: str, because: str) -> None:
    """Write all past and present members of the list NAME to stdout. The audit log keeps who did it, and why."""
    from lists.export import export_csv, export_json
    from lists.lists import find_list

    with installation.database.engine.connect() as connection:
        list_id = find_list(connection, name)["id"]
    record_export(installation, f"list export {name}", because)
    with installation.database.engine.connect() as connection:
        if format_ == "json":
            export_json(connection, list_id, sys.stdout)
        else:
            export_csv(connection, list_id, sys.stdout, exact=exact)


@lists.command("import")
@click.argument("name")
@click.argument("file", type=a_file)
@click.option("--dry-run", is_flag=True, help="Show what the import would do, and store nothing.")
@click.option(
    "--map", "mapping", multiple=True, metavar='"FIELD=HEADING"',
    help='Which heading fills which field; "=HEADING" leaves a column out; "HEADING=opt-out", "HEADING=opt-in", '
    '"HEADING=status" and "HEADING=words" say that a column shows who must not be mailed.',
)  # fmt: skip
@sheet_options
@click.option(
    "--basis", default="unknown", show_default=True,
    help="The lawful basis: consent, soft-opt-in-sale, soft-opt-in-charity, legitimate-interest.",
)  # fmt: skip
@click.option("--source", default="", help="The record of that basis: which form, which wording, when.")
@click.option("--collected-by", default="", metavar="NAME", help="The organisation that collected these contacts.")
@click.option("--refused", type=a_file, help="The file for refused rows; by default FILE.refused.csv beside the file.")
@answers(
    "list import supporters people.csv --dry-run",
    'list import supporters people.csv --basis consent --source "Join form"',
)
def import_(
    installation: Installation, /, name: str, file: Path, mapping: tuple[str, ...], format_: str, **choices: Any
) -> None:
    """Import the people in FILE (CSV, XLSX, XLS or ODS) into the list NAME; nobody who unsubscribed comes back."""
    from lists.columns import parse_mapping
    from lists.imports import ImportOptions, import_members
    from lists.lists import find_list
    from sender.campaigns.freeze import wait_for_freeze

    options = ImportOptions(mapping=parse_mapping(mapping), by=acting_user(), **choices)
    with progress() as bar, installation.database.engine.begin() as connection:
        list_id = find_list(connection, name)["id"]
        task = bar.add_task("Reading", total=file.stat().st_size if file.is_file() else None)
        summary = import_members(
            connection, list_id, file, options,
            watch=lambda doing, done: bar.update(task, description=doing, completed=done),
        )  # fmt: skip
        wait_for_freeze(connection)
    emit({"list": name, "file": file, **asdict(summary)}, format_, lambda: _show_import(summary))
    _say_import(summary)


@lists.command()
@click.argument("name")
@answers("list imports supporters")
def imports(installation: Installation, name: str, format_: str) -> None:
    """Show the imports into the list NAME, with their numbers."""
    from lists.import_log import imports_of
    from lists.lists import find_list

    with installation.database.engine.connect() as connection:
        rows = imports_of(connection, find_list(connection, name)["id"])
    counts = ["added", "updated", "refused", "ended", "remembered", "suppressed"]
    named = ["number", "at", "by", "file"]
    cells = [[*map(row.get, named), *map(row["counts"].get, counts), row["undone_at"]] for row in rows]
    emit(rows, format_, lambda: show_table([*named, *counts, "undone"], cells))


@lists.command("undo-import")
@click.argument("number", type=int)
@click.option("--dry-run", is_flag=True, help="Show what it would take back, and change nothing.")
@click.option("--yes", is_flag=True, help="Undo without asking.")
@answers("list undo-import 12 --dry-run")
def undo_import_(installation: Installation, number: int, dry_run: bool, yes: bool, format_: str) -> None:
    """Take the import NUMBER back, within seven days: what nobody has changed since is as it was before."""
    from commands.campaigns.send import confirm
    from lists.import_log import find_import, undo_import
    from sender.delivery.ledger import is_in_a_ledger

    def run(keep: bool) -> dict[str, Any]:
        with installation.database.engine.connect() as connection, connection.begin() as transaction:
            found = find_import(connection, number)
            counts = asdict(undo_import(connection, number, by=acting_user(), kept=is_in_a_ledger))
            transaction.commit() if keep else transaction.rollback()
            return {"number": number, "list": found["name"], "file": found["file"], "dry_run": not keep, **counts}

    def show_counts(answer: dict[str, Any], title: str) -> None:
        rows = [(key.replace("_", " "), value) for key, value in list(answer.items())[4:]]
        show_table([f"import {number} into {answer['list']}", "people"], rows, title=title)

    answer = run(keep=False)
    if not dry_run:
        if not yes:
            show_counts(answer, "What will be taken back")
            confirm(f"Undo import {number} of {answer['file']} into {answer['list']}?")
        answer = run(keep=True)
    emit(answer, format_, lambda: show_counts(answer, "Dry run: nothing was kept" if dry_run else "Taken back"))


@lists.command()
@click.argument("name")
@click.argument("email", required=False)
@click.option("--file", type=a_file, help="A CSV or workbook with a column of addresses, or one address a line.")
@sheet_options
@click.option("--dry-run", is_flag=True, help="With --file: show what it would do, and change nothing.")
@click.option("--yes", is_flag=True, help="With --file: unsubscribe without asking.")
@answers("list unsubscribe supporters ann@example.org", "list unsubscribe supporters --file left.csv")
def unsubscribe(
    installation: Installation, /, name: str, email: str | None, file: Path | None, format_: str, dry_run: bool,
    yes: bool, **choices: str | None,
) -> None:  # fmt: skip
    """Unsubscribe the person with the address EMAIL, or the addresses of a file, from the list NAME."""
    if (email is None) == (file is None):
        raise InputError("Give either one address or --file FILE.")
    if file:
        _unsubscribe_file(installation, name, file, format_, dry_run, yes, **choices)
    else:
        _unsubscribe_one(installation, name, email or "", format_)


def _unsubscribe_one(installation: Installation, name: str, email: str, format_: str) -> None:
    from lists.lists import find_list
    from lists.members import find_membership
    from lists.members import unsubscribe as leave

    with installation.database.engine.begin() as connection:
        list_id = find_list(connection, name)["id"]
        membership = find_membership(connection, list_id, email)
        new = leave(connection, list_id, membership["member_id"], how="by staff", by=acting_user())
    answer = {"list": name, "email": email, "unsubscribed": True, "new": new}
    emit(answer, format_, f"{email} {'is now' if new else 'was already'} unsubscribed from {name}.")


def _unsubscribe_file(
    installation: Installation, name: str, file: Path, format_: str, dry_run: bool, yes: bool, **choices: str | None
) -> None:
    from commands.campaigns.send import confirm
    from lists.lists import find_list
    from lists.unsubscribe_file import UnsubscribeSummary, unsubscribe_file

    def run(keep: bool) -> UnsubscribeSummary:
        with installation.database.engine.connect() as connection, connection.begin() as transaction:
            list_id = find_list(connection, name)["id"]
            summary = unsubscribe_file(connection, list_id, file, how="by staff", by=acting_user(), **choices)
            transaction.commit() if keep else transaction.rollback()
            return summary

    if not dry_run and not yes:
        planned = run(keep=False)
        confirm(
            f"Unsubscribe {planned.unsubscribed:,} people from {name}, and remember {planned.remembered:,} addresses "
            "that were never on it?"
        )
    summary = run(keep=not dry_run)
    answer = {"list": name, "file": file, "dry_run": dry_run, **summary.as_dict()}
    title = "Dry run: nothing was kept" if dry_run else ""
    _emit_file(answer, ["read", "unsubscribed", "remembered", "unchanged", "refused"], format_, title)


def _emit_file(answer: dict[str, Any], columns: list[str], format_: str, title: str = "") -> None:
    """Show the counts of a file of addresses, and say which lines gave none."""
    emit(answer, format_, lambda: show_table(columns, [[answer[column] for column in columns]], title=title))
    if answer["note"]:
        say(answer["note"])
    for refusal in answer["refused_rows"]:
        say(f"{answer['file']}:{refusal['line']}: {refusal['reason']}")


@lists.command()
@click.argument("email", required=False)
@click.option("--file", type=a_file, help="A CSV or workbook with a column of addresses, or one address a line.")
@sheet_options
@click.option("--reason", required=True, help="The reason why the address must not be mailed.")
@answers(
    'list suppress ann@example.org --reason "asked by telephone"',
    'list suppress --file complaints.csv --reason "complained"',
)
def suppress(
    installation: Installation, email: str | None, file: Path | None, encoding: str | None, sheet: str | None,
    reason: str, format_: str,
) -> None:  # fmt: skip
    """Suppress EMAIL, or the addresses in a file: no list mails them again."""
    from lists import suppression

    if (email is None) == (file is None):
        raise InputError("Give either one address or --file FILE.")
    with installation.database.engine.begin() as connection:
        if file:
            summary = suppression.suppress_file(connection, file, reason, encoding=encoding, sheet=sheet)
        else:
            new = suppression.suppress(connection, email or "", reason, source="by staff")
    if file:
        _emit_file({"file": file, **summary.as_dict()}, ["read", "added", "unchanged", "refused"], format_)
    else:
        said = f"{email} {'is now' if new else 'was already'} suppressed on every list."
        emit({"email": email, "suppressed": True, "new": new}, format_, said)


@lists.command()
@click.argument("email")
@click.option("--because", required=True, metavar="WHY", help="The reason why the address may be mailed again.")
@click.option("--although-they-complained", is_flag=True, help="Do so although the person complained of spam.")
@click.option("--although-it-bounced", is_flag=True, help="Do so although mail to the address bounced.")
@answers('list unsuppress ann@example.org --because "a typing error: it was anna@example.org who asked"')
def unsuppress(installation: Installation, /, email: str, because: str, format_: str, **although: bool) -> None:
    """Lift the suppression of EMAIL; it subscribes nobody, and is kept as history."""
    from lists import suppression

    flags = [f"--{name.replace('_', '-')}" for name, given in although.items() if given]
    with installation.database.engine.begin() as connection:
        reason = suppression.unsuppress(connection, email, because=because, although=flags)
    answer = {"email": email, "suppressed": False, "reason": reason}
    emit(answer, format_, f"{email} is no longer suppressed. The reason was: {reason}.")


def _show(answer: dict[str, Any]) -> None:
    facts = [
        (label, answer[label])
        for label in ("title", "from", "reply_to", "tracking", "opens", "clicks", "decided_by", "because", "decided_at")
    ]
    facts.append(("dimensions", ", ".join(answer["dimensions"])))
    facts += [(label, answer[label]) for label in ("mailable", "unsubscribed", "restricted", "paused", "suppressed")]
    facts.append(("past bulletins", "shown to everybody" if answer["archive"] else ""))
    show_table(
        ["", answer["name"]], [(label.replace("_", "-"), value) for label, value in facts if value not in ("", None)]
    )
    mailable = answer["mailable"]
    for title, figures in (("basis", answer["basis"]), ("field", answer["fields"])):
        rows = [(label, number, f"{number / mailable:.0%}" if mailable else "") for label, number in figures.items()]
        show_table([title, "people", "of mailable"], rows)
    if answer["reasons"]:
        show_table(["left because", "people"], list(answer["reasons"].items()))


def _show_import(summary: ImportSummary) -> None:
    show_table(
        ["read", "added", "updated", "unchanged", "refused"],
        [[summary.read, summary.added, summary.updated, summary.unchanged, summary.refused]],
        title="Dry run: nothing was kept" if summary.dry_run else "",
    )
    if summary.refused_because:
        show_table(["refused because", "rows"], list(summary.refused_because.items()))
    if any(objections := [summary.ended, summary.remembered, summary.suppressed]):
        show_table(["unsubscribed by the file", "remembered as unsubscribed", "suppressed"], [objections])
    show_table(["field", "heading"], list(summary.columns.items()))


def _say_import(summary: ImportSummary) -> None:
    """Report what else a person should know about an import."""
    if summary.note:
        say(summary.note)
    if summary.custom_fields:
        written = ", ".join(f"member.{name}" for name in summary.custom_fields)
        say(f"Custom fields, as a newsletter writes them: {written}.")
    if summary.opt_out_columns:
        named = ", ".join(f"{heading} ({meaning})" for heading, meaning in summary.opt_out_columns.items())
        say(f"Columns that say who must not be mailed: {named}.")
    for warning in summary.warnings:
        say(warning)
    if summary.left_out:
        say(f"Columns left out: {', '.join(summary.left_out)}.")
    if summary.basis == "unknown" and summary.added:
        say("Consent is recorded as unknown: say what it rests on with --basis and --source.")
    if summary.number:
        say(f"If this was a mistake, within seven days: daisychain list undo-import {summary.number}")
    if summary.refused_file:
        say(f"{summary.refused:,} refused rows, with reasons: {summary.refused_file}")
