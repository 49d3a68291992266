"""The audit of a list: on which bases its people are mailed, which of them can't hold, and what to do about it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, case, literal

from daisychain.atomic_files import PRIVATE, replacing
from daisychain.csv_cells import guarded
from lists.audience import Audience
from lists.bases import basis_problem, names_of_sender, other_collectors
from lists.consent.ledger_state import differing_members
from lists.kept_figures import figure
from lists.list_people import open_people
from lists.lists import find_list
from lists.tables import Member, Membership

EXAMPLES = 10
DIFFERS = "ledger differs"
_OWN = "Ask them with a sign-up form, import the record of their consent, or unsubscribe them."
# Why a basis can't hold → what that means, and what to do.
FINDINGS = {
    "unknown": ("No basis is recorded, so nobody could show why they are mailed.", _OWN),
    "unspecified": ("A soft opt-in that doesn't say which of the two it is: after a sale, or a charity's.",
                    "Import them again with --basis soft-opt-in-sale or soft-opt-in-charity."),
    "no date": ("A charity's soft opt-in needs the date of collection.", _OWN),
    "too early": ("A charity's soft opt-in holds for contacts collected since 5 February 2026 only.", _OWN),
    "no organisation": ("A charity's soft opt-in needs the organisation that collected the contact.", _OWN),
    "another organisation": ("A basis does not pass from the organisation that collected a contact to another.",
                             f"{_OWN} If it is the same organisation: `daisychain list edit NAME --also-named`."),
    DIFFERS: ("Their membership is not what the consent ledger adds up to: something else wrote to the database.",
              "Compare `daisychain member history EMAIL` with `member show EMAIL`."),
}  # fmt: skip
_COLUMNS = ("email", "basis", "source", "consented_at", "collected_by")


@dataclass(frozen=True)
class AuditFinding:
    """One kind of fault: how many people it is about, what it means, what to do, and the first people's addresses."""

    finding: str
    people: int
    means: str
    fix: str
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ListAudit:
    """The bases of the people of a list who may be mailed, counted, and the faults among them."""

    name: str
    sender: str
    also_named: list[str]
    people: int
    basis: dict[str, int]
    findings: list[AuditFinding]


def audit_list(connection: Connection, name: str, *, addresses: bool) -> ListAudit:
    """Count the people of a list by basis and by fault, with some of their `addresses` if asked for.

    Without addresses, a page may be given kept counts (lists/kept_figures.py).
    """
    row, people = find_list(connection, name), open_people(connection, name)
    basis, different = people.basis(), differing_members(connection, row["id"]) if addresses else []
    differing = len(different) if addresses else figure(connection, row["id"], "differing")
    unspecified = basis.get("soft-opt-in-unspecified", 0)
    counts = {**people.basis_problems(), "unspecified": unspecified, DIFFERS: differing}
    found = [
        AuditFinding(kind, counts[kind], *FINDINGS[kind],
                     examples=_examples(connection, row["id"], kind, different) if addresses else [])
        for kind in FINDINGS if counts.get(kind)
    ]  # fmt: skip
    return ListAudit(name, row["from_name"], row["also_named"], people.count(), basis, found)


def export_audit(connection: Connection, name: str, target: Path) -> int:
    """Write the rows that an audit finds to a CSV that only its owner may read; return how many rows."""
    list_id, number = find_list(connection, name)["id"], 0
    with replacing(target, rights=PRIVATE, encoding="utf-8-sig") as file:
        rows = csv.writer(file)
        rows.writerow(["finding", *_COLUMNS])
        for number, row in enumerate(_everybody(connection, list_id), start=1):  # noqa: B007 - counted
            rows.writerow(guarded(["" if value is None else str(value) for value in row]))
    return number


def _everybody(connection: Connection, list_id: int) -> Iterator[Any]:
    different = differing_members(connection, list_id)
    for kind in FINDINGS:
        yield from connection.execute(_select(connection, list_id, kind, different).order_by(Member.id))


def _examples(connection: Connection, list_id: int, kind: str, different: list[int]) -> list[str]:
    found = _select(connection, list_id, kind, different).order_by(Member.id).limit(EXAMPLES)
    return [row.email for row in connection.execute(found)]


def _select(connection: Connection, list_id: int, kind: str, different: list[int]) -> Select[*tuple[Any, ...]]:
    columns = (literal(kind), *(getattr(Member if name == "email" else Membership, name) for name in _COLUMNS))
    if kind == DIFFERS:
        return Audience(list_id).everybody(*columns).where(Member.id.in_(different))
    others = other_collectors(connection, list_id, names_of_sender(connection, list_id))
    problem = case((Membership.basis == "soft-opt-in", "unspecified"), else_=basis_problem(others))
    return Audience(list_id).mailable(*columns).where(problem == kind)
