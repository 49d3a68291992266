"""Stored newsletters: made, found, listed, renamed and deleted. `who` is the person who does it, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, select, true, update
from sqlalchemy.dialects.postgresql import insert

from daisychain.errors import InputError, StateError
from daisychain.slug import slug
from daisychain.suggestions import nearest
from newsletters.stored.contents import Change, Contents
from newsletters.tables import NewsletterSave, NewsletterThumbnail, StoredNewsletter

SaveKind = Literal["auto", "kept", "tested", "sent", "collided"]

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
KEEP_DELETED = timedelta(days=30)
_MAX_TITLE = 200
# A name in the front matter, for the list, which compiles nothing.
_KEY = r"\n{}:[ \t]*[\"']?([^\"'\s]+)"
TOOLKIT_KEY = _KEY.format("toolkit")


@dataclass(frozen=True)
class SavedNewsletter:
    """A newsletter as it is now; `changed` is the version in which each language last changed.

    `joined` if this version was saved in the row of the same person's autosave before it.
    """

    id: int
    name: str
    title: str
    version: int
    contents: Contents
    changed: dict[str, int]
    updated_at: datetime
    updated_by: str
    joined: bool = False


@dataclass(frozen=True)
class NewsletterEntry:
    """One line of the list; `state` is draft, tested (as it is now) or sent; the text names toolkit and layout."""

    id: int
    name: str
    title: str
    version: int
    languages: Sequence[str]  # of its translations
    toolkit: str
    layout: str
    drawn: int | None  # the version of its small picture
    state: str
    updated_at: datetime
    updated_by: str


class UnknownNewsletter(StateError):  # noqa: N818 - the name says it
    """No newsletter of that name is stored."""


def create(connection: Connection, title: str, contents: Contents, *, who: str, name: str = "") -> SavedNewsletter:
    """Store a new newsletter; without a `name` its title's words make one. Raises InputError."""
    title = _title(title)
    checked = Change(contents.texts, contents.images, contents.brands).applied(Contents({}))
    if name and not NAME.fullmatch(name):
        raise InputError(f"{name!r} can't be a newsletter's name.", hint="Use small letters, digits and hyphens.")
    for candidate in [name] if name else _names(title):
        row = insert(StoredNewsletter).values(name=candidate, title=title, updated_by=who).on_conflict_do_nothing()
        made = connection.execute(row.returning(StoredNewsletter.id, StoredNewsletter.updated_at)).one_or_none()
        if made:
            empty = SavedNewsletter(made.id, candidate, title, 0, Contents({}), {}, made.updated_at, who)
            return put(connection, empty, checked, who=who, kind="kept", note="Created")
    raise InputError(f"There is a newsletter {name!r} already.", hint="Choose another name.")


def load(connection: Connection, newsletter_id: int, *, lock: bool = False) -> SavedNewsletter:
    """Return a newsletter by its id; raises UnknownNewsletter. `lock` keeps others from saving it meanwhile."""
    return _one(connection, StoredNewsletter.id == newsletter_id, str(newsletter_id), lock=lock)


def find(connection: Connection, name: str, *, lock: bool = False) -> SavedNewsletter:
    """Return the newsletter `name`; raises UnknownNewsletter."""
    return _one(connection, StoredNewsletter.name == name, name, lock=lock)


def list_newsletters(
    connection: Connection, words: str = "", *, by: str | None = None, at_most: int | None = None, skip: int = 0
) -> list[NewsletterEntry]:
    """Return newsletters, if wanted with `words` in the name or title, or last changed `by` somebody; newest first."""
    table, saved = StoredNewsletter, NewsletterSave
    own = and_(saved.newsletter_id == table.id, saved.kind == "sent")
    rows = connection.execute(
        _CURRENT.with_only_columns(
            table.id, table.name, table.title, table.version, table.updated_at, table.updated_by, saved.kind,
            select(func.array_agg(func.jsonb_object_keys(saved.content["texts"]).column_valued("key")))
            .scalar_subquery().label("languages"),
            exists().where(own).correlate(table).label("sent"),
            func.substring(saved.content["texts"][""].astext, TOOLKIT_KEY).label("toolkit"),
            func.substring(saved.content["texts"][""].astext, _KEY.format("layout")).label("layout"),
            select(NewsletterThumbnail.version).where(
                NewsletterThumbnail.newsletter_id == table.id, NewsletterThumbnail.content != b""
            ).scalar_subquery().label("drawn"),
        )
        .where(func.concat(table.name, " ", table.title).icontains(words, autoescape=True))
        .where(true() if by is None else table.updated_by == by)
        .order_by(table.updated_at.desc(), table.id.desc())
        .limit(at_most)
        .offset(skip)
    )  # fmt: skip
    return [
        NewsletterEntry(
            row.id, row.name, row.title, row.version, sorted(filter(None, row.languages)), row.toolkit or "",
            row.layout or "", row.drawn, "sent" if row.sent else "tested" if row.kind == "tested" else "draft",
            row.updated_at, row.updated_by,
        )
        for row in rows
    ]  # fmt: skip


