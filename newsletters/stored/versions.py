"""Versions: earlier states of a newsletter, looked at, restored, undone, and thinned when they are old."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from daisychain import clock
from daisychain.errors import StateError
from newsletters.stored.contents import Contents
from newsletters.stored.differences import changed_lines
from newsletters.stored.newsletters import SavedNewsletter, SaveKind, forget_deleted, load, put
from newsletters.tables import NewsletterSave, StoredNewsletter

_RANK: dict[SaveKind, int] = {"auto": 0, "kept": 1, "tested": 2, "sent": 3}
KEEP_ALL_DAYS = 30
_CAMPAIGN = "Campaign {}"


@dataclass(frozen=True)
class SavedVersion:
    """One line of the versions; `id` names it in `restore`. A collided one is a refused save on that version."""

    id: int
    version: int
    kind: SaveKind
    by: str
    at: datetime
    note: str


@dataclass(frozen=True)
class UndoStep:
    """The step that an undo takes back, and the save and version that it goes back to."""

    what: str
    save_id: int
    version: int


def versions(connection: Connection, newsletter_id: int) -> list[SavedVersion]:
    """Return the saved versions of a newsletter, the newest first."""
    table = NewsletterSave
    rows = connection.execute(
        select(*_LISTED).where(table.newsletter_id == newsletter_id).order_by(table.at.desc(), table.id.desc())
    )
    return [SavedVersion(*row) for row in rows]


def contents_of(connection: Connection, newsletter_id: int, save_id: int) -> Contents:
    """Return what a saved version holds; raises StateError if the newsletter has no such save."""
    table = NewsletterSave
    mine = and_(table.newsletter_id == newsletter_id, table.id == save_id)
    content = connection.scalar(select(table.content).where(mine))
    if content is None:
        raise StateError(f"There is no save {save_id} of this newsletter.", hint="Its versions list the saves.")
    return Contents(content["texts"], content["images"], content["brands"])


def restore(connection: Connection, newsletter_id: int, save_id: int, base: int, *, who: str) -> SavedNewsletter:
    """Make an old version, or a refused save, the newest one; raises StateError if `base` is not the current one."""
    now = _unmoved(connection, newsletter_id, base)
    contents = contents_of(connection, newsletter_id, save_id)
    row = connection.execute(select(NewsletterSave).where(NewsletterSave.id == save_id)).one()
    what = f"version {row.version}" if row.kind != "collided" else f"what {row.by} could not save"
    return put(connection, now, contents, who=who, kind="kept", note=f"Restored {what} of {clock.shown(row.at)}")


def undo(connection: Connection, newsletter_id: int, base: int, *, who: str) -> SavedNewsletter:
    """Take back the last step as a new version; again takes back the one before. Raises StateError."""
    now = _unmoved(connection, newsletter_id, base)
    step = next_undo(connection, now)
    if step is None:
        raise StateError("There is nothing to undo.")
    contents = contents_of(connection, now.id, step.save_id)
    return put(connection, now, contents, who=who, note=f"Undone: {step.what}", undone_to=step.version)


def next_undo(connection: Connection, now: SavedNewsletter) -> UndoStep | None:
    """Return the step that `undo` would take back; None if there is nothing to undo."""
    # An autosave meanwhile has taken the place of the version that was read.
    current = _row(connection, now.id, NewsletterSave.version >= now.version)
    if current is None:
        return None
    begun = current.undone_to or current.version
    undone = _row(connection, now.id, NewsletterSave.version == begun)
    before = _row(connection, now.id, NewsletterSave.version < begun)
    if before is None:
        return None
    what = (undone and undone.note) or f"changes since {clock.shown_with_day((undone or current).since)}"
    return UndoStep(what, before.id, before.version)


def text_seen(connection: Connection, now: SavedNewsletter, base: int, language: str) -> str:
    """Return the text of the version that somebody was looking at, or of the autosave that took its place."""
    table = NewsletterSave
    later = and_(table.newsletter_id == now.id, table.version >= base, table.kind != "collided")
    row = _row(connection, now.id, table.version == select(func.min(table.version)).where(later).scalar_subquery())
    return str((row.content if row else now.contents.to_json())["texts"].get(language, ""))


def since_test(connection: Connection, newsletter: SavedNewsletter) -> tuple[SavedVersion | None, dict[str, list[str]]]:
    """Return the newest version that was tested, and the lines changed since by language ("" is the first text)."""
    mine = and_(NewsletterSave.newsletter_id == newsletter.id, NewsletterSave.kind.in_(["tested", "sent"]))
    newest = select(*_LISTED).where(mine).order_by(NewsletterSave.version.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    if row is None or row.version == newsletter.version:
        return (None if row is None else SavedVersion(*row)), {}
    then, now, changed = contents_of(connection, newsletter.id, row.id).texts, newsletter.contents.texts, {}
    for language in (each for each in {**then, **now} if then.get(each) != now.get(each)):
        changed[language] = changed_lines(then.get(language, ""), now.get(language, ""))
    return SavedVersion(*row), changed


def mark(connection: Connection, newsletter: SavedNewsletter, kind: SaveKind, note: str = "") -> bool:
    """Keep this version for ever, as kept, tested or sent; it need not be the newest, or in the list still.

    Returns whether that is new.
    """
    table = NewsletterSave
    mine = and_(table.newsletter_id == newsletter.id, table.version == newsletter.version, table.kind != "collided")
    row = connection.execute(select(table.id, table.kind, table.note).where(mine).with_for_update()).one_or_none()
    if row is None:
        content = {**newsletter.contents.to_json(), "changed": newsletter.changed}
        values = {"newsletter_id": newsletter.id, "version": newsletter.version, "content": content}
        connection.execute(insert(table).values(kind=kind, note=note, by=newsletter.updated_by, **values))
        return True
    notes = "; ".join(filter(None, (row.note, note)))
    best = max(kind, row.kind, key=lambda each: _RANK[each])
    connection.execute(update(table).where(table.id == row.id).values(kind=best, note=notes))
    return bool(best != row.kind)


def mark_campaign(connection: Connection, newsletter: SavedNewsletter, campaign_id: int) -> None:
    """Keep the version that a campaign was made from."""
    mark(connection, newsletter, "kept", _CAMPAIGN.format(campaign_id))


def mark_sent(connection: Connection, campaign_id: int) -> None:
    """Note that the campaign of a version is being sent."""
    noted = NewsletterSave.note.regexp_match(rf"\m{_CAMPAIGN.format(campaign_id)}\M")
    connection.execute(update(NewsletterSave).where(noted, NewsletterSave.kind != "collided").values(kind="sent"))


def thin_versions(connection: Connection) -> int:
    """Keep, of autosaves older than thirty days, the last of each hour; returns how many went.

    Newsletters that were deleted thirty days ago go with all their versions, and count as one each.
    """
    deleted = forget_deleted(connection)
    table, later = NewsletterSave, aliased(NewsletterSave)
    hour = func.date_trunc("hour", table.at)
    followed = exists().where(
        later.newsletter_id == table.newsletter_id, later.version > table.version, later.kind != "collided",
        func.date_trunc("hour", later.at) == hour,
    )  # fmt: skip
    current = exists().where(StoredNewsletter.id == table.newsletter_id, StoredNewsletter.version == table.version)
    old = table.at < func.now() - func.make_interval(0, 0, 0, KEEP_ALL_DAYS)
    thinned = delete(table).where(table.kind == "auto", old, followed, ~current)
    return deleted + connection.execute(thinned).rowcount


def _unmoved(connection: Connection, newsletter_id: int, base: int) -> SavedNewsletter:
    now = load(connection, newsletter_id, lock=True)
    if now.version != base:
        raise StateError(
            f"{now.updated_by} saved version {now.version} meanwhile, and you were looking at version {base}.",
            hint="Look at the newest version, then decide again.",
        )
    return now


_LISTED: tuple[Any, ...] = tuple(getattr(NewsletterSave, each.name) for each in fields(SavedVersion))


def _row(connection: Connection, newsletter_id: int, which: ColumnElement[bool]) -> Row[Any] | None:
    table = NewsletterSave
    newest = (
        select(table)
        .where(table.newsletter_id == newsletter_id, table.kind != "collided", which)
        .order_by(table.version.desc())
        .limit(1)
    )
    return connection.execute(newest).one_or_none()
