"""Imports on their way through the wizard: each step is a row's state, so that closing the browser loses nothing.

    reading → columns → checking → checked → importing → done → undoing → undone
                  └── a file that can't be read, or a check that asks, leads back here with a problem

States with a job are in WORKING; the job is given again by a sweep if its worker died (sender/upkeep/import_jobs.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from daisychain.errors import InputError, StateError
from lists.bases import names_of_sender, require_basis, require_collector
from lists.tables import Import, MailingList
from lists.uploads.upload_slices import KEEP, KEEP_REFUSED, forget_upload, missing_slice
from lists.uploads.upload_tables import ImportDraft, Upload

# State → where it leads back to if its work can't be done.
WORKING = {"reading": "columns", "checking": "columns", "importing": "checked", "undoing": "done"}
CONSENT = ("basis", "source", "wording", "collected_by", "evidence")
Draft = Row[Any]
_DRAFTS = select(ImportDraft.__table__, MailingList.name, MailingList.title).join(
    MailingList, MailingList.id == ImportDraft.list_id
)


def start_draft(connection: Connection, list_id: int, upload_id: int, *, by: str) -> int:
    """Begin an import of a file that has arrived whole; raises InputError."""
    if missing_slice(connection, upload_id, by=by) is not None:
        raise InputError("The file has not arrived whole.", hint="Choose it again: the upload goes on where it broke.")
    # Without its mark the file is not found again, so it belongs to this import alone.
    taken = update(Upload).where(Upload.id == upload_id).values(mark="", keep_until=func.now() + KEEP)
    file = connection.execute(taken.returning(Upload.name, Upload.size)).one()
    values = {"list_id": list_id, "upload_id": upload_id, "file": file.name, "size": file.size, "by": by}
    made = insert(ImportDraft).values(**values, state="reading").returning(ImportDraft.id)
    return int(connection.execute(made).scalar_one())


def find_draft(connection: Connection, draft_id: int) -> Draft:
    """Return an import with its list's name and title; raises InputError."""
    found = connection.execute(_DRAFTS.where(ImportDraft.id == draft_id)).first()
    if found is None:
        raise InputError("This import is no longer here.", hint="Files go after a day without use.")
    return found


def waiting_drafts(connection: Connection, *, by: str = "", list_id: int | None = None) -> Sequence[Draft]:
    """Return the imports of a person, or into a list, that are neither done nor thrown away, the latest first."""
    which = ImportDraft.by == by if list_id is None else ImportDraft.list_id == list_id
    waiting = ImportDraft.state.not_in(["done", "undone"])
    return connection.execute(_DRAFTS.where(which, waiting).order_by(ImportDraft.id.desc())).all()


def choose(connection: Connection, draft: Draft, **choices: Any) -> None:
    """Keep what somebody decided about an import, which makes its check untrue; raises StateError."""
    turn(connection, draft.id, ("columns", "checked"), "columns", choices={**draft.choices, **choices}, problem=[])


def choose_consent(connection: Connection, draft: Draft, choices: dict[str, str]) -> None:
    """Keep what people's consent rests on; raises InputError if a basis is missing, or lacks what it needs."""
    if not draft.found or "mapping" not in draft.choices:
        raise InputError("Say first what the columns are.")
    if not choices["basis"]:
        raise InputError("Choose on what basis these people may be mailed.")
    require_basis(choices["basis"], choices["source"])
    becomes = {each["key"]: each["becomes"] for each in draft.found["columns"]}
    fields = {**becomes, **draft.choices.get("mapping", {})}.values()
    names = names_of_sender(connection, draft.list_id)
    require_collector(choices["basis"], choices["collected_by"], names, list(fields))
    choose(connection, draft, **choices)


def step_of(draft: Draft) -> str:
    """Return the wizard's step that an import is at: columns, consent, check or done."""
    if draft.state == "columns":
        return "consent" if draft.found and "mapping" in draft.choices and not draft.problem else "columns"
    steps = {"reading": "columns", "checking": "check", "checked": "check", "importing": "check"}
    return steps.get(draft.state, "done")


def turn(connection: Connection, draft_id: int, from_: Sequence[str], state: str, **values: Any) -> None:
    """Bring an import from one of some states to another, and keep its file for another day; raises StateError."""
    values |= {"state": state, "moved_at": func.now(), "tries": 0, "doing": "", "done": 0}
    moved = update(ImportDraft).where(ImportDraft.id == draft_id, ImportDraft.state.in_(from_)).values(values)
    try:
        with connection.begin_nested():
            row = connection.execute(moved.returning(ImportDraft.upload_id)).first()
    except IntegrityError:
        raise StateError(
            "Another file is being brought onto this list right now.", hint="Wait until it is done, then check again."
        ) from None
    if row is None:
        raise StateError("This import has moved on meanwhile.", hint="Open its page again.")
    if row.upload_id is None and state in ("columns", "checking", "importing"):
        raise InputError("The file of this import is gone: files are kept for a day.", hint="Bring it again.")
    connection.execute(update(Upload).where(Upload.id == row.upload_id).values(keep_until=func.now() + KEEP))


def require_true_check(connection: Connection, draft: Draft) -> None:
    """Raise StateError if something was imported into the list, or undone, since the check counted."""
    if draft.result.get("imports") != imports_so_far(connection, draft.list_id):
        raise StateError(
            "Something else was brought onto this list since this check, so its counts may be wrong.",
            hint="Check again.",
        )  # fmt: skip


def imports_so_far(connection: Connection, list_id: int) -> list[int]:
    """Return how many imports a list has had, and how many of them were undone."""
    counted = select(func.count(), func.count(Import.undone_at)).where(Import.list_id == list_id)
    return list(connection.execute(counted).one())


def draft_of_import(connection: Connection, number: int, *, by: str) -> int:
    """Return the wizard's row of an import, made now if a command imported it; raises InputError."""
    found = connection.scalar(select(ImportDraft.id).where(ImportDraft.import_id == number))
    if found is None:
        this = select(Import.list_id, Import.id, Import.file, Import.by, text("'done'"), Import.counts)
        columns = ["list_id", "import_id", "file", "by", "state", "result"]
        made = insert(ImportDraft).from_select(columns, this.where(Import.id == number)).returning(ImportDraft.id)
        found = connection.scalar(made)
    if found is None:
        raise InputError(f"There is no import {number}.")
    return int(found)


def throw_away(connection: Connection, draft: Draft) -> None:
    """Delete an import that has changed nothing, with its file; raises StateError."""
    this = delete(ImportDraft).where(ImportDraft.id == draft.id, ImportDraft.state.in_(["columns", "checked"]))
    if not connection.execute(this).rowcount:
        raise StateError("This import is under way, or done.", hint="What it did can be undone.")
    forget_upload(connection, draft.upload_id)
    forget_upload(connection, draft.refused_id)


def forget_old_drafts(connection: Connection) -> int:
    """Delete the imports whose file is gone and that changed nothing, and after 30 days all; return how many."""
    gone = ImportDraft.upload_id.is_(None) & ImportDraft.state.in_(["columns", "checked"])
    old = ImportDraft.moved_at < func.now() - KEEP_REFUSED
    return connection.execute(delete(ImportDraft).where(gone | old)).rowcount
