"""Answers to questions: how many people of a list may be mailed, and some of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from psycopg.errors import QueryCanceled
from sqlalchemy import Boolean, Connection, cast, func, text, true
from sqlalchemy.exc import OperationalError

from lists.audience import Audience
from lists.segments.segment_sql import Term, narrowing_of
from lists.tables import STANDARD_FIELDS, Member

SAMPLE = 10
# What a million people read does not fit into the default of 4 MB.
_SETTINGS = text("""
    SELECT set_config('work_mem', '64MB', true), set_config('statement_timeout', :wait, true)
""")


@dataclass(frozen=True)
class SegmentAnswer:
    """The number of people of a list who fulfil a question and may be mailed.

    `unknown` counts people who are left out, as what they read is only counted; `people` is None if counting took
    longer than the caller waits.
    """

    people: int | None
    unknown: int = 0

    @property
    def text(self) -> str:
        """Return the answer for people."""
        if self.people is None:
            return "Counting takes too long to wait for."
        return ("1 person" if self.people == 1 else f"{self.people:,} people") + self.left_out

    @property
    def left_out(self) -> str:
        """Say how many people are left out; "" if nobody is."""
        return f"; {self.unknown:,} are left out, as it is unknown what they read" if self.unknown else ""


def count_segment(
    connection: Connection, list_id: int, question: str, terms: Mapping[str, Term], *, wait: int | None = None
) -> SegmentAnswer:
    """Count who fulfils a question and may be mailed, for at most `wait` seconds if given; raises QuestionError."""
    try:
        with connection.begin_nested() as savepoint:
            connection.execute(_SETTINGS, {"wait": f"{wait or 0}s"})
            audience = Audience(list_id, segment=narrowing_of(connection, list_id, question, terms))
            answer = SegmentAnswer(*_count(connection, audience))
            savepoint.rollback()  # of the settings
            return answer
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return SegmentAnswer(None)


def count_unknown(connection: Connection, audience: Audience) -> int:
    """Count the people who may fulfil a segment or not, as what they read is only counted."""
    return _count(connection, audience)[1] if audience.segment and audience.segment.joined else 0


def _count(connection: Connection, audience: Audience) -> tuple[int, int]:
    """Count who fulfils a segment, and who may or may not, in one pass, as it reads whole campaigns."""
    if not audience.segment or not audience.segment.joined:
        return connection.scalar(audience.mailable(func.count())) or 0, 0
    # Without the cast, SQLAlchemy writes NOT … IS NULL, which PostgreSQL reads as NOT (… IS NULL).
    condition = cast(audience.segment.condition, Boolean)
    everybody = replace(audience, segment=replace(audience.segment, condition=true()))
    counts = (func.count().filter(condition), func.count().filter(condition.is_(None)))
    yes, unknown = connection.execute(everybody.mailable(*counts)).one()
    return yes, unknown


def sample_segment(
    connection: Connection, list_id: int, question: str, terms: Mapping[str, Term]
) -> list[dict[str, Any]]:
    """Return some of the people who fulfil a question and may be mailed, others each time; raises QuestionError."""
    audience = Audience(list_id, segment=narrowing_of(connection, list_id, question, terms))
    columns = [Member.__table__.c[name] for name in STANDARD_FIELDS]
    found = audience.mailable(*columns, Member.fields).order_by(func.random()).limit(SAMPLE)
    return [dict(row) for row in connection.execute(found).mappings()]
