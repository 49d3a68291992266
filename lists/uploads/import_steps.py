"""The work of the wizard's steps, each in its caller's transaction: read, check (a dry run), import.

A check and an import are lists/imports.py's, as for the command, so both count the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, text

from daisychain.sheets.csv_reader import CsvSheet
from daisychain.sheets.sheet import Sheet
from lists.imports import ImportOptions, ImportSummary, Watch, import_members
from lists.opt_outs.opt_out_columns import UnclearColumnsError
from lists.uploads.import_drafts import Draft, imports_so_far
from lists.uploads.recognition import question, recognise
from lists.uploads.upload_slices import KEEP_REFUSED, store_whole, write_file

# Some rows of each reason, and some people who change.
_REFUSED = text("""
    SELECT kind, line, reason FROM (
        SELECT regexp_replace(reason, '(:| of line ).*', '') AS kind, line, reason,
            row_number() OVER (PARTITION BY regexp_replace(reason, '(:| of line ).*', '') ORDER BY line) AS place
        FROM incoming WHERE reason IS NOT NULL AND line > 0) AS numbered
    WHERE place <= 3 ORDER BY line
""")
_CHANGED = text("""
    SELECT members.email, before, after FROM import_changes JOIN members ON members.id = member_id
    WHERE import_id = :number AND what = 'member' ORDER BY member_id LIMIT 20
""")
_LINE = re.compile(r"\bline (\d{1,9})\b")


def read_step(connection: Connection, draft: Draft, watch: Watch) -> dict[str, Any]:
    """Recognise the file; raises InputError."""
    with TemporaryDirectory() as folder:
        path = write_file(connection, draft.upload_id, Path(folder))
        return {"state": "columns", "found": recognise(connection, path, draft.choices.get("sheet", ""), watch)}


def check_step(connection: Connection, draft: Draft, watch: Watch) -> dict[str, Any]:
    """Count what the import would do; a column that turns out to need an answer leads back. Raises InputError."""
    so_far, seen = imports_so_far(connection, draft.list_id), dict[str, Any]()
    try:
        look = lambda *looked_at: seen.update(_examples(*looked_at))  # noqa: E731
        summary, refused_id = _import(connection, draft, watch, dry_run=True, look=look)
    except UnclearColumnsError as error:
        questions = {column.place: question(column) for column in error.columns}
        columns = [{**each, **questions.get(place, {})} for place, each in enumerate(draft.found["columns"])]
        mapping = {key: becomes for key, becomes in draft.choices["mapping"].items()
                   if key not in {columns[place]["key"] for place in questions}}  # fmt: skip
        problem = ["This file may say who must not be mailed.", "Say below what each column means."]
        choices, found = {**draft.choices, "mapping": mapping}, {**draft.found, "columns": columns}
        return {"state": "columns", "choices": choices, "found": found, "problem": problem}
    result = {**_counts(summary), **seen, "imports": so_far}
    return {"state": "checked", "result": result, "refused_id": refused_id}


def import_step(connection: Connection, draft: Draft, watch: Watch) -> dict[str, Any]:
    """Import the file, which is not needed any more then; raises InputError."""
    summary, refused_id = _import(connection, draft, watch, dry_run=False)
    # Of the people in it nothing is kept here but the refused rows, for thirty days.
    done = {"import_id": summary.number, "result": _counts(summary), "found": {}}
    return {"state": "done", **done, "upload_id": None, "refused_id": refused_id}


def _import(
    connection: Connection, draft: Draft, watch: Watch, *, dry_run: bool,
    look: Callable[[Connection, Sheet, int], None] = lambda connection, sheet, number: None,
) -> tuple[ImportSummary, int | None]:  # fmt: skip
    consent = {name: draft.choices.get(name, "") for name in ("basis", "source", "wording", "collected_by")}
    if evidence := draft.choices.get("evidence"):
        consent["source"] = f"{consent['source']} (proof: {evidence})".strip()
    with TemporaryDirectory() as folder:
        path = write_file(connection, draft.upload_id, Path(folder))
        refused = Path(folder) / "refused rows.csv"
        options = ImportOptions(
            mapping=draft.choices.get("mapping", {}), sheet=draft.choices.get("sheet") or None, refused=refused,
            by=draft.by, dry_run=dry_run, **consent,
        )  # fmt: skip
        summary = import_members(connection, draft.list_id, path, options, watch, look)
        if not summary.refused_file:
            return summary, None
        name = f"{path.stem}.refused.csv"
        return summary, store_whole(connection, name, refused.read_bytes(), by=draft.by, keep=KEEP_REFUSED)


def _counts(summary: ImportSummary) -> dict[str, Any]:
    kept = (
        "read", "added", "updated", "unchanged", "refused", "refused_because", "ended", "remembered", "suppressed",
        "warnings", "custom_fields",
    )  # fmt: skip
    counts = asdict(summary)
    return {name: counts[name] for name in kept}


def _examples(connection: Connection, sheet: Sheet, number: int) -> dict[str, Any]:
    """Return some refused rows of each kind, as the spreadsheet numbers them, and some members who change."""
    refused = [(kind, line, reason) for kind, line, reason in connection.execute(_REFUSED)]
    named = {line for _, line, _ in refused} | {int(each) for *_, why in refused for each in _LINE.findall(why)}
    rows, examples = _row_numbers(sheet, named), dict[str, list[Any]]()
    for kind, line, reason in refused:
        why = _LINE.sub(lambda found: f"row {rows.get(int(found[1]), int(found[1])):,}", reason)
        examples.setdefault(kind, []).append([rows.get(line, line), why])
    changed = [
        {"email": email, "changes": _changes(before, after)}
        for email, before, after in connection.execute(_CHANGED, {"number": number})
    ]
    return {"examples": examples, "changed": changed}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[list[str]]:
    old, new = ({**values, **values["fields"]} for values in (before, after))
    return [[name, old.get(name) or "", new[name]] for name in new if name != "fields" and new[name] != old.get(name)]


def _row_numbers(sheet: Sheet, lines: set[int]) -> dict[int, int]:
    """Return line → row: in a CSV a cell with line breaks takes several lines of the file, and one row of a screen."""
    if not isinstance(sheet, CsvSheet) or not lines:
        return {}
    further, found = 0, {}
    for line, cells, _ in sheet.records():
        if line > max(lines):
            break
        found[line] = line - further
        further += sum(len(cell.splitlines()) - 1 for cell in cells if "\n" in cell or "\r" in cell)
    return {line: found[line] for line in lines & found.keys()}
