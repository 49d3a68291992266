"""Saved segments: questions about the people of a list that are kept under a name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, ForeignKey, Identity, UniqueConstraint, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base
from daisychain.errors import InputError, StateError
from daisychain.slug import slug
from daisychain.suggestions import nearest
from lists.lists import find_list
from lists.segments.segment_parser import parse
from lists.segments.segment_writer import write
from lists.tables import MailingList

LONGEST_NAME = 60


class Segment(Base):
    """A question about the people of a list, kept under a name."""

    __tablename__ = "segments"
    __table_args__ = (UniqueConstraint("list_id", "name"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id", ondelete="CASCADE"))
    text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


@dataclass(frozen=True)
class SavedSegment:
    """A kept question; `text` is as segment_writer writes it."""

    id: int
    name: str
    text: str
    created_at: datetime
    created_by: str
    changed_at: datetime


_SEGMENTS = select(MailingList.name, *(getattr(Segment, each.name) for each in fields(SavedSegment))).join(
    MailingList, MailingList.id == Segment.list_id
)


def segments_by_list(connection: Connection) -> dict[str, list[SavedSegment]]:
    """Return the segments of each list that has any, by the list's name."""
    found: dict[str, list[SavedSegment]] = {}
    rows = connection.execute(_SEGMENTS.order_by(Segment.name))
    for list_name, *row in rows:
        found.setdefault(list_name, []).append(SavedSegment(*row))
    return found


def segments_of(connection: Connection, list_name: str) -> list[SavedSegment]:
    """Return the segments of a list by name; raises InputError if there is no such list."""
    find_list(connection, list_name)
    return segments_by_list(connection).get(list_name, [])


def find_segment(connection: Connection, list_name: str, name: str) -> SavedSegment:
    """Return a segment of a list; raises InputError that names the nearest one."""
    known = {each.name: each for each in segments_of(connection, list_name)}
    found = known.get(slug(name)) or known.get(slug(name, as_before=True))
    if found is None:
        raise InputError(f"The list {list_name} has no segment named {name!r}.", hint=nearest(name, known))
    return found


def create_segment(connection: Connection, list_name: str, name: str, text: str, *, by: str) -> SavedSegment:
    """Keep a question under a name; raises InputError, and StateError if the list has a segment of that name."""
    named = slug(name)
    if not named or len(named) > LONGEST_NAME:
        raise InputError(
            f"A segment can't be named {name!r}: letters a-z and digits, up to {LONGEST_NAME}.",
            hint="For instance: new-in-wales",
        )
    if named in {each.name for each in segments_of(connection, list_name)}:
        raise StateError(f"The list {list_name} already has a segment named {named!r}.")
    row = {"list_id": find_list(connection, list_name)["id"], "name": named, "text": write(parse(text))}
    connection.execute(insert(Segment).values({**row, "created_by": by}))
    return find_segment(connection, list_name, named)


def change_segment(connection: Connection, list_name: str, name: str, text: str) -> SavedSegment:
    """Replace the question of a segment; campaigns that exist keep the one that they were made with."""
    kept = find_segment(connection, list_name, name)
    values = {"text": write(parse(text)), "changed_at": func.now()}
    connection.execute(update(Segment).where(Segment.id == kept.id).values(values))
    return find_segment(connection, list_name, name)


def delete_segment(connection: Connection, list_name: str, name: str) -> None:
    """Delete a segment; campaigns that were made with it keep its question."""
    connection.execute(delete(Segment).where(Segment.id == find_segment(connection, list_name, name).id))


def question_named(connection: Connection, list_name: str, name_or_text: str) -> str:
    """Return the text of a question, given itself or as the name of a segment: a name has no spaces or marks."""
    if slug(name_or_text) == name_or_text and name_or_text:
        return find_segment(connection, list_name, name_or_text).text
    return name_or_text
