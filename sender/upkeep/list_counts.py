"""Count the kept figures of a large list again, in a job, so that the next page is given newer ones."""

from __future__ import annotations

import logging
from datetime import timedelta

from procrastinate import JobContext
from sqlalchemy import Connection, delete, func, or_, select, update

from daisychain.jobs import BEFORE_BATCHES, app, defer
from lists import overview  # noqa: F401 - it says how figures are counted
from lists.consent import ledger_state  # noqa: F401 - so does it
from lists.kept_figures import KEEP, count_now
from lists.tables import ListFigure

log = logging.getLogger("daisychain.lists")

QUEUE = "chores"  # whose slots no campaign takes
# A job is lost with its worker; what no page asked for since is not counted any more.
LOST, FORGET = timedelta(minutes=5), timedelta(days=1)


def ask_to_count(connection: Connection, list_id: int, name: str, has_job: bool) -> bool:
    """Let a worker count an old figure of a list again; return whether it has to, as none does already."""
    this = (ListFigure.list_id == list_id, ListFigure.name == name)
    old = ListFigure.counted_at < func.now() - KEEP
    unasked = or_(ListFigure.asked_at.is_(None), ListFigure.asked_at < func.now() - LOST)
    free = select(ListFigure.name).where(*this, old, unasked).with_for_update(skip_locked=True)
    asked = update(ListFigure).where(*this, ListFigure.name.in_(free)).values(asked_at=func.now())
    is_new = connection.execute(asked).rowcount > 0
    if is_new and not has_job:
        defer(connection, count_again, [{"list_id": list_id}], queue=QUEUE)
    return is_new


@app.task(name="lists.count_again", queue=QUEUE, priority=BEFORE_BATCHES, pass_context=True)
def count_again(context: JobContext, list_id: int) -> None:
    """Count each figure that was asked for, in a transaction of its own."""
    engine = context.additional_context["database"].engine
    with engine.begin() as connection:
        gone = delete(ListFigure).where(ListFigure.asked_at.is_(None), ListFigure.counted_at < func.now() - FORGET)
        connection.execute(gone.where(ListFigure.list_id == list_id))
        asked = select(ListFigure.name).where(ListFigure.list_id == list_id, ListFigure.asked_at.is_not(None))
        names = connection.scalars(asked).all()
    for name in names:
        try:
            with engine.begin() as connection:
                count_now(connection, list_id, name)
        except Exception:
            # The others are counted; this one is asked for again once it is taken for LOST.
            log.exception("a figure of list %s can't be counted", list_id)
