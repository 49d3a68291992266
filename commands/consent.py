"""`daisychain member history` and `daisychain list audit`: who agreed to what, and what can't hold."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.console import answers, emit, say, show_line, show_table, show_text
from daisychain.installation import Installation

if TYPE_CHECKING:
    from lists.consent.list_audit import ListAudit


@click.command()
@click.argument("email")
@answers("member history ann@example.org")
def history(installation: Installation, email: str, format_: str) -> None:
    """Show what the person with the address EMAIL agreed to, on each list: when, in which words, and on what record."""
    from lists.consent.member_history import member_history

    with installation.database.engine.connect() as connection:
        answer = member_history(connection, email)
    emit(answer, format_, lambda: _show_history(answer))


def _show_history(answer: dict[str, Any]) -> None:
    from lists.consent.member_history import what_happened

    for event in answer["events"]:
        words, given = event["wording"], event["import"]
        facts = {
            **{name: event[name] for name in ("list", "basis", "at", "source", "evidence")},
            "collected by": event["collected_by"],
            "import": f"{given['number']}: {given['file']}" if given else "",
            "recorded by": event["by"],
            "wording": f"version {words['version']} ({words['language']}): {words['text']}" if words else "",
            "SHA-256": words["hash"] if words else "",
        }
        show_line(what_happened(event), bold=True)
        rows = [("recorded", event["recorded_at"]), *((name, fact) for name, fact in facts.items() if fact)]
        show_table(["", answer["email"]], rows)
    if not answer["events"]:
        show_line(f"{answer['email']} was never on a list.")
    if suppressed := answer["suppressed"]:
        show_table(["suppressed", ""], [(name, fact) for name, fact in suppressed.items() if fact])


@click.command()
@click.argument("name")
@click.option("--export", "target", type=click.Path(path_type=Path), help="A CSV file for everybody it finds.")
@answers("list audit supporters", "list audit supporters --export faults.csv")
def audit(installation: Installation, name: str, target: Path | None, format_: str) -> None:
    """Count the people of the list NAME by basis, and find bases that can't hold or differ from the ledger."""
    from lists.consent.list_audit import audit_list, export_audit

    with installation.database.engine.connect() as connection:
        # Addresses are for a person who looks, and don't belong in a log.
        answer = audit_list(connection, name, addresses=sys.stdout.isatty())
        written = export_audit(connection, name, target) if target else 0
    emit(asdict(answer), format_, lambda: _show_audit(answer))
    if target:
        say(f"{written:,} rows in {target}.")


def _show_audit(answer: ListAudit) -> None:
    named = f" (also {', '.join(answer.also_named)})" if answer.also_named else ""
    show_line(f"{answer.people:,} people of {answer.name} may be mailed, by {answer.sender}{named}.")
    show_table(["basis", "people"], list(answer.basis.items()))
    for found in answer.findings:
        show_line(f"{found.finding}: {found.people:,} people", bold=True)
        show_text(f"{found.means} {found.fix}", indent="  ")
        for address in found.examples:
            show_line(f"  {address}")
        click.echo()
    if not answer.findings:
        show_line("Every basis can hold, and the consent ledger says the same as the list.")