def rename(connection: Connection, newsletter_id: int, title: str) -> None:
    """Give a newsletter another title; its name stays. Raises InputError."""
    connection.execute(update(StoredNewsletter).where(StoredNewsletter.id == newsletter_id).values(title=_title(title)))


def delete_newsletter(connection: Connection, newsletter_id: int, *, who: str) -> None:
    """Delete a newsletter; for thirty days `undelete` brings it back. Its campaigns keep what they were made from."""
    found = load(connection, newsletter_id, lock=True)
    values = {"deleted_at": func.now(), "updated_at": func.now(), "updated_by": who}
    connection.execute(update(StoredNewsletter).where(StoredNewsletter.id == found.id).values(values))


def undelete(connection: Connection, newsletter_id: int, *, who: str) -> SavedNewsletter:
    """Bring a deleted newsletter back, under another name if its own was taken; raises UnknownNewsletter."""
    table = StoredNewsletter
    gone = and_(table.id == newsletter_id, table.deleted_at.is_not(None))
    name = connection.scalar(select(table.name).where(gone).with_for_update())
    for candidate in _names(name) if name else ():
        if not connection.scalar(select(exists().where(table.name == candidate, table.deleted_at.is_(None)))):
            values = {"deleted_at": None, "name": candidate, "updated_at": func.now(), "updated_by": who}
            connection.execute(update(table).where(gone).values(values))
            break
    return load(connection, newsletter_id)


def forget_deleted(connection: Connection) -> int:
    """Remove what was deleted thirty days ago, with its versions; returns how many newsletters that are."""
    old = StoredNewsletter.deleted_at < func.now() - KEEP_DELETED
    return connection.execute(delete(StoredNewsletter).where(old)).rowcount


def put(
    connection: Connection, now: SavedNewsletter, contents: Contents, *, who: str, kind: SaveKind = "auto",
    note: str = "", undone_to: int | None = None,
) -> SavedNewsletter:  # fmt: skip
    """Store `contents` as the version after `now`, which the caller has locked.

    An autosave takes the place of the same person's before it, for ten minutes.
    """
    version = now.version + 1
    moved = (
        update(StoredNewsletter)
        .where(StoredNewsletter.id == now.id, StoredNewsletter.version == now.version)
        .values(version=version, updated_at=func.now(), updated_by=who)
        .returning(StoredNewsletter.updated_at)
    )
    at = connection.execute(moved).scalar_one()
    different = [
        language
        for language in {*contents.texts, *now.contents.texts}
        if contents.texts.get(language) != now.contents.texts.get(language)
    ]
    changed = {**now.changed, **dict.fromkeys(different, version)}
    row = {"version": version, "content": {**contents.to_json(), "changed": changed}, "at": func.now()}
    table = NewsletterSave
    same_sitting = and_(
        table.newsletter_id == now.id, table.version == now.version, table.kind == "auto", table.by == who,
        table.note == "", table.undone_to.is_(None), table.since > func.now() - ONE_ROW,
    )  # fmt: skip
    joins = kind == "auto" and not note and undone_to is None
    joined = joins and connection.execute(update(table).where(same_sitting).values(row)).rowcount > 0
    if not joined:
        row |= {"newsletter_id": now.id, "kind": kind, "by": who, "note": note, "undone_to": undone_to}
        connection.execute(insert(table).values(row))
    return SavedNewsletter(now.id, now.name, now.title, version, contents, changed, at, who, joined)


ONE_ROW = timedelta(minutes=10)

_CURRENT: Select[Any] = (
    select(StoredNewsletter, NewsletterSave.content)
    .join(
        NewsletterSave,
        and_(
            NewsletterSave.newsletter_id == StoredNewsletter.id, NewsletterSave.version == StoredNewsletter.version,
            NewsletterSave.kind != "collided",
        ),
    )
    .where(StoredNewsletter.deleted_at.is_(None))
)  # fmt: skip


def _one(connection: Connection, which: ColumnElement[bool], name: str, *, lock: bool) -> SavedNewsletter:
    # Locked by a statement of its own: a row for which we waited would no longer join the version that it had.
    if lock:
        connection.execute(select(StoredNewsletter.id).where(which).with_for_update())
    row = connection.execute(_CURRENT.where(which)).one_or_none()
    if row is None:
        known = connection.scalars(select(StoredNewsletter.name).where(StoredNewsletter.deleted_at.is_(None))).all()
        raise UnknownNewsletter(f"There is no newsletter {name!r} here.", hint=nearest(name, known))
    content = dict(row.content)
    changed = content.pop("changed")
    return SavedNewsletter(
        row.id, row.name, row.title, row.version, Contents(**content), changed, row.updated_at, row.updated_by
    )


def _names(title: str) -> Iterator[str]:
    word = slug(title)[:50].strip("-") or "newsletter"
    yield word
    yield from (f"{word}-{number}" for number in count(2))


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not title or len(title) > _MAX_TITLE:
        raise InputError(f"A newsletter needs a title of 1 to {_MAX_TITLE} characters.")
    return title
