"""The jobs of the import wizard: one row of import_drafts each, whose state says what is to be done.

What a job does and its row's next state are one transaction: a worker that is killed leaves neither, and a sweep gives
the row another job. How far it is goes through a connection of its own, so that a page can show it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from procrastinate import JobContext
from sqlalchemy import Connection, func, select, text, update

from daisychain.database import may_wait
from daisychain.errors import DaisychainError, InputError
from daisychain.jobs import BEFORE_BATCHES, IN_HAND, app, defer
from lists.import_log import undo_import
from lists.imports import Watch
from lists.uploads.import_drafts import WORKING, Draft, find_draft, turn
from lists.uploads.import_steps import check_step, import_step, read_step
from lists.uploads.upload_slices import forget_upload
from lists.uploads.upload_tables import ImportDraft
from sender.campaigns.freeze import wait_for_freeze
from sender.delivery.ledger import is_in_a_ledger

log = logging.getLogger("daisychain.imports")

QUEUE = "imports"
# Whoever holds the lock of a row works on it. An arbitrary number that only has to be ours.
LOCK_CLASS = 0x0DA1
MOST_TRIES = 3
EVERY = 0.5  # seconds between two reports of how far it is


def begin_step(connection: Connection, draft: Draft, from_: tuple[str, ...], state: str, **values: Any) -> None:
    """Turn an import to a state of WORKING, and defer its job, in the caller's transaction; raises StateError."""
    turn(connection, draft.id, from_, state, **values)
    defer(connection, work_on_import, [{"draft_id": draft.id}], queue=QUEUE)


@app.task(name="lists.work_on_import", queue=QUEUE, priority=BEFORE_BATCHES, pass_context=True)
def work_on_import(context: JobContext, draft_id: int) -> None:
    """Do what an import waits for, unless another worker does, or it is done."""
    engine = context.additional_context["database"].engine
    with engine.begin() as connection, engine.connect().execution_options(isolation_level="AUTOCOMMIT") as beside:
        may_wait(connection)
        draft = _claim(connection, draft_id)
        if draft is None:
            return
        this = update(ImportDraft).where(ImportDraft.id == draft_id, ImportDraft.state == draft.state)
        beside.execute(this.values(tries=ImportDraft.tries + 1))
        back = {"state": WORKING[draft.state], "doing": ""}
        try:
            if draft.tries >= MOST_TRIES:
                raise DaisychainError("This broke off several times.", hint="The file may be too large for the server.")
            with connection.begin_nested():
                values = STEPS[draft.state](connection, draft, _watch(beside, this))
        except DaisychainError as error:
            values = {**back, "problem": [error.message, error.hint]}
        except Exception:
            log.exception("import %s failed while %s", draft_id, draft.state)
            values = {**back, "problem": ["Something went wrong, which is not your fault.", ""]}
        connection.execute(this.values({"problem": [], **values, "doing": "", "moved_at": func.now()}))
        # Last, because it locks the row, which until now another connection has written to.
        for name in values.keys() & {"upload_id", "refused_id"}:
            forget_upload(connection, getattr(draft, name))


def _claim(connection: Connection, draft_id: int) -> Draft | None:
    """Return an import that has something to be done, for the one worker that gets it."""
    lock = func.pg_try_advisory_xact_lock(LOCK_CLASS, draft_id % 2**31)
    if not connection.scalar(select(lock)):
        return None
    try:
        draft = find_draft(connection, draft_id)
    except InputError:
        return None
    return draft if draft.state in WORKING else None


def _import(connection: Connection, draft: Draft, watch: Watch) -> dict[str, Any]:
    done = import_step(connection, draft, watch)
    watch("Waiting for a campaign that is being prepared", draft.size)
    wait_for_freeze(connection)
    return done


def _undo(connection: Connection, draft: Draft, watch: Watch) -> dict[str, Any]:
    watch("Taking it back", 0)
    counts = undo_import(connection, draft.import_id, by=draft.choices["undone_by"], kept=is_in_a_ledger)
    return {"state": "undone", "result": {**draft.result, "undone": asdict(counts)}}


STEPS: dict[str, Callable[[Connection, Draft, Watch], dict[str, Any]]] = {
    "reading": read_step, "checking": check_step, "importing": _import, "undoing": _undo,
}  # fmt: skip


def _watch(beside: Connection, this: Any) -> Watch:
    last = ("", 0.0)

    def watch(doing: str, done: int) -> None:
        nonlocal last
        if doing != last[0] or time.monotonic() - last[1] > EVERY:
            last = doing, time.monotonic()
            beside.execute(this.values(doing=doing, done=done))

    return watch


_WITHOUT_JOB = text(f"""
    SELECT d.id FROM import_drafts d
    WHERE d.state = ANY(:states) AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j
        WHERE j.queue_name = :queue AND (j.status = 'todo' OR {IN_HAND}) AND (j.args ->> 'draft_id')::bigint = d.id)
    ORDER BY d.id
""")  # noqa: S608 - of constants


def defer_lost_imports(connection: Connection) -> int:
    """Defer a job for each import whose worker died; returns how many."""
    lost = connection.scalars(_WITHOUT_JOB, {"queue": QUEUE, "states": list(WORKING)}).all()
    defer(connection, work_on_import, [{"draft_id": draft_id} for draft_id in lost], queue=QUEUE)
    return len(lost)
